/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for every policy of the registry, whatever it is: random LUNs and settings. A
 * new policy is tested here by being registered.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "tests/unit/policy_fixture.h"

#define CASES	  3000
#define PATHS_MAX 12
#define RULES_MAX 8

struct scene {
	const struct policy *policy;
	unsigned int number;
	struct random random;
	struct policy_setting setting;
	struct policy_path paths[PATHS_MAX + 1];
	size_t n;
	struct plan_path plan[PATHS_MAX + 1];
};

#define check(scene, condition)                                                                 \
	do {                                                                                    \
		if (!(condition))                                                               \
			complain(scene, #condition, __LINE__);                                  \
	} while (0)

static void complain(const struct scene *scene, const char *what, int line)
{
	char text[4096];

	policy_setting_format(&scene->setting, text, sizeof(text));
	for (size_t i = 0; i < scene->n; i++) {
		char portal[PORTAL_TEXT_MAX];

		print_message("%zu %s %s, %s: %s group %u priority %d rule %d\n", i,
			      portal_format(&scene->paths[i].name.portal, portal, sizeof(portal)),
			      scene->paths[i].name.iface,
			      access_state_name(scene->paths[i].access), role_name(scene->plan[i].role),
			      scene->plan[i].group, scene->plan[i].priority, scene->plan[i].rule);
	}
	fail_msg("line %d, case %u of %s, \"%s\": %s does not hold", line, scene->number,
		 scene->policy->name, text, what);
}

static void for_each_case(void (*property)(struct scene *scene))
{
	static struct scene scene;

	assert_true(policy_count > 0);
	for (size_t p = 0; p < policy_count; p++)
		for (unsigned int number = 0; number < CASES; number++) {
			memset(&scene, 0, sizeof(scene));
			scene.policy = policy_registry[p];
			scene.number = number;
			scene.random = random_start(number + 1);
			random_setting(&scene.random, scene.policy, RULES_MAX, &scene.setting);
			scene.n = random_paths(&scene.random, scene.paths,
					       random_below(&scene.random, PATHS_MAX) + 1);
			assert_int_equal(plan_make(&scene.setting, scene.paths, scene.n,
						   scene.plan),
					 0);
			property(&scene);
		}
}

static bool in_use(const struct plan_path *path)
{
	return path->role == ROLE_ACTIVE || path->role == ROLE_STANDBY;
}

/* Every path has a place or is excluded; excluded exactly when its first rule says so. */
static void has_place(struct scene *scene)
{
	for (size_t i = 0; i < scene->n; i++) {
		const struct plan_path *path = &scene->plan[i];
		const struct policy_rule *rule = NULL;
		bool excluded;

		for (size_t r = scene->setting.n_rules; r > 0; r--)
			if (path_expression_matches(&scene->setting.rules[r - 1].expression,
						    &scene->paths[i].name))
				rule = &scene->setting.rules[r - 1];
		check(scene, path->rule == (rule ? (int)(rule - scene->setting.rules) : -1));
		excluded = rule && (rule->role == ROLE_EXCLUDED ||
				    (rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER));
		check(scene, (path->role == ROLE_EXCLUDED) == excluded);
		check(scene, excluded || in_use(path));
		check(scene, path->priority >= PRIORITY_LOWEST);
		check(scene, path->priority <= PRIORITY_BEST);
		if (excluded)
			check(scene, path->priority == PRIORITY_LOWEST);
	}
}

static void every_path_has_a_place(void **state)
{
	(void)state;
	for_each_case(has_place);
}

/* Groups are numbered without gaps from 0, and worse groups have smaller priorities. */
static void groups_in_order(struct scene *scene)
{
	bool used[PATHS_MAX + 1] = { false };
	unsigned int groups = 0;

	for (size_t i = 0; i < scene->n; i++) {
		check(scene, scene->plan[i].group < scene->n);
		used[scene->plan[i].group] = true;
		if (scene->plan[i].group >= groups)
			groups = scene->plan[i].group + 1;
	}
	for (unsigned int g = 0; g < groups; g++)
		check(scene, used[g]);
	for (size_t i = 0; i < scene->n; i++)
		for (size_t k = 0; k < scene->n; k++) {
			const struct plan_path *a = &scene->plan[i], *b = &scene->plan[k];

			check(scene, (a->group < b->group) == (a->priority > b->priority));
			check(scene, !in_use(a) || in_use(b) || a->group < b->group);
		}
}

static void groups_and_priorities(void **state)
{
	(void)state;
	for_each_case(groups_in_order);
}

/* No standby is as good as an active path; standbys are used one at a time; there is an
 * active path when any path is in use. */
static void standby_waits(struct scene *scene)
{
	bool any_active = false, any_used = false;

	for (size_t i = 0; i < scene->n; i++) {
		const struct plan_path *a = &scene->plan[i];

		any_active = any_active || a->role == ROLE_ACTIVE;
		any_used = any_used || in_use(a);
		for (size_t k = 0; k < scene->n; k++) {
			const struct plan_path *b = &scene->plan[k];

			if (b->role == ROLE_STANDBY && a->role == ROLE_ACTIVE)
				check(scene, a->group < b->group);
			if (b->role == ROLE_STANDBY && in_use(a) && i != k)
				check(scene, a->group != b->group);
		}
	}
	check(scene, any_active == any_used);
}

static void standby_behind_active(void **state)
{
	(void)state;
	for_each_case(standby_waits);
}

static bool same_place(const struct plan_path *a, const struct plan_path *b)
{
	return a->role == b->role && a->group == b->group && a->priority == b->priority &&
	       a->rule == b->rule;
}

static void shuffled(struct scene *scene)
{
	static struct policy_path paths[PATHS_MAX];
	struct plan_path plan[PATHS_MAX];
	size_t from[PATHS_MAX];

	for (size_t i = 0; i < scene->n; i++)
		from[i] = i;
	for (size_t i = scene->n; i > 1; i--) {
		size_t k = random_below(&scene->random, (uint32_t)i), swap = from[k];

		from[k] = from[i - 1];
		from[i - 1] = swap;
	}
	for (size_t i = 0; i < scene->n; i++)
		paths[i] = scene->paths[from[i]];
	assert_int_equal(plan_make(&scene->setting, paths, scene->n, plan), 0);
	for (size_t i = 0; i < scene->n; i++)
		check(scene, same_place(&plan[i], &scene->plan[from[i]]));
}

static void order_of_discovery(void **state)
{
	(void)state;
	for_each_case(shuffled);
}

static void repeated(struct scene *scene)
{
	struct plan_path plan[PATHS_MAX];

	memset(plan, 0xa5, sizeof(plan));
	assert_int_equal(plan_make(&scene->setting, scene->paths, scene->n, plan), 0);
	for (size_t i = 0; i < scene->n; i++)
		check(scene, same_place(&plan[i], &scene->plan[i]));
}

/* Whether paths are up is no part of the input. */
static void up_or_failed(struct scene *scene)
{
	static struct policy_path paths[PATHS_MAX];
	struct plan_path plan[PATHS_MAX];

	memcpy(paths, scene->paths, sizeof(paths));
	random_failures(&scene->random, paths, scene->n);
	assert_int_equal(plan_make(&scene->setting, paths, scene->n, plan), 0);
	for (size_t i = 0; i < scene->n; i++)
		check(scene, same_place(&plan[i], &scene->plan[i]));
}

static void a_failure_changes_no_plan(void **state)
{
	(void)state;
	for_each_case(up_or_failed);
}

static void same_input_same_plan(void **state)
{
	(void)state;
	for_each_case(repeated);
}

static bool names_active(const struct scene *scene)
{
	for (size_t r = 0; r < scene->setting.n_rules; r++)
		if (scene->setting.rules[r].role == ROLE_ACTIVE)
			return true;
	return false;
}

/* Do the states that count differ for the paths but one? 'left_out' = n: for all. */
static bool access_differs(const struct scene *scene, size_t n, size_t left_out)
{
	static struct policy_path paths[PATHS_MAX + 1];
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (i != left_out)
			paths[kept++] = scene->paths[i];
	return !policy_access_symmetric(&scene->setting, paths, kept);
}

static unsigned int best_rank(const struct scene *scene, size_t left_out)
{
	unsigned int best = UINT_MAX;

	for (size_t i = 0; i < scene->n; i++)
		if (i != left_out && in_use(&scene->plan[i]) && scene->plan[i].rule < 0 &&
		    access_state_rank(scene->paths[i].access) < best)
			best = access_state_rank(scene->paths[i].access);
	return best;
}

/* Does the policy share the load by itself? */
static bool shares_load(const struct policy *policy)
{
	struct policy_setting setting = { .policy = policy };
	struct policy_path paths[2] = { make_path("10.0.1.1", "default"),
					make_path("10.0.2.1", "default") };
	struct plan_path plan[2];

	assert_int_equal(plan_make(&setting, paths, 2, plan), 0);
	return plan[0].group == plan[1].group;
}

/* A path more: those that were there keep their order, and a path that no rule names is
 * never better than one that a rule names, unless it is there only as a standby and no rule
 * names an active one. When with the new path access becomes asymmetric, the target orders
 * them anew; and so it does where a policy shares the load over the best and a better one
 * comes. */
static void one_more(struct scene *scene)
{
	struct plan_path old[PATHS_MAX + 1];
	const struct plan_path *added = &scene->plan[scene->n];
	size_t n = scene->n;
	bool differed = access_differs(scene, n, n), differs, anew;
	unsigned int best = best_rank(scene, n);

	memcpy(old, scene->plan, sizeof(old));
	scene->paths[n] = random_path(&scene->random);
	scene->paths[n].access = scene->paths[random_below(&scene->random, (uint32_t)n)].access;
	if (random_below(&scene->random, 4) == 0)
		scene->paths[n].access = (enum access_state)random_below(&scene->random, ACCESS_MAX);
	for (size_t i = 0; i < n; i++)
		if (path_name_compare(&scene->paths[i].name, &scene->paths[n].name) == 0)
			return;
	scene->n++;
	differs = access_differs(scene, scene->n, scene->n);
	assert_int_equal(plan_make(&scene->setting, scene->paths, scene->n, scene->plan), 0);
	anew = differed != differs ||
	       (differs && shares_load(scene->policy) && best_rank(scene, scene->n) != best);
	for (size_t i = 0; i < n; i++) {
		const struct plan_path *path = &scene->plan[i];

		check(scene, path->rule == old[i].rule);
		for (size_t k = 0; k < n; k++)
			if (old[i].group < old[k].group && !anew)
				check(scene, path->group < scene->plan[k].group);
		if (added->rule < 0 && path->rule >= 0 && in_use(path) &&
		    (names_active(scene) ||
		     scene->setting.rules[path->rule].role != ROLE_STANDBY))
			check(scene, path->group < added->group);
	}
}

static void a_path_more(void **state)
{
	(void)state;
	for_each_case(one_more);
}

/* Without one path the others keep their order: what the kernel does when it fails is what
 * the plan would say without it. But when with a path the access states go that kept others
 * from sharing the load, those share it then. */
static void one_less(struct scene *scene)
{
	static struct policy_path paths[PATHS_MAX];
	struct plan_path plan[PATHS_MAX];
	size_t gone = random_below(&scene->random, (uint32_t)scene->n), n = 0;
	size_t from[PATHS_MAX];

	for (size_t i = 0; i < scene->n; i++)
		if (i != gone) {
			from[n] = i;
			paths[n++] = scene->paths[i];
		}
	assert_int_equal(plan_make(&scene->setting, paths, n, plan), 0);
	if (access_differs(scene, scene->n, gone) != access_differs(scene, scene->n, scene->n))
		return;
	if (shares_load(scene->policy) && best_rank(scene, gone) != best_rank(scene, scene->n) &&
	    access_differs(scene, scene->n, gone))
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			check(scene, (plan[i].group < plan[k].group) ==
					     (scene->plan[from[i]].group <
					      scene->plan[from[k]].group));
}

static void a_path_less(void **state)
{
	(void)state;
	for_each_case(one_less);
}

/* Has every path failed that a rule names as active? */
static bool primaries_failed(const struct scene *scene)
{
	bool named = false;

	for (size_t i = 0; i < scene->n; i++) {
		int rule = scene->plan[i].rule;

		if (rule < 0 || scene->setting.rules[rule].role != ROLE_ACTIVE)
			continue;
		if (!scene->paths[i].failed)
			return false;
		named = true;
	}
	return named && scene->policy->takes_roles;
}

/* What the check lets through has exactly the roles that were asked for, and a path named as
 * active that works; failures refuse nothing else. */
static void checked(struct scene *scene)
{
	char message[POLICY_MESSAGE_MAX] = "";
	enum policy_error error =
		policy_setting_check(&scene->setting, scene->paths, scene->n, message);

	check(scene, (error == POLICY_OK) == (message[0] == '\0'));
	check(scene, strlen(message) < POLICY_MESSAGE_MAX);
	check(scene, error != POLICY_OK || !primaries_failed(scene));
	for (size_t i = 0; i < scene->n && error != POLICY_OK; i++)
		scene->paths[i].failed = false;
	if (error == POLICY_NO_PRIMARY_PATH_SPECIFIED &&
	    policy_setting_check(&scene->setting, scene->paths, scene->n, message) == POLICY_OK)
		check(scene, strstr(message, "has failed"));
	if (error != POLICY_OK)
		return;
	for (size_t i = 0; i < scene->n; i++)
		if (scene->plan[i].rule >= 0 && scene->plan[i].role != ROLE_EXCLUDED)
			check(scene, scene->plan[i].role ==
					     scene->setting.rules[scene->plan[i].rule].role);
}

static void check_and_plan_agree(void **state)
{
	(void)state;
	for_each_case(checked);
}

/* ---- what the kernel does with it ---- */

/* The group that carries I/O while the paths of 'up' (bits) are usable; -1: none. Excluded
 * paths are never usable: the daemon fails them. */
static int carrying(const struct scene *scene, uint32_t up)
{
	int best = -1;

	for (size_t i = 0; i < scene->n; i++)
		if ((up >> i & 1) && in_use(&scene->plan[i]) &&
		    (best < 0 || (int)scene->plan[i].group < best))
			best = (int)scene->plan[i].group;
	return best;
}

/* While any path in use is up there is I/O; never on a standby while an active path is up,
 * never on two standbys; a path that returns moves no I/O to a lower place. */
static void simulated(struct scene *scene)
{
	uint32_t up = random_below(&scene->random, 1u << scene->n);
	size_t returns = random_below(&scene->random, (uint32_t)scene->n);
	int group = carrying(scene, up), later = carrying(scene, up | 1u << returns);
	unsigned int standbys = 0, carriers = 0;
	bool any_up = false, active_up = false;

	for (size_t i = 0; i < scene->n; i++) {
		const struct plan_path *path = &scene->plan[i];
		bool is_up = up >> i & 1, carries = is_up && (int)path->group == group;

		any_up = any_up || (is_up && in_use(path));
		active_up = active_up || (is_up && path->role == ROLE_ACTIVE);
		carriers += carries;
		standbys += carries && path->role == ROLE_STANDBY;
		check(scene, !carries || in_use(path));
	}
	check(scene, any_up == (carriers > 0));
	check(scene, !active_up || standbys == 0);
	check(scene, standbys == 0 || carriers == 1);
	check(scene, group < 0 || (later >= 0 && later <= group));
}

static void kernel_walks_the_list(void **state)
{
	(void)state;
	for_each_case(simulated);
}

/* ---- access states ---- */

/* Nothing that the user did not ask for shares the load between better and worse paths. */
static void balanced_alike(struct scene *scene)
{
	if (!access_differs(scene, scene->n, scene->n))
		return;
	for (size_t i = 0; i < scene->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct plan_path *a = &scene->plan[i], *b = &scene->plan[k];

			if (in_use(a) && in_use(b) && a->group == b->group && a->rule < 0 &&
			    b->rule < 0)
				check(scene, access_state_rank(scene->paths[i].access) ==
						     access_state_rank(scene->paths[k].access));
		}
}

static void no_balance_over_different_states(void **state)
{
	(void)state;
	for_each_case(balanced_alike);
}

/* Named as something that it is not: active without being so, or a standby and active. */
static bool misplaced(const struct scene *scene)
{
	for (size_t i = 0; i < scene->n; i++) {
		const struct plan_path *path = &scene->plan[i];

		if (path->rule >= 0 && path->role != ROLE_EXCLUDED &&
		    path->role != scene->setting.rules[path->rule].role &&
		    (path->role == ROLE_STANDBY || !names_active(scene)))
			return true;
	}
	return false;
}

/* A policy that may be set and shares all does share all; where it may not be, or where a
 * better path stands aside, there is a warning; and where access is symmetric only one of
 * roles that are other than named. */
static void warned(struct scene *scene)
{
	char message[POLICY_MESSAGE_MAX] = "", refusal[POLICY_MESSAGE_MAX];
	bool warning = policy_warning(&scene->setting, scene->paths, scene->plan,
				      scene->n, message);
	bool differs = !policy_access_symmetric(NULL, scene->paths, scene->n);
	unsigned int standbys = 0;

	check(scene, warning == (message[0] != '\0'));
	check(scene, !warning || differs || misplaced(scene));
	check(scene, warning || !misplaced(scene));
	for (size_t i = 0; i < scene->n; i++)
		standbys += scene->plan[i].role == ROLE_STANDBY;
	if (!scene->policy->shares_all)
		return;
	check(scene, standbys == 0 || warning);
	if (policy_setting_check(&scene->setting, scene->paths, scene->n, refusal) == POLICY_OK)
		check(scene, standbys == 0);
}

static void warnings(void **state)
{
	(void)state;
	for_each_case(warned);
}

/* ---- the policies that use one path at a time ---- */

static void one_path_a_group(struct scene *scene)
{
	if (shares_load(scene->policy))
		return;
	for (size_t i = 0; i < scene->n; i++)
		for (size_t k = 0; k < i; k++)
			if (in_use(&scene->plan[i]) && in_use(&scene->plan[k]))
				check(scene, scene->plan[i].group != scene->plan[k].group);
}

static void one_path_at_a_time(void **state)
{
	(void)state;
	for_each_case(one_path_a_group);
}

/* ---- the registry ---- */

static void registry(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_count; i++) {
		const struct policy *policy = policy_registry[i];

		assert_true(strlen(policy->name) < POLICY_NAME_MAX);
		assert_true(strlen(policy->name) > 0 && strlen(policy->summary) > 0);
		assert_true(strlen(policy->selector) > 0);
		assert_false(policy->shares_all && (policy->takes_roles || policy->takes_weights));
		assert_ptr_equal(policy_by_name(policy->name), policy);
		assert_int_equal(policy_index(policy), i);
		for (const char *c = policy->name; *c; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '-');
	}
	assert_string_equal(policy_by_name("least-queue-depth")->selector, "queue-length 0");
	assert_string_equal(policy_by_name("round-robin")->selector, "round-robin 0");
	assert_false(shares_load(policy_by_name("failover-only")));
	assert_false(shares_load(policy_by_name("weighted-path")));
	assert_true(shares_load(policy_by_name("round-robin-with-subset")));
	assert_null(policy_by_name(""));
	assert_null(policy_by_name("failover"));
	assert_null(policy_by_name("failover-onlyX"));
	assert_int_equal(policy_index(NULL), -1);
	assert_string_equal(role_name(ROLE_STANDBY), "standby");
	assert_string_equal(role_name((enum role)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry),
		cmocka_unit_test(every_path_has_a_place),
		cmocka_unit_test(groups_and_priorities),
		cmocka_unit_test(standby_behind_active),
		cmocka_unit_test(order_of_discovery),
		cmocka_unit_test(same_input_same_plan),
		cmocka_unit_test(a_failure_changes_no_plan),
		cmocka_unit_test(a_path_more),
		cmocka_unit_test(a_path_less),
		cmocka_unit_test(check_and_plan_agree),
		cmocka_unit_test(kernel_walks_the_list),
		cmocka_unit_test(no_balance_over_different_states),
		cmocka_unit_test(warnings),
		cmocka_unit_test(one_path_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
