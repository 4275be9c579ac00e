/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_DECIDE_H
#define MPATHISCSI_QUICK_DECIDE_H

/*
 * May a session be quick, and may it be given up now? Pure. The rule above all: nothing may
 * turn into an I/O error that the stock timers would have ridden out, and the last path is
 * sacred.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How multipathd treats a map without a path. */
enum map_queueing {
	QUEUEING_UNKNOWN, /* multipathd could not be asked */
	QUEUEING_OFF,	  /* no_path_retry fail, or given up queueing */
	QUEUEING_COUNT,	  /* no_path_retry N: for a time */
	QUEUEING_ALWAYS,  /* no_path_retry queue */
};

/* One LUN of a session. */
struct decide_lun {
	bool in_map;		/* else nobody's I/O can be diverted */
	bool used_alone;	/* not in a map, and somebody has it open (mounted, LVM, md …) */
	bool used_raw;		/* … or perhaps somebody has, for it has done I/O of late */
	bool live_queues;	/* its live dm table queues when it has no path */
	enum map_queueing queueing;
	uint32_t queueing_ms;	/* QUEUEING_COUNT: how long */
	bool this_usable;	/* the session's path is usable (dm and our own judgement) */
	unsigned int others;	/* usable paths of it over other sessions, that are healthy now */
	unsigned int others_since; /* … and have answered since the suspicion began */
	bool others_other_portal; /* at least one of these last over another portal */
	bool others_other_link;	  /* at least one of them by another interface, which is up */
};

struct decide_session {
	bool enabled;	   /* `mpathiscsi off` is not in force */
	bool software;	   /* iscsi_tcp */
	bool arm, release; /* by configuration */
	bool logged_in;
	uint64_t logged_in_ms; /* for how long */
	bool socket_known;
	bool link_lost;	    /* the interface that it goes out by is down (link_loss.h) */
	uint32_t stock_ms;  /* how long the kernel's own timers would ride out a silence; 0: not
			     * known, nothing is long enough */
	const struct decide_lun *luns;
	size_t n_luns;
};

struct decide_limits {
	uint32_t stable_ms;
};

/* The reasons about a LUN stand last. Where several LUNs stand in the way, the reason that
 * comes first here is given, and the first LUN that has it: the answer does not depend on
 * the order of LUNs. */
enum quick_reason {
	QUICK_YES,
	QUICK_SWITCHED_OFF, /* mpathiscsi off */
	QUICK_NOT_WANTED,   /* arm = off and release = off; for decide_release: release = off */
	QUICK_HARDWARE,
	QUICK_NOT_LOGGED_IN,
	QUICK_SETTLING,	    /* logged in, but not for long enough */
	QUICK_NO_SOCKET,
	QUICK_NO_LUN,	    /* no disk of it is in a map */
	QUICK_USED_ALONE,   /* a disk of it is used without a map: nothing would divert its I/O */
	QUICK_USED_RAW,	    /* … or may be, see raw_use.h */
	QUICK_LAST_PATH,
	QUICK_NO_QUEUEING,
	QUICK_QUEUEING_UNKNOWN,
	QUICK_QUEUEING_SHORT, /* no_path_retry ends before the kernel's timers would have */
	QUICK_OTHERS_UNPROVEN, /* release: no other path has answered since the suspicion began */
	QUICK_SAME_PORTAL,     /* release: the other paths go over the same portal */
	QUICK_SAME_LINK,       /* … link lost: none goes by another interface that is up */
	QUICK_REASON_MAX
};

struct quick_decision {
	enum quick_reason reason;
	size_t lun; /* index of the LUN that stands in the way, for those that are about one */
};

/* Is the reason about one LUN, so that quick_decision.lun means something? */
bool quick_reason_of_lun(enum quick_reason reason);

/*
 * May the session be quick (max_retries 0, armed socket)? Every LUN of it that is in a map
 * must have another healthy path, and queue without any for as long as stock would have
 * waited. A LUN in no map is of no account unless somebody uses it as it is: an armed
 * connection would be lost to that one, too.
 */
struct quick_decision decide_quick(const struct decide_session *session,
				   const struct decide_limits *limits);

/* May it be given up now (fail_path, SOCK_DESTROY)? It must be quick, every LUN must have a path
 * that has answered since the suspicion began, over another portal. Where the link is lost: by
 * another interface; the portal may be the same, for nothing speaks against it. */
struct quick_decision decide_release(const struct decide_session *session,
				     const struct decide_limits *limits);

const char *quick_reason_text(enum quick_reason reason); /* "map does not queue", … */

/*
 * At most 'per_minute' sessions released in any 60 s, host-wide (0: none; more than
 * RELEASE_BUDGET_MAX counts as that). True: one is taken. 'times' are those of past releases
 * in ns (0: none), 'next' the oldest; all zero at the start. A clock that went back takes none.
 */
#define RELEASE_BUDGET_MAX 600
struct release_budget {
	uint64_t times[RELEASE_BUDGET_MAX];
	size_t next;
};
bool release_budget_take(struct release_budget *budget, uint32_t per_minute, uint64_t now_ns);

#endif
