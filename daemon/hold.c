/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hold.h"

bool hold_ready(const struct hold_facts *facts)
{
	if (!facts->in_map)
		return true;
	if (facts->dm_active)
		return facts->answers;
	if (facts->given_up)
		return true;
	return facts->idle && (facts->answers || facts->kept_down);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Without a policy all are alike. */
static int place(enum role role, int priority)
{
	return role == ROLE_NONE ? 0 : priority;
}

static int old_order(const struct hold_path *a, const struct hold_path *b)
{
	return sign(place(a->old_role, a->old_priority) - place(b->old_role, b->old_priority));
}

static int new_order(const struct hold_path *a, const struct hold_path *b)
{
	return sign(place(a->role, a->priority) - place(b->role, b->priority));
}

bool hold_reorders(const struct hold_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct hold_path *a = &paths[i];

		if (!a->told)
			continue;
		if ((a->role == ROLE_EXCLUDED) != (a->old_role == ROLE_EXCLUDED))
			return true;
		for (size_t j = 0; j < i; j++)
			if (paths[j].told && old_order(a, &paths[j]) != new_order(a, &paths[j]))
				return true;
	}
	return false;
}

bool hold_only_renumbers(const struct hold_path *paths, size_t n)
{
	bool renumbers = false;

	for (size_t i = 0; i < n; i++) {
		if (!paths[i].told)
			return false;
		renumbers |= place(paths[i].old_role, paths[i].old_priority) !=
			     place(paths[i].role, paths[i].priority);
	}
	return renumbers && !hold_reorders(paths, n);
}

int hold_blocker(const struct hold_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!paths[i].ready)
			return (int)i;
	return -1;
}
