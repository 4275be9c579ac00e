/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_HANG_STATE_H
#define MPATHISCSI_QUICK_HANG_STATE_H

/* What is remembered of LUNs that hang; for hang*.c only. */

#include "checker/damping.h"
#include "daemon/hash_index.h"
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

/* What was found of giving up certain sessions together. */
struct hang_answer {
	uint64_t doomed; /* a hash: which, and whose answers came too early for them */
	const char *why; /* NULL: they may be given up */
};

/* As many at one look as make for so many paths to be looked through, within limits. */
#define HANG_PATHS_A_LOOK 49152
#define HANG_ANSWERS_MIN  3
#define HANG_ANSWERS_MAX  64

struct hangs {
	bool waiting; /* some I/O is in flight without an answer since */
	bool silent; /* some disk is: look more often */
	uint64_t looked_ns;
	struct hang_disk *disks; /* of the inventory, sorted by number */
	size_t n_disks;
	uint64_t generation; /* of the inventory they are from */
	struct hang *table;
	size_t n;
	struct hash_index by_path; /* of the table */
	struct hang_refusal *refusals;
	size_t n_refusals;
	struct hash_index by_lun; /* of the refusals */
	struct hang_answer answers[HANG_ANSWERS_MAX]; /* of this look */
	size_t n_answers, n_asked;
	size_t next_lun; /* which LUN the next look begins with: its place in the table */
	bool hurry;	 /* there is more to do than a look may: the next one comes at once */
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

/* A LUN that hangs on some paths, at this moment. */
struct hang_case {
	const struct lun *lun;
	struct silence_path paths[POLICY_PATHS_MAX];
	bool hung[POLICY_PATHS_MAX];
	uint64_t now_ns;
};

/* Is I/O stuck on path i of it, that nobody frees yet? */
bool hang_is_stuck(const struct quick *quick, const struct hang_case *c, size_t i);
bool hang_any_stuck(const struct quick *quick, const struct hang_case *c);

/* Is every path that hangs noted already? */
bool hang_is_noted(const struct quick *quick, const struct hang_case *c);
/* Take note of the paths that hang. True: the board has to be told, before hang_act(). */
bool hang_note(struct quick *quick, const struct hang_case *c);
/* Turn new I/O away from them, and free what is stuck once that may be. True: as above. */
bool hang_act(struct quick *quick, const struct hang_case *c);

/* Are its paths in use again? True: the board has to say something else now. */
bool hang_look(struct quick *quick, const struct lun *lun, uint64_t now_ns);

/* Why nothing is done about the LUN, "": something is, or nothing hangs. Said once it has
 * lasted for a second. */
void hang_refused(struct quick *quick, const struct lun *lun, const char *why, uint64_t now_ns);

/*
 * hang_doom.c: may the sessions on which a LUN's I/O is stuck be given up together? To decide
 * that all paths of all LUNs are looked through, which takes too long to do it for each of a
 * thousand LUNs that hang at once. So it is asked first whether the sessions of all of them may
 * be given up together, and of one alone only where that is not so, of few at each look.
 */
enum hang_word {
	HANG_MAY,
	HANG_MAY_NOT,
	HANG_LATER, /* not decided at this look: the time for that is used up */
};

/* Of a look: first all cases are added, then the question about all is decided. */
void hang_doom_begin(struct quick *quick);
void hang_doom_add(struct quick *quick, const struct hang_case *c);
void hang_doom_decide(struct quick *quick, uint64_t now_ns);

/* *ret_why is written for HANG_MAY_NOT, a phrase. */
enum hang_word hang_doom_ask(struct quick *quick, const struct hang_case *c,
			     const char **ret_why);
/* Another path hangs now: who could be given up may carry a LUN's last path since. */
void hang_doom_outdated(struct quick *quick);
/* Was it found of all together? That stays true, whichever of them is given up. */
bool hang_doom_together(const struct quick *quick, const struct hang_case *c);

/* Forget what has been over for long. */
void hangs_tidy(struct hangs *hangs, uint64_t now_ns);

const char *hang_path_name(const struct lun_path *path, char *buffer, size_t size);

#endif
