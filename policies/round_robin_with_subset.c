/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * round-robin-with-subset: the active paths share the load, the others stand by. While one
 * active path is left no standby wakes; when all are gone exactly one does, in the order
 * given; and the first active path back takes over again.
 *
 * Where the setting names active paths, these are the active ones, whatever the target says
 * of them; paths that no rule names stand by behind those that are named. When none of them
 * exists at present, the first path of the list is active alone, as if they had failed.
 *
 * Where it names none, the target decides: those paths in the best access state that any
 * has, and that no rule makes a standby, are active. With symmetric access: all of them.
 */
#include "policies/place.h"

static bool is_free(const struct policy_candidate *path)
{
	return path->role == ROLE_NONE;
}

static bool shares(const struct policy_input *in, const struct policy_candidate *path)
{
	if (in->names_active)
		return path->role == ROLE_ACTIVE;
	for (size_t i = 0; i < in->n; i++)
		if (is_free(&in->paths[i]) && in->paths[i].access_rank < path->access_rank)
			return false;
	return is_free(path);
}

static void place(const struct policy_input *in, struct plan_path *out)
{
	place_shared(in, shares, out);
}

const struct policy policy_round_robin_with_subset = {
	.name = "round-robin-with-subset",
	.summary = "active paths share the load, the others stand by",
	.selector = "round-robin 0",
	.takes_roles = true,
	.one_active = false,
	.takes_weights = false,
	.shares_all = false,
	.place = place,
};
