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
	struct path_name names[N];
	struct policy_setting setting;
	struct plan_path plan[N];
	int best = 0;
	size_t length = 0;

	for (size_t i = 0; i < N; i++)
		names[i] = make_name(portals[i], "default");
	must_parse(text, &setting);
	assert_int_equal(plan_make(&setting, names, N, plan), 0);
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

static const struct {
	int row;
	const char *event, *policy, *up, *expected;
} table[] = {
	{ 1, "initial", FOO, "ABCD", "A" },
	{ 1, "initial", WP, "ABCD", "A" },
	{ 2, "A fails", FOO, "BCD", "B" },
	{ 2, "A fails", WP, "BCD", "B" },
	{ 3, "A then B fail", FOO, "CD", "C" },
	{ 3, "A then B fail", WP, "CD", "C" },
	{ 4, "woken standby fails too", FOO, "D", "D" },
	{ 4, "woken standby fails too", WP, "D", "D" },
	{ 5, "C fails, from 1", FOO, "ABD", "A" },
	{ 5, "C fails, from 1", WP, "ABD", "A" },
	{ 6, "from 3, A returns", FOO, "ACD", "A" },
	{ 6, "from 3, A returns", WP, "ACD", "A" },
	{ 7, "from 3, B returns (list order, no history)", FOO, "BCD", "B" },
	{ 7, "from 3, B returns", WP, "BCD", "B" },
	{ 8, "from 6, B returns", FOO, "ABCD", "A" },
	{ 8, "from 6, B returns", WP, "ABCD", "A" },
	{ 9, "all fail", FOO, "", "none" },
	{ 9, "all fail", WP, "", "none" },
	{ 10, "from 9, D returns", FOO, "D", "D" },
	{ 10, "from 9, D returns", WP, "D", "D" },
	{ 11, "from 10, C returns (list order, no history)", FOO, "CD", "C" },
	{ 11, "from 10, C returns", WP, "CD", "C" },
	{ 12, "from 11, A returns", FOO, "ACD", "A" },
	{ 12, "from 11, A returns", WP, "ACD", "A" },
	{ 16, "only D left, weight never", WP_NEVER, "D", "none" },
	{ 17, "weights all 0", WP_ZERO, "ABCD", "A" },
};

static void truth_table(void **state)
{
	char buffer[N + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *got = carriers(table[i].policy, table[i].up, buffer);

		if (strcmp(got, table[i].expected) != 0)
			fail_msg("row %d (%s), %.13s: %s instead of %s", table[i].row,
				 table[i].event, table[i].policy, got, table[i].expected);
	}
}

/* Expected: for A, B, C, D role letter (a, s, x) and priority. */
static void expect_plan(const char *text, const char *roles, const int *priorities)
{
	struct path_name names[N];
	struct policy_setting setting;
	struct plan_path plan[N];

	for (size_t i = 0; i < N; i++)
		names[i] = make_name(portals[i], "default");
	must_parse(text, &setting);
	assert_int_equal(plan_make(&setting, names, N, plan), 0);
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
	/* no active rule: the first in list order */
	expect_plan("failover-only standby portal=10.0.3.2 portal=10.0.2.2", "ssas",
		    (int[]){ 998, 999, 1000, 997 });
	/* the primary is not logged in: somebody must be active */
	expect_plan("failover-only active portal=10.0.9.9 standby portal=10.0.2.2", "sass",
		    (int[]){ 999, 1000, 998, 997 });
	/* two active paths by one network: the second waits, before those meant to wait */
	expect_plan("failover-only standby portal=10.0.4.2 active portal=10.0.2.0/23", "sass",
		    (int[]){ 997, 1000, 999, 998 });
	expect_plan("failover-only active portal=10.0.2.2 exclude portal=10.0.1.2", "xass",
		    (int[]){ 1, 1000, 999, 998 });
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
	struct path_name name = make_name("10.0.1.2", "eth0");
	struct policy_setting setting;
	struct plan_path plan;

	(void)state;
	must_parse("weighted-path iface=eth1:1 portal=10.0.1.2:2 iface=eth0:3", &setting);
	assert_int_equal(plan_make(&setting, &name, 1, &plan), 0);
	assert_int_equal(plan.rule, 1);
}

static void no_setting(void **state)
{
	struct path_name names[2] = { make_name("10.0.1.2", "default"),
				      make_name("10.0.2.2", "default") };
	struct plan_path plan[2];

	(void)state;
	assert_int_equal(plan_make(NULL, names, 2, plan), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(plan[i].role, ROLE_NONE);
		assert_int_equal(plan[i].group, 0);
		assert_int_equal(plan[i].priority, PRIORITY_BEST);
		assert_int_equal(plan[i].rule, -1);
	}
}

static void limits(void **state)
{
	static struct path_name names[POLICY_PATHS_MAX + 1];
	static struct plan_path plan[POLICY_PATHS_MAX + 1];
	static struct policy_setting setting;
	char portal[PORTAL_TEXT_MAX];

	(void)state;
	for (unsigned int i = 0; i <= POLICY_PATHS_MAX; i++) {
		snprintf(portal, sizeof(portal), "10.0.%u.%u", i / 200, i % 200 + 1);
		names[i] = make_name(portal, "default");
	}
	must_parse("failover-only", &setting);
	plan[0].priority = -7;
	assert_int_equal(plan_make(&setting, names, POLICY_PATHS_MAX + 1, plan), -E2BIG);
	assert_int_equal(plan[0].priority, -7);
	assert_int_equal(plan_make(&setting, names, POLICY_PATHS_MAX, plan), 0);
	assert_int_equal(plan[POLICY_PATHS_MAX - 1].priority, PRIORITY_BEST - POLICY_PATHS_MAX + 1);
	assert_int_equal(plan_make(&setting, names, 0, plan), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_table), cmocka_unit_test(examples),
		cmocka_unit_test(first_rule_wins), cmocka_unit_test(no_setting),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
