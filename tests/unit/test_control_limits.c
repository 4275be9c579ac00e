/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/admit.h"
#include "daemon/control_limits.h"

static struct control_guest guests[CONTROL_CONNECTIONS_MAX];

/* 'roots' of root, then 'lookers'; the first one came last. */
static size_t house(size_t roots, size_t lookers)
{
	for (size_t i = 0; i < roots + lookers; i++)
		guests[i] = (struct control_guest){.is_root = i < roots, .since_ns = 1000 - i};
	return roots + lookers;
}

static void whom_to_dismiss(void **state)
{
	static const struct {
		size_t roots, lookers;
		bool newcomer_is_root;
		int expected;
	} rows[] = {
		{0, 0, false, CONTROL_TAKE},	{0, 23, false, CONTROL_TAKE},
		{0, 24, false, 23},		{0, 24, true, CONTROL_TAKE},
		{7, 24, true, CONTROL_TAKE},	{8, 24, true, 31},
		{8, 24, false, 31},		{31, 1, false, 31},
		{31, 1, true, 31},		{31, 0, false, CONTROL_TAKE},
		{32, 0, false, CONTROL_REFUSE}, {32, 0, true, 31},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(control_whom_to_dismiss(guests, house(rows[i].roots,
								       rows[i].lookers),
							 rows[i].newcomer_is_root),
				 rows[i].expected);
}

/* Whatever stands in the house: a looker never drives out root, and the limits are kept. */
static void dismissal_holds(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)rand() % (CONTROL_CONNECTIONS_MAX + 1), lookers = 0;
		bool root = rand() % 2;
		int index;

		for (size_t i = 0; i < n; i++) {
			guests[i] = (struct control_guest){.is_root = lookers == CONTROL_LOOKERS_MAX ||
								      rand() % 2,
							   .since_ns = (uint64_t)rand()};
			lookers += !guests[i].is_root;
		}
		index = control_whom_to_dismiss(guests, n, root);
		assert_true(index == CONTROL_TAKE || index == CONTROL_REFUSE || (size_t)index < n);
		if (root)
			assert_int_not_equal(index, CONTROL_REFUSE);
		if (index == CONTROL_TAKE)
			assert_true(n < CONTROL_CONNECTIONS_MAX &&
				    (root || lookers < CONTROL_LOOKERS_MAX));
		if (index >= 0 && guests[index].is_root)
			assert_true(root && lookers == 0);
	}
}

static void whom_to_hurry(void **state)
{
	size_t n = house(2, 3);

	(void)state;
	assert_int_equal(control_whom_to_hurry(guests, n, 2, CONTROL_REPLIES_MAX), CONTROL_TAKE);
	guests[3].waiting = 10;
	assert_int_equal(control_whom_to_hurry(guests, n, 2, CONTROL_REPLIES_MAX - 10),
			 CONTROL_TAKE);
	assert_int_equal(control_whom_to_hurry(guests, n, 2, CONTROL_REPLIES_MAX - 9), 3);
	/* root's own reply hurries nobody, and root's is not counted */
	assert_int_equal(control_whom_to_hurry(guests, n, 0, CONTROL_REPLIES_MAX), CONTROL_TAKE);
	guests[3].waiting = 0;
	guests[1].waiting = CONTROL_REPLIES_MAX;
	assert_int_equal(control_whom_to_hurry(guests, n, 2, CONTROL_REPLIES_MAX), CONTROL_TAKE);
	/* of two the older one */
	guests[3].waiting = guests[4].waiting = 10;
	assert_int_equal(control_whom_to_hurry(guests, n, 2, CONTROL_REPLIES_MAX), 4);
}

/* As many requests as are granted in "seconds", one asked for each ms; each takes took_ns. */
static unsigned int granted(unsigned int seconds, uint64_t took_ns)
{
	struct control_budget budget = {.debt_ns = 0};
	unsigned int n = 0;

	for (uint64_t ms = 1; ms <= seconds * 1000ULL; ms++) {
		if (control_budget_wait_ms(&budget, ms * NS_PER_MS) > 0)
			continue;
		control_budget_charge(&budget, took_ns);
		n++;
	}
	return n;
}

static void budget(void **state)
{
	struct control_budget full = {.debt_ns = 0};
	uint32_t wait_ms;

	(void)state;
	/* cheap ones: a burst of 500, then 100 a second */
	assert_in_range(granted(1, 0), 500, 620);
	assert_in_range(granted(100, 0), 10400, 10650);
	/* expensive ones: a tenth of the time, half a second of it at once */
	assert_in_range(granted(100, 200 * NS_PER_MS), 50, 55);
	assert_int_equal(control_budget_wait_ms(&full, NS_PER_S), 0);
	control_budget_charge(&full, NS_PER_S);
	wait_ms = control_budget_wait_ms(&full, NS_PER_S);
	assert_in_range(wait_ms, 5000, 5001);
	assert_int_equal(control_budget_wait_ms(&full, NS_PER_S + wait_ms * NS_PER_MS), 0);
}

static void groups(void **state)
{
	char path[] = "/tmp/group.XXXXXX";
	int fd = mkstemp(path);
	gid_t gid = 7;

	(void)state;
	assert_true(fd >= 0);
	dprintf(fd, "root:x:0:\nbroken line\nwatchers:x:4711:alice,bob\nlast:x:12:\n");
	close(fd);
	assert_int_equal(admit_find(path, "watchers", &gid), 0);
	assert_int_equal(gid, 4711);
	assert_int_equal(admit_find(path, "last", &gid), 0);
	assert_int_equal(gid, 12);
	assert_int_equal(admit_find(path, "watcher", &gid), -ENOENT);
	assert_int_equal(admit_find(path, "", &gid), -ENOENT);
	assert_int_equal(gid, 12);
	unlink(path);
	assert_int_equal(admit_find(path, "root", &gid), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whom_to_dismiss), cmocka_unit_test(dismissal_holds),
		cmocka_unit_test(whom_to_hurry),   cmocka_unit_test(budget),
		cmocka_unit_test(groups),
	};

	return cmocka_run_group_tests_name("control_limits", tests, NULL, NULL);
}
