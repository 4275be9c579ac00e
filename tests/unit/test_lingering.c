/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "common/clock.h"
#include "daemon/lingering.h"
#include "daemon/lun_ask.h"

#define DEADLINE_NS (10 * NS_PER_S)

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static struct iscsi_identity disk(const char *device, unsigned int sid)
{
	struct iscsi_identity id = {.devt = makedev(8, sid), .sid = sid};

	snprintf(id.device, sizeof(id.device), "%s", device);
	return id;
}

/* A thread answers for devices that are none, or no disks; nobody waits for it. */
static void asks(void **state)
{
	static const char *const devices[] = {"null", "no-such-device"};

	(void)state;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		uint64_t deadline = clock_now_ns() + DEADLINE_NS;
		struct lun_ask *ask, *given_up;

		assert_int_equal(lun_ask_start(devices[i], &ask), 0);
		assert_int_equal(lun_ask_start(devices[i], &given_up), 0);
		lun_ask_put(given_up);
		while (lun_ask_state(ask) == LUN_ASK_RUNNING && clock_now_ns() < deadline)
			nap();
		assert_int_equal(lun_ask_state(ask), LUN_ASK_BAD);
		lun_ask_put(ask);
	}
	lun_ask_put(NULL);
}

/* The list is what it is told to be; a LUN that does not answer is never called good. */
static void lists(void **state)
{
	struct iscsi_identity a = disk("null", 1), b = disk("no-such-device", 2), again = a;
	const struct iscsi_identity *both[] = {&a, &b}, *one[] = {&b};
	struct lingering lingering = {.n = 0};
	uint64_t now = 100 * NS_PER_S;

	(void)state;
	assert_false(lingering_has(&lingering, &a));
	assert_int_equal(lingering_update(&lingering, both, 2, now), 0);
	assert_true(lingering_has(&lingering, &a) && lingering_has(&lingering, &b));
	again.sid = 7; /* another session behind the same number */
	assert_false(lingering_has(&lingering, &again));
	for (int i = 0; i < 20; i++) {
		now += NS_PER_S;
		assert_int_equal(lingering_update(&lingering, both, 2, now), 0);
		nap();
	}
	assert_int_equal(lingering_good_ms(&lingering, &a, now), 0);
	assert_int_equal(lingering_update(&lingering, one, 1, now), 0);
	assert_false(lingering_has(&lingering, &a));
	assert_true(lingering_has(&lingering, &b));
	lingering_free(&lingering);
	assert_int_equal(lingering.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
