/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ration.h"

bool ration_take(struct ration *ration, const struct ration_limit *limit, uint32_t n,
		 uint64_t now_ns)
{
	uint64_t paid_ns = ration->paid_ns > now_ns ? ration->paid_ns : now_ns;

	paid_ns += n * limit->each_ns;
	if (paid_ns - now_ns > limit->burst * limit->each_ns)
		return false;
	ration->paid_ns = paid_ns;
	return true;
}
