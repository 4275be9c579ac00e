/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
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

/* Many LUNs: what is remembered is what a plain list would have. */
static void many(void **state)
{
	struct failed failed = {.n = 0}, again;
	static bool in[60][5];
	unsigned int seed = 1;
	size_t n = 0;
	char *text;

	(void)state;
	for (int deed = 0; deed < 5000; deed++) {
		int l = rand_r(&seed) % 60, p = rand_r(&seed) % 5;
		char wwid[32], portal[32];
		struct path_name name;

		snprintf(wwid, sizeof(wwid), "3600%d", l);
		snprintf(portal, sizeof(portal), "10.0.%d.2", p + 1);
		name = name_of(portal, "p1");
		assert_int_equal(failed_has(&failed, wwid, &name), in[l][p]);
		if (rand_r(&seed) % 2) {
			assert_int_equal(failed_add(&failed, wwid, &name), 0);
			n += !in[l][p];
			in[l][p] = true;
		} else {
			assert_int_equal(failed_remove(&failed, wwid, &name), in[l][p]);
			n -= in[l][p];
			in[l][p] = false;
		}
		assert_int_equal(failed.n, n);
	}
	assert_int_equal(failed_format(&failed, &text), 0);
	assert_int_equal(failed_parse(text, &again), 0);
	assert_int_equal(again.n, n);
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(again.entries[i - 1].wwid, again.entries[i].wwid) <= 0);
	free(text);
	failed_free(&failed);
	failed_free(&again);
}

/* Lines in any order, as another hand may have left them. */
static void unsorted(void **state)
{
	struct path_name a = name_of("10.0.1.2", ""), b = name_of("10.0.2.2", "");
	struct failed failed;

	(void)state;
	assert_int_equal(failed_parse("portal=10.0.1.2 C\nportal=10.0.1.2 A\nportal=10.0.2.2 C\n"
				      "portal=10.0.1.2 B\n", &failed), 0);
	assert_true(failed_has(&failed, "A", &a));
	assert_true(failed_has(&failed, "B", &a));
	assert_true(failed_has(&failed, "C", &a));
	assert_true(failed_has(&failed, "C", &b));
	assert_false(failed_has(&failed, "B", &b));
	assert_int_equal(failed_remove(&failed, "C", &a), 1);
	assert_true(failed_has(&failed, "C", &b));
	failed_free(&failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers),
		cmocka_unit_test(survives),
		cmocka_unit_test(damaged),
		cmocka_unit_test(many),
		cmocka_unit_test(unsorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
