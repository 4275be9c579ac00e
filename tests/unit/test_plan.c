/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth table of the policies: which path carries the I/O after which event. The kernel
 * is played by what it does: it takes the first group, in order of priority, that has a
 * usable path, and uses all usable paths of that group.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "tests/unit/policy_fixture.h"

#define N 4

static const char *const portals[N] = { "10.0.1.2", "10.0.2.2", "10.0.3.2", "10.0.4.2" };

/* The letters of the paths that carry I/O while those of 'up' are usable; "none". */
static const char *carriers(const char *text, const char *up, char *buffer)
{
	struct policy_path paths[N];
	struct policy_setting setting;
	struct plan_path plan[N];
	int best = 0;
	size_t length = 0;

	for (size_t i = 0; i < N; i++)
		paths[i] = make_path(portals[i], "default");
	must_parse(text, &setting);
	assert_int_equal(plan_make(&setting, paths, N, plan), 0);
	for (size_t i = 0; i < N; i++)
		if (strchr(up, 'A' + (int)i) && plan[i].role != ROLE_EXCLUDED &&
		    plan[i].priority > best)
			best = plan[i].priority;
	for (size_t i = 0; i < N; i++)
		if (strchr(up, 'A' + (int)i) && plan[i].role != ROLE_EXCLUDED &&
		    plan[i].priority == best)
			buffer[length++] = (char)('A' + i);
	buffer[length] = '\0';
	return length ? buffer : "none";
}

#define FOO                                                                                     \
	"failover-only active portal=10.0.1.2 standby portal=10.0.2.2 portal=10.0.3.2 "         \
	"portal=10.0.4.2"
#define WP                                                                                      \
	"weighted-path portal=10.0.1.2:1 portal=10.0.2.2:2 portal=10.0.3.2:3 portal=10.0.4.2:4"
#define WP_NEVER                                                                                \
	"weighted-path portal=10.0.1.2:1 portal=10.0.2.2:2 portal=10.0.3.2:3 portal=10.0.4.2:never"
#define WP_ZERO                                                                                 \
	"weighted-path portal=10.0.1.2:0 portal=10.0.2.2:0 portal=10.0.3.2:0 portal=10.0.4.2:0"

#define RR "round-robin"
#define RRWS                                                                                    \
	"round-robin-with-subset active portal=10.0.1.2 portal=10.0.2.2 "                       \
	"standby portal=10.0.3.2 portal=10.0.4.2"
#define LQD "least-queue-depth"

enum { P_FOO, P_RR, P_RRWS, P_WP, P_LQD, P_MAX };

/* The columns; rows 16 and 17 have settings of their own. Rows 7 and 11 go by list order,
 * without history. Rows 13 to 15 belong to reservations and to a preferred path, which are
 * no part of the plan. */
static const struct {
	int row;
	const char *event, *up;
	const char *expected[P_MAX];
} table[] = {
	{ 1, "initial", "ABCD", { "A", "ABCD", "AB", "A", "ABCD" } },
	{ 2, "A fails", "BCD", { "B", "BCD", "B", "B", "BCD" } },
	{ 3, "A then B fail", "CD", { "C", "CD", "C", "C", "CD" } },
	{ 4, "woken standby fails too", "D", { "D", "D", "D", "D", "D" } },
	{ 5, "C fails, from 1", "ABD", { "A", "ABD", "AB", "A", "ABD" } },
	{ 6, "from 3, A returns", "ACD", { "A", "ACD", "A", "A", "ACD" } },
	{ 7, "from 3, B returns", "BCD", { "B", "BCD", "B", "B", "BCD" } },
	{ 8, "from 6, B returns", "ABCD", { "A", "ABCD", "AB", "A", "ABCD" } },
	{ 9, "all fail", "", { "none", "none", "none", "none", "none" } },
	{ 10, "from 9, D returns", "D", { "D", "D", "D", "D", "D" } },
	{ 11, "from 10, C returns", "CD", { "C", "CD", "C", "C", "CD" } },
	{ 12, "from 11, A returns", "ACD", { "A", "ACD", "A", "A", "ACD" } },
};

static void expect_carriers(int row, const char *event, const char *policy, const char *up,
			    const char *expected)
{
	char buffer[N + 1];
	const char *got = carriers(policy, up, buffer);

	if (strcmp(got, expected) != 0)
		fail_msg("row %d (%s), %.24s: %s instead of %s", row, event, policy, got,
			 expected);
}

static void truth_table(void **state)
{
	static const char *const policies[P_MAX] = {
		[P_FOO] = FOO, [P_RR] = RR, [P_RRWS] = RRWS, [P_WP] = WP, [P_LQD] = LQD,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int p = 0; p < P_MAX; p++)
			expect_carriers(table[i].row, table[i].event, policies[p], table[i].up,
					table[i].expected[p]);
	expect_carriers(16, "only D left, weight never", WP_NEVER, "D", "none");
	expect_carriers(17, "weights all 0", WP_ZERO, "ABCD", "A");
}

/* Expected: for A, B, C, D role letter (a, s, x) and priority. */
static void expect_plan(const char *text, const char *roles, const int *priorities)
{
	struct policy_path paths[N];
	struct policy_setting setting;
	struct plan_path plan[N];

	for (size_t i = 0; i < N; i++)
		paths[i] = make_path(portals[i], "default");
	must_parse(text, &setting);
	assert_int_equal(plan_make(&setting, paths, N, plan), 0);
	for (size_t i = 0; i < N; i++) {
		enum role role = roles[i] == 'a' ? ROLE_ACTIVE :
				 roles[i] == 's' ? ROLE_STANDBY :
						   ROLE_EXCLUDED;

		if (plan[i].role != role || plan[i].priority != priorities[i])
			fail_msg("%s: path %c is %s with priority %d, expected %s with %d", text,
				 'A' + (char)i, role_name(plan[i].role), plan[i].priority,
				 role_name(role), priorities[i]);
		if (role != ROLE_EXCLUDED)
			assert_int_equal(plan[i].priority, PRIORITY_BEST - (int)plan[i].group);
	}
}

/* The same with access states: o optimized, n non-optimized, s standby, u unknown; a capital
 * letter: preferred. Roles as above, then the groups as digits. */
static void expect_alua(const char *text, const char *access, const char *roles,
			const char *groups)
{
	static const char letters[] = "uonls"; /* in the order of enum access_state */
	struct policy_path paths[N];
	struct policy_setting setting;
	struct plan_path plan[N];

	for (size_t i = 0; i < N; i++) {
		paths[i] = make_path(portals[i], "default");
		paths[i].access = (enum access_state)(
			strchr(letters, access[i] | 0x20) - letters);
		paths[i].preferred = access[i] < 'a';
	}
	must_parse(text, &setting);
	assert_int_equal(plan_make(&setting, paths, N, plan), 0);
	for (size_t i = 0; i < N; i++)
		if (role_name(plan[i].role)[0] != roles[i] || plan[i].group != (unsigned int)(groups[i] - '0'))
			fail_msg("%s over %s: path %c is %s in group %u, expected %.1s in %.1s",
				 text, access, 'A' + (char)i, role_name(plan[i].role),
				 plan[i].group, roles + i, groups + i);
}

static void by_access(void **state)
{
	static const char *const all[] = { "round-robin", "least-queue-depth",
					   "round-robin-with-subset" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		/* symmetric, also where a state is not known, and whatever the state */
		expect_alua(all[i], "oooo", "aaaa", "0000");
		expect_alua(all[i], "nnnn", "aaaa", "0000");
		expect_alua(all[i], "ouou", "aaaa", "0000");
		expect_alua(all[i], "nunu", "aaaa", "0000");
		/* the target prefers two; the others one at a time, the better ones first */
		expect_alua(all[i], "nono", "sasa", "1020");
		expect_alua(all[i], "noso", "sasa", "1020");
		expect_alua(all[i], "sono", "sasa", "2010");
		expect_alua(all[i], "nnsn", "aasa", "0010");
		/* an unknown state is not taken for an optimized one */
		expect_alua(all[i], "uono", "sasa", "1020");
		/* preferred: only an order among equals */
		expect_alua(all[i], "noNo", "sasa", "2010");
		expect_alua(all[i], "nOno", "sasa", "1020");
	}
	expect_alua("round-robin exclude portal=10.0.1.2 portal=10.0.3.2", "nono", "eaea", "1010");
	/* what the administrator names stands; only within a rule the target decides */
	expect_alua("round-robin-with-subset active portal=10.0.1.2 portal=10.0.2.2", "nonu",
		    "aass", "0012");
	expect_alua("round-robin-with-subset standby portal=10.0.2.2", "nono", "sssa", "2130");
	expect_alua("failover-only active portal=10.0.3.2", "nono", "ssas", "3102");
	expect_alua("failover-only active portal=10.0.4.2 standby portal=10.0.0.0/22", "nnos",
		    "sssa", "2310");
	expect_alua("failover-only", "nnon", "ssas", "1203");
	expect_alua("failover-only standby portal=10.0.3.2", "nnon", "asss", "0132");
	expect_alua("failover-only", "nonO", "sssa", "2130");
	expect_alua("weighted-path portal=10.0.1.2:1 portal=10.0.0.0/16:2", "nsno", "aaaa", "0321");
}

static void examples(void **state)
{
	(void)state;
	expect_plan("failover-only", "asss", (int[]){ 1000, 999, 998, 997 });
	/* the order given is the order of the standbys; what is not named comes last */
	expect_plan("failover-only active portal=10.0.3.2 standby portal=10.0.2.2", "ssas",
		    (int[]){ 998, 999, 1000, 997 });
	/* standby named before the active one */
	expect_plan("failover-only standby portal=10.0.2.2 active portal=10.0.4.2", "sssa",
		    (int[]){ 998, 999, 997, 1000 });
	/* no active rule: what no rule names comes before what is to stand by */
	expect_plan("failover-only standby portal=10.0.3.2 portal=10.0.2.2", "asss",
		    (int[]){ 1000, 997, 998, 999 });
	expect_plan("failover-only standby portal=10.0.1.2", "sass",
		    (int[]){ 997, 1000, 999, 998 });
	expect_plan("failover-only standby portal=10.0.1.2 exclude portal=10.0.2.2", "sxas",
		    (int[]){ 998, 1, 1000, 999 });
	/* all are to stand by: somebody must be active */
	expect_plan("failover-only standby portal=10.0.3.2 portal=10.0.0.0/16", "ssas",
		    (int[]){ 999, 998, 1000, 997 });
	/* the primary is not logged in: somebody must be active */
	expect_plan("failover-only active portal=10.0.9.9 standby portal=10.0.2.2", "sass",
		    (int[]){ 999, 1000, 998, 997 });
	/* two active paths by one network: the second waits, before those meant to wait */
	expect_plan("failover-only standby portal=10.0.4.2 active portal=10.0.2.0/23", "sass",
		    (int[]){ 997, 1000, 999, 998 });
	expect_plan("failover-only active portal=10.0.2.2 exclude portal=10.0.1.2", "xass",
		    (int[]){ 1, 1000, 999, 998 });
	/* subset: actives together, each standby alone, what is not named behind them */
	expect_plan(RRWS, "aass", (int[]){ 1000, 1000, 999, 998 });
	expect_plan("round-robin-with-subset active portal=10.0.4.2 portal=10.0.2.2 standby "
		    "portal=10.0.3.2",
		    "sasa", (int[]){ 998, 1000, 999, 1000 });
	expect_plan("round-robin-with-subset", "aaaa", (int[]){ 1000, 1000, 1000, 1000 });
	/* no rule makes a path active: all are that are not told to wait */
	expect_plan("round-robin-with-subset standby portal=10.0.2.2", "asaa",
		    (int[]){ 1000, 999, 1000, 1000 });
	/* the active ones are not logged in: as if they had failed */
	expect_plan("round-robin-with-subset active portal=10.0.9.9 standby portal=10.0.3.2",
		    "ssas", (int[]){ 999, 998, 1000, 997 });
	expect_plan("round-robin-with-subset active portal=10.0.9.9", "asss",
		    (int[]){ 1000, 999, 998, 997 });
	expect_plan("round-robin exclude portal=10.0.2.2", "axaa",
		    (int[]){ 1000, 1, 1000, 1000 });
	expect_plan("least-queue-depth", "aaaa", (int[]){ 1000, 1000, 1000, 1000 });
	expect_plan("weighted-path", "aaaa", (int[]){ 1000, 999, 998, 997 });
	expect_plan("weighted-path portal=10.0.4.2:4294967294 portal=10.0.3.2:0", "aaaa",
		    (int[]){ 998, 997, 1000, 999 });
	expect_plan("weighted-path portal=10.0.2.2:never portal=10.0.3.2:7 exclude portal=10.0.1.2",
		    "xxaa", (int[]){ 1, 1, 1000, 999 });
	/* equal weights: in the order given */
	expect_plan("weighted-path portal=10.0.3.2:5 portal=10.0.1.2:5 portal=10.0.4.2:4", "aaaa",
		    (int[]){ 998, 997, 999, 1000 });
	expect_plan("weighted-path portal=10.0.0.0/16:never", "xxxx", (int[]){ 1, 1, 1, 1 });
}

static void first_rule_wins(void **state)
{
	struct policy_path path = make_path("10.0.1.2", "eth0");
	struct policy_setting setting;
	struct plan_path plan;

	(void)state;
	must_parse("weighted-path iface=eth1:1 portal=10.0.1.2:2 iface=eth0:3", &setting);
	assert_int_equal(plan_make(&setting, &path, 1, &plan), 0);
	assert_int_equal(plan.rule, 1);
}

static void no_setting(void **state)
{
	struct policy_path paths[2] = { make_path("10.0.1.2", "default"),
				      make_path("10.0.2.2", "default") };
	struct plan_path plan[2];

	(void)state;
	assert_int_equal(plan_make(NULL, paths, 2, plan), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(plan[i].role, ROLE_NONE);
		assert_int_equal(plan[i].group, 0);
		assert_int_equal(plan[i].priority, PRIORITY_BEST);
		assert_int_equal(plan[i].rule, -1);
	}
}

static void limits(void **state)
{
	static struct policy_path paths[POLICY_PATHS_MAX + 1];
	static struct plan_path plan[POLICY_PATHS_MAX + 1];
	static struct policy_setting setting;
	char portal[PORTAL_TEXT_MAX];

	(void)state;
	for (unsigned int i = 0; i <= POLICY_PATHS_MAX; i++) {
		snprintf(portal, sizeof(portal), "10.0.%u.%u", i / 200, i % 200 + 1);
		paths[i] = make_path(portal, "default");
	}
	must_parse("failover-only", &setting);
	plan[0].priority = -7;
	assert_int_equal(plan_make(&setting, paths, POLICY_PATHS_MAX + 1, plan), -E2BIG);
	assert_int_equal(plan[0].priority, -7);
	assert_int_equal(plan_make(&setting, paths, POLICY_PATHS_MAX, plan), 0);
	assert_int_equal(plan[POLICY_PATHS_MAX - 1].priority, PRIORITY_BEST - POLICY_PATHS_MAX + 1);
	assert_int_equal(plan_make(&setting, paths, 0, plan), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_table), cmocka_unit_test(examples),
		cmocka_unit_test(first_rule_wins), cmocka_unit_test(no_setting),
		cmocka_unit_test(limits), cmocka_unit_test(by_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
