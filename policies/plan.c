/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all policies share: which rule names which path, the list order, exclusion, and the
 * way from groups to priorities. The policy itself only places what is left.
 */
#include "policies/policy.h"

#include <errno.h>

/* Bounds: an index of a path fits uint16_t, an index of a rule and -1 fit int16_t. */
_Static_assert(POLICY_PATHS_MAX <= UINT16_MAX && POLICY_RULES_MAX <= INT16_MAX, "index types");

/* What the framework finds out about the paths before a policy places them. */
struct survey {
	const struct policy_path *paths;
	size_t n;
	int16_t rule[POLICY_PATHS_MAX]; /* first that matches, -1 none */
	unsigned int rank[POLICY_PATHS_MAX]; /* of access; 0 for all if it is symmetric */
};

static int16_t first_rule(const struct policy_setting *setting, const struct path_name *name)
{
	for (size_t i = 0; i < setting->n_rules; i++)
		if (path_expression_matches(&setting->rules[i].expression, name))
			return (int16_t)i;
	return -1;
}

static bool is_excluded(const struct policy_rule *rule)
{
	return rule && (rule->role == ROLE_EXCLUDED ||
			(rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER));
}

static const struct policy_rule *rule_at(const struct policy_setting *setting, int index)
{
	return index < 0 ? NULL : &setting->rules[index];
}

bool policy_access_symmetric(const struct policy_setting *setting,
			     const struct policy_path *paths, size_t n)
{
	enum access_state first = ACCESS_UNKNOWN;

	for (size_t i = 0; i < n; i++) {
		if (paths[i].access == ACCESS_UNKNOWN ||
		    (setting &&
		     is_excluded(rule_at(setting, first_rule(setting, &paths[i].name)))))
			continue;
		if (first != ACCESS_UNKNOWN && paths[i].access != first)
			return false;
		first = paths[i].access;
	}
	return true;
}

static void survey_paths(const struct policy_setting *setting, const struct policy_path *paths,
			 size_t n, struct survey *ret)
{
	bool symmetric = policy_access_symmetric(setting, paths, n);

	ret->paths = paths;
	ret->n = n;
	for (size_t i = 0; i < n; i++) {
		ret->rule[i] = first_rule(setting, &paths[i].name);
		ret->rank[i] = symmetric ? 0 : access_state_rank(paths[i].access);
	}
}

/* List order: by rule, what no rule names last, then as the target prefers, then by name. */
static bool list_before(const struct survey *survey, size_t a, size_t b)
{
	const struct policy_path *path_a = &survey->paths[a], *path_b = &survey->paths[b];
	const int16_t *rule = survey->rule;

	if (rule[a] != rule[b])
		return rule[b] < 0 || (rule[a] >= 0 && rule[a] < rule[b]);
	if (survey->rank[a] != survey->rank[b])
		return survey->rank[a] < survey->rank[b];
	if (path_a->preferred != path_b->preferred)
		return path_a->preferred;
	return path_name_compare(&path_a->name, &path_b->name) < 0;
}

/* Stable, so that equal names (two sessions alike) keep the caller's order. */
static void sort_paths(const struct survey *survey, uint16_t *order)
{
	for (size_t i = 0; i < survey->n; i++) {
		size_t k = i;

		for (; k > 0 && list_before(survey, i, order[k - 1]); k--)
			order[k] = order[k - 1];
		order[k] = (uint16_t)i;
	}
}

static struct policy_candidate candidate(const struct survey *survey, size_t i,
					 const struct policy_rule *rule)
{
	return (struct policy_candidate){
		.name = &survey->paths[i].name,
		.rule = survey->rule[i],
		.role = rule ? rule->role : ROLE_NONE,
		.has_weight = rule && rule->has_weight,
		.weight = rule ? rule->weight : 0,
		.access_rank = survey->rank[i],
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

bool policy_names_active(const struct policy_setting *setting)
{
	for (size_t i = 0; i < setting->n_rules; i++)
		if (setting->rules[i].role == ROLE_ACTIVE)
			return true;
	return false;
}

/* Let the policy place the candidates, and hand their places to the paths they stand for.
 * Returns the number of groups. */
static unsigned int place_candidates(const struct policy *policy, const struct policy_input *in,
				     const uint16_t *owner, struct plan_path *out)
{
	struct plan_path placed[POLICY_PATHS_MAX];
	unsigned int groups = 0;

	if (in->n == 0)
		return 0;
	policy->place(in, placed);
	for (size_t i = 0; i < in->n; i++) {
		placed[i].rule = in->paths[i].rule;
		placed[i].priority = priority_of(placed[i].group);
		if (placed[i].group >= groups)
			groups = placed[i].group + 1;
		out[owner[i]] = placed[i];
	}
	return groups;
}

static void place_excluded(const struct survey *survey, unsigned int group, struct plan_path *out)
{
	for (size_t i = 0; i < survey->n; i++)
		if (out[i].role == ROLE_EXCLUDED)
			out[i] = (struct plan_path){ .role = ROLE_EXCLUDED,
						     .group = group,
						     .priority = PRIORITY_LOWEST,
						     .rule = survey->rule[i] };
}

int plan_make(const struct policy_setting *setting, const struct policy_path *paths, size_t n,
	      struct plan_path *out)
{
	struct policy_candidate candidates[POLICY_PATHS_MAX];
	struct policy_input in = { .paths = candidates, .n = 0 };
	uint16_t order[POLICY_PATHS_MAX], owner[POLICY_PATHS_MAX] = { 0 };
	struct survey survey;

	if (n > POLICY_PATHS_MAX)
		return -E2BIG;
	if (!setting) {
		no_policy(n, out);
		return 0;
	}
	survey_paths(setting, paths, n, &survey);
	sort_paths(&survey, order);
	in.names_active = policy_names_active(setting);
	for (size_t i = 0; i < n; i++) {
		const struct policy_rule *rule = rule_at(setting, survey.rule[order[i]]);

		out[order[i]].role = is_excluded(rule) ? ROLE_EXCLUDED : ROLE_NONE;
		if (is_excluded(rule))
			continue;
		owner[in.n] = order[i];
		candidates[in.n++] = candidate(&survey, order[i], rule);
	}
	place_excluded(&survey, place_candidates(setting->policy, &in, owner, out), out);
	return 0;
}
