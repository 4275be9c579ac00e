/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often sessions are looked at (daemon/quick/pace.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checker/suspicion.h"
#include "common/clock.h"
#include "daemon/quick/pace.h"

#define NOW (1000 * NS_PER_S)

static struct pace of(bool trouble, bool unanswered, uint64_t moved_ns)
{
	const struct pace_facts facts = {
		.now_ns = NOW, .trouble = trouble, .unanswered = unanswered, .moved_ns = moved_ns
	};

	return pace_of(&facts);
}

static void idle(void **state)
{
	struct pace pace = of(false, false, 0);

	(void)state;
	assert_int_equal(pace.beat_ms, PACE_IDLE_MS);
	assert_false(pace.hurry);
	/* I/O that is over */
	pace = of(false, false, NOW - PACE_MOVING_MS * NS_PER_MS);
	assert_int_equal(pace.beat_ms, PACE_IDLE_MS);
	assert_false(pace.hurry);
}

static void io_goes_on(void **state)
{
	struct pace pace = of(false, false, NOW);

	(void)state;
	assert_int_equal(pace.beat_ms, PACE_QUICK_MS);
	assert_true(pace.hurry);
	pace = of(false, false, NOW - PACE_MOVING_MS * NS_PER_MS + 1);
	assert_int_equal(pace.beat_ms, PACE_QUICK_MS);
	assert_true(pace.hurry);
}

static void trouble(void **state)
{
	struct pace pace = of(true, false, 0);

	(void)state;
	assert_int_equal(pace.beat_ms, PACE_QUICK_MS);
	assert_true(pace.hurry);
}

/* A checker's test on its way is no reason to ask every portal, but one to look again soon. */
static void unanswered(void **state)
{
	struct pace pace = of(false, true, 0);

	(void)state;
	assert_int_equal(pace.beat_ms, PACE_QUICK_MS);
	assert_false(pace.hurry);
}

static void late_looks(void **state)
{
	const struct pace first = {.beat_ms = 0}, idle_pace = of(false, false, 0),
			  busy = of(true, false, 0);

	(void)state;
	assert_false(pace_was_missed(&busy, 400 * NS_PER_MS));
	assert_true(pace_was_missed(&busy, 401 * NS_PER_MS));
	assert_false(pace_was_missed(&first, 400 * NS_PER_MS));
	assert_true(pace_was_missed(&first, 401 * NS_PER_MS));
	assert_false(pace_was_missed(&idle_pace, 700 * NS_PER_MS));
	assert_true(pace_was_missed(&idle_pace, 701 * NS_PER_MS));
}

/* The looks of an idle host must not be taken for a gap, slack of the timer included. */
static void no_gap(void **state)
{
	(void)state;
	assert_true(PACE_IDLE_MS + 50 < SUSPICION_GAP_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle),	      cmocka_unit_test(io_goes_on),
		cmocka_unit_test(trouble),    cmocka_unit_test(unanswered),
		cmocka_unit_test(late_looks), cmocka_unit_test(no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
