/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ACCESS_STATE_H
#define MPATHISCSI_ACCESS_STATE_H

/* What the target says about a path: the asymmetric access state of its port group (ALUA,
 * SPC-5 5.16.2), as the kernel shows it in sysfs "access_state". */

enum access_state {
	ACCESS_UNKNOWN, /* no attribute: the target knows no such states */
	ACCESS_OPTIMIZED,
	ACCESS_NON_OPTIMIZED,
	ACCESS_LBA_DEPENDENT,
	ACCESS_STANDBY,
	ACCESS_TRANSITIONING,
	ACCESS_UNAVAILABLE,
	ACCESS_OFFLINE,
	ACCESS_MAX
};

/* The kernel's word ("active/optimized") as a state; ACCESS_UNKNOWN for any other word. */
enum access_state access_state_parse(const char *text);

/* The kernel's word for a state, "unknown" for ACCESS_UNKNOWN and what is no state. */
const char *access_state_name(enum access_state state);

/*
 * How good a state is to send I/O to, 0 the best: optimized, non-optimized, LBA-dependent,
 * standby, transitioning, unavailable, offline. A path whose state is not known counts as
 * non-optimized: beside paths that are known to be optimized it is not taken for one.
 */
unsigned int access_state_rank(enum access_state state);

#endif
