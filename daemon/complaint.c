/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/complaint.h"

#include "common/clock.h"

#define DISTANCE_MIN_NS (10 * NS_PER_S)
#define DISTANCE_MAX_NS (60 * NS_PER_S)

static const struct ration_limit beginnings = {.each_ns = 60 * NS_PER_S, .burst = 4};

static enum complaint_line tell(struct complaint *complaint, enum complaint_line line,
				uint64_t now_ns, unsigned int *ret_failures)
{
	*ret_failures = complaint->failures;
	complaint->failures = 0;
	complaint->next_ns = now_ns + complaint->distance_ns;
	return line;
}

enum complaint_line complaint_fails(struct complaint *complaint, int error, uint64_t now_ns,
				    unsigned int *ret_failures)
{
	complaint->failures++;
	if (error != complaint->error && ration_take(&complaint->beginnings, &beginnings, 1, now_ns)) {
		if (!complaint->error)
			complaint->distance_ns = DISTANCE_MIN_NS;
		complaint->error = error;
		return tell(complaint, COMPLAINT_FAILS, now_ns, ret_failures);
	}
	if (!complaint->error || now_ns < complaint->next_ns)
		return COMPLAINT_NONE;
	complaint->error = error; /* as it is now */
	complaint->distance_ns *= 2;
	if (complaint->distance_ns > DISTANCE_MAX_NS)
		complaint->distance_ns = DISTANCE_MAX_NS;
	return tell(complaint, COMPLAINT_STILL, now_ns, ret_failures);
}

bool complaint_works(struct complaint *complaint)
{
	bool told = complaint->error != 0;

	complaint->error = 0;
	complaint->failures = 0;
	return told;
}
