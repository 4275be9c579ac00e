/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_FORECAST_H
#define MPATHISCSI_FORECAST_H

/*
 * Where a LUN's I/O goes, given groups and which paths are up. Pure: the answer to "what if"
 * is computed from nothing but a plan or the kernel's table.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/lun.h"
#include "policies/policy.h"

struct forecast_path {
	unsigned int group; /* from 0, in the kernel's order */
	bool placed;	    /* it is in a group at all */
	bool usable;	    /* the kernel would send I/O down it */
	bool excluded;	    /* never used, whatever its state */
	bool disabled;	    /* its group was set aside by hand */
};

/* Which groups a forecast counts on. */
enum forecast_basis {
	FORECAST_KERNEL, /* those of the live table */
	FORECAST_PLAN,	 /* those the policy plans */
};

/*
 * The group that dm-multipath uses once failback has been done: the first that has a usable
 * path; groups set aside only when no other is left (choose_pgpath() of drivers/md/dm-mpath.c).
 * -1: none is left.
 */
int forecast_group(const struct forecast_path *paths, size_t n);

/* Does the path carry I/O when 'group' is in use? */
bool forecast_carries(const struct forecast_path *path, int group);

/* The group behind: what forecast_group() gives when all paths of 'group' are lost. */
int forecast_next(const struct forecast_path *paths, size_t n, int group);

/* Fill out[i] for paths that 'plan' places; 'usable': one flag a path. */
void forecast_plan(const struct plan_path *plan, const bool *usable, size_t n,
		   struct forecast_path *out);

/* Fill out[i] (at least POLICY_PATHS_MAX) with what the kernel's table says now. */
void forecast_now(const struct lun *lun, struct forecast_path *out);

/*
 * Fill out[i] (at least POLICY_PATHS_MAX) for the LUN's paths, at most POLICY_PATHS_MAX of
 * them: by the plan when the LUN has a policy and the kernel's table says the same, else by
 * the table alone (without a map nothing is placed). Returns what it took.
 */
enum forecast_basis forecast_lun(const struct lun *lun, const bool *usable,
				 struct forecast_path *out);

#endif
