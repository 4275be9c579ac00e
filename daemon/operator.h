/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_OPERATOR_H
#define MPATHISCSI_OPERATOR_H

/*
 * The daemon's side of `mpathiscsi fail` and `reinstate`: which paths an expression means,
 * may they go, remember it, tell the checker by the board. What it replies lists the
 * devices for which the command then tells multipathd, so that it takes effect at once.
 */

#include <stdbool.h>

#include <json-c/json.h>

struct watch;

/* Fields "lun", "expression", for fail "force". NULL: malformed. */
struct json_object *operator_fail(struct watch *watch, struct json_object *request);
struct json_object *operator_reinstate(struct watch *watch, struct json_object *request);

/*
 * What stands in the way of letting multipathd reconfigure (it stops checking paths for as
 * long, and hung paths make it long): "" nothing, else a phrase naming a path of this host
 * whose portal or session is not in order. Returns 'buffer'.
 */
#define OPERATOR_TEXT_MAX 512
const char *operator_unfit_path(const struct watch *watch, uint64_t now_ns, char *buffer,
				size_t size);

#endif
