/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "daemon/lun.h"

#define WWID_A "naa.60000000000000000e00000000010001"
#define LUN_A  "360000000000000000e00000000010001"

static struct iscsi_identity disk(unsigned int sid, unsigned int minor_nr, const char *wwid)
{
	struct iscsi_identity id = {
		.devt = makedev(8, minor_nr), .is_iscsi = true, .sid = sid, .lun = 1};
	char portal[32];

	snprintf(id.device, sizeof(id.device), "sd%u", minor_nr);
	snprintf(id.wwid, sizeof(id.wwid), "%s", wwid);
	snprintf(id.name.target, sizeof(id.name.target), "iqn.2026-01.org.example:array");
	snprintf(portal, sizeof(portal), "10.0.%u.2", sid);
	assert_int_equal(portal_parse(portal, 3260, &id.name.portal), 0);
	return id;
}

static struct dm_map map(const char *status)
{
	struct dm_map map = {.name = "mpatha", .uuid = "mpath-" LUN_A};

	assert_int_equal(dm_map_parse_status(status, &map), 0);
	return map;
}

static struct store policies(const char *text)
{
	char message[STORE_MESSAGE_MAX];
	struct store store;

	if (store_parse(text, "test", &store, message) != 0)
		fail_msg("%s", message);
	return store;
}

static void wwids(void **state)
{
	char text[64];

	(void)state;
	lun_wwid_from_sysfs(WWID_A, text, sizeof(text));
	assert_string_equal(text, LUN_A);
	lun_wwid_from_sysfs("eui.0123", text, sizeof(text));
	assert_string_equal(text, "20123");
	lun_wwid_from_sysfs("t10.ACME    disk 7  ", text, sizeof(text));
	assert_string_equal(text, "1ACME_disk_7");
	lun_wwid_from_sysfs("odd", text, sizeof(text));
	assert_string_equal(text, "odd");
}

/* Three paths in one map, one disk of another LUN, one without a WWID. */
static void grouping(void **state)
{
	struct iscsi_identity disks[] = {disk(3, 48, WWID_A), disk(1, 16, WWID_A),
					 disk(2, 32, WWID_A), disk(1, 64, "naa.6002"),
					 disk(1, 80, "")};
	struct dm_map maps[] = {
		map("2 0 0 0 3 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 A 0 E 0 1 0 8:48 A 0")};
	struct inventory inventory = {.disks = disks, .n_disks = 5, .maps = maps, .n_maps = 1};
	struct store store = policies("[lun mpatha]\npolicy = failover-only\n"
				      "active = portal=10.0.1.2\n");
	const struct lun *lun;
	struct lun_table table;

	(void)state;
	assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
	assert_int_equal(table.n, 3);
	lun = lun_find(&table, "mpatha");
	assert_non_null(lun);
	assert_ptr_equal(lun, lun_find(&table, LUN_A));
	assert_int_equal(lun->n_paths, 3);
	assert_int_equal(lun->paths[0].id->sid, 1);
	assert_int_equal(lun->paths[0].plan.role, ROLE_ACTIVE);
	assert_int_equal(lun->paths[2].plan.role, ROLE_STANDBY);
	assert_true(lun_in_force(lun));
	assert_int_equal(lun_current_group(lun), 0);
	lun = lun_find(&table, "36002");
	assert_non_null(lun);
	assert_null(lun->map);
	assert_int_equal(lun->paths[0].plan.role, ROLE_NONE);
	assert_true(lun_in_force(lun));
	assert_null(lun_find(&table, ""));
	lun_table_free(&table);
	store_free(&store);
}

static bool in_force(const char *status, const char *policy)
{
	struct iscsi_identity disks[] = {disk(1, 16, WWID_A), disk(2, 32, WWID_A),
					 disk(3, 48, WWID_A)};
	struct dm_map maps[] = {map(status)};
	struct inventory inventory = {.disks = disks, .n_disks = 3, .maps = maps, .n_maps = 1};
	struct store store = policies(policy);
	struct lun_table table;
	bool result;

	assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
	assert_int_equal(table.n, 1);
	result = lun_in_force(&table.luns[0]);
	lun_table_free(&table);
	store_free(&store);
	return result;
}

static void force(void **state)
{
	const char *fail = "[lun mpatha]\npolicy = failover-only\nactive = portal=10.0.1.2\n";
	const char *no_two = "[lun mpatha]\npolicy = failover-only\nactive = portal=10.0.1.2\n"
			     "exclude = portal=10.0.2.2\n";

	(void)state;
	assert_true(in_force("2 0 0 0 3 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 A 0 E 0 1 0 8:48 A 0", fail));
	/* a failed path changes nothing about what is planned */
	assert_true(in_force("2 0 0 0 3 1 E 0 1 0 8:16 F 9 A 0 1 0 8:32 A 0 E 0 1 0 8:48 A 0", fail));
	/* wrong order, and all in one group */
	assert_false(in_force("2 0 0 0 3 1 A 0 1 0 8:32 A 0 E 0 1 0 8:16 A 0 E 0 1 0 8:48 A 0", fail));
	assert_false(in_force("2 0 0 0 1 1 A 0 3 0 8:16 A 0 8:32 A 0 8:48 A 0", fail));
	/* an excluded path may stand anywhere behind; a path not in the map is no contradiction */
	assert_true(in_force("2 0 0 0 2 1 A 0 1 0 8:16 A 0 E 0 2 0 8:32 F 1 8:48 A 0", no_two));
	assert_true(in_force("2 0 0 0 2 1 A 0 1 0 8:16 A 0 E 0 1 0 8:48 A 0", fail));
	/* a failed one as well: multipathd made the table while its group had no usable path */
	assert_true(in_force("2 0 0 0 3 1 A 0 1 0 8:32 A 0 E 0 1 0 8:16 F 9 E 0 1 0 8:48 A 0", fail));
	assert_false(in_force("2 0 0 0 3 1 A 0 1 0 8:48 A 0 E 0 1 0 8:16 F 9 E 0 1 0 8:32 A 0", fail));
	/* but what is excluded must be out of use */
	assert_false(in_force("2 0 0 0 2 1 A 0 1 0 8:16 A 0 E 0 2 0 8:32 A 1 8:48 A 0", no_two));
	assert_true(in_force("2 0 0 0 1 1 A 0 3 0 8:16 A 0 8:32 A 0 8:48 A 0", ""));
}

/* The section that has effect, by the LUN's paths. */
static void scopes(void **state)
{
	static const struct {
		const char *policies, *expected;
	} cases[] = {
		{"[default]\npolicy = round-robin\n", "default"},
		{"[product \"ACME\" \"Disk\"]\npolicy = round-robin\n[default]\npolicy = "
		 "failover-only\n",
		 "product \"ACME\" \"Disk\""},
		{"[target IQN.2026-01.org.example:array]\npolicy = round-robin\n"
		 "[product \"ACME\" \"Disk\"]\npolicy = failover-only\n",
		 "target iqn.2026-01.org.example:array"},
		/* through two targets: the first in the order of the paths, which goes by name */
		{"[target iqn.2026-01.org.example:array]\npolicy = failover-only\n"
		 "[target iqn.2020-01.org.example:other]\npolicy = round-robin\n",
		 "target iqn.2020-01.org.example:other"},
		{"[lun mpatha]\npolicy = round-robin\n[target iqn.2026-01.org.example:array]\n"
		 "policy = failover-only\n",
		 "lun mpatha"},
	};
	struct iscsi_identity disks[] = {disk(1, 16, WWID_A), disk(2, 32, WWID_A)};
	struct dm_map maps[] = {map("2 0 0 0 1 1 A 0 2 0 8:16 A 0 8:32 A 0")};
	struct inventory inventory = {.disks = disks, .n_disks = 2, .maps = maps, .n_maps = 1};
	char text[STORE_NAME_TEXT_MAX];

	(void)state;
	snprintf(disks[1].name.target, sizeof(disks[1].name.target),
		 "iqn.2020-01.org.example:other");
	for (size_t i = 0; i < 2; i++) {
		strcpy(disks[i].vendor, "ACME");
		strcpy(disks[i].product, "Disk");
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store store = policies(cases[i].policies);
		struct lun_table table;

		assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
		assert_non_null(table.luns[0].entry);
		assert_string_equal(store_name_format(&table.luns[0].entry->name, text),
				    cases[i].expected);
		assert_int_equal(table.luns[0].scope, table.luns[0].entry->name.scope);
		assert_string_equal(table.luns[0].entry->setting->policy->name, "round-robin");
		lun_table_free(&table);
		store_free(&store);
	}
}

/* What the target says of a path counts in the plan. */
static void access_states(void **state)
{
	struct iscsi_identity disks[] = {disk(1, 16, WWID_A), disk(2, 32, WWID_A)};
	struct dm_map maps[] = {map("2 0 0 0 1 1 A 0 2 0 8:16 A 0 8:32 A 0")};
	struct inventory inventory = {.disks = disks, .n_disks = 2, .maps = maps, .n_maps = 1};
	struct store store = policies("[default]\npolicy = round-robin\n");
	struct lun_table table;

	(void)state;
	assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
	assert_true(lun_order_in_force(&table.luns[0]));
	lun_table_free(&table);
	disks[0].access = ACCESS_NON_OPTIMIZED;
	disks[1].access = ACCESS_OPTIMIZED;
	assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
	assert_int_equal(table.luns[0].paths[0].plan.role, ROLE_STANDBY);
	assert_int_equal(table.luns[0].paths[1].plan.role, ROLE_ACTIVE);
	assert_false(lun_order_in_force(&table.luns[0]));
	lun_table_free(&table);
	store_free(&store);
}

static void current(void **state)
{
	struct dm_map maps[] = {map("2 0 0 0 2 1 E 0 1 0 8:16 F 1 E 0 1 0 8:32 A 0")};
	struct lun lun = {.map = maps};

	(void)state;
	/* before the first I/O no group is marked as in use */
	assert_int_equal(lun_current_group(&lun), 1);
	maps[0] = map("2 0 0 0 2 1 E 0 1 0 8:16 F 1 E 0 1 0 8:32 F 1");
	assert_int_equal(lun_current_group(&lun), -1);
	lun.map = NULL;
	assert_int_equal(lun_current_group(&lun), -1);
}

/* Three paths without a section: what the target says of them, and the roles and groups that
 * come of it; with 'table' as the kernel's. */
static void check_without_section(const enum access_state access[3], const char *table_text,
				  bool is_mixed, const char *roles, const char *groups,
				  bool in_force_then)
{
	struct iscsi_identity disks[] = {disk(1, 16, WWID_A), disk(2, 32, WWID_A),
					 disk(3, 48, WWID_A)};
	struct dm_map maps[] = {map(table_text)};
	struct inventory inventory = {.disks = disks, .n_disks = 3, .maps = maps, .n_maps = 1};
	static const char letters[] = {[ROLE_NONE] = '-', [ROLE_ACTIVE] = 'a', [ROLE_STANDBY] = 's'};
	struct store store = policies("");
	struct lun_table table;

	maps[0].mixed = is_mixed;
	for (size_t i = 0; i < 3; i++)
		disks[i].access = access[i];
	assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
	assert_null(table.luns[0].entry);
	assert_int_equal(table.luns[0].setting != NULL, roles[0] != '-');
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(letters[table.luns[0].paths[i].plan.role], roles[i]);
		assert_int_equal(table.luns[0].paths[i].plan.group, groups[i] - '0');
	}
	assert_int_equal(lun_order_in_force(&table.luns[0]), in_force_then);
	assert_true(lun_selector_in_force(&table.luns[0]));
	lun_table_free(&table);
	store_free(&store);
}

static void without_section(void **state)
{
	const enum access_state none[3] = {ACCESS_UNKNOWN, ACCESS_UNKNOWN, ACCESS_UNKNOWN},
				alike[3] = {ACCESS_OPTIMIZED, ACCESS_OPTIMIZED, ACCESS_OPTIMIZED},
				one_best[3] = {ACCESS_NON_OPTIMIZED, ACCESS_OPTIMIZED,
					       ACCESS_NON_OPTIMIZED};
	const char *together = "2 0 0 0 1 1 A 0 3 0 8:16 A 0 8:32 A 0 8:48 A 0",
		   *stock = "2 0 0 0 2 1 A 0 1 0 8:32 A 0 E 0 2 0 8:16 A 0 8:48 A 0",
		   *one_each = "2 0 0 0 3 1 A 0 1 0 8:32 A 0 E 0 1 0 8:16 A 0 E 0 1 0 8:48 A 0",
		   *mixed = "2 0 0 0 2 1 A 0 2 0 8:32 A 0 8:96 A 0 E 0 2 0 8:16 A 0 8:48 A 0";

	(void)state;
	check_without_section(none, together, false, "---", "000", true);
	check_without_section(alike, together, false, "aaa", "000", true);
	check_without_section(one_best, stock, false, "sas", "102", false);
	check_without_section(one_best, one_each, false, "sas", "102", true);
	/* a path of another transport in the map: stock's order holds for all */
	check_without_section(one_best, mixed, true, "---", "000", true);
	/* … but not one whose disk has gone, or is not known yet */
	check_without_section(one_best, mixed, false, "sas", "102", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wwids),
		cmocka_unit_test(grouping),
		cmocka_unit_test(force),
		cmocka_unit_test(current),
		cmocka_unit_test(scopes),
		cmocka_unit_test(access_states),
		cmocka_unit_test(without_section),
	};

	return cmocka_run_group_tests_name("lun", tests, NULL, NULL);
}
