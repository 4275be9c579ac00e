/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all policies share: which rule names which path, the list order, exclusion, and the
 * way from groups to priorities. The policy itself only places what is left.
 */
#include "policies/policy.h"

#include <errno.h>

/* Bounds: an index of a path fits uint16_t, an index of a rule and -1 fit int16_t. */
_Static_assert(POLICY_PATHS_MAX <= UINT16_MAX && POLICY_RULES_MAX <= INT16_MAX, "index types");

static int16_t first_rule(const struct policy_setting *setting, const struct path_name *name)
{
	for (size_t i = 0; i < setting->n_rules; i++)
		if (path_expression_matches(&setting->rules[i].expression, name))
			return (int16_t)i;
	return -1;
}

/* List order: by rule, what no rule names last, then by name. 'rule': of each path. */
static bool list_before(const struct path_name *paths, const int16_t *rule, size_t a, size_t b)
{
	if (rule[a] != rule[b])
		return rule[b] < 0 || (rule[a] >= 0 && rule[a] < rule[b]);
	return path_name_compare(&paths[a], &paths[b]) < 0;
}

/* Stable, so that equal names (two sessions alike) keep the caller's order. */
static void sort_paths(const struct path_name *paths, const int16_t *rule, size_t n,
		       uint16_t *order)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		for (; k > 0 && list_before(paths, rule, i, order[k - 1]); k--)
			order[k] = order[k - 1];
		order[k] = (uint16_t)i;
	}
}

static bool is_excluded(const struct policy_rule *rule)
{
	return rule && (rule->role == ROLE_EXCLUDED ||
			(rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER));
}

static struct policy_candidate candidate(const struct path_name *name, int index,
					 const struct policy_rule *rule)
{
	return (struct policy_candidate){
		.name = name,
		.rule = index,
		.role = rule ? rule->role : ROLE_NONE,
		.has_weight = rule && rule->has_weight,
		.weight = rule ? rule->weight : 0,
	};
}

static int priority_of(unsigned int group)
{
	int lowest_group = PRIORITY_BEST - PRIORITY_LOWEST;

	return group < (unsigned int)lowest_group ? PRIORITY_BEST - (int)group : PRIORITY_LOWEST;
}

static void no_policy(size_t n, struct plan_path *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct plan_path){
			.role = ROLE_NONE, .group = 0, .priority = PRIORITY_BEST, .rule = -1
		};
}

/* Let the policy place the candidates, and hand their places to the paths they stand for.
 * Returns the number of groups. */
static unsigned int place_candidates(const struct policy *policy,
				     const struct policy_candidate *candidates,
				     const uint16_t *owner, size_t n, struct plan_path *out)
{
	struct plan_path placed[POLICY_PATHS_MAX];
	unsigned int groups = 0;

	if (n == 0)
		return 0;
	policy->place(candidates, n, placed);
	for (size_t i = 0; i < n; i++) {
		placed[i].rule = candidates[i].rule;
		placed[i].priority = priority_of(placed[i].group);
		if (placed[i].group >= groups)
			groups = placed[i].group + 1;
		out[owner[i]] = placed[i];
	}
	return groups;
}

int plan_make(const struct policy_setting *setting, const struct path_name *paths, size_t n,
	      struct plan_path *out)
{
	struct policy_candidate candidates[POLICY_PATHS_MAX];
	uint16_t order[POLICY_PATHS_MAX], owner[POLICY_PATHS_MAX];
	int16_t rules[POLICY_PATHS_MAX];
	unsigned int groups;
	size_t n_candidates = 0;

	if (n > POLICY_PATHS_MAX)
		return -E2BIG;
	if (!setting) {
		no_policy(n, out);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		rules[i] = first_rule(setting, &paths[i]);
	sort_paths(paths, rules, n, order);
	for (size_t i = 0; i < n; i++) {
		int index = rules[order[i]];
		const struct policy_rule *rule = index < 0 ? NULL : &setting->rules[index];

		out[order[i]].role = is_excluded(rule) ? ROLE_EXCLUDED : ROLE_NONE;
		if (is_excluded(rule))
			continue;
		owner[n_candidates] = order[i];
		candidates[n_candidates++] = candidate(&paths[order[i]], index, rule);
	}
	groups = place_candidates(setting->policy, candidates, owner, n_candidates, out);
	for (size_t i = 0; i < n; i++)
		if (out[i].role == ROLE_EXCLUDED)
			out[i] = (struct plan_path){ .role = ROLE_EXCLUDED,
						     .group = groups,
						     .priority = PRIORITY_LOWEST,
						     .rule = rules[i] };
	return 0;
}
