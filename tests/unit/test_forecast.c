/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/forecast.h"
#include "daemon/queueing.h"
#include "tests/unit/policy_fixture.h"

/* Four paths in list order. */
#define N 4
static const char letters[] = "ABCD";

/* Each registered policy, with the setting the truth table is about. */
static const struct column {
	const char *policy, *setting;
} columns[] = {
	{"failover-only", "failover-only active portal=10.0.1.2 standby portal=10.0.2.2 "
			  "portal=10.0.3.2 portal=10.0.4.2"},
	{"round-robin", "round-robin"},
	{"round-robin-with-subset",
	 "round-robin-with-subset active portal=10.0.1.2 portal=10.0.2.2 standby "
	 "portal=10.0.3.2 portal=10.0.4.2"},
	{"weighted-path", "weighted-path portal=10.0.1.2:1 portal=10.0.2.2:2 portal=10.0.3.2:3 "
			  "portal=10.0.4.2:4"},
	{"least-queue-depth", "least-queue-depth"},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Row of the table: which paths are up, and which carry I/O, in the order of 'columns'. */
static const struct row {
	int number;
	const char *up;
	const char *carry[COLUMNS];
} rows[] = {
	{1, "ABCD", {"A", "ABCD", "AB", "A", "ABCD"}}, {2, "BCD", {"B", "BCD", "B", "B", "BCD"}},
	{3, "CD", {"C", "CD", "C", "C", "CD"}},	       {4, "D", {"D", "D", "D", "D", "D"}},
	{5, "ABD", {"A", "ABD", "AB", "A", "ABD"}},    {6, "ACD", {"A", "ACD", "A", "A", "ACD"}},
	{7, "BCD", {"B", "BCD", "B", "B", "BCD"}},     {8, "ABCD", {"A", "ABCD", "AB", "A", "ABCD"}},
	{9, "", {"", "", "", "", ""}},		       {10, "D", {"D", "D", "D", "D", "D"}},
	{11, "CD", {"C", "CD", "C", "C", "CD"}},       {12, "ACD", {"A", "ACD", "A", "A", "ACD"}},
};

static void make_plan(const char *text, struct plan_path *plan)
{
	static const char *const portals[N] = {"10.0.1.2", "10.0.2.2", "10.0.3.2", "10.0.4.2"};
	struct policy_path paths[N];
	struct policy_setting setting;

	memset(paths, 0, sizeof(paths));
	for (size_t i = 0; i < N; i++)
		paths[i].name = make_name(portals[i], "default");
	must_parse(text, &setting);
	assert_int_equal(plan_make(&setting, paths, N, plan), 0);
}

/* Letters of the paths that carry I/O when those of 'up' are up. */
static const char *carriers(const struct plan_path *plan, const char *up, char *buffer)
{
	struct forecast_path paths[N];
	bool usable[N];
	size_t used = 0;
	int group;

	for (size_t i = 0; i < N; i++)
		usable[i] = strchr(up, letters[i]) != NULL;
	forecast_plan(plan, usable, N, paths);
	group = forecast_group(paths, N);
	for (size_t i = 0; i < N; i++)
		if (forecast_carries(&paths[i], group))
			buffer[used++] = letters[i];
	buffer[used] = '\0';
	return buffer;
}

static void truth_table(void **state)
{
	struct plan_path plan[N];
	char buffer[N + 1];

	(void)state;
	for (size_t c = 0; c < COLUMNS; c++) {
		if (!policy_by_name(columns[c].policy))
			fail_msg("%s is not registered", columns[c].policy);
		make_plan(columns[c].setting, plan);
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
			if (strcmp(carriers(plan, rows[r].up, buffer), rows[r].carry[c]))
				fail_msg("%s, row %d: \"%s\" carry, not \"%s\"",
					 columns[c].policy, rows[r].number, buffer,
					 rows[r].carry[c]);
	}
}

/* A policy that is registered has a column. */
static void every_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_count; i++) {
		size_t c = 0;

		while (c < COLUMNS && strcmp(columns[c].policy, policy_registry[i]->name))
			c++;
		if (c == COLUMNS)
			fail_msg("%s has no column", policy_registry[i]->name);
	}
}

/* Rows 16 and 17: a weight of "never" even as the last path, equal weights in list order. */
static void weights(void **state)
{
	struct plan_path plan[N];
	char buffer[N + 1];

	(void)state;
	make_plan("weighted-path portal=10.0.1.2:1 portal=10.0.4.2:never", plan);
	assert_string_equal(carriers(plan, "D", buffer), "");
	assert_string_equal(carriers(plan, "CD", buffer), "C");
	make_plan("weighted-path portal=10.0.0.0/16:0", plan);
	assert_string_equal(carriers(plan, "ABCD", buffer), "A");
	assert_string_equal(carriers(plan, "CD", buffer), "C");
}

/* What is no member of any group, excluded, or set aside. */
static void kernel_choice(void **state)
{
	struct forecast_path paths[] = {
		{.group = 0, .placed = true, .usable = true, .disabled = true},
		{.group = 1, .placed = true, .usable = true},
		{.group = 2, .placed = true, .usable = true, .excluded = true},
		{.group = 0, .placed = false, .usable = true},
	};

	(void)state;
	assert_int_equal(forecast_group(paths, 4), 1);
	assert_int_equal(forecast_next(paths, 4, 1), 0); /* set aside, but the last */
	paths[1].usable = false;
	assert_int_equal(forecast_group(paths, 4), 0);
	assert_int_equal(forecast_next(paths, 4, 0), -1);
	paths[0].usable = false;
	assert_int_equal(forecast_group(paths, 4), -1);
	assert_false(forecast_carries(&paths[2], 2));
	assert_false(forecast_carries(&paths[3], 0));
	assert_int_equal(forecast_group(NULL, 0), -1);
}

/* Two paths in a table "A first", and a policy that says so, or not. */
static void basis(void **state)
{
	struct iscsi_identity ids[2] = {{.devt = 1}, {.devt = 2}};
	struct policy_setting setting;
	struct store_entry entry = {.setting = &setting};
	struct dm_map map = {.n_groups = 2, .group_state = "AE", .n_paths = 2};
	struct lun_path members[2];
	struct lun lun = {.map = &map, .entry = &entry, .setting = &setting, .paths = members,
			  .n_paths = 2};
	const bool up[2] = {true, true};
	struct forecast_path out[POLICY_PATHS_MAX];

	(void)state;
	must_parse("failover-only active portal=10.0.1.2", &setting);
	for (unsigned int i = 0; i < 2; i++) {
		map.paths[i] = (struct dm_path){.devt = i + 1, .active = true, .group = i};
		members[i] = (struct lun_path){
			.id = &ids[i], .dm = &map.paths[i], .plan = {.group = i}};
	}
	assert_int_equal(forecast_lun(&lun, up, out), FORECAST_PLAN);
	assert_int_equal(forecast_group(out, 2), 0);
	/* pending: the table counts */
	members[0].plan.group = 1;
	members[1].plan.group = 0;
	assert_int_equal(forecast_lun(&lun, up, out), FORECAST_KERNEL);
	assert_true(forecast_carries(&out[0], forecast_group(out, 2)));
	/* what carries now: also one that is excluded, until it is failed */
	map.group_state[1] = 'D';
	members[0].plan.role = members[1].plan.role = ROLE_EXCLUDED;
	map.paths[1].active = false;
	forecast_now(&lun, out);
	assert_true(forecast_carries(&out[0], 0));
	assert_true(out[1].excluded && out[1].disabled && !out[1].usable);
	members[0].plan.role = members[1].plan.role = ROLE_ACTIVE;
	/* a path that is not in the map carries nothing */
	members[0].dm = NULL;
	forecast_lun(&lun, up, out);
	assert_false(forecast_carries(&out[0], 0) || forecast_carries(&out[0], 1));
	lun.map = NULL;
	members[1].dm = NULL;
	assert_int_equal(forecast_lun(&lun, up, out), FORECAST_KERNEL);
	assert_int_equal(forecast_group(out, 2), -1);
}

static void queueing(void **state)
{
	struct mp_map map = {.queueing = MP_QUEUEING_CHECKS, .retries = 12};
	char text[QUEUEING_TEXT_MAX];

	(void)state;
	assert_string_equal(queueing_text(false, &map, 5, text, sizeof(text)),
			    "I/O fails at once");
	assert_string_equal(
		queueing_text(true, &map, 10, text, sizeof(text)),
		"I/O waits for about 120 s, then fails (no_path_retry 12, every 10 s)");
	assert_string_equal(
		queueing_text(true, &map, 0, text, sizeof(text)),
		"I/O waits for about 60 s, then fails (no_path_retry 12, every 5 s)");
	map = (struct mp_map){.queueing = MP_QUEUEING_SECONDS, .seconds = 7};
	assert_string_equal(queueing_text(true, &map, 5, text, sizeof(text)),
			    "I/O waits for 7 s more, then fails");
	map.queueing = MP_QUEUEING_ON;
	assert_string_equal(queueing_text(true, &map, 5, text, sizeof(text)),
			    "I/O waits until a path is back, however long");
	assert_string_equal(queueing_text(true, NULL, 0, text, sizeof(text)),
			    "I/O waits (for how long, multipathd does not say)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_table),	 cmocka_unit_test(every_policy),
		cmocka_unit_test(weights),	 cmocka_unit_test(kernel_choice),
		cmocka_unit_test(basis),	 cmocka_unit_test(queueing),
	};

	return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
