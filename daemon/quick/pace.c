/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/pace.h"

#include "common/clock.h"

#define LATE_MS 300 /* behind the moment that was asked for: we were not running on time */

struct pace pace_of(const struct pace_facts *facts)
{
	bool moving = facts->moved_ns &&
		      facts->now_ns - facts->moved_ns < PACE_MOVING_MS * NS_PER_MS;
	bool hurry = facts->trouble || moving;

	return (struct pace){
		.beat_ms = hurry || facts->unanswered ? PACE_QUICK_MS : PACE_IDLE_MS,
		.hurry = hurry,
	};
}

bool pace_was_missed(const struct pace *pace, uint64_t gap_ns)
{
	uint32_t beat_ms = pace->beat_ms ? pace->beat_ms : PACE_QUICK_MS;

	return gap_ns > (uint64_t)(beat_ms + LATE_MS) * NS_PER_MS;
}
