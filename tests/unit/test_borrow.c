/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/quick/borrow_decide.h"

#define STOCK_MS 15000

/* What a path can be in, as all portals of a LUN fall silent and come back. */
static const struct borrow_path fine = {.usable = true, .connected = true, .back_ms = 600000,
					.quick_io = true, .stock_ms = STOCK_MS},
				silent = {.usable = true, .connected = true, .back_ms = 600000,
					  .quick_io = true, .unproven = true, .stock_ms = STOCK_MS},
				slow_stock = {.usable = true, .connected = true, .back_ms = 600000,
					      .unproven = true, .stock_ms = STOCK_MS},
				ended = {.was_quick = true, .ended_ms = 1000, .stock_ms = STOCK_MS},
				ended_long = {.was_quick = true, .ended_ms = STOCK_MS,
					      .stock_ms = STOCK_MS},
				ended_stock = {.ended_ms = 1000, .stock_ms = STOCK_MS},
				back = {.connected = true, .was_quick = true, .back_ms = 500,
					.stock_ms = STOCK_MS},
				back_in_use = {.usable = true, .connected = true, .was_quick = true,
					       .back_ms = 500, .stock_ms = STOCK_MS},
				back_long = {.connected = true, .was_quick = true,
					     .back_ms = QUICK_AFTER_LOGIN_MS, .stock_ms = STOCK_MS};

static bool two(struct borrow_path a, struct borrow_path b)
{
	const struct borrow_path paths[] = {a, b}, turned[] = {b, a};
	bool needed = borrow_needed(paths, 2);

	assert_int_equal(needed, borrow_needed(turned, 2));
	return needed;
}

static void while_it_lasts(void **state)
{
	(void)state;
	assert_false(borrow_needed(NULL, 0));
	assert_false(two(fine, fine));
	assert_true(two(silent, silent));
	assert_true(two(silent, ended));
	assert_true(two(ended, ended));
	/* stock's own time is over: stock would have failed it by now */
	assert_true(two(ended, ended_long));
	assert_false(two(ended_long, ended_long));
	/* what was issued with stock's retries waits below dm, as with stock */
	assert_false(two(slow_stock, slow_stock));
	assert_false(two(ended_stock, ended_stock));
	/* another path takes it */
	assert_false(two(silent, fine));
	assert_false(two(ended, fine));
	assert_false(two(ended, slow_stock));
}

/* A session that is back has helped nobody until dm uses its path. */
static void until_dm_uses_a_path(void **state)
{
	(void)state;
	assert_true(two(back, ended));
	assert_true(two(back, back));
	assert_true(two(back, ended_long));
	assert_false(two(back_in_use, ended));
	assert_false(two(back_in_use, back));
	/* a path that dm does not get to use has another fault */
	assert_false(two(back_long, back_long));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_it_lasts),
		cmocka_unit_test(until_dm_uses_a_path),
	};

	return cmocka_run_group_tests_name("borrow", tests, NULL, NULL);
}
