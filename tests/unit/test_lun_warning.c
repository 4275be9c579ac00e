/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A LUN of three paths, a policies file, and what is hardly meant in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "daemon/lun_warning.h"

static struct iscsi_identity disk(unsigned int n)
{
	struct iscsi_identity id = {.devt = makedev(8, n), .is_iscsi = true, .sid = n, .lun = 1};
	char portal[32];

	snprintf(id.device, sizeof(id.device), "sd%u", n);
	strcpy(id.wwid, "naa.aa");
	strcpy(id.name.target, "iqn.2026-01.org.example:array");
	snprintf(portal, sizeof(portal), "10.0.%u.2", n);
	assert_int_equal(portal_parse(portal, 3260, &id.name.portal), 0);
	return id;
}

/* 'says' "": no warning. */
static void expect(const char *policies, const char *says)
{
	struct iscsi_identity disks[] = {disk(1), disk(2), disk(3)};
	struct inventory inventory = {.disks = disks, .n_disks = 3};
	char message[STORE_MESSAGE_MAX] = "";
	struct lun_table table;
	struct store store;
	bool warning;

	if (store_parse(policies, "test", &store, message) != POLICY_OK)
		fail_msg("%s", message);
	assert_int_equal(lun_table_make(&inventory, &store, &table), 0);
	assert_int_equal(table.n, 1);
	warning = lun_warning(&table.luns[0], message);
	if (warning != (*says != '\0') || !strstr(message, says))
		fail_msg("%s: \"%s\"", policies, message);
	lun_log_warnings(&table);
	lun_table_free(&table);
	store_free(&store);
}

static void warnings(void **state)
{
	(void)state;
	expect("", "");
	expect("[lun 3aa]\npolicy = failover-only\nactive = portal=10.0.1.2\n", "");
	expect("[lun 3aa]\npolicy = failover-only\nstandby = portal=10.0.1.2\n", "");
	expect("[lun 3aa]\npolicy = failover-only\nstandby = portal=10.0.0.0/16\n",
	       "every path in use is named as a standby");
	expect("[lun 3aa]\npolicy = failover-only\nactive = portal=10.0.0.0/16\n",
	       "the path to 10.0.2.2:3260 would be a further one");
	expect("[default]\npolicy = failover-only\nactive = portal=10.0.1.2\n"
	       "active = portal=10.0.3.2\n",
	       "the path to 10.0.3.2:3260 would be a further one");
	/* an expression that matches nothing: in the LUN's own section only */
	expect("[lun 3aa]\npolicy = round-robin\nexclude = portal=10.0.9.2\n",
	       "\"portal=10.0.9.2\" matches no path of the LUN; its portals are 10.0.1.2:3260, ");
	expect("[default]\npolicy = round-robin\nexclude = portal=10.0.9.2\n", "");
	expect("[target iqn.2026-01.org.example:array]\npolicy = failover-only\n"
	       "active = portal=10.0.9.2\n",
	       "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(warnings)};

	return cmocka_run_group_tests_name("lun_warning", tests, NULL, NULL);
}
