/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all policies share: which rule names which path, the list order, exclusion, and the
 * way from groups to priorities. The policy itself only places what is left.
 */
#include "policies/policy.h"

#include <errno.h>

struct match {
	const struct path_name *name;
	int rule; /* first rule that matches, -1: none */
};

static int first_rule(const struct policy_setting *setting, const struct path_name *name)
{
	for (size_t i = 0; i < setting->n_rules; i++)
		if (path_expression_matches(&setting->rules[i].expression, name))
			return (int)i;
	return -1;
}

/* List order: by rule, what no rule names last, then by name. */
static bool list_before(const struct match *a, const struct match *b)
{
	if (a->rule != b->rule)
		return b->rule < 0 || (a->rule >= 0 && a->rule < b->rule);
	return path_name_compare(a->name, b->name) < 0;
}

/* Stable, so that equal names (two sessions alike) keep the caller's order. */
static void sort_matches(const struct match *matches, size_t n, uint16_t *order)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		for (; k > 0 && list_before(&matches[i], &matches[order[k - 1]]); k--)
			order[k] = order[k - 1];
		order[k] = (uint16_t)i;
	}
}

static bool is_excluded(const struct policy_rule *rule)
{
	return rule && (rule->role == ROLE_EXCLUDED ||
			(rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER));
}

static struct policy_candidate candidate(const struct match *match, const struct policy_rule *rule)
{
	return (struct policy_candidate){
		.name = match->name,
		.rule = match->rule,
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
	struct match matches[POLICY_PATHS_MAX];
	uint16_t order[POLICY_PATHS_MAX], owner[POLICY_PATHS_MAX];
	unsigned int groups;
	size_t n_candidates = 0;

	if (n > POLICY_PATHS_MAX)
		return -E2BIG;
	if (!setting) {
		no_policy(n, out);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		matches[i] = (struct match){ &paths[i], first_rule(setting, &paths[i]) };
	sort_matches(matches, n, order);
	for (size_t i = 0; i < n; i++) {
		const struct match *match = &matches[order[i]];
		const struct policy_rule *rule =
			match->rule < 0 ? NULL : &setting->rules[match->rule];

		if (is_excluded(rule)) {
			out[order[i]].role = ROLE_EXCLUDED;
			continue;
		}
		out[order[i]].role = ROLE_NONE;
		owner[n_candidates] = order[i];
		candidates[n_candidates++] = candidate(match, rule);
	}
	groups = place_candidates(setting->policy, candidates, owner, n_candidates, out);
	for (size_t i = 0; i < n; i++)
		if (out[i].role == ROLE_EXCLUDED)
			out[i] = (struct plan_path){ .role = ROLE_EXCLUDED,
						     .group = groups,
						     .priority = PRIORITY_LOWEST,
						     .rule = matches[i].rule };
	return 0;
}
