/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_DM_EVENTS_H
#define MPATHISCSI_DM_EVENTS_H

/*
 * Has any device-mapper map of the host had an event? Whenever dm fails a path, for an error of I/O
 * or because it was told to, its map has one (the kernel's drivers/md/dm-mpath.c, fail_path()), and
 * multipathd hears of it by the same means. So as long as there is none, no path has been failed, and
 * nobody need ask each disk whether a command has failed there.
 *
 * One for the whole process; any thread.
 */

#include <stdint.h>

/* A number that is another one after an event. As of 'now_ns' (CLOCK_MONOTONIC), or up to 'share_ns'
 * before. 0: it cannot be told (no device-mapper, kernel before 4.14, not root). */
uint64_t dm_events_number(uint64_t now_ns, uint64_t share_ns);

/* Keep no descriptor any more; 0 from now on. Does not wait for who is asking just now. */
void dm_events_close(void);

#endif
