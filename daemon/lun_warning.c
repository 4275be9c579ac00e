/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lun_warning.h"

#include "daemon/log.h"

#define LOGGED_MAX 10

bool lun_warning(const struct lun *lun, char *message)
{
	struct policy_path paths[POLICY_PATHS_MAX];
	struct plan_path plan[POLICY_PATHS_MAX];
	size_t n = lun_policy_paths(lun, paths);

	if (!lun->entry || n > POLICY_PATHS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		plan[i] = lun->paths[i].plan;
	if (policy_warning(lun->entry->setting, paths, plan, n, message))
		return true;
	return lun->entry->name.scope == STORE_LUN &&
	       policy_unmatched(lun->entry->setting, paths, n, message);
}

void lun_log_warnings(const struct lun_table *table)
{
	char message[POLICY_MESSAGE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < table->n; i++) {
		const struct lun *lun = &table->luns[i];

		if (lun_warning(lun, message) && n++ < LOGGED_MAX)
			log_line(LOG_WARNING, "policy of %s: %s", *lun->alias ? lun->alias : lun->wwid,
				 message);
	}
	if (n > LOGGED_MAX)
		log_line(LOG_WARNING, "policies of %zu more LUNs: `mpathiscsi policy show` tells",
			 n - LOGGED_MAX);
}
