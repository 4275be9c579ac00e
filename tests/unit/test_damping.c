/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "checker/damping.h"
#include "common/clock.h"

#define S NS_PER_S

static const struct damping_limits usual = { .half_life_s = 60, .hold = 3000, .reuse = 1000 };

/* Down and up again at 'now_ns': one flap. */
static bool flap(struct damping *damping, const struct damping_limits *limits, uint64_t now_ns)
{
	damping_step(damping, limits, false, now_ns);
	return damping_step(damping, limits, true, now_ns);
}

static void test_first_sight_is_no_flap(void **state)
{
	struct damping d = { 0 };

	(void)state;
	assert_false(damping_step(&d, &usual, false, 100 * S));
	assert_int_equal(damping_penalty(&d, &usual, 100 * S), 0);
	damping_step(&d, &usual, true, 101 * S);
	assert_int_equal(damping_penalty(&d, &usual, 101 * S), 0);
	damping_step(&d, &usual, false, 102 * S);
	assert_int_equal(damping_penalty(&d, &usual, 102 * S), DAMPING_FLAP);
}

/* One outage, however long and however often looked at, is one flap. */
static void test_outage_is_one_flap(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, 100 * S);
	for (uint64_t t = 100 * S; t < 101 * S; t += NS_PER_MS) {
		bool held = damping_step(&d, &usual, false, t);

		assert_false(held);
	}
	assert_in_range(damping_penalty(&d, &usual, 101 * S), 980, 1000);
}

static void test_half_life(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, S);
	flap(&d, &usual, 10 * S);
	flap(&d, &usual, 10 * S);
	assert_int_equal(damping_penalty(&d, &usual, 10 * S), 2000);
	assert_int_equal(damping_penalty(&d, &usual, 70 * S), 1000);
	assert_int_equal(damping_penalty(&d, &usual, 130 * S), 500);
	/* looking at it does not change it */
	for (uint64_t t = 10; t <= 130; t++)
		damping_step(&d, &usual, true, t * S);
	assert_int_equal(damping_penalty(&d, &usual, 130 * S), 500);
}

/* Held above 'hold', until below 'reuse': the two thresholds are its hysteresis. */
static void test_hold_and_reuse(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, S);
	assert_false(flap(&d, &usual, 10 * S));
	assert_false(flap(&d, &usual, 10 * S));
	assert_false(flap(&d, &usual, 10 * S)); /* 3000: at, not above */
	assert_true(flap(&d, &usual, 10 * S));
	/* 4000: two half-lives to come down to 1000 */
	assert_int_equal(damping_left_ms(&d, &usual, 10 * S), 120001);
	assert_true(damping_step(&d, &usual, true, 70 * S)); /* 2000: between the two */
	assert_true(damping_step(&d, &usual, false, 70 * S));
	assert_int_equal(damping_penalty(&d, &usual, 70 * S), 3000);
	assert_true(damping_step(&d, &usual, false, 164 * S));
	/* it is used again whether it is up or down: that is for others to see */
	assert_false(damping_step(&d, &usual, false, 166 * S));
	assert_int_equal(damping_left_ms(&d, &usual, 166 * S), 0);
	assert_false(damping_step(&d, &usual, true, 167 * S));
}

static void test_ceiling(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, S);
	for (int i = 0; i < 10000; i++)
		flap(&d, &usual, 10 * S);
	assert_int_equal(damping_penalty(&d, &usual, 10 * S), 16000);
	assert_int_equal(damping_left_ms(&d, &usual, 10 * S), 240001);
	assert_true(damping_step(&d, &usual, true, 249 * S));
	assert_false(damping_step(&d, &usual, true, 251 * S));
}

static void test_forgive(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, S);
	for (int i = 0; i < 20; i++)
		flap(&d, &usual, 10 * S);
	damping_step(&d, &usual, false, 10 * S);
	damping_forgive(&d);
	assert_int_equal(damping_penalty(&d, &usual, 10 * S), 0);
	/* still down: no new flap; the next one counts from nothing */
	assert_false(damping_step(&d, &usual, false, 11 * S));
	assert_int_equal(damping_penalty(&d, &usual, 11 * S), 0);
	damping_step(&d, &usual, true, 12 * S);
	assert_false(damping_step(&d, &usual, false, 12 * S));
	assert_int_equal(damping_penalty(&d, &usual, 12 * S), DAMPING_FLAP);
}

static void test_switched_off(void **state)
{
	static const struct damping_limits never = { .half_life_s = 60, .hold = 0, .reuse = 1000 };
	static const struct damping_limits brief = { .half_life_s = 0, .hold = 1500,
						     .reuse = 1000 };
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, S);
	for (int i = 0; i < 20; i++)
		flap(&d, &usual, 10 * S);
	assert_true(d.held);
	assert_false(damping_step(&d, &never, true, 10 * S)); /* set to 0 while held */
	assert_int_equal(damping_left_ms(&d, &never, 10 * S), 0);
	memset(&d, 0, sizeof(d));
	damping_step(&d, &brief, true, S);
	for (uint64_t i = 0; i < 20; i++)
		assert_false(flap(&d, &brief, 10 * S + i));
}

/* The clock is monotonic; if it ever is not, nothing is gained or lost by it. */
static void test_time_jumps(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_step(&d, &usual, true, 1000 * S);
	for (int i = 0; i < 4; i++)
		flap(&d, &usual, 1000 * S);
	assert_true(damping_step(&d, &usual, true, 10 * S)); /* back */
	assert_int_equal(damping_penalty(&d, &usual, 10 * S), 4000);
	assert_int_equal(damping_penalty(&d, &usual, 1 * S), 4000);
	assert_int_equal(damping_penalty(&d, &usual, 70 * S), 2000); /* and decays from there */
	assert_false(damping_step(&d, &usual, true, UINT64_MAX)); /* a suspended year */
	assert_int_equal(damping_penalty(&d, &usual, UINT64_MAX), 0);
}

/* ---- properties over seeded random lives ---- */

static unsigned int seed;

static uint64_t any(uint64_t n)
{
	return (uint64_t)rand_r(&seed) % n;
}

static struct damping_limits any_limits(void)
{
	struct damping_limits limits = { .half_life_s = (uint32_t)(1 + any(600)),
					 .reuse = (uint32_t)(1 + any(3000)) };

	limits.hold = (uint32_t)(limits.reuse + 1 + any(15ULL * limits.reuse));
	return limits;
}

/*
 * RFC 2439: held only above the cutoff, released only below reuse, never held for longer than
 * four half-lives without a new flap, penalty never above the ceiling, and what was said to be
 * left is what it takes.
 */
static void test_any_life(void **state)
{
	unsigned int held_seen = 0;

	(void)state;
	seed = 2439;
	for (int life = 0; life < 400; life++) {
		struct damping_limits limits = any_limits();
		uint64_t now = S, half = limits.half_life_s * S;
		struct damping d = { 0 };

		for (int i = 0; i < 300; i++) {
			bool was = d.held;
			uint32_t before = damping_penalty(&d, &limits, now), penalty;
			bool held = damping_step(&d, &limits, any(2), now);

			penalty = damping_penalty(&d, &limits, now);
			assert_true(penalty <= 16 * limits.reuse);
			assert_true(penalty <= before + DAMPING_FLAP);
			if (held && !was)
				assert_true(d.penalty > limits.hold);
			if (was && !held)
				assert_true(d.penalty < limits.reuse);
			held_seen += held;
			now += any(3) ? any(half / 8 + 1) : any(half);
		}
		if (d.held) {
			uint64_t left = damping_left_ms(&d, &limits, d.as_of_ns);
			struct damping copy = d;

			assert_in_range(left, 1, 4000ULL * limits.half_life_s + 1);
			if (left > 2)
				assert_true(damping_step(&copy, &limits, true,
							 d.as_of_ns + (left - 2) * NS_PER_MS));
			assert_false(damping_step(&d, &limits, true,
						  d.as_of_ns + left * NS_PER_MS));
		}
	}
	assert_true(held_seen > 1000);
}

/* How often one looks makes no difference (to a unit, for rounding). */
static void test_any_pace(void **state)
{
	(void)state;
	seed = 7;
	for (int life = 0; life < 200; life++) {
		struct damping_limits limits = any_limits();
		struct damping often = { 0 }, seldom = { 0 };
		uint64_t now = S;
		bool up = true;

		for (int i = 0; i < 50; i++) {
			uint64_t step = any(limits.half_life_s * S / 10);

			damping_step(&often, &limits, up, now);
			damping_step(&seldom, &limits, up, now);
			for (uint64_t k = 1; k < 10; k++)
				damping_step(&often, &limits, up, now + k * step / 10);
			now += step;
			up = any(2);
			assert_true(abs((int)damping_penalty(&often, &limits, now) -
					(int)damping_penalty(&seldom, &limits, now)) <= 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_sight_is_no_flap),
		cmocka_unit_test(test_outage_is_one_flap),
		cmocka_unit_test(test_half_life),
		cmocka_unit_test(test_hold_and_reuse),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_forgive),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_time_jumps),
		cmocka_unit_test(test_any_life),
		cmocka_unit_test(test_any_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
