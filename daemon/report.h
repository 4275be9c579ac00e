/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_REPORT_H
#define MPATHISCSI_REPORT_H

/* What the daemon knows, as JSON: the one form that both people's tables and scripts use. */

#include <stdint.h>

#include <json-c/json.h>

#include "daemon/watch.h"

enum report_detail {
	REPORT_ALL,   /* everything */
	REPORT_TABLE, /* of paths what the table of `mpathiscsi status` shows, and is not "" or 0 */
	REPORT_LUNS,  /* no paths */
};

struct report_wish {
	const struct lun *lun; /* only this; NULL: all */
	const char *after;     /* the LUNs behind this WWID; NULL: from the first */
	enum report_detail detail;
};

/*
 * The LUNs that were wished for, in the order of their WWIDs, as many as make one answer of a
 * size that neither fills the memory nor holds up the loop; if more are left "next" says what to
 * ask for as 'after'. What is not about LUNs is in the first answer only. New object.
 */
struct json_object *report_status(const struct watch *watch, const struct report_wish *wish,
				  uint64_t now_ns);

/* "warning": what the LUN's policy says that is hardly meant (lun_warning()); nothing is added
 * when there is no such thing. */
void report_warning(struct json_object *object, const struct lun *lun);

/* Name of the policy that holds although none is set (daemon/lun.h); "" with a section's
 * policy or with none at all. */
const char *report_built_in(const struct lun *lun);

/* A LUN's paths as 'plan' (in the order of lun->paths) would place them. New array. */
struct json_object *report_plan(const struct lun *lun, const struct plan_path *plan);

#endif
