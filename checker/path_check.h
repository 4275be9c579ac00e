/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PATH_CHECK_H
#define MPATHISCSI_PATH_CHECK_H

/*
 * One path under watch: gathers the evidence (sysfs, board, test of the LUN) and has it
 * judged. Knows nothing of multipathd. Calls for one path come one at a time, for several
 * possibly at once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "checker/verdict.h"

/* Where evidence comes from (NULL: the real places), and how much of it is gathered. */
struct check_roots {
	const char *sysfs;
	const char *board;
	struct board_reader *reader; /* of that board, kept by the caller; NULL: none */
	bool quiet_looks; /* look at the board alone where that suffices: verdict_is_quiet() */
	uint64_t (*dm_events)(uint64_t now_ns); /* dm_events.h; NULL: not known */
};

enum check_mode {
	CHECK_INLINE, /* test in this thread, wait for it */
	CHECK_BRIEF,  /* test elsewhere, wait for it no longer than a millisecond */
	CHECK_ASYNC,  /* test elsewhere, do not wait */
	/* … but for the very first look: up to 20 ms, 300 ms for all paths within 10 s */
};

struct path_check;

/* Watch the disk behind 'fd'. 'roots' must outlive it. 0 or -ENOMEM. */
int path_check_new(int fd, const struct check_roots *roots, struct path_check **ret);

/* Look now. 'timeout_s': of one test; 0: 30 s. */
struct verdict path_check_look(struct path_check *path, int fd, unsigned int timeout_s,
			       enum check_mode mode);

/* Look only whether the test that was outstanding has ended meanwhile. */
struct verdict path_check_again(struct path_check *path);

/* Is a test outstanding whose end nobody has looked for since it was started? */
bool path_check_waits(const struct path_check *path);

/* What the last verdict rests on. */
const struct evidence *path_check_evidence(const struct path_check *path);
const char *path_check_device(const struct path_check *path); /* "sda"; "8:16" if unknown */

void path_check_free(struct path_check *path); /* NULL: nothing */

#endif
