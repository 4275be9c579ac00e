/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_POLICY_CHECK_H
#define MPATHISCSI_POLICY_CHECK_H

/*
 * The request policy-check: would this setting be taken, and what would come of it? Changes
 * nothing.
 *
 * Fields: "setting" (one line), and either "lun" (WWID or map name) or "scope" (a section's
 * name as in the policies file: "target iqn.…", "default" …). For a scope every LUN that
 * would come under the setting is checked, and the first that objects is named. "force": a
 * LUN may be left without any path, and with active paths that have all failed.
 *
 * Reply: "scope" (the section to write; "lun WWID" for a LUN), "alias", "setting" in its
 * canonical form, "luns": of each LUN concerned "wwid", "alias", "paths" with their "role",
 * "plan_group" and present "group", "selector_changes"; "warnings": sentences; "selector" of
 * the policy, and "selector_changes": on any LUN the plan shares a group's paths and the live
 * table selects otherwise, so that multipathd must reconfigure. For "lun" the LUN's "wwid" and
 * "paths" stand at the top too.
 */

#include <json-c/json.h>

#include "daemon/lun.h"

/* Room for a setting's canonical text, wherever the daemon replies one. */
#define POLICY_SETTING_TEXT_MAX 4096

/* Which LUN or section do "lun" or "scope" mean? *ret_only NULL: a wider scope. NULL:
 * understood; else a new error reply. */
struct json_object *policy_read_scope(const struct lun_table *luns, struct json_object *request,
				      const struct lun **ret_only, struct store_name *ret_name);

/* Which paths have failed, as far as is known? */
struct policy_health {
	bool (*failed)(const struct lun *lun, const struct lun_path *path, const void *arg);
	const void *arg;
};

/* A new reply, or an error reply with the policy error's name; NULL: fields missing. 'health'
 * NULL: no path has failed. */
struct json_object *policy_check(const struct lun_table *luns, const struct store *store,
				 const struct policy_health *health, struct json_object *request);

#endif
