/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_REGROUP_H
#define MPATHISCSI_REGROUP_H

/*
 * A table whose groups stand in another order than the plan, though every path is in order.
 * In a table that it makes, multipathd counts a path whose first answer is still due, or that
 * is down, as nothing and puts its group last. From 0.9.6 on it puts the order right by itself
 * when the path is back; 0.9.4 never does: it switches groups by priority, but when the active
 * path fails the kernel goes by the table. So, when that has lasted longer than multipathd
 * takes to notice anything: `reload map`, once. Only while no I/O can be stuck (hold.h).
 *
 * A failure and a return alone never lead here: they change no priority, so no table is made
 * and the order stays. What leads here is a table that somebody had made meanwhile: multipathd
 * of a new map, a session that was logged in or out, an operator's `reconfigure`. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer than multipathd's longest interval between two checks of a path. */
#define REGROUP_AFTER_MS 25000

/* One LUN that is out of order now. */
struct regroup_lun {
	uint64_t id;	   /* of the LUN; unique */
	uint64_t plan_ns;  /* when its plan was told last */
	bool due;	   /* out: ask for the reload now */
};

struct regroup_entry {
	uint64_t id, since_ns, plan_ns;
	bool asked;
};

struct regroup {
	struct regroup_entry *entries;
	size_t n;
};

/*
 * These LUNs, and no others, are out of order and healthy. Marks those that are due. A LUN
 * that is put in order, or whose plan changes, begins anew. -ENOMEM: nothing is due.
 */
int regroup_step(struct regroup *regroup, struct regroup_lun *luns, size_t n, uint64_t now_ns);

void regroup_free(struct regroup *regroup);

#endif
