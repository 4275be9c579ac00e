/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/quick/lun_silence.h"

#define S     NS_PER_S
#define LIMIT 6000
#define NOW   (100 * S)

static void feed(struct silence *io, uint64_t now_ns, uint64_t in_flight, uint64_t completed)
{
	silence_step(io, &(struct silence_sample){ .now_ns = now_ns,
						   .counted = true,
						   .in_flight = in_flight,
						   .completed = completed });
}

static void test_step(void **state)
{
	struct silence io = { 0 };

	(void)state;
	feed(&io, 1 * S, 1, 10);
	assert_true(io.since_ns == 1 * S && io.moved_ns == 0);
	feed(&io, 2 * S, 1, 10);
	assert_true(io.since_ns == 1 * S);
	feed(&io, 3 * S, 1, 11); /* one ended, another is in flight */
	assert_true(io.since_ns == 3 * S && io.moved_ns == 3 * S);
	feed(&io, 4 * S, 0, 11);
	assert_true(io.since_ns == 0 && io.moved_ns == 3 * S);
	feed(&io, 5 * S, 7, 11);
	feed(&io, 6 * S, 9, 11); /* more are sent: still none has ended */
	assert_true(io.since_ns == 5 * S);
	silence_step(&io, &(struct silence_sample){ .now_ns = 7 * S });
	assert_false(io.known);
	assert_true(io.since_ns == 0);
}

/* Time in which we did not run is no evidence. */
static void test_lost_time(void **state)
{
	struct silence io = { 0 };
	struct silence_sample sample = { .counted = true, .in_flight = 1, .completed = 1 };

	(void)state;
	feed(&io, 10 * S, 1, 1);
	sample.now_ns = 20 * S;
	sample.lost_ns = 9 * S;
	silence_step(&io, &sample);
	assert_true(io.since_ns == 19 * S);
	sample.now_ns = 30 * S;
	sample.lost_ns = 60 * S;
	silence_step(&io, &sample);
	assert_true(io.since_ns == 30 * S && io.moved_ns == 0);
}

static struct silence_path idle(unsigned int number, unsigned int group)
{
	return (struct silence_path){ .io = { .known = true },
				      .limit_ms = LIMIT,
				      .group = group,
				      .portal = number,
				      .answers = true,
				      .usable = true };
}

static struct silence_path moving(unsigned int number, unsigned int group)
{
	struct silence_path path = idle(number, group);

	path.io.in_flight = 2;
	path.io.moved_ns = path.io.since_ns = NOW - S / 10;
	return path;
}

static struct silence_path silent(unsigned int number, unsigned int group, uint64_t ms)
{
	struct silence_path path = idle(number, group);

	path.io.in_flight = 1;
	path.io.since_ns = NOW - ms * NS_PER_MS;
	return path;
}

/* "h" hung, "-" not. */
static void assert_judged(const struct silence_path *paths, size_t n, enum silence_verdict verdict,
			  const char *hung)
{
	char text[16] = "";
	bool result[16];

	assert_int_equal(silence_judge(paths, n, NOW, result), verdict);
	for (size_t i = 0; i < n; i++)
		text[i] = result[i] ? 'h' : '-';
	assert_string_equal(text, hung);
}

static void test_two_controllers(void **state)
{
	struct silence_path paths[] = { silent(0, 0, LIMIT), silent(1, 0, LIMIT / 4), moving(2, 2),
					idle(3, 2) };

	(void)state;
	assert_judged(paths, 4, SILENCE_HUNG, "hh--");
	paths[1] = idle(1, 0); /* unknown, and of the same fate */
	assert_judged(paths, 4, SILENCE_HUNG, "hh--");
	paths[1] = moving(1, 0); /* seen to work */
	assert_judged(paths, 4, SILENCE_HUNG, "h---");
	paths[0] = silent(0, 0, LIMIT - 1);
	assert_judged(paths, 4, SILENCE_NONE, "----");
}

/* Failover groups: nobody uses the other controller yet. */
static void test_idle_is_a_refuge(void **state)
{
	struct silence_path paths[] = { silent(0, 0, LIMIT), idle(1, 1) };

	(void)state;
	assert_judged(paths, 2, SILENCE_HUNG, "h-");
	paths[1].usable = false;
	assert_judged(paths, 2, SILENCE_LAST, "--");
	paths[1] = idle(1, 1);
	paths[1].answers = false;
	assert_judged(paths, 2, SILENCE_LAST, "--");
	paths[1] = idle(0, 1); /* over the same portal */
	assert_judged(paths, 2, SILENCE_LAST, "--");
}

static void test_everywhere(void **state)
{
	struct silence_path paths[] = { silent(0, 0, LIMIT), silent(1, 1, LIMIT / 3) };

	(void)state;
	assert_judged(paths, 2, SILENCE_EVERYWHERE, "--");
	paths[1] = silent(1, 1, 2 * LIMIT);
	assert_judged(paths, 2, SILENCE_LAST, "--");
}

static void test_session_to_blame(void **state)
{
	struct silence_path paths[] = { silent(0, 0, 10 * LIMIT), idle(1, 1) };

	(void)state;
	paths[0].answers = false;
	assert_judged(paths, 2, SILENCE_NONE, "--");
	paths[0].answers = true;
	paths[0].limit_ms = 0;
	assert_judged(paths, 2, SILENCE_NONE, "--");
}

/* Every portal has the same tag: only what is silent goes. */
static void test_one_group(void **state)
{
	struct silence_path paths[] = { silent(0, 0, LIMIT), silent(1, 0, LIMIT * 3 / 4), idle(2, 0),
					moving(3, 0) };

	(void)state;
	assert_judged(paths, 4, SILENCE_HUNG, "hh--");
	paths[1] = silent(1, 0, LIMIT / 3);
	assert_judged(paths, 4, SILENCE_HUNG, "h---");
}

static void test_when_to_free(void **state)
{
	struct silence_path paths[] = { silent(0, 0, LIMIT), idle(1, 1) };
	const bool hung[] = { true, false };
	uint64_t settled = SILENCE_SETTLE_MS * NS_PER_MS;

	(void)state;
	assert_false(silence_may_free(paths, 2, hung, NOW, NOW));
	assert_true(silence_may_free(paths, 2, hung, NOW - settled, NOW));
	paths[1] = moving(1, 1);
	assert_true(silence_may_free(paths, 2, hung, NOW - S, NOW));
	assert_false(silence_may_free(paths, 2, hung, NOW, NOW));
	paths[1] = silent(1, 1, 500); /* what was sent there hangs as well */
	assert_false(silence_may_free(paths, 2, hung, NOW - 5 * S, NOW));
}

/* --- whatever the LUN looks like --- */

static struct silence_path any_path(unsigned int i, size_t n)
{
	struct silence_path path = idle(i, (unsigned int)rand() % 3);

	if (rand() % 2)
		path = silent(i, path.group, (uint64_t)rand() % (2 * LIMIT));
	if (rand() % 3 == 0)
		path.io.moved_ns = NOW - (uint64_t)rand() % (3 * LIMIT) * NS_PER_MS;
	if (path.io.since_ns && path.io.moved_ns > path.io.since_ns)
		path.io.moved_ns = path.io.since_ns;
	path.limit_ms = rand() % 10 ? LIMIT : 0;
	path.portal = (unsigned int)rand() % (unsigned int)n;
	path.answers = rand() % 5;
	path.usable = rand() % 5;
	path.io.known = rand() % 10;
	return path;
}

static void assert_sane(const struct silence_path *paths, size_t n, const bool *hung,
			enum silence_verdict verdict)
{
	unsigned int n_hung = 0, cause = 0, left = 0;

	for (size_t i = 0; i < n; i++) {
		bool over = paths[i].io.since_ns && paths[i].io.known && paths[i].answers &&
			    paths[i].limit_ms &&
			    NOW - paths[i].io.since_ns >= paths[i].limit_ms * NS_PER_MS;

		n_hung += hung[i];
		cause += over;
		assert_true(!over || verdict != SILENCE_NONE);
		assert_true(!over || verdict != SILENCE_HUNG || hung[i]);
		left += !hung[i] && paths[i].usable && paths[i].answers;
	}
	assert_true((verdict == SILENCE_HUNG) == (n_hung > 0));
	if (verdict == SILENCE_HUNG)
		assert_true(cause && left); /* never the last path */
	else if (verdict == SILENCE_NONE)
		assert_int_equal(cause, 0);
}

static void test_invariants(void **state)
{
	unsigned int seen[SILENCE_MAX] = { 0 };

	(void)state;
	srand(4);
	for (int round = 0; round < 50000; round++) {
		size_t n = 1 + (size_t)rand() % 8;
		struct silence_path paths[8], mirror[8];
		bool hung[8], mirrored[8];
		enum silence_verdict verdict;

		for (size_t i = 0; i < n; i++)
			mirror[n - 1 - i] = paths[i] = any_path((unsigned int)i, n);
		verdict = silence_judge(paths, n, NOW, hung);
		seen[verdict]++;
		assert_sane(paths, n, hung, verdict);
		/* the order of paths means nothing */
		assert_int_equal(silence_judge(mirror, n, NOW, mirrored), verdict);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(mirrored[n - 1 - i], hung[i]);
	}
	for (int i = 0; i < SILENCE_MAX; i++) {
		assert_true(seen[i] > 100);
		assert_non_null(silence_text((enum silence_verdict)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_lost_time),
		cmocka_unit_test(test_two_controllers),
		cmocka_unit_test(test_idle_is_a_refuge),
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_session_to_blame),
		cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_when_to_free),
		cmocka_unit_test(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
