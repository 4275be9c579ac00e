/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LUN_H
#define MPATHISCSI_LUN_H

/*
 * From an inventory and the policies to LUNs with their plans. Pure: knows no sysfs, no
 * device-mapper, no clock.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/inventory.h"
#include "daemon/store.h"
#include "policies/policy.h"

struct lun_path {
	const struct iscsi_identity *id; /* in the inventory */
	const struct dm_path *dm;	 /* in its map; NULL: in none */
	struct plan_path plan;
	uint64_t name_hash;		 /* of its name, as the board has it */
};

struct lun {
	char wwid[DEVICE_WWID_MAX];	   /* as multipath writes it: 3600… */
	const char *alias;		   /* name of its map, "" without one */
	const struct dm_map *map;	   /* NULL: no map */
	const struct store_entry *entry;   /* the section in effect; NULL: none */
	const struct policy_setting *setting; /* what the plan is made by: the section's, or
						 what is built in; NULL: nothing places paths */
	enum store_scope scope;		   /* where that was set; valid with 'entry' */
	struct lun_path *paths;		   /* in list order (path_name_compare) */
	size_t n_paths;
};

struct lun_table {
	struct lun *luns; /* sorted by WWID */
	size_t n;
	struct lun_path *paths; /* backing store of all luns' paths */
};

/*
 * Group the disks by LUN: by the map that holds them, else by sysfs WWID; find the policy,
 * make the plan. Pointers go into 'inventory' and 'store', which must outlive *ret. Disks
 * with neither a map nor a WWID are LUNs of one path. A LUN of more than POLICY_PATHS_MAX
 * paths has no plan (ROLE_NONE). -ENOMEM. Free with lun_table_free().
 *
 * A LUN without a section, whose target gives its ports access states (ALUA), has
 * round-robin-with-subset by these states: stock multipathd would balance over all paths of
 * the worse kind once the better are gone. It asks for no path selector of its own. Not where
 * the map has paths that are not iSCSI: their priorities are stock's, and stock's order holds
 * for all of them.
 */
int lun_table_make(const struct inventory *inventory, const struct store *store,
		   struct lun_table *ret);
void lun_table_free(struct lun_table *table);

/* The maps were read again in place and have the same paths: what the LUNs point at may stand
 * elsewhere in them now. */
void lun_table_relink(struct lun_table *table);

/* The LUN's paths as policies see them, into room for POLICY_PATHS_MAX. Returns how many the
 * LUN has, which may be more: policy_setting_check() and plan_make() refuse that. */
size_t lun_policy_paths(const struct lun *lun, struct policy_path *paths);

/* Which section of a store has effect for the LUN (as it has, or would have). NULL: none. */
const struct store_entry *lun_find_entry(const struct lun *lun, const struct store *store);

/* By WWID, alias, or dm name. NULL: none. */
const struct lun *lun_find(const struct lun_table *table, const char *name);

/* sysfs "naa.6001…", "eui.…", "t10.…" as multipath's WWID ("36001…", "2…", "1…"). */
void lun_wwid_from_sysfs(const char *sysfs_wwid, char *buffer, size_t size);

/*
 * Does the kernel's table say what the plan says: the same paths together, groups in the
 * same order? Excluded paths may stand anywhere behind, and so may failed ones: whenever
 * multipathd makes a table it puts a group without a usable path last, and puts it right when
 * the path is back. A LUN whose paths nothing
 * places is in force by definition; one without a map is not.
 */
bool lun_order_in_force(const struct lun *lun);

/* Does I/O share a group's paths as the policy says? True where the plan has no group of more
 * than one path, for then the path selector has nothing to choose. */
bool lun_selector_in_force(const struct lun *lun);

/* Is that ("round-robin 0") the path selector of the live table? Only its name counts. */
bool lun_selector_is(const struct lun *lun, const char *selector);

/* Has a plan a group of more than one path? */
bool lun_plan_shares(const struct plan_path *plan, size_t n);

/* Order and selector, and no excluded path is usable for the kernel. */
bool lun_in_force(const struct lun *lun);

/* The group that carries I/O now as the kernel sees it: the first 'A' group, else the first
 * with a usable path, else -1. */
int lun_current_group(const struct lun *lun);

#endif
