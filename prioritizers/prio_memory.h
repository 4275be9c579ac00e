/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PRIO_MEMORY_H
#define MPATHISCSI_PRIO_MEMORY_H

/*
 * What the prioritizer remembers from one call to the next: a table of fixed size, so that
 * nothing grows in multipathd. An entry may be lost when more things are remembered than fit
 * (the one not used for longest goes), never be wrong.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "prioritizers/prio_decide.h"

/* Room for about 1500 paths, two entries each. Power of two. */
#define PRIO_MEMORY_SLOTS 4096
/* An entry lies in one of so many slots behind the place its key hashes to. */
#define PRIO_MEMORY_WINDOW 16

enum prio_kind {
	PRIO_KIND_FREE,
	PRIO_KIND_PLAN,	   /* last plan read from the board: sid, lun, hash of the path's name */
	PRIO_KIND_DEVICE,  /* last answer for a disk: hash of its name */
	PRIO_KIND_SESSION, /* addresses of a session: sid, hash of target and interface */
	PRIO_KIND_SAID,	   /* a message that need not be said again: its hash */
};

struct prio_key {
	enum prio_kind kind;
	uint32_t sid;
	uint64_t lun;
	uint64_t hash;
};

struct prio_entry {
	struct prio_key key;
	uint64_t used; /* when last, by count of uses */
	union {
		struct { /* PLAN, DEVICE */
			struct prio_answer answer;
			uint64_t wwid_hash; /* of PLAN */
			bool built_in;	    /* of PLAN, as struct prio_facts */
		};
		struct { /* SESSION */
			struct portal portal;
			struct ip_address source;
		};
	};
};

struct prio_memory {
	uint64_t uses;
	struct prio_entry slots[PRIO_MEMORY_SLOTS];
};

/* NULL: not known. The entry stays valid until the next prio_memory_add(). */
struct prio_entry *prio_memory_find(struct prio_memory *memory, const struct prio_key *key);

/* As above, or a new entry, all zero behind its key. */
struct prio_entry *prio_memory_add(struct prio_memory *memory, const struct prio_key *key);

void prio_memory_forget(struct prio_memory *memory, const struct prio_key *key);

#endif
