/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LINGERING_H
#define MPATHISCSI_LINGERING_H

/*
 * Which paths does multipathd keep failed although they are in order? Those that an operator
 * failed by `multipathd fail path`: it turns the path's checker off, and multipathd tells
 * nobody so (0.9.4 … 0.14.3: `show paths` gives the state "faulty" and the checker's name,
 * like that of any other path that is down). But an enabled checker looks at a failed path
 * every polling interval and reinstates it when its LUN answers. So: the kernel's map has the
 * path failed, its portal answers, its LUN has answered TEST UNIT READY for longer than that,
 * and it is still failed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"

/* polling_interval is 5 s unless configured; what takes longer than twice that is no delay. */
#define LINGERING_OPERATOR_MS 12000

struct lingering_entry;

struct lingering {
	struct lingering_entry *entries;
	size_t n;
};

/*
 * Bring the list to exactly these paths (in a map, failed there, otherwise in order, kept
 * down by nobody), asking their LUNs every few seconds, in threads of their own: never
 * waits. -ENOMEM: the list stays as it was.
 */
int lingering_update(struct lingering *lingering, const struct iscsi_identity *const *paths,
		     size_t n, uint64_t now_ns);

/* For how long the LUN has answered while the path is failed; 0: not (yet), or not listed. */
uint64_t lingering_good_ms(const struct lingering *lingering, const struct iscsi_identity *id,
			   uint64_t now_ns);

/* Is it on the list, whatever is known of it? */
bool lingering_has(const struct lingering *lingering, const struct iscsi_identity *id);

void lingering_free(struct lingering *lingering);

#endif
