/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED    0xabababababababULL

struct number_case {
	const char *text;
	uint64_t min, max;
	int error;
	uint64_t value;
};

static void check_numbers(const struct number_case *cases, size_t n,
			  int (*parse)(const char *, uint64_t, uint64_t, uint64_t *))
{
	uint64_t value;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		value = UNTOUCHED;
		r = parse(cases[i].text, cases[i].min, cases[i].max, &value);
		if (r != cases[i].error || value != (r == 0 ? cases[i].value : UNTOUCHED))
			fail_msg("'%s': returned %d and %llu", cases[i].text, r,
				 (unsigned long long)value);
	}
}

static void test_uint(void **state)
{
	static const struct number_case cases[] = {
		{ "0", 0, 10, 0, 0 },
		{ "10", 0, 10, 0, 10 },
		{ "11", 0, 10, -ERANGE, 0 },
		{ "1", 2, 10, -ERANGE, 0 },
		{ "007", 0, 10, 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999999", 0, UINT64_MAX, -ERANGE, 0 },
		{ "", 0, 10, -EINVAL, 0 },
		{ "-1", 0, 10, -EINVAL, 0 },
		{ "+1", 0, 10, -EINVAL, 0 },
		{ " 1", 0, 10, -EINVAL, 0 },
		{ "1 ", 0, 10, -EINVAL, 0 },
		{ "1\n", 0, 10, -EINVAL, 0 },
		{ "0x1", 0, 10, -EINVAL, 0 },
		{ "1e1", 0, 10, -EINVAL, 0 },
		{ "99999999999999999999999999x", 0, 10, -EINVAL, 0 },
	};

	(void)state;
	check_numbers(cases, COUNT(cases), parse_uint);
}

static void test_ms(void **state)
{
	static const struct number_case cases[] = {
		{ "250", 0, 1000, 0, 250 },
		{ "250ms", 0, 1000, 0, 250 },
		{ "5s", 0, 5000, 0, 5000 },
		{ "5s", 0, 4999, -ERANGE, 0 },
		{ "2min", 0, UINT64_MAX, 0, 120000 },
		{ "0s", 1, 10, -ERANGE, 0 },
		{ "307445734561826", 0, UINT64_MAX, 0, 307445734561826 },
		{ "307445734561825min", 0, UINT64_MAX, 0, 18446744073709500000ULL },
		{ "307445734561826min", 0, UINT64_MAX, -ERANGE, 0 },
		{ "", 0, 10, -EINVAL, 0 },
		{ "s", 0, 10, -EINVAL, 0 },
		{ "ms", 0, 10, -EINVAL, 0 },
		{ "5 s", 0, 10000, -EINVAL, 0 },
		{ "5sec", 0, 10000, -EINVAL, 0 },
		{ "5S", 0, 10000, -EINVAL, 0 },
		{ "-5s", 0, 10000, -EINVAL, 0 },
		{ "1.5s", 0, 10000, -EINVAL, 0 },
		{ "5s5", 0, 10000, -EINVAL, 0 },
	};

	(void)state;
	check_numbers(cases, COUNT(cases), parse_ms);
}

static void test_bool(void **state)
{
	static const char *const yes[] = { "yes", "on", "true", "1", "Yes", "ON" };
	static const char *const no[] = { "no", "off", "false", "0", "No", "OFF" };
	static const char *const bad[] = { "", "y", "n", "2", "01", "yess", " yes", "yes\n", "-1" };
	bool value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(yes); i++) {
		value = false;
		assert_int_equal(parse_bool(yes[i], &value), 0);
		assert_true(value);
		assert_int_equal(parse_bool(no[i], &value), 0);
		assert_false(value);
	}
	for (i = 0; i < COUNT(bad); i++) {
		value = true;
		assert_int_equal(parse_bool(bad[i], &value), -EINVAL);
		assert_true(value);
	}
}

static void test_copy(void **state)
{
	char buffer[4] = "old";

	(void)state;
	assert_int_equal(copy_text(buffer, sizeof(buffer), "four"), -ENOBUFS);
	assert_string_equal(buffer, "old");
	assert_int_equal(copy_text(buffer, 0, ""), -ENOBUFS);
	assert_int_equal(copy_text(buffer, sizeof(buffer), "abc"), 0);
	assert_string_equal(buffer, "abc");
	assert_int_equal(copy_text(buffer, sizeof(buffer), ""), 0);
	assert_string_equal(buffer, "");
}

/* The published test vectors of 64-bit FNV-1a. */
static void test_fnv(void **state)
{
	(void)state;
	assert_true(fnv1a(FNV1A_START, "", 0) == 0xcbf29ce484222325ULL);
	assert_true(fnv1a(FNV1A_START, "a", 1) == 0xaf63dc4c8601ec8cULL);
	assert_true(fnv1a(FNV1A_START, "foobar", 6) == 0x85944171f73967e8ULL);
	assert_true(fnv1a(fnv1a(FNV1A_START, "foo", 3), "bar", 3) == 0x85944171f73967e8ULL);
}

/* Whatever is printed is read back; one more digit or letter is refused. */
static void test_round_trip(void **state)
{
	unsigned int i;
	uint64_t number, value;
	char text[32];

	(void)state;
	srandom(1);
	for (i = 0; i < 10000; i++) {
		number = ((uint64_t)random() << 33 ^ (uint64_t)random()) >> (random() % 64);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
		assert_int_equal(parse_uint(text, number, number, &value), 0);
		assert_true(value == number);
		text[(size_t)random() % strlen(text)] = 'x';
		assert_int_equal(parse_uint(text, 0, UINT64_MAX, &value), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uint), cmocka_unit_test(test_ms),
		cmocka_unit_test(test_bool), cmocka_unit_test(test_copy),
		cmocka_unit_test(test_fnv),  cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
