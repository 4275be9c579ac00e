/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policies/policy.h"

#include <string.h>

#define POLICY(id) &policy_##id,
const struct policy *const policy_registry[] = {
#include "policies/policies.def"
};
#undef POLICY

const size_t policy_count = sizeof(policy_registry) / sizeof(policy_registry[0]);

const struct policy *policy_by_name(const char *name)
{
	for (size_t i = 0; i < policy_count; i++)
		if (strcmp(policy_registry[i]->name, name) == 0)
			return policy_registry[i];
	return NULL;
}

int policy_index(const struct policy *policy)
{
	for (size_t i = 0; i < policy_count; i++)
		if (policy_registry[i] == policy)
			return (int)i;
	return -1;
}

const char *role_name(enum role role)
{
	static const char *const names[ROLE_MAX] = {
		[ROLE_NONE] = "none",
		[ROLE_ACTIVE] = "active",
		[ROLE_STANDBY] = "standby",
		[ROLE_EXCLUDED] = "excluded",
	};

	return (unsigned int)role < ROLE_MAX ? names[role] : "unknown";
}
