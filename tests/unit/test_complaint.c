/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is tried every second and fails: what the log is told of it. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/complaint.h"

#define BEGIN_NS (1000 * NS_PER_S)

static void first_then_ever_rarer(void **state)
{
	static const unsigned int at_s[] = {0, 10, 30, 70, 130, 190};
	static const unsigned int counts[] = {1, 10, 20, 40, 60, 60};
	struct complaint complaint = {0};
	unsigned int n = 0, failures;

	(void)state;
	for (unsigned int s = 0; s <= 200; s++) {
		enum complaint_line line =
			complaint_fails(&complaint, -EMFILE, BEGIN_NS + s * NS_PER_S, &failures);

		if (line == COMPLAINT_NONE)
			continue;
		assert_true(n < 6);
		assert_int_equal(line, n ? COMPLAINT_STILL : COMPLAINT_FAILS);
		assert_int_equal(s, at_s[n]);
		assert_int_equal(failures, counts[n]);
		n++;
	}
	assert_int_equal(n, 6);
	assert_true(complaint_works(&complaint));
	assert_false(complaint_works(&complaint));
}

static void another_reason_at_once(void **state)
{
	struct complaint complaint = {0};
	unsigned int failures;

	(void)state;
	assert_false(complaint_works(&complaint));
	assert_int_equal(complaint_fails(&complaint, -EMFILE, BEGIN_NS, &failures), COMPLAINT_FAILS);
	assert_int_equal(complaint_fails(&complaint, -EMFILE, BEGIN_NS + 1, &failures),
			 COMPLAINT_NONE);
	assert_int_equal(complaint_fails(&complaint, -ENOMEM, BEGIN_NS + 2, &failures),
			 COMPLAINT_FAILS);
	assert_int_equal(failures, 2);
	assert_true(complaint_works(&complaint));
	assert_int_equal(complaint_fails(&complaint, -ENOMEM, BEGIN_NS + 3, &failures),
			 COMPLAINT_FAILS);
	assert_int_equal(failures, 1);
}

/* Works and fails in turn, or for two reasons in turn, once a second for an hour. */
static void restless(void **state)
{
	struct complaint turns = {0}, reasons = {0};
	unsigned int failures, lines = 0, ends = 0, others = 0;
	bool open = false;

	(void)state;
	for (unsigned int s = 0; s < 3600; s++) {
		uint64_t now_ns = BEGIN_NS + s * NS_PER_S;

		if (s % 2) {
			bool over = complaint_works(&turns);

			assert_int_equal(over, open); /* an end for each beginning that was told */
			ends += over;
			open = false;
		} else if (complaint_fails(&turns, -EMFILE, now_ns, &failures) != COMPLAINT_NONE) {
			lines++;
			open = true;
		}
		others += complaint_fails(&reasons, s % 2 ? -EMFILE : -ENFILE, now_ns, &failures) !=
			  COMPLAINT_NONE;
	}
	assert_in_range(lines, 4, 3600 / 60 + 4);
	assert_int_equal(ends, lines);
	assert_in_range(others, 4, 2 * (3600 / 60 + 4));
}

/* Failures that were never told need no end, and are told when there is room again. */
static void told_late(void **state)
{
	struct complaint complaint = {0};
	unsigned int failures, n = 0;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(complaint_fails(&complaint, -EIO, BEGIN_NS, &failures),
				 COMPLAINT_FAILS);
		assert_true(complaint_works(&complaint));
	}
	assert_int_equal(complaint_fails(&complaint, -EIO, BEGIN_NS, &failures), COMPLAINT_NONE);
	assert_false(complaint_works(&complaint));
	while (complaint_fails(&complaint, -EIO, BEGIN_NS + n * NS_PER_S, &failures) ==
	       COMPLAINT_NONE)
		n++;
	assert_int_equal(n, 60);
	assert_int_equal(failures, 61);
	assert_true(complaint_works(&complaint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_then_ever_rarer),
		cmocka_unit_test(another_reason_at_once),
		cmocka_unit_test(restless),
		cmocka_unit_test(told_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
