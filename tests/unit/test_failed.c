/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/failed.h"

#define WWID "360000000000000000e00000000010001"

static struct path_name name_of(const char *portal, const char *iface)
{
	struct path_name name = {.target = "iqn.2026-01.org.example:array"};

	snprintf(name.iface, sizeof(name.iface), "%s", iface);
	if (*portal)
		assert_int_equal(portal_parse(portal, 3260, &name.portal), 0);
	return name;
}

static void remembers(void **state)
{
	struct path_name a = name_of("10.0.1.2", "p1"), b = name_of("10.0.2.2", "p2");
	struct path_name same = a, six = name_of("[fd00::1:2]:860", "");
	struct failed failed = {.n = 0};

	(void)state;
	assert_int_equal(failed_add(&failed, WWID, &a), 0);
	assert_int_equal(failed_add(&failed, WWID, &a), 0);
	assert_int_equal(failed.n, 1);
	assert_true(failed_has(&failed, WWID, &a));
	assert_false(failed_has(&failed, WWID, &b));
	assert_false(failed_has(&failed, "other", &a));
	/* another source address is the same path, another portal or interface is not */
	assert_int_equal(ip_address_parse("10.0.1.77", &same.source), 0);
	assert_true(failed_has(&failed, WWID, &same));
	same = a;
	same.portal.port = 3261;
	assert_false(failed_has(&failed, WWID, &same));
	same = name_of("10.0.1.2", "p9");
	assert_false(failed_has(&failed, WWID, &same));
	assert_int_equal(failed_add(&failed, WWID, &six), 0);
	assert_true(failed_has(&failed, WWID, &six));
	assert_int_equal(failed_remove(&failed, WWID, &b), 0);
	assert_int_equal(failed_remove(&failed, WWID, &a), 1);
	assert_false(failed_has(&failed, WWID, &a));
	assert_true(failed_has(&failed, WWID, &six));
	failed_free(&failed);
}

static void survives(void **state)
{
	struct path_name a = name_of("10.0.1.2", "p1"), six = name_of("[fd00::1:2]:860", "");
	struct failed failed = {.n = 0}, again;
	char path[] = "/tmp/test_failed.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(failed_add(&failed, "(no WWID: sda)", &a), 0);
	assert_int_equal(failed_add(&failed, WWID, &six), 0);
	assert_int_equal(failed_save(path, &failed), 0);
	assert_int_equal(failed_load(path, &again), 0);
	assert_int_equal(again.n, 2);
	assert_true(failed_has(&again, "(no WWID: sda)", &a));
	assert_true(failed_has(&again, WWID, &six));
	failed_free(&again);
	unlink(path);
	assert_int_equal(failed_load(path, &again), 0);
	assert_int_equal(again.n, 0);
	failed_free(&failed);
}

/* A damaged line is told, and costs no other. */
static void damaged(void **state)
{
	static const char *const bad[] = {"nonsense " WWID, "portal=10.0.1.2", "portal=10.0.1.2 ",
					  "portal=10.0.1.2,device=sda " WWID, " " WWID};
	char text[512];
	struct failed failed;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "portal=10.0.1.2 A\n%s\nportal=10.0.2.2 B\n", bad[i]);
		if (failed_parse(text, &failed) != -EINVAL || failed.n != 2)
			fail_msg("\"%s\"", bad[i]);
		failed_free(&failed);
	}
	assert_int_equal(failed_parse("", &failed), 0);
	assert_int_equal(failed.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers),
		cmocka_unit_test(survives),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
