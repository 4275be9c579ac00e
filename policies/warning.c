/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be set, or stands in a file that nobody could check against paths, but is hardly
 * meant: said wherever the LUN is shown, while it is so.
 */
#include "policies/message.h"
#include "policies/primary.h"

/* The path in the best state of all, excluded or not: where the target wants its I/O. */
static size_t best_access(const struct policy_path *paths, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (access_state_rank(paths[i].access) < access_state_rank(paths[best].access))
			best = i;
	return best;
}

static bool warn_left_out(const struct policy_setting *setting, const struct policy_path *path,
			  char *message)
{
	char portal[PORTAL_TEXT_MAX];

	policy_say(message,
		   "%s keeps to the paths in the best access state: the path to %s is %s and "
		   "only stands by; round-robin-with-subset says so openly",
		   setting->policy->name, portal_format(&path->name.portal, portal, sizeof(portal)),
		   access_state_name(path->access));
	return true;
}

static bool warn_contradiction(const struct policy_path *path, const struct policy_path *better,
			       char *message)
{
	char one[PORTAL_TEXT_MAX], other[PORTAL_TEXT_MAX];

	policy_say(message,
		   "the path to %s is to carry I/O and is %s, while that to %s is %s: the "
		   "target asks for the other one",
		   portal_format(&path->name.portal, one, sizeof(one)),
		   access_state_name(path->access),
		   portal_format(&better->name.portal, other, sizeof(other)),
		   access_state_name(better->access));
	return true;
}

static bool warn_access(const struct policy_setting *setting, const struct policy_path *paths,
			const struct plan_path *plan, size_t n, char *message)
{
	size_t best;

	if (policy_access_symmetric(NULL, paths, n))
		return false;
	best = best_access(paths, n);
	for (size_t i = 0; i < n; i++) {
		if (setting->policy->shares_all && plan[i].role == ROLE_STANDBY)
			return warn_left_out(setting, &paths[i], message);
		if (plan[i].role != ROLE_EXCLUDED && plan[i].group == 0 &&
		    access_state_rank(paths[i].access) > access_state_rank(paths[best].access))
			return warn_contradiction(&paths[i], &paths[best], message);
	}
	return false;
}

bool policy_warning(const struct policy_setting *setting, const struct policy_path *paths,
		    const struct plan_path *plan, size_t n, char *message)
{
	const struct plan_path *surplus = primary_surplus(setting, plan, n);

	if (primary_woken(setting, plan, n)) {
		policy_say(message, "every path in use is named as a standby: the first of them "
				    "is active; name an active one");
		return true;
	}
	if (surplus) {
		primary_say_surplus(setting, &paths[surplus - plan].name, message);
		return true;
	}
	return warn_access(setting, paths, plan, n, message);
}
