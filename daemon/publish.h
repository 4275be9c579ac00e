/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PUBLISH_H
#define MPATHISCSI_PUBLISH_H

/*
 * From the plans to what the board says of paths: the plan, unless it would put a LUN's paths
 * into another order at a time when the reload that follows could hang (hold.h); then what
 * the board said before. Paths that an operator has failed are marked.
 */

#include "daemon/watch.h"

/*
 * The records of all paths into 'records' (room for one per disk). Logs when a LUN begins or
 * ends to wait. -ENOMEM: none.
 */
int publish_paths(struct watch *watch, uint64_t now_ns, struct board_path *records,
		  size_t *ret_n);

/* These are on the board now: remember. -ENOMEM: the ones before stay remembered. */
int publish_done(struct watch *watch, const struct board_path *records, size_t n);

/* The path that the LUN's new plan has to wait for; NULL: it does not wait. */
const struct lun_path *publish_waits_for(const struct watch *watch, const struct lun *lun,
					 uint64_t now_ns);

/* "portal 10.0.1.2:3260 (silent for 812 ms)": why a path cannot be reloaded over now. */
#define PUBLISH_WAIT_TEXT_MAX 512
const char *publish_wait_text(const struct watch *watch, const struct lun_path *path,
			      uint64_t now_ns, char *buffer, size_t size);

/* Is every path in the LUN's map such that no I/O can be stuck on it, and usable or kept out
 * on purpose? *ret_plan_ns: when its newest record was made. */
bool publish_may_reload(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
			uint64_t *ret_plan_ns);

void published_free(struct published *published);

#endif
