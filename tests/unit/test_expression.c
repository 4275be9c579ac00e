/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "tests/unit/policy_fixture.h"

static struct path_expression parse(const char *text)
{
	char message[POLICY_MESSAGE_MAX] = "";
	struct path_expression e;

	memset(&e, 0, sizeof(e));
	if (path_expression_parse(text, &e, message) != 0)
		fail_msg("%s: %s", text, message);
	return e;
}

static void fields(void **state)
{
	struct path_expression e = parse("portal=10.0.1.0/24:3261,iface=eth0,tpg=7");

	(void)state;
	assert_true(e.has_portal && e.has_port && e.has_iface && e.has_tpgt);
	assert_false(e.has_source || e.has_target);
	assert_int_equal(e.portal_bits, 24);
	assert_int_equal(e.portal.family, AF_INET);
	assert_int_equal(e.port, 3261);
	assert_int_equal(e.tpgt, 7);
	assert_string_equal(e.iface, "eth0");
	e = parse("source=[fd00::]/64,target=IQN.2001-04.com.Example:Disk");
	assert_true(e.has_source && e.has_target && !e.has_portal);
	assert_int_equal(e.source_bits, 64);
	assert_int_equal(e.source.family, AF_INET6);
	assert_string_equal(e.target, "iqn.2001-04.com.example:disk");
}

static void canonical(void **state)
{
	static const char *const texts[][2] = {
		{ "portal=10.0.1.2", "portal=10.0.1.2" },
		{ "portal=10.0.1.2/32", "portal=10.0.1.2" },
		{ "portal=10.0.1.2:3260", "portal=10.0.1.2:3260" },
		{ "portal=[FD00:0:0::2]", "portal=[fd00::2]" },
		{ "portal=[fd00::]/64:3260", "portal=[fd00::]/64:3260" },
		{ "portal=0.0.0.0/0", "portal=0.0.0.0/0" },
		{ "iface=eth0,portal=10.0.1.2", "portal=10.0.1.2,iface=eth0" },
		{ "tpg=1,target=iqn.x:Y,source=10.0.1.9", "source=10.0.1.9,target=iqn.x:y,tpg=1" },
		{ "iface=bnx2i.00:05:b5:d2:a0:c2", "iface=bnx2i.00:05:b5:d2:a0:c2" },
		{ "portal=[fe80::1%lo]", "portal=[fe80::1%lo]" },
	};
	char buffer[200];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct path_expression e = parse(texts[i][0]);
		int n = path_expression_format(&e, buffer, sizeof(buffer));

		assert_string_equal(buffer, texts[i][1]);
		assert_int_equal(n, strlen(texts[i][1]));
	}
}

/* What is wrong, and a piece that its message must contain. */
static const char *const wrong[][2] = {
	{ "", "no path expression" },
	{ "sda", "no path expression" },
	{ "sda", "portal=" },
	{ "dev=sda", "\"dev=sda\"" },
	{ "Portal=10.0.1.2", "no path expression" },
	{ "portals=10.0.1.2", "no path expression" },
	{ "portal", "no path expression" },
	{ "=10.0.1.2", "no path expression" },
	{ "portal=", "has no value" },
	{ "iface=", "iface=NAME" },
	{ "portal=10.0.1.2,", "no path expression" },
	{ ",portal=10.0.1.2", "no path expression" },
	{ "portal=10.0.1.2,,iface=eth0", "no path expression" },
	{ "portal=10.0.1.2,portal=10.0.2.2", "twice" },
	{ "iface=eth0,iface=eth0", "iface= is there twice" },
	{ "portal=10.0.1.7/24", "10.0.1.0/24" },
	{ "portal=10.0.1.7/24", "host bits" },
	{ "portal=[fd00::1]/64", "[fd00::]/64" },
	{ "source=10.0.1.1/31", "10.0.1.0/31" },
	{ "portal=10.0.1.0/33", "0 to 32" },
	{ "portal=[fd00::]/129", "0 to 128" },
	{ "portal=10.0.1.0/", "prefix length" },
	{ "portal=10.0.1.0/x", "prefix length" },
	{ "portal=10.0.1.0/-1", "prefix length" },
	{ "portal=10.0.1.0/00024", "prefix length" },
	{ "portal=10.0.1.2:", ":PORT" },
	{ "portal=10.0.1.2:0", "1 to 65535" },
	{ "portal=10.0.1.2:65536", "1 to 65535" },
	{ "portal=10.0.1.2:3260x", "1 to 65535" },
	{ "portal=10.0.1.2:3260:1", "1 to 65535" },
	{ "portal=10.0.1.2/24/24", "prefix length" },
	{ "portal=fd00::2", "brackets" },
	{ "source=fd00::2", "brackets" },
	{ "portal=[fd00::2", "no numeric address" },
	{ "portal=[fd00::2]x", ":PORT" },
	{ "portal=[10.0.1.2]", "no numeric address" },
	{ "portal=[]", "no numeric address" },
	{ "portal=storage.example.com", "no numeric address" },
	{ "portal=10.0.1", "no numeric address" },
	{ "portal=10.0.1.256", "no numeric address" },
	{ "portal=[fe80::1%nosuchif]", "no such network interface" },
	{ "source=10.0.1.2:3260", "without a port" },
	{ "tpg=65536", "0 to 65535" },
	{ "tpg=-1", "0 to 65535" },
	{ "tpg=0x1", "0 to 65535" },
	{ "target=iqn.x y", "no target name" },
	{ "target=iqn.x/y", "no target name" },
	{ "target=iqn.\xc3\xa4", "?" },
	{ "iface=a=b", "no interface" },
	{ "iface=eth 0", "no interface" },
};

static void refused(void **state)
{
	char message[POLICY_MESSAGE_MAX];
	struct path_expression e, before;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(&e, &before, sizeof(e));
		message[0] = '\0';
		if (path_expression_parse(wrong[i][0], &e, message) != -EINVAL)
			fail_msg("\"%s\" was taken", wrong[i][0]);
		if (!strstr(message, wrong[i][1]))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", wrong[i][0], message,
				 wrong[i][1]);
		assert_memory_equal(&e, &before, sizeof(e));
	}
}

static void lengths(void **state)
{
	char text[ISCSI_NAME_MAX + 1000], message[POLICY_MESSAGE_MAX];
	struct path_expression e;

	(void)state;
	strcpy(text, "target=");
	memset(text + 7, 'a', ISCSI_NAME_MAX);
	text[7 + ISCSI_NAME_MAX] = '\0';
	assert_int_equal(path_expression_parse(text, &e, message), -EINVAL);
	assert_non_null(strstr(message, "223"));
	text[7 + ISCSI_NAME_MAX - 1] = '\0';
	assert_int_equal(path_expression_parse(text, &e, message), 0);
	strcpy(text, "iface=");
	memset(text + 6, 'a', ISCSI_IFACE_MAX);
	text[6 + ISCSI_IFACE_MAX] = '\0';
	assert_int_equal(path_expression_parse(text, &e, message), -EINVAL);
	text[6 + ISCSI_IFACE_MAX - 1] = '\0';
	assert_int_equal(path_expression_parse(text, &e, message), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(path_expression_parse(text, &e, message), -EINVAL);
	assert_non_null(strstr(message, "at most"));
}

static void matching(void **state)
{
	static const struct {
		const char *text;
		bool expected;
	} cases[] = {
		{ "portal=10.0.1.2", true },
		{ "portal=10.0.1.20", false },
		{ "portal=10.0.1.2:3260", true },
		{ "portal=10.0.1.2:3261", false },
		{ "portal=10.0.1.0/24", true },
		{ "portal=10.0.1.2/31", true },
		{ "portal=10.0.1.4/30", false },
		{ "portal=0.0.0.0/0", true },
		{ "portal=[::]/0", false },
		{ "source=10.0.1.77", true },
		{ "source=10.0.1.0/26", false },
		{ "iface=iface7", true },
		{ "iface=eth3", true },
		{ "iface=eth", false },
		{ "tpg=2", true },
		{ "tpg=1", false },
		{ "target=iqn.2001-04.com.example:STORAGE", true },
		{ "target=iqn.2001-04.com.example:storag", false },
		{ "portal=10.0.1.2,iface=eth3,tpg=2", true },
		{ "portal=10.0.1.2,iface=eth3,tpg=3", false },
	};
	struct path_name name = make_name("10.0.1.2", "iface7");

	(void)state;
	strcpy(name.netdev, "eth3");
	name.tpgt = 2;
	assert_int_equal(ip_address_parse("10.0.1.77", &name.source), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct path_expression e = parse(cases[i].text);

		if (path_expression_matches(&e, &name) != cases[i].expected)
			fail_msg("%s: expected %d", cases[i].text, cases[i].expected);
	}
}

/* What is not known of a path matches no condition on it. */
static void unknown_fields(void **state)
{
	struct path_name name = make_name("10.0.1.2", "");
	struct path_expression e = parse("source=0.0.0.0/0");

	(void)state;
	name.tpgt = -1;
	assert_false(path_expression_matches(&e, &name));
	e = parse("tpg=0");
	assert_false(path_expression_matches(&e, &name));
	e = parse("iface=default");
	assert_false(path_expression_matches(&e, &name));
	memset(&name.portal, 0, sizeof(name.portal));
	e = parse("portal=0.0.0.0/0");
	assert_false(path_expression_matches(&e, &name));
}

static void link_local(void **state)
{
	struct path_name name = make_name("[fe80::1%lo]", "default");
	struct path_expression any = parse("portal=[fe80::1]"), lo = parse("portal=[fe80::1%lo]");

	(void)state;
	assert_true(path_expression_matches(&any, &name));
	assert_true(path_expression_matches(&lo, &name));
	name.portal.address.scope += 1000;
	assert_true(path_expression_matches(&any, &name));
	assert_false(path_expression_matches(&lo, &name));
}

static void round_trip(void **state)
{
	struct random random = random_start(1);
	char a[800], b[800], small[24];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct path_expression e = random_expression(&random), back;
		struct path_name name = random_name(&random);
		int n = path_expression_format(&e, a, sizeof(a));

		back = parse(a);
		path_expression_format(&back, b, sizeof(b));
		assert_string_equal(a, b);
		assert_int_equal(path_expression_matches(&e, &name),
				 path_expression_matches(&back, &name));
		assert_int_equal(path_expression_format(&e, small, sizeof(small)), n);
		assert_true(strlen(small) < sizeof(small));
		assert_memory_equal(small, a, strlen(small));
		assert_int_equal(path_expression_format(&e, NULL, 0), n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),    cmocka_unit_test(canonical),
		cmocka_unit_test(refused),   cmocka_unit_test(lengths),
		cmocka_unit_test(matching),  cmocka_unit_test(unknown_fields),
		cmocka_unit_test(link_local), cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
