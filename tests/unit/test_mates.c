/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What LUNs of one session tell each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checker/mates.h"

static void assert_times(struct mates *mates, uint64_t well_ns, uint64_t odd_ns)
{
	uint64_t well, odd;

	mates_look(mates, &well, &odd);
	assert_int_equal(well, well_ns);
	assert_int_equal(odd, odd_ns);
}

static void test_shared(void **state)
{
	struct mates *a = mates_join(1, 10), *b = mates_join(1, 10);
	struct mates *other_session = mates_join(2, 10), *other_name = mates_join(1, 11);

	(void)state;
	assert_ptr_equal(a, b);
	mates_well(a, 500);
	mates_odd(b, 400);
	assert_times(b, 500, 400);
	assert_times(other_session, 0, 0);
	assert_times(other_name, 0, 0);
	/* what is older is no news */
	mates_well(b, 450);
	mates_odd(a, 399);
	assert_times(a, 500, 400);
	mates_leave(a);
	assert_times(b, 500, 400);
	mates_leave(other_session);
	mates_leave(b);
	mates_leave(other_name);
	/* nobody was left who could have known */
	a = mates_join(1, 10);
	assert_times(a, 0, 0);
	mates_leave(a);
}

static void test_none(void **state)
{
	(void)state;
	mates_well(NULL, 1);
	mates_odd(NULL, 1);
	mates_leave(NULL);
	assert_times(NULL, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("mates", tests, NULL, NULL);
}
