/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * round-robin: the requests go over all paths in turn. There are no standby paths and
 * nothing to name but what is excluded; when paths fail the rest carry on.
 *
 * Where the target prefers some paths (ALUA) this is no policy to set. It still has a plan,
 * for the states may become different later: only the paths in the best state share the
 * load, the others wait, as under round-robin-with-subset.
 */
#include "policies/place.h"

const struct policy policy_round_robin = {
	.name = "round-robin",
	.summary = "all paths share the load, one request each in turn",
	.selector = "round-robin 0",
	.takes_roles = false,
	.one_active = false,
	.takes_weights = false,
	.shares_all = true,
	.place = place_best_access,
};
