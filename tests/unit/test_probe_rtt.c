/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round trips, deadlines, pauses: the arithmetic of RFC 6298, its bounds, its jitter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/probe_rtt.h"

#define MS NS_PER_MS

static void first_sample(void **state)
{
	struct probe_rtt rtt = {0};

	(void)state;
	probe_rtt_sample(&rtt, 800);
	assert_int_equal(rtt.smoothed_us, 800);
	assert_int_equal(rtt.var_us, 400);
}

static void smoothing(void **state)
{
	struct probe_rtt rtt = {.smoothed_us = 1000, .var_us = 200};

	(void)state;
	probe_rtt_sample(&rtt, 1800);
	/* RTTVAR = 3/4·200 + 1/4·800, SRTT = 7/8·1000 + 1/8·1800 */
	assert_int_equal(rtt.var_us, 350);
	assert_int_equal(rtt.smoothed_us, 1100);
}

static void zero_and_freak_samples(void **state)
{
	struct probe_rtt rtt = {0};

	(void)state;
	probe_rtt_sample(&rtt, 0);
	assert_int_equal(rtt.smoothed_us, 1);
	rtt = (struct probe_rtt){0};
	probe_rtt_sample(&rtt, UINT64_MAX);
	assert_int_equal(rtt.smoothed_us, PROBE_RTT_SAMPLE_MAX_US);
}

static void deadline_bounds(void **state)
{
	struct probe_rtt none = {0};
	struct probe_rtt quick = {.smoothed_us = 100, .var_us = 50};
	struct probe_rtt slow = {.smoothed_us = 200000, .var_us = 50000};
	struct probe_rtt slower = {.smoothed_us = 900000, .var_us = 400000};

	(void)state;
	assert_true(probe_rtt_deadline_ns(&none, 250, 1000) == 1000 * MS);
	assert_true(probe_rtt_deadline_ns(&quick, 250, 1000) == 250 * MS);
	assert_true(probe_rtt_deadline_ns(&slow, 250, 1000) == 400 * MS);
	assert_true(probe_rtt_deadline_ns(&slower, 250, 1000) == 1000 * MS);
	/* a ceiling below the floor does not undercut it */
	assert_true(probe_rtt_deadline_ns(&slower, 250, 100) == 250 * MS);
	assert_true(probe_rtt_deadline_ns(&none, 250, 100) == 250 * MS);
}

static void converges(void **state)
{
	struct probe_rtt rtt = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		probe_rtt_sample(&rtt, 5000);
	assert_in_range(rtt.smoothed_us, 4990, 5010);
	assert_in_range(rtt.var_us, 0, 10);
}

static void never_out_of_bounds(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct probe_rtt rtt = {0};
		uint64_t wait;

		for (int j = 0; j < 5; j++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			probe_rtt_sample(&rtt, random >> (random >> 58));
			assert_in_range(rtt.smoothed_us, 1, PROBE_RTT_SAMPLE_MAX_US);
			assert_in_range(rtt.var_us, 0, PROBE_RTT_SAMPLE_MAX_US);
		}
		wait = probe_rtt_deadline_ns(&rtt, 250, 1000);
		assert_true(wait >= 250 * MS && wait <= 1000 * MS);
	}
}

static void jitter_range(void **state)
{
	uint64_t low = UINT64_MAX, high = 0;

	(void)state;
	for (uint32_t random = 0; random < 100000; random++) {
		uint64_t value = probe_jitter(250 * MS, 10, random * 2654435761U);

		low = value < low ? value : low;
		high = value > high ? value : high;
	}
	assert_true(low >= 225 * MS && low < 230 * MS);
	assert_true(high <= 275 * MS && high > 270 * MS);
	assert_true(probe_jitter(250, 0, 77) == 250);
	assert_true(probe_jitter(50, 10, 77) == 50);  /* too small to spread */
	assert_true(probe_jitter(1000, 200, 0) == 0); /* at most 100 % */
}

static void backoff(void **state)
{
	(void)state;
	for (uint32_t random = 0; random < 1000; random++) {
		assert_in_range(probe_backoff_ms(0, 500, 8000, random * 7919), 93, 157);
		assert_in_range(probe_backoff_ms(1, 500, 8000, random * 7919), 375, 625);
		assert_in_range(probe_backoff_ms(2, 500, 8000, random * 7919), 750, 1250);
		assert_in_range(probe_backoff_ms(5, 500, 8000, random * 7919), 6000,
				10000);
		assert_in_range(probe_backoff_ms(60, 500, 8000, random * 7919), 6000,
				10000);
		assert_in_range(probe_backoff_ms(UINT32_MAX, 500, 8000, random), 6000,
				10000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_sample),
		cmocka_unit_test(smoothing),
		cmocka_unit_test(zero_and_freak_samples),
		cmocka_unit_test(deadline_bounds),
		cmocka_unit_test(converges),
		cmocka_unit_test(never_out_of_bounds),
		cmocka_unit_test(jitter_range),
		cmocka_unit_test(backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
