/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct ip_address address(const char *text)
{
	struct ip_address result;

	if (ip_address_parse(text, &result) != 0)
		fail_msg("'%s' is no address", text);
	return result;
}

static struct portal portal(const char *text)
{
	struct portal result;

	if (portal_parse(text, ISCSI_DEFAULT_PORT, &result) != 0)
		fail_msg("'%s' is no portal", text);
	return result;
}

static void test_parse_format(void **state)
{
	static const char *const cases[][2] = {
		{"10.0.1.2", "10.0.1.2"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"::1", "::1"},
		{"[::1]", "::1"},
		{"fd00:0000:0000:0000:0000:0000:0000:0002", "fd00::2"},
		{"FD00::ABCD", "fd00::abcd"},
		{"::ffff:10.0.1.2", "::ffff:10.0.1.2"},
		{"fe80::1%lo", "fe80::1%lo"},
		{"[fe80::1%lo]", "fe80::1%lo"},
		{"fe80::1%1", "fe80::1%lo"},
		{"fe80::1%4294967295", "fe80::1%4294967295"},
	};
	char text[PORTAL_TEXT_MAX];
	struct ip_address value;
	size_t i;

	(void)state;
	assert_int_equal(if_nametoindex("lo"), 1);
	for (i = 0; i < COUNT(cases); i++) {
		value = address(cases[i][0]);
		assert_string_equal(ip_address_format(&value, text, sizeof(text)),
				    cases[i][1]);
		assert_int_equal(ip_address_compare(&value, &value), 0);
	}
}

static void test_parse_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", -EINVAL},
		{"10.0.1", -EINVAL},
		{"10.0.1.2.3", -EINVAL},
		{"10.0.1.256", -EINVAL},
		{"10.0.1.2 ", -EINVAL},
		{" 10.0.1.2", -EINVAL},
		{"10.0.1.2\n", -EINVAL},
		{"010.0.1.2", -EINVAL},
		{"10.0.1.2%lo", -EINVAL},
		{"[10.0.1.2]", -EINVAL},
		{"target.example", -EINVAL},
		{"localhost", -EINVAL},
		{"(null)", -EINVAL},
		{"[::1", -EINVAL},
		{"::1]", -EINVAL},
		{"[]", -EINVAL},
		{"[[::1]]", -EINVAL},
		{":::", -EINVAL},
		{"1:2:3:4:5:6:7:8:9", -EINVAL},
		{"fd00::2%lo", -EINVAL}, /* a scope on an address without one */
		{"fe80::1%", -EINVAL},
		{"fe80::1%0", -ENODEV},
		{"fe80::1%nosuchif9", -ENODEV},
		{"fe80::1%4294967296", -ENODEV},
	};
	struct ip_address value, before;
	char huge[1000];
	size_t i;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	value = before;
	for (i = 0; i < COUNT(cases); i++)
		if (ip_address_parse(cases[i].text, &value) != cases[i].error)
			fail_msg("'%s' not refused as it should be", cases[i].text);
	memset(huge, '1', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(ip_address_parse(huge, &value), -EINVAL);
	assert_memory_equal(&value, &before, sizeof(value));
}

static void test_compare(void **state)
{
	/* In order. */
	static const char *const texts[] = {
		"0.0.0.0",
		"9.255.255.255",
		"10.0.0.2",
		"10.0.0.10",
		"10.0.1.0",
		"128.0.0.1",
		"::",
		"::1",
		"fd00::2",
		"fd00::10",
		"fe80::1",
		"fe80::1%1",
		"fe80::1%2147483647",
		"fe80::1%4294967295",
	};
	struct ip_address none = {.family = AF_UNSPEC}, garbage = none, a, b;
	size_t i, j;
	int c;

	(void)state;
	garbage.bytes[3] = 1;
	assert_int_equal(ip_address_compare(&none, &garbage), 0);
	for (i = 0; i < COUNT(texts); i++) {
		a = address(texts[i]);
		assert_true(ip_address_compare(&none, &a) < 0);
		assert_true(ip_address_compare(&a, &none) > 0);
		for (j = 0; j < COUNT(texts); j++) {
			b = address(texts[j]);
			c = ip_address_compare(&a, &b);
			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
	}
}

static void test_in_net(void **state)
{
	static const struct {
		const char *address, *net;
		unsigned int bits;
		bool inside;
	} cases[] = {
		{"10.0.1.2", "10.0.1.0", 24, true},
		{"10.0.2.2", "10.0.1.0", 24, false},
		{"10.0.1.2", "10.0.1.2", 32, true},
		{"10.0.1.3", "10.0.1.2", 32, false},
		{"10.0.1.3", "10.0.1.2", 31, true},
		{"10.0.1.4", "10.0.1.2", 31, false},
		{"10.0.1.127", "10.0.1.1", 25, true},
		{"10.0.1.128", "10.0.1.1", 25, false},
		{"192.168.0.1", "10.0.0.0", 0, true},
		{"10.0.1.2", "10.0.1.2", 33, false},
		{"10.0.1.2", "::", 0, false},
		{"::1", "0.0.0.0", 0, false},
		{"fd00::1:2", "fd00::1:0", 112, true},
		{"fd00::2:2", "fd00::1:0", 112, false},
		{"fd00::2", "fd00::2", 128, true},
		{"fd00::3", "fd00::2", 128, false},
		{"fd00::3", "fd00::2", 127, true},
		{"fd00::3", "fd00::2", 129, false},
		{"fe80::1%1", "fe80::", 10, true},
		{"fe80::1%1", "fe80::%1", 10, true},
		{"fe80::1%1", "fe80::%77", 10, false},
	};
	struct ip_address none = {.family = AF_UNSPEC}, a, net;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		a = address(cases[i].address);
		net = address(cases[i].net);
		if (ip_address_in_net(&a, &net, cases[i].bits) != cases[i].inside)
			fail_msg("%s in %s/%u", cases[i].address, cases[i].net,
				 cases[i].bits);
	}
	assert_false(ip_address_in_net(&none, &none, 0));
}

static void test_portal(void **state)
{
	static const char *const cases[][2] = {
		{"10.0.1.2", "10.0.1.2:3260"},
		{"10.0.1.2:1", "10.0.1.2:1"},
		{"10.0.1.2:65535", "10.0.1.2:65535"},
		{"[fd00::2]", "[fd00::2]:3260"},
		{"[fd00::2]:860", "[fd00::2]:860"},
		{"fd00::2", "[fd00::2]:3260"},
		{"[fe80::1%lo]:3261", "[fe80::1%lo]:3261"},
	};
	static const char *const refused[] = {
		"",
		":3260",
		"10.0.1.2:",
		"10.0.1.2:0",
		"10.0.1.2:65536",
		"10.0.1.2:-1",
		"10.0.1.2:32 60",
		"10.0.1.2:3260x",
		"10.0.1.2:1:2",
		"[fd00::2]3260",
		"[fd00::2]:",
		"[fd00::2]:0",
		"[fd00::2",
		"[10.0.1.2]:1",
		"host:3260",
		"[fd00::2]:x:1",
		"[]:1",
		"10.0.1.2/24",
	};
	char text[PORTAL_TEXT_MAX];
	struct portal value, before;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		value = portal(cases[i][0]);
		assert_true(portal_known(&value));
		assert_string_equal(portal_format(&value, text, sizeof(text)),
				    cases[i][1]);
		before = portal(text);
		assert_int_equal(portal_compare(&value, &before), 0);
	}
	memset(&before, 0x5a, sizeof(before));
	value = before;
	for (i = 0; i < COUNT(refused); i++)
		if (portal_parse(refused[i], ISCSI_DEFAULT_PORT, &value) != -EINVAL)
			fail_msg("'%s' not refused", refused[i]);
	assert_memory_equal(&value, &before, sizeof(value));
}

static void test_portal_order(void **state)
{
	struct portal low = portal("10.0.0.2:3260"), high = portal("10.0.0.10:860"),
		      port = portal("10.0.0.2:3261"), none = {.port = 0};
	char text[PORTAL_TEXT_MAX], small[5];

	(void)state;
	assert_true(portal_compare(&low, &high) < 0);
	assert_true(portal_compare(&low, &port) < 0);
	assert_true(portal_compare(&high, &port) > 0);
	assert_false(portal_known(&none));
	assert_string_equal(portal_format(&none, text, sizeof(text)), "-");
	low.port = 0;
	assert_string_equal(portal_format(&low, text, sizeof(text)), "-");
	assert_string_equal(ip_address_format(&none.address, text, sizeof(text)), "-");
	/* A short buffer is filled, not overrun. */
	assert_string_equal(portal_format(&high, small, sizeof(small)), "10.0");
}

/* Random bytes: print, parse, equal. Random text: never accepted and different. */
static void test_random(void **state)
{
	static const char letters[] = "0123456789abcdef:.[]%lo ";
	char text[PORTAL_TEXT_MAX], again[PORTAL_TEXT_MAX];
	struct portal a, b;
	size_t i, j, length;

	(void)state;
	srandom(2);
	for (i = 0; i < 20000; i++) {
		memset(&a, 0, sizeof(a));
		a.address.family = random() % 2 ? AF_INET : AF_INET6;
		a.port = (uint16_t)(1 + random() % 65535);
		for (j = 0; j < (a.address.family == AF_INET ? 4 : 16); j++)
			a.address.bytes[j] = random() % 3 ? (uint8_t)random() : 0;
		b = portal(portal_format(&a, text, sizeof(text)));
		assert_int_equal(portal_compare(&a, &b), 0);

		length = (size_t)random() % 24;
		for (j = 0; j < length; j++)
			text[j] = letters[(size_t)random() % (sizeof(letters) - 1)];
		text[length] = '\0';
		if (portal_parse(text, 3260, &a) == 0) {
			b = portal(portal_format(&a, again, sizeof(again)));
			assert_int_equal(portal_compare(&a, &b), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_format), cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_compare),	     cmocka_unit_test(test_in_net),
		cmocka_unit_test(test_portal),	     cmocka_unit_test(test_portal_order),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
