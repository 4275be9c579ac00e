/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/path_name.h"

static struct path_name name(const char *target, int tpgt, const char *portal, const char *iface,
			     const char *netdev, const char *source)
{
	struct path_name result = { .tpgt = tpgt };

	snprintf(result.target, sizeof(result.target), "%s", target);
	snprintf(result.iface, sizeof(result.iface), "%s", iface);
	snprintf(result.netdev, sizeof(result.netdev), "%s", netdev);
	if (portal[0])
		assert_int_equal(portal_parse(portal, ISCSI_DEFAULT_PORT, &result.portal), 0);
	if (source[0])
		assert_int_equal(ip_address_parse(source, &result.source), 0);
	return result;
}

/* Each is greater than the one before it, for one reason each. */
static void test_order(void **state)
{
	const struct path_name names[] = {
		name("iqn.a", -1, "", "", "", ""),
		name("iqn.a", 1, "", "", "", ""),
		name("iqn.a", 1, "10.0.0.2", "", "", ""),
		name("iqn.a", 1, "10.0.0.2", "default", "", ""),
		name("iqn.a", 1, "10.0.0.2", "default", "", "10.0.0.9"),
		name("iqn.a", 1, "10.0.0.2", "default", "", "10.0.0.10"),
		name("iqn.a", 1, "10.0.0.2", "default", "eth0", ""),
		name("iqn.a", 1, "10.0.0.2", "iface1", "", ""),
		name("iqn.a", 1, "10.0.0.2:3261", "", "", ""),
		name("iqn.a", 1, "10.0.0.10", "", "", ""),
		name("iqn.a", 1, "fd00::2", "", "", ""),
		name("iqn.a", 2, "10.0.0.1", "", "", ""),
		name("iqn.a", 10, "10.0.0.1", "", "", ""),
		name("iqn.b", 1, "10.0.0.1", "", "", ""),
	};
	size_t i, j, n = sizeof(names) / sizeof(names[0]);
	int c;

	(void)state;
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			c = path_name_compare(&names[i], &names[j]);
			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
	}
}

static void test_hash_fields(void **state)
{
	struct path_name base = name("iqn.a", 1, "10.0.0.2", "default", "eth0", "10.0.0.9");
	uint64_t hash = path_name_hash(&base);
	struct path_name other = base;

	(void)state;
	assert_true(hash != 0);
	/* What may change while the path stays the same path. */
	memset(&other.source, 0, sizeof(other.source));
	other.tpgt = -1;
	other.netdev[0] = '\0';
	assert_true(path_name_hash(&other) == hash);

	other = name("iqn.b", 1, "10.0.0.2", "default", "eth0", "10.0.0.9");
	assert_true(path_name_hash(&other) != hash);
	other = name("iqn.a", 1, "10.0.0.3", "default", "eth0", "10.0.0.9");
	assert_true(path_name_hash(&other) != hash);
	other = name("iqn.a", 1, "10.0.0.2:3261", "default", "eth0", "10.0.0.9");
	assert_true(path_name_hash(&other) != hash);
	other = name("iqn.a", 1, "10.0.0.2", "iface1", "eth0", "10.0.0.9");
	assert_true(path_name_hash(&other) != hash);
}

/* Only the text counts, not what stands behind it in the buffers; nor the scope. */
static void test_hash_ignores_rest(void **state)
{
	struct path_name a = name("iqn.a", 1, "fe80::1", "default", "", "");
	struct path_name b = a;
	uint64_t hash = path_name_hash(&a);

	(void)state;
	memset(b.target + 6, 0x55, sizeof(b.target) - 6);
	memset(b.iface + 8, 0x55, sizeof(b.iface) - 8);
	b.portal.address.scope = 7;
	assert_true(path_name_hash(&b) == hash);
}

/* The same number in every process, build and release: plugins and daemon may differ. */
static void test_hash_golden(void **state)
{
	struct path_name a =
		name("iqn.2026-01.example:disk", 1, "10.0.1.2", "default", "", "");

	(void)state;
	assert_true(path_name_hash(&a) == 0x2374e3bdd3f30cc0ULL);
}

/* Text does not flow from one field into the next. */
static void test_hash_field_borders(void **state)
{
	struct path_name a = name("iqn.ab", 1, "10.0.0.2", "c", "", "");
	struct path_name b = name("iqn.a", 1, "10.0.0.2", "bc", "", "");

	(void)state;
	assert_true(path_name_hash(&a) != path_name_hash(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hash_fields),
		cmocka_unit_test(test_hash_ignores_rest),
		cmocka_unit_test(test_hash_golden),
		cmocka_unit_test(test_hash_field_borders),
	};

	return cmocka_run_group_tests_name("path name", tests, NULL, NULL);
}
