/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policies/primary.h"

#include "policies/message.h"

const struct plan_path *primary_surplus(const struct policy_setting *setting,
					const struct plan_path *plan, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (plan[i].rule >= 0 && setting->rules[plan[i].rule].role == ROLE_ACTIVE &&
		    plan[i].role == ROLE_STANDBY)
			return &plan[i];
	return NULL;
}

bool primary_woken(const struct policy_setting *setting, const struct plan_path *plan,
		   size_t n)
{
	if (policy_names_active(setting))
		return false;
	for (size_t i = 0; i < n; i++)
		if (plan[i].rule >= 0 && plan[i].role == ROLE_ACTIVE &&
		    setting->rules[plan[i].rule].role == ROLE_STANDBY)
			return true;
	return false;
}

void primary_say_surplus(const struct policy_setting *setting, const struct path_name *name,
			 char *message)
{
	char portal[PORTAL_TEXT_MAX];

	policy_say(message,
		   "%s has one active path, and the path to %s would be a further one; "
		   "name it as standby, or narrow the expression (portal=, iface=)",
		   setting->policy->name, portal_format(&name->portal, portal, sizeof(portal)));
}
