/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PRIO_DECIDE_H
#define MPATHISCSI_PRIO_DECIDE_H

/*
 * Which priority a path gets: what is known about it -> priority and where it comes from.
 * Pure. The strongest source wins, and a source that falls silent (daemon dead, board removed
 * or damaged) changes no priority: multipathd would answer a change by a table reload.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/board.h"
#include "policies/policy.h"

/* In order of strength. */
enum prio_source {
	PRIO_BY_NOTHING,      /* not decided */
	PRIO_BY_BOARD,	      /* the daemon's plan, also when the daemon is dead */
	PRIO_BY_LAST_PLAN,    /* the last one seen on the board, which is unreadable now */
	PRIO_BY_DAEMON_LATER, /* other paths of the LUN are in a plan, this one not yet */
	PRIO_BY_ARGS,	      /* the policy in prio_args */
	PRIO_BY_ACCESS_STATE, /* no policy: what the target says (ALUA) */
	PRIO_BY_DEFAULT,      /* no policy, nothing said: all alike */
	PRIO_SOURCE_MAX
};

/* Without policy and access state: all paths alike, so that they share one group. */
#define PRIORITY_WITHOUT_POLICY 1

struct prio_facts {
	bool is_iscsi; /* all up to has_access_state is valid only then */
	enum board_trust trust;
	/* with BOARD_FRESH and BOARD_STALE: */
	bool same_lun; /* the record is about this LUN (WWID), not one before it */
	enum role role;
	int board_priority;
	/* The plan, of the board or remembered, is what the product does where nobody has set a
	 * policy: a policy in prio_args is stronger. */
	bool built_in;
	/* The daemon is alive and knows the session: what is not on its board it left out. */
	bool session_on_board;
	bool remembered; /* the board was read once before, with this priority: */
	int remembered_priority;
	bool siblings_on_board; /* another path of the LUN has a plan on the board */
	bool has_args_plan;
	int args_priority;
	bool has_access_state;
	const char *access_state; /* sysfs access_state of the SCSI device */
	bool preferred;		  /* its preferred_path */
};

struct prio_answer {
	int priority;
	enum prio_source source;
};

struct prio_answer prio_decide(const struct prio_facts *facts);

/* Does the board say that the path has no policy (any more)? Then what it said earlier must
 * be forgotten; an unreadable board says nothing. */
bool prio_policy_withdrawn(const struct prio_facts *facts);

/* Priority of an ALUA access state, as multipath-tools' own "sysfs" prioritizer gives it. */
int prio_of_access_state(const char *access_state, bool preferred);

/* A phrase for logs: "plan of the daemon" … */
const char *prio_source_text(enum prio_source source);

#endif
