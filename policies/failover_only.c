/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover-only: one path carries all I/O; the others wait in the order given, and the
 * first that works takes over. When the primary returns it is used again.
 *
 * Exactly one path is active in every plan:
 * - the first (in list order) of those that an "active" rule names; when none of these is
 *   logged in at present, the first in list order, as if they had failed;
 * - where the setting has no "active" rule, the first that no rule names: what is named as a
 *   standby waits behind all of these. Where every path is named so, the first of them, for
 *   the guide knows no LUN without a primary; setting it so is refused, and warned of.
 *
 * An active rule may come to match more than one path (a network, a second session to the
 * same portal): the others are the first standbys, so that they are used before any path
 * that was meant to wait. Setting it so is refused (policy_setting_check()).
 */
#include "policies/policy.h"

/* The paths of that role (or all others) in list order, a group each. */
static unsigned int place_role(const struct policy_input *in, enum role role, bool others,
			       unsigned int group, struct plan_path *out)
{
	for (size_t i = 0; i < in->n; i++) {
		if ((in->paths[i].role == role) == others)
			continue;
		out[i].role = group == 0 ? ROLE_ACTIVE : ROLE_STANDBY;
		out[i].group = group++;
	}
	return group;
}

static void place(const struct policy_input *in, struct plan_path *out)
{
	enum role first = in->names_active ? ROLE_ACTIVE : ROLE_NONE;

	place_role(in, first, true, place_role(in, first, false, 0, out), out);
}

const struct policy policy_failover_only = {
	.name = "failover-only",
	.summary = "one active path, the others stand by in order",
	.selector = "round-robin 0",
	.takes_roles = true,
	.one_active = true,
	.takes_weights = false,
	.shares_all = false,
	.place = place,
};
