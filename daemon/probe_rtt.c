/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_rtt.h"

#include "common/clock.h"

void probe_rtt_sample(struct probe_rtt *rtt, uint64_t sample_us)
{
	uint32_t sample = PROBE_RTT_SAMPLE_MAX_US;
	uint32_t difference;

	if (sample_us < PROBE_RTT_SAMPLE_MAX_US)
		sample = sample_us ? (uint32_t)sample_us : 1;
	if (!rtt->smoothed_us) {
		rtt->smoothed_us = sample;
		rtt->var_us = sample / 2;
		return;
	}
	difference = sample > rtt->smoothed_us ? sample - rtt->smoothed_us
					       : rtt->smoothed_us - sample;
	rtt->var_us = (3 * rtt->var_us + difference + 2) / 4;
	rtt->smoothed_us = (7 * rtt->smoothed_us + sample + 4) / 8;
	if (!rtt->smoothed_us)
		rtt->smoothed_us = 1;
}

uint64_t probe_rtt_deadline_ns(const struct probe_rtt *rtt, uint32_t floor_ms,
			       uint32_t ceiling_ms)
{
	uint64_t floor = floor_ms * NS_PER_MS;
	uint64_t ceiling = ceiling_ms * NS_PER_MS;
	uint64_t wait;

	if (!rtt->smoothed_us)
		return ceiling > floor ? ceiling : floor;
	wait = (rtt->smoothed_us + 4ULL * rtt->var_us) * NS_PER_US;
	if (wait > ceiling)
		wait = ceiling;
	return wait < floor ? floor : wait;
}

uint64_t probe_jitter(uint64_t value, uint32_t percent, uint32_t random)
{
	uint64_t span = value / 100 * (percent > 100 ? 100 : percent);

	if (!span)
		return value;
	return value - span + random % (2 * span + 1);
}

uint32_t probe_backoff_ms(uint32_t failures, uint32_t min_ms, uint32_t max_ms,
			  uint32_t random)
{
	uint64_t wait = min_ms;

	if (!failures)
		wait = min_ms / 4;
	for (uint32_t i = 1; i < failures && wait < max_ms; i++)
		wait *= 2;
	if (wait > max_ms)
		wait = max_ms;
	return (uint32_t)(probe_jitter(wait * 100, 25, random) / 100);
}
