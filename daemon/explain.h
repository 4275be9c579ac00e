/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EXPLAIN_H
#define MPATHISCSI_EXPLAIN_H

/*
 * Why a path does or does not carry I/O now: always exactly one reason, the strongest that
 * applies, and one sentence. Pure: no I/O, no clock, no logging.
 */

#include <stdbool.h>
#include <stddef.h>

#include "checker/verdict.h"
#include "policies/policy.h"

/* Who keeps a path failed in the kernel's map. */
enum explain_hold {
	EXPLAIN_NOT_HELD,
	EXPLAIN_HELD_BY_US,	    /* `mpathiscsi fail`, until reinstated */
	EXPLAIN_HELD_BY_MULTIPATHD, /* `multipathd fail path`, until reinstated */
};

/* Everything the reason depends on. Groups count from 0. */
struct explain_state {
	bool has_map;	  /* the LUN has a map */
	bool in_map;	  /* and the path is in it */
	bool usable;	  /* the kernel's map has the path active */
	bool by_plan;	  /* the path would carry I/O if the plan were in the table */
	bool in_force;	  /* kernel's groups and plan agree */
	bool disabled;	  /* its group is set aside in the kernel */
	int group;	  /* kernel's, valid with in_map */
	int current;	  /* group that carries I/O, -1 none */
	enum role role;
	enum verdict_state verdict;
	enum explain_hold hold;
};

/* In the order in which they are asked for: the first that applies is the reason. */
enum why {
	/* outside the map */
	WHY_NO_MAP,
	WHY_NOT_IN_MAP,
	/* failed in the kernel's map */
	WHY_EXCLUDED,
	WHY_HELD,
	WHY_HELD_MULTIPATHD,
	WHY_DOWN,
	WHY_SUSPECT,
	WHY_FAILED,
	/* usable for the kernel, in the group in use */
	WHY_IN_USE_EXCLUDED,
	WHY_IN_USE_DOWN,
	WHY_IN_USE_SUSPECT,
	WHY_IN_USE_PENDING,
	WHY_IN_USE_STANDBY,
	WHY_IN_USE,
	/* usable for the kernel, another group is in use */
	WHY_EXCLUDED_SOON,
	WHY_DOWN_IDLE,
	WHY_SUSPECT_IDLE,
	WHY_DISABLED,
	WHY_PENDING,
	WHY_FAILBACK,
	WHY_STANDBY,
	WHY_BEHIND,
	WHY_MAX
};

enum why explain_path(const struct explain_state *state);

const char *explain_code(enum why why); /* "standby" …: for scripts */
bool explain_carries(enum why why);	/* is it one of those that carry I/O? */

/* Words of a sentence, all owned by the caller. */
struct explain_words {
	const char *role;   /* "standby: rule 2 of [lun mpatha], portal=10.0.2.2" */
	const char *reason; /* the verdict's sentence */
	const char *access; /* ALUA state by the target, "" where it has none */
	const char *wait;   /* why the policy is not in force yet, "" */
	int group, n_groups, current; /* as in struct explain_state */
};

/* The sentence, without a full stop, cut to 'size' (EXPLAIN_TEXT_MAX is enough). Returns
 * 'buffer'. */
#define EXPLAIN_TEXT_MAX 2048
const char *explain_text(enum why why, const struct explain_words *words, char *buffer,
			 size_t size);

/*
 * "standby: rule 2 of [lun mpatha], portal=10.0.2.2": which role, by which rule of which
 * section. 'scope' is "lun mpatha", "" of what is built in; 'setting' NULL without a policy. Returns
 * 'buffer'.
 */
#define EXPLAIN_ROLE_MAX 1024
const char *explain_role(const struct policy_setting *setting, const char *scope,
			 const struct plan_path *plan, char *buffer, size_t size);

#endif
