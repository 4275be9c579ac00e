/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_HANG_STATE_H
#define MPATHISCSI_QUICK_HANG_STATE_H

/* What is remembered of LUNs that hang; for hang*.c only. */

#include "checker/damping.h"
#include "daemon/quick/hang.h"
#include "daemon/quick/lun_silence.h"
#include "daemon/quick/state.h"

#define HANG_WHY_MAX   160
#define HANG_SILENT_MS 900 /* silent for longer: look more often */

struct hang_disk {
	dev_t devt;
	struct silence io;
};

/* A path on which a LUN hangs or hung, by what lasts over a new login. */
struct hang {
	uint64_t wwid_hash, name_hash;
	bool is;	  /* not to be used until a READ has been answered */
	bool was_stuck;	  /* its own I/O hung; else that of its port group did */
	bool freed;	  /* the connection was ended */
	bool seen_failed; /* dm has had it as failed since */
	uint64_t since_ns, failed_ns, ended_ns;
	uint64_t told_ns; /* dm was told last to fail it */
	uint64_t seen_ns; /* the path was there */
	struct damping damping;
};

/* A LUN with I/O that hangs, and nothing is done. */
struct hang_refusal {
	uint64_t wwid_hash;
	uint64_t since_ns;
	bool said;
	char why[HANG_WHY_MAX];
};

struct hangs {
	bool waiting; /* some I/O is in flight without an answer since */
	bool silent; /* some disk is: look more often */
	uint64_t looked_ns;
	struct hang_disk *disks; /* of the inventory, sorted by number */
	size_t n_disks;
	uint64_t generation; /* of the inventory they are from */
	struct hang *table;
	size_t n;
	struct hang_refusal *refusals;
	size_t n_refusals;
	uint64_t n_hangs, n_freed, n_refused; /* for people */
};

/* The table of disks follows the inventory. -ENOMEM. */
int hang_sync_disks(struct hangs *hangs, const struct inventory *inventory);
/* What was seen of a disk's I/O; NULL: nothing. */
const struct silence *hang_silence(const struct hangs *hangs, dev_t devt);

uint64_t hang_lun_hash(const struct lun *lun);

/* NULL: none; 'hangs' may be NULL, too. */
struct hang *hang_find(const struct hangs *hangs, const struct lun *lun,
		       const struct lun_path *path);
struct hang *hang_add(struct hangs *hangs, const struct lun *lun, const struct lun_path *path);
/* What a former daemon has left on the board. */
void hangs_adopt(const struct quick *quick, uint64_t now_ns);
bool hangs_any(const struct hangs *hangs); /* NULL: false */

void hang_begin(const struct quick *quick, struct hang *hang, const struct silence *io,
		uint64_t now_ns);

/* The paths 'hung' hang: turn new I/O away from them and free what is stuck, if that may be. */
void hang_act(struct quick *quick, const struct lun *lun, const struct silence_path *paths,
	      const bool *hung, uint64_t now_ns);

/* Are its paths in use again? True: the board has to say something else now. */
bool hang_look(struct quick *quick, const struct lun *lun, uint64_t now_ns);

/* Why nothing is done about the LUN, "": something is, or nothing hangs. Said once it has
 * lasted for a second. */
void hang_refused(struct quick *quick, const struct lun *lun, const char *why, uint64_t now_ns);

/* May the path's session be given up for a LUN that hangs? NULL: yes; else a phrase. */
const char *hang_refusal(struct quick *quick, const struct lun_path *path, uint64_t now_ns);

/* Forget what has been over for long. */
void hangs_tidy(struct hangs *hangs, uint64_t now_ns);

const char *hang_path_name(const struct lun_path *path, char *buffer, size_t size);

#endif
