/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * least-queue-depth: each request goes to the path with the fewest requests in flight, so
 * that a slow path gets less. The paths are placed as by round-robin; the difference is the
 * kernel's path selector. That counts per map, not over all LUNs of a session, and of equal
 * paths it takes each in turn.
 */
#include "policies/place.h"

const struct policy policy_least_queue_depth = {
	.name = "least-queue-depth",
	.summary = "each request to the path with the fewest in flight",
	.selector = "queue-length 0",
	.takes_roles = false,
	.one_active = false,
	.takes_weights = false,
	.shares_all = true,
	.place = place_best_access,
};
