/* SPDX-License-Identifier: GPL-2.0-or-later */
/* So much in a time, so much at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/ration.h"

static const struct ration_limit limit = {.each_ns = 10 * NS_PER_MS, .burst = 5};

static void burst_then_rate(void **state)
{
	struct ration ration = {0};
	uint64_t now_ns = 1000 * NS_PER_S;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(ration_take(&ration, &limit, 1, now_ns));
	assert_false(ration_take(&ration, &limit, 1, now_ns));
	assert_false(ration_take(&ration, &limit, 1, now_ns + 9 * NS_PER_MS));
	assert_true(ration_take(&ration, &limit, 1, now_ns + 10 * NS_PER_MS));
	assert_false(ration_take(&ration, &limit, 1, now_ns + 10 * NS_PER_MS));
}

static void many_at_once(void **state)
{
	struct ration ration = {0};
	uint64_t now_ns = 1000 * NS_PER_S;

	(void)state;
	assert_false(ration_take(&ration, &limit, 6, now_ns));
	assert_true(ration_take(&ration, &limit, 5, now_ns)); /* the refused ones cost nothing */
	assert_false(ration_take(&ration, &limit, 3, now_ns + 20 * NS_PER_MS));
	assert_true(ration_take(&ration, &limit, 2, now_ns + 20 * NS_PER_MS));
}

/* However hard it is asked, what it gives in a time is the rate and one burst. */
static void never_more(void **state)
{
	struct ration ration = {0};
	uint64_t begin_ns = 1000 * NS_PER_S, random = 1;
	unsigned int given = 0;

	(void)state;
	for (uint64_t ns = 0; ns < NS_PER_S; ns += NS_PER_MS / 4) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		for (uint64_t i = random >> 61; i > 0; i--)
			given += ration_take(&ration, &limit, 1, begin_ns + ns);
	}
	assert_in_range(given, 100, 105);
	/* and a rest fills it up, not more */
	for (given = 0; ration_take(&ration, &limit, 1, begin_ns + 3600 * NS_PER_S);)
		given++;
	assert_int_equal(given, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(never_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
