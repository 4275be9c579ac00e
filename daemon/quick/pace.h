/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_PACE_H
#define MPATHISCSI_QUICK_PACE_H

/*
 * How often sessions are looked at, and whether their portals are asked in haste. Pure.
 *
 * Where no reads or writes are going on and nothing is wrong there is no hurry: an armed
 * connection is ended by the kernel, whoever looks; one that is not armed has nothing in flight
 * that could be freed. TEST UNIT READYs of path checkers and the kernel's NOPs go on all the time
 * and are no reason for haste, but whatever waits for an acknowledgement at a look is: then the
 * next look comes as soon as under load. So I/O that begins in the very moment in which its portal
 * falls silent is found PACE_IDLE_MS later, at the worst, than in the middle of a load; and the
 * looks of an idle host stay close enough for the clocks of suspicion.h to go on
 * (SUSPICION_GAP_MS).
 */

#include <stdbool.h>
#include <stdint.h>

#define PACE_QUICK_MS  100
#define PACE_IDLE_MS   400
#define PACE_MOVING_MS 2500 /* after I/O was seen; it is looked for about every second */

struct pace_facts {
	uint64_t now_ns;
	bool trouble;	   /* some session, its link or its LUNs are not as every day */
	bool unanswered;   /* some connection had something unacknowledged at this look */
	uint64_t moved_ns; /* when reads or writes were seen to go on last; 0 never */
};

struct pace {
	uint32_t beat_ms; /* until the next look */
	bool hurry;	  /* ask the portals in haste (probe_engine_hurry()) */
};

struct pace pace_of(const struct pace_facts *facts);

/* A look that is 'gap_ns' behind the one before, which asked for 'pace': did it come so much too
 * late that nothing can be said of the time between? */
bool pace_was_missed(const struct pace *pace, uint64_t gap_ns);

#endif
