/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking over sessions: siblings of a LUN, all iSCSI disks. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

#include "tests/unit/identity_fixture.h"

static void test_siblings(void **state)
{
	/* sdaa has another LUN number, sdf is no iSCSI disk. */
	static const char *const wanted[] = {"sda", "sdc", "sde", "sdb"};
	struct iscsi_identity paths[8], id;
	struct tree *tree = *state;
	size_t n, i, max;

	id = identify(tree, "sdb");
	for (max = 0; max <= COUNT(paths); max++) {
		memset(paths, 0x5a, sizeof(paths));
		assert_int_equal(identity_siblings(tree->root, &id, paths, max, &n), 0);
		assert_int_equal(n, COUNT(wanted));
		for (i = 0; i < max && i < n; i++)
			assert_string_equal(paths[i].device, wanted[i]);
		if (max < COUNT(paths))
			assert_int_equal(paths[i].cid, 0x5a5a5a5a);
	}
}

static void test_siblings_alone(void **state)
{
	struct iscsi_identity paths[4], id;
	struct tree *tree = *state;
	size_t n;

	id = identify(tree, "sdd");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(paths[0].device, "sdd");

	/* Without a WWID nobody is known to be the same LUN. */
	tree_file(tree, "block/sda/device/wwid", "");
	tree_file(tree, "block/sdc/device/wwid", "");
	id = identify(tree, "sda");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(paths[0].device, "sda");

	/* Another WWID behind the same number is another LUN. */
	id = identify(tree, "sdb");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 2);

	id = identify(tree, "sdf");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);

	tree_remove(tree, "class/iscsi_session");
	id.is_iscsi = true;
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 1);
}

struct names {
	char all[256];
	int stop_after;
};

static int collect(const char *device, void *arg)
{
	struct names *names = arg;

	strcat(names->all, device);
	strcat(names->all, " ");
	return --names->stop_after == 0 ? -ENOENT : 0;
}

static void test_each_disk(void **state)
{
	static const char *const wanted[] = {"sda ", "sdb ",  "sdc ", "sdd ",
					     "sde ", "sdaa ", "sdg "};
	struct names names = {.stop_after = 0};
	struct tree *tree = *state;
	size_t i, length = 0;

	assert_int_equal(identity_each_disk(tree->root, collect, &names), 0);
	for (i = 0; i < COUNT(wanted); i++) {
		assert_non_null(strstr(names.all, wanted[i]));
		length += strlen(wanted[i]);
	}
	assert_int_equal(strlen(names.all), length);

	/* What the caller returns is told, also when it looks like an error of ours. */
	names = (struct names){.stop_after = 3};
	assert_int_equal(identity_each_disk(tree->root, collect, &names), -ENOENT);
	tree_remove(tree, "class/iscsi_session");
	names = (struct names){.stop_after = 0};
	assert_int_equal(identity_each_disk(tree->root, collect, &names), 0);
	assert_string_equal(names.all, "");
}

/* Hundreds of LUNs on a session: more entries than one portion of a directory holds. */
static void test_many(void **state)
{
	struct tree_disk disk = disk_v4;
	struct tree *tree = *state;
	struct iscsi_identity paths[4], id;
	char device[16];
	size_t n;
	unsigned int i;

	disk.wwid = "naa.7777";
	for (i = 0; i < 300; i++) {
		snprintf(device, sizeof(device), "sx%u", i);
		disk.device = device;
		disk.major = 66;
		disk.minor = i;
		disk.lun = 100 + i;
		tree_add_disk(tree, &disk);
	}
	disk = disk_v6;
	disk.wwid = "naa.7777";
	disk.device = "sy";
	disk.major = 67;
	disk.lun = 350;
	tree_add_disk(tree, &disk);
	id = identify(tree, "sx250");
	assert_int_equal(identity_siblings(tree->root, &id, paths, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(paths[0].device, "sx250");
	assert_string_equal(paths[1].device, "sy");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_siblings),
		T(test_siblings_alone),
		T(test_each_disk),
		T(test_many),
	};

	return cmocka_run_group_tests_name("identity scan", tests, NULL, NULL);
}
