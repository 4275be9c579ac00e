/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policies/place.h"

void place_shared(const struct policy_input *in,
		  bool (*shares)(const struct policy_input *in,
				 const struct policy_candidate *path),
		  struct plan_path *out)
{
	unsigned int group = 1;
	bool any = false;

	for (size_t i = 0; i < in->n; i++)
		any = any || shares(in, &in->paths[i]);
	for (size_t i = 0; i < in->n; i++) {
		bool active = any ? shares(in, &in->paths[i]) : i == 0;

		out[i].role = active ? ROLE_ACTIVE : ROLE_STANDBY;
		out[i].group = active ? 0 : group++;
	}
}

static bool has_best_access(const struct policy_input *in, const struct policy_candidate *path)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->paths[i].access_rank < path->access_rank)
			return false;
	return true;
}

void place_best_access(const struct policy_input *in, struct plan_path *out)
{
	place_shared(in, has_best_access, out);
}
