/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_RATION_H
#define MPATHISCSI_RATION_H

/*
 * So much in a time, and so much at once: for what others make us do (a target that talks, a state
 * that changes). Pure.
 */

#include <stdbool.h>
#include <stdint.h>

struct ration_limit {
	uint64_t each_ns; /* one in so long a time … */
	uint32_t burst;	  /* … and so many at once after a rest */
};

/* Zeroed: nothing was taken yet. */
struct ration {
	uint64_t paid_ns; /* until when the time is spent */
};

/* Take 'n' now. false: that is more than there is, and nothing was taken. */
bool ration_take(struct ration *ration, const struct ration_limit *limit, uint32_t n,
		 uint64_t now_ns);

#endif
