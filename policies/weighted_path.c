/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weighted-path: the path with the lowest weight carries all I/O; when it fails the next
 * lowest, when it returns the lowest again.
 *
 * Equal weights do not share the load: the first in list order wins, so every path has a
 * group of its own. A path that no rule names has no weight: it comes after every weight
 * there is, and before nothing but "never", which the framework takes as an exclusion.
 * The policy knows no standby paths: every path it may use is active.
 */
#include "policies/policy.h"

static bool comes_before(const struct policy_candidate *a, const struct policy_candidate *b)
{
	if (a->has_weight != b->has_weight)
		return a->has_weight;
	return a->has_weight && a->weight < b->weight;
}

static void place(const struct policy_input *in, struct plan_path *out)
{
	const struct policy_candidate *paths = in->paths;

	for (size_t i = 0; i < in->n; i++) {
		unsigned int rank = 0;

		for (size_t k = 0; k < in->n; k++)
			if (comes_before(&paths[k], &paths[i]) ||
			    (k < i && !comes_before(&paths[i], &paths[k])))
				rank++;
		out[i].role = ROLE_ACTIVE;
		out[i].group = rank;
	}
}

const struct policy policy_weighted_path = {
	.name = "weighted-path",
	.summary = "the path with the lowest weight, then the next lowest",
	.selector = "round-robin 0",
	.takes_roles = false,
	.one_active = false,
	.takes_weights = true,
	.shares_all = false,
	.place = place,
};
