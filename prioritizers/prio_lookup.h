/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PRIO_LOOKUP_H
#define MPATHISCSI_PRIO_LOOKUP_H

/*
 * Collects what prio_decide() wants to know about one disk: reads of sysfs and of the board,
 * nothing that waits for a device or a daemon. Knows no plugin interface and does not log.
 */

#include "policies/policy.h"
#include "prioritizers/prio_decide.h"
#include "prioritizers/prio_memory.h"

/*
 * multipath-tools keeps 254 characters of prio_args and drops the rest without a word
 * (PRIO_ARGS_LEN 255 in libmultipath/prio.h, 0.8.5 to 0.15).
 */
#define PRIO_ARGS_CUT_LENGTH 254

struct prio_request {
	const char *sysfs;  /* NULL: /sys */
	const char *board;  /* NULL: BOARD_DEFAULT_PATH */
	const char *device; /* "sda" */
	const char *args;   /* prio_args, NULL or "" without */
	uint64_t now_ns;    /* CLOCK_MONOTONIC */
	struct prio_memory *memory;
};

struct prio_report {
	struct prio_answer answer;
	struct prio_answer before; /* last answer for this disk; PRIO_BY_NOTHING: the first */
	enum board_trust trust;	   /* of the path's record; valid for an iSCSI path */
	bool is_iscsi;
	bool args_cut; /* prio_args is as long as what multipath-tools keeps of it */
	/* Why prio_args does not count though it was wanted; "" otherwise. */
	char args_problem[POLICY_MESSAGE_MAX];
	/* prio_args counts, and excludes this path: which a priority cannot do. */
	bool args_exclude;
	/* prio_args counts, and contradicts the target (policy_warning()); "" otherwise. */
	char args_warning[POLICY_MESSAGE_MAX];
};

/*
 * The priority of a disk. When its identity cannot be read for want of resources the last
 * answer is given again. -ENODEV: no such disk; -ENOMEM, other -errno: no answer now and
 * none before. *ret is written in any case but failure.
 */
int prio_lookup(const struct prio_request *request, struct prio_report *ret);

#endif
