/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/hold.h"

/* A path as two letters and numbers: "a1000>s999" was active with 1000, becomes standby with
 * 999; "-" none; a leading '!' not ready. */
static enum role role_of(char letter)
{
	switch (letter) {
	case 'a':
		return ROLE_ACTIVE;
	case 's':
		return ROLE_STANDBY;
	case 'x':
		return ROLE_EXCLUDED;
	default:
		return ROLE_NONE;
	}
}

static size_t paths_of(const char *text, struct hold_path *paths)
{
	size_t n = 0;
	char copy[256], *save, *word;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *to = strchr(word, '>');

		paths[n] = (struct hold_path){.ready = *word != '!'};
		word += *word == '!';
		paths[n].told = *word != '?';
		paths[n].old_role = role_of(*word);
		paths[n].old_priority = atoi(word + 1);
		assert_non_null(to);
		paths[n].role = role_of(to[1]);
		paths[n].priority = atoi(to + 2);
		n++;
	}
	return n;
}

static void reorders(void **state)
{
	static const struct {
		const char *paths;
		bool reorders;
	} rows[] = {
		{"", false},
		{"a1000>a1000 s999>s999", false},
		/* failover-only A to B */
		{"a1000>s999 s999>a1000", true},
		/* the roles' names alone are no order */
		{"a1000>s1000 s999>a999", false},
		/* one group becomes two, two become one */
		{"a1000>a1000 a1000>s999", true},
		{"a1000>a1000 s999>a1000", true},
		/* a new path at the head shifts the numbers, not the order */
		{"a1000>s999 s999>s998 ?>a1000", false},
		{"s999>s999 s998>s998 ?>a1000", false},
		{"a1000>a1000 ?>s999 s999>s998", false},
		/* a new path alone, and one that leaves */
		{"?>a1000", false},
		{"?>x1 ?>a1000", false},
		{"s998>s999", false},
		/* exclusion in and out, also of the last in the list */
		{"a1000>a1000 s999>x1", true},
		{"a1000>a1000 x1>s999", true},
		{"a1000>a1000 x1>x1", false},
		{"a1000>x1", true},
		{"x1>x1 x1>x1 ?>a1000", false},
		/* no policy any more, and one for the first time */
		{"a1000>- s999>-", true},
		{"a1000>- a1000>-", false},
		{"->a1000 ->s999", true},
		{"->a1000 ->a1000", false},
		{"a1000>-", false},
	};
	struct hold_path paths[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = paths_of(rows[i].paths, paths);
		if (hold_reorders(paths, n) != rows[i].reorders)
			fail_msg("\"%s\": %s", rows[i].paths, rows[i].reorders ? "missed" : "imagined");
	}
}

static void renumbers(void **state)
{
	static const struct {
		const char *paths;
		bool only;
	} rows[] = {
		{"", false},		       {"a1000>a1000 s999>s999", false},
		{"a999>a1000 s998>s999", true}, {"a999>a1000 s998>s999 ?>s998", false},
		{"a1000>s999 s999>a1000", false}, {"a1000>-", true},
		{"a1000>a1000 x1>x1 s998>s999", true},
	};
	struct hold_path paths[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (hold_only_renumbers(paths, paths_of(rows[i].paths, paths)) != rows[i].only)
			fail_msg("\"%s\"", rows[i].paths);
}

static void blocker(void **state)
{
	struct hold_path paths[4];

	(void)state;
	assert_int_equal(hold_blocker(paths, paths_of("a1>a1 s2>s2", paths)), -1);
	assert_int_equal(hold_blocker(paths, paths_of("a1>a1 !s2>s2 !s3>s3", paths)), 1);
	assert_int_equal(hold_blocker(paths, 0), -1);
}

static void ready(void **state)
{
	static const struct {
		struct hold_facts facts;
		bool ready;
	} rows[] = {
		{{.in_map = false}, true},
		{{.in_map = true, .dm_active = true, .answers = true}, true},
		/* silent, or the kernel recovers it */
		{{.in_map = true, .dm_active = true}, false},
		{{.in_map = true, .dm_active = true, .kept_down = true, .idle = true}, false},
		{{.in_map = true, .dm_active = true, .given_up = true}, false},
		/* failed in dm: what was in flight may still be */
		{{.in_map = true}, false},
		{{.in_map = true, .answers = true}, false},
		{{.in_map = true, .idle = true}, false},
		{{.in_map = true, .kept_down = true}, false},
		{{.in_map = true, .answers = true, .idle = true}, true},
		{{.in_map = true, .kept_down = true, .idle = true}, true},
		{{.in_map = true, .given_up = true}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (hold_ready(&rows[i].facts) != rows[i].ready)
			fail_msg("row %zu", i);
}

/* Whatever the places: told twice, nothing changes; and the order of the list does not count. */
static void any(void **state)
{
	unsigned int seed = 4711;

	(void)state;
	for (int run = 0; run < 20000; run++) {
		struct hold_path paths[6], mirrored[6];
		size_t n = (size_t)rand_r(&seed) % 7;
		bool told_any = false;

		for (size_t i = 0; i < n; i++) {
			paths[i] = (struct hold_path){
				.told = rand_r(&seed) % 4 != 0,
				.old_role = (enum role)(rand_r(&seed) % ROLE_MAX),
				.old_priority = 1000 - rand_r(&seed) % 4,
				.role = (enum role)(rand_r(&seed) % ROLE_MAX),
				.priority = 1000 - rand_r(&seed) % 4,
			};
			told_any |= paths[i].told;
		}
		for (size_t i = 0; i < n; i++)
			mirrored[i] = paths[n - 1 - i];
		assert_int_equal(hold_reorders(paths, n), hold_reorders(mirrored, n));
		if (!told_any)
			assert_false(hold_reorders(paths, n));
		for (size_t i = 0; i < n; i++) {
			paths[i].old_role = paths[i].role;
			paths[i].old_priority = paths[i].priority;
		}
		assert_false(hold_reorders(paths, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reorders),
		cmocka_unit_test(renumbers),
		cmocka_unit_test(blocker),
		cmocka_unit_test(ready),
		cmocka_unit_test(any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
