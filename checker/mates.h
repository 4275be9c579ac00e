/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_MATES_H
#define MPATHISCSI_MATES_H

/*
 * What the LUNs over one session have in common: when one of them was last found to be well by a
 * test, and when one was last found to be other than before. A target that has changed its list of
 * LUNs, its ports' access states or itself tells every LUN that it concerns (a unit attention, SAM-5
 * 5.14), mostly all of a session, so that it is enough to ask some of them often and each of them
 * now and then.
 *
 * One table for the whole process; any thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct mates;

/* Those of a session (path_name_hash() guards against a reused sid). To be left. NULL: no memory. */
struct mates *mates_join(uint32_t sid, uint64_t name_hash);
void mates_leave(struct mates *mates); /* NULL: nothing */

/* A LUN answered a test that was sent at 'sent_ns' (CLOCK_MONOTONIC): nothing wrong with it; it
 * is other than it was. NULL: nothing. */
void mates_well(struct mates *mates, uint64_t sent_ns);
void mates_odd(struct mates *mates, uint64_t now_ns);

/* The last of each; 0: never. NULL: both never. */
void mates_look(struct mates *mates, uint64_t *ret_well_ns, uint64_t *ret_odd_ns);

#endif
