/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_REPORT_H
#define MPATHISCSI_REPORT_H

/* What the daemon knows, as JSON: the one form that both people's tables and scripts use. */

#include <stdint.h>

#include <json-c/json.h>

#include "daemon/watch.h"

/* All LUNs, or only 'lun' (NULL: all). New object. */
struct json_object *report_status(const struct watch *watch, const struct lun *lun,
				  uint64_t now_ns);

/* "warning": what the LUN's policy contradicts in what the target says of its paths now
 * (policy_warning()); nothing is added when it contradicts nothing. */
void report_warning(struct json_object *object, const struct lun *lun);

/* A LUN's paths as 'plan' (in the order of lun->paths) would place them. New array. */
struct json_object *report_plan(const struct lun *lun, const struct plan_path *plan);

#endif
