/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_HOLD_H
#define MPATHISCSI_HOLD_H

/*
 * May multipathd be told of a new order of a LUN's paths now? It answers with a reload of the
 * map, and a reload waits, with multipathd's lock held, for every I/O in flight on every
 * path (DESIGN.md, decision 6): with I/O stuck on one of them the whole map would stand
 * still. So a change of order waits until nothing can be stuck. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policies/policy.h"

/* What is known of one path. */
struct hold_facts {
	bool in_map;
	bool dm_active; /* usable for the kernel: may have I/O in flight */
	bool answers;	/* verdict up or ghost */
	bool given_up;	/* device offline: the kernel has ended what was in flight */
	bool kept_down; /* excluded, or failed by an operator, since before */
	bool idle;	/* failed in dm, and no I/O counted as in flight */
};

/*
 * Can no I/O be stuck on the path? It is in no map; or it answers; or the kernel has given
 * it up; or it is failed in dm with nothing in flight, and either answers or was kept down
 * all the time. (A zero alone is no proof: what the kernel has requeued for a failed session
 * is not counted.)
 */
bool hold_ready(const struct hold_facts *facts);

/* A path as multipathd knows it and as it is to be. */
struct hold_path {
	bool told; /* multipathd has the old place; else the path is new */
	enum role old_role;
	int old_priority;
	enum role role; /* ROLE_NONE: no policy (any more) */
	int priority;
	bool ready; /* hold_ready() */
};

/*
 * Would the new places put the paths that multipathd knows into another order, other groups,
 * or in or out of exclusion? A path that joins at the head or in the middle reorders nobody
 * else, although it shifts the priorities.
 */
bool hold_reorders(const struct hold_path *paths, size_t n);

/*
 * Would they only get other numbers, in the same order, with no path that is new? That is
 * worth a reload only while nothing can be stuck: until then the old numbers serve as well.
 */
bool hold_only_renumbers(const struct hold_path *paths, size_t n);

/* Index of the first path that is not ready; -1: none. */
int hold_blocker(const struct hold_path *paths, size_t n);

#endif
