/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_HASH_INDEX_H
#define MPATHISCSI_HASH_INDEX_H

/*
 * Where in a table of its owner's an entry stands, by a hash of what it is looked up by. Open
 * addressing with linear probing, never more than half full. Different keys may have one hash,
 * so the owner compares. All zero: empty.
 */

#include <stddef.h>
#include <stdint.h>

#define HASH_INDEX_NONE SIZE_MAX

struct hash_index_slot {
	uint64_t hash;
	size_t after; /* one more than the position in the table; 0: free */
};

struct hash_index {
	struct hash_index_slot *slots;
	size_t size, n; /* size: a power of two, or 0 */
};

int hash_index_add(struct hash_index *index, uint64_t hash, size_t position); /* -ENOMEM */

/* What is not there stays so. Behind it there is room for one more: the next add succeeds. */
void hash_index_remove(struct hash_index *index, uint64_t hash, size_t position);

/* Forgets all, but keeps the room: as many as there were can be added without fail. */
void hash_index_clear(struct hash_index *index);

/* The positions under 'hash', one at each call; *cursor is 0 at the first. HASH_INDEX_NONE:
 * no more. */
size_t hash_index_next(const struct hash_index *index, uint64_t hash, size_t *cursor);

void hash_index_free(struct hash_index *index); /* what it holds; leaves it empty */

#endif
