/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/regroup.h"

#define START (1000 * NS_PER_S)

static bool step(struct regroup *r, uint64_t id, uint64_t plan_ns, uint64_t ms)
{
	struct regroup_lun lun = {.id = id, .plan_ns = plan_ns, .due = true};

	assert_int_equal(regroup_step(r, &lun, 1, START + ms * NS_PER_MS), 0);
	return lun.due;
}

static void once_after_a_while(void **state)
{
	struct regroup r = {.n = 0};

	(void)state;
	assert_false(step(&r, 1, 5, 0));
	assert_false(step(&r, 1, 5, REGROUP_AFTER_MS - 1));
	assert_true(step(&r, 1, 5, REGROUP_AFTER_MS));
	assert_false(step(&r, 1, 5, REGROUP_AFTER_MS + 1));
	assert_false(step(&r, 1, 5, 100 * REGROUP_AFTER_MS));
	regroup_free(&r);
}

/* In order for a moment, another plan, another LUN: the time counts anew. */
static void begins_anew(void **state)
{
	struct regroup r = {.n = 0};

	(void)state;
	assert_false(step(&r, 1, 5, 0));
	assert_int_equal(regroup_step(&r, NULL, 0, START + NS_PER_S), 0);
	assert_false(step(&r, 1, 5, REGROUP_AFTER_MS));
	assert_false(step(&r, 1, 6, 2 * REGROUP_AFTER_MS));
	assert_true(step(&r, 1, 6, 3 * REGROUP_AFTER_MS));
	assert_false(step(&r, 2, 6, 4 * REGROUP_AFTER_MS));
	regroup_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_after_a_while),
		cmocka_unit_test(begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
