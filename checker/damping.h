/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_DAMPING_H
#define MPATHISCSI_DAMPING_H

/*
 * A path that comes and goes costs more than one that is gone: held out with a penalty that
 * grows with every flap and halves with time, as route-flap damping does (RFC 2439, 4.4). Pure.
 *
 * Of the RFC's parameters: the cutoff is 'hold', the reuse threshold 'reuse', the half-life is
 * the same whether the path is up or down, and the ceiling (4.2: how long a path can be held
 * at most) is four half-lives above 'reuse'. So 'hold' must be below 16 times 'reuse', or
 * nothing is ever held.
 */

#include <stdbool.h>
#include <stdint.h>

#define DAMPING_FLAP	   1000U /* penalty of one flap */
#define DAMPING_HALF_LIVES 4	 /* held for no longer than this many */

struct damping_limits {
	uint32_t half_life_s; /* 0: the penalty is gone at once */
	uint32_t hold;	      /* held out above this; 0: never */
	uint32_t reuse;	      /* and used again below this; ≥ 1, < hold */
};

/* All zero: nothing seen yet. */
struct damping {
	double penalty; /* as of 'as_of_ns' */
	uint64_t as_of_ns;
	bool held;
	bool known; /* 'was_down' is valid */
	bool was_down;
};

/* The path is up or down now; one flap is counted when it goes down after having been up
 * (one that is down when first seen has not flapped). The penalty never exceeds what takes
 * four half-lives to come down to 'reuse'. A clock that went back counts as no time. Returns
 * whether it is to be held out. */
bool damping_step(struct damping *damping, const struct damping_limits *limits, bool up,
		  uint64_t now_ns);

/* Penalty now, and ms until a held path comes back if it does not flap again (0: not held). */
uint32_t damping_penalty(const struct damping *damping, const struct damping_limits *limits,
			 uint64_t now_ns);
uint64_t damping_left_ms(const struct damping *damping, const struct damping_limits *limits,
			 uint64_t now_ns);

/* Start over: no penalty, not held. Whether it is up or down stays known. */
void damping_forgive(struct damping *damping);

#endif
