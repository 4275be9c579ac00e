/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_FENCE_H
#define MPATHISCSI_QUICK_FENCE_H

/*
 * Over which portal a dead session is fenced off (fence = reinstate). Pure. A login with its
 * InitiatorName and ISID takes its place at the target, which has to end its tasks first (RFC
 * 7143, 6.3.5); sessions are one and the same only within a portal group, so it must go to
 * another portal of that group, and to one that answers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/path_name.h"

/* How long the target may take to end the session's tasks before its I/O is set free
 * nevertheless. */
#define FENCE_MS 1500

enum fence_reason {
	FENCE_FOUND,
	FENCE_NO_GROUP,	  /* the session's portal group is not known */
	FENCE_NO_PORTAL,  /* no session of ours over another portal of the group */
	FENCE_NO_ANSWER,  /* there is, but it has not answered since the suspicion began */
	FENCE_REASON_MAX
};

/* A session of the kernel. */
struct fence_session {
	const struct path_name *name;
	const char *initiator;
	bool healthy;	      /* logged in, and nothing speaks against it */
	uint64_t answered_ns; /* its last sign of life */
};

struct fence_choice {
	enum fence_reason reason;
	size_t index; /* of 'all', when found */
};

/* Of 'all' (of which 'dead' may be one), the one that has answered last, after 'since_ns'. */
struct fence_choice fence_choose(const struct fence_session *dead, uint64_t since_ns,
				 const struct fence_session *all, size_t n);

const char *fence_reason_text(enum fence_reason reason); /* a phrase */

#endif
