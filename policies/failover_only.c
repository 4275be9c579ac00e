/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover-only: one path carries all I/O; the others wait in the order given, and the
 * first that works takes over. When the primary returns it is used again.
 *
 * Exactly one path is active in every plan:
 * - the first (in list order) of those that an "active" rule names;
 * - without such a path, because the setting has no "active" rule or because its path is not
 *   logged in at present, the first in list order. The guide knows no LUN without a primary,
 *   and says that the first path is the active one where nothing was configured.
 *
 * An active rule may come to match more than one path (a network, a second session to the
 * same portal): the others are the first standbys, so that they are used before any path
 * that was meant to wait. Setting it so is refused (policy_setting_check()).
 */
#include "policies/policy.h"

static unsigned int place_role(const struct policy_input *in, bool active, unsigned int group,
			       struct plan_path *out)
{
	for (size_t i = 0; i < in->n; i++) {
		if ((in->paths[i].role == ROLE_ACTIVE) != active)
			continue;
		out[i].role = group == 0 ? ROLE_ACTIVE : ROLE_STANDBY;
		out[i].group = group++;
	}
	return group;
}

static void place(const struct policy_input *in, struct plan_path *out)
{
	unsigned int group = place_role(in, true, 0, out);

	place_role(in, false, group, out);
}

const struct policy policy_failover_only = {
	.name = "failover-only",
	.summary = "one active path, the others stand by in order",
	.selector = "round-robin 0",
	.takes_roles = true,
	.takes_weights = false,
	.shares_all = false,
	.place = place,
};
