/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/damping.h"

#include <math.h>

#include "common/clock.h"

/* What is left of the penalty at 'now_ns'. */
static double decayed(const struct damping *damping, const struct damping_limits *limits,
		      uint64_t now_ns)
{
	double age_s;

	if (now_ns <= damping->as_of_ns)
		return damping->penalty;
	if (!limits->half_life_s)
		return 0;
	age_s = (double)(now_ns - damping->as_of_ns) / (double)NS_PER_S;
	return damping->penalty * exp2(-age_s / (double)limits->half_life_s);
}

static uint32_t reuse_of(const struct damping_limits *limits)
{
	return limits->reuse ? limits->reuse : 1; /* 0 is never reached */
}

static double ceiling(const struct damping_limits *limits)
{
	return ldexp(reuse_of(limits), DAMPING_HALF_LIVES);
}

bool damping_step(struct damping *damping, const struct damping_limits *limits, bool up,
		  uint64_t now_ns)
{
	double penalty = decayed(damping, limits, now_ns);

	if (!up && damping->known && !damping->was_down)
		penalty += DAMPING_FLAP;
	damping->penalty = fmin(penalty, ceiling(limits));
	damping->as_of_ns = now_ns;
	damping->known = true;
	damping->was_down = !up;
	if (!limits->hold || damping->penalty < reuse_of(limits))
		damping->held = false;
	else if (damping->penalty > limits->hold)
		damping->held = true;
	return damping->held;
}

uint32_t damping_penalty(const struct damping *damping, const struct damping_limits *limits,
			 uint64_t now_ns)
{
	double penalty = fmin(decayed(damping, limits, now_ns), (double)UINT32_MAX);

	return (uint32_t)lround(penalty);
}

uint64_t damping_left_ms(const struct damping *damping, const struct damping_limits *limits,
			 uint64_t now_ns)
{
	double penalty = decayed(damping, limits, now_ns);
	double halves;

	if (!damping->held || !limits->hold || penalty < reuse_of(limits))
		return 0;
	halves = log2(penalty / reuse_of(limits));
	/* below, not at, the threshold: one ms more */
	return (uint64_t)ceil(halves * limits->half_life_s * 1000) + 1;
}

void damping_forgive(struct damping *damping)
{
	damping->penalty = 0;
	damping->held = false;
}
