/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUEUEING_H
#define MPATHISCSI_QUEUEING_H

/* What becomes of I/O while a map has no path left, in words. */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/multipathd_parse.h"

/*
 * A clause such as "I/O waits for about 60 s, then fails (no_path_retry 12, every 5 s)".
 * 'queues': the live table's queue_if_no_path. 'map': as multipathd tells it, NULL when it
 * does not. 'interval': seconds between checks of a path that is down, 0 not known. Pure.
 * Returns 'buffer'.
 */
#define QUEUEING_TEXT_MAX 128
const char *queueing_text(bool queues, const struct mp_map *map, unsigned int interval,
			  char *buffer, size_t size);

/* Ask multipathd for the map of this WWID, and word it. The command's, never the daemon's:
 * it waits, 2 s at most. Returns 'buffer'. */
const char *queueing_ask(bool queues, const char *wwid, char *buffer, size_t size);

#endif
