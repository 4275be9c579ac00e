/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_REPORT_EXPLAIN_H
#define MPATHISCSI_REPORT_EXPLAIN_H

/* The daemon's answers to `mpathiscsi explain` and `mpathiscsi whatif`, as JSON. */

#include <stdint.h>

#include <json-c/json.h>

#include "daemon/explain.h"
#include "daemon/publish.h"
#include "daemon/watch.h"

/* Why each path of the LUN does or does not carry I/O. New object. */
struct json_object *report_explain(const struct watch *watch, const struct lun *lun,
				   uint64_t now_ns);

/*
 * Where the LUN's I/O would go. 'request' may have "down" and "up", arrays of path
 * expressions, and "policy", a setting as in prio_args, checked against the paths that exist
 * unless "checked" is true. New object: the answer, or an error
 * as on the control socket.
 */
struct json_object *report_whatif(const struct watch *watch, const struct lun *lun,
				  struct json_object *request, uint64_t now_ns);

/* Shared by the two: what is known of the LUN's paths now, in their order. */
struct lun_now {
	size_t n;
	bool up[POLICY_PATHS_MAX]; /* usable for the kernel, and not known to be down */
	enum explain_hold held[POLICY_PATHS_MAX];
	struct verdict verdict[POLICY_PATHS_MAX];
	struct evidence evidence[POLICY_PATHS_MAX];
	int current; /* group in use in the kernel's table */
	bool in_force;
	char wait[PUBLISH_WAIT_TEXT_MAX + 16]; /* why not in force; no use if it is */
};
void report_lun_now(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
		    struct lun_now *ret);

/* Name, scope and state of a LUN's policy, and what its map does without a path. */
void report_lun_head(struct json_object *object, const struct lun *lun, const struct lun_now *now);

/* Address and port of a path's portal; with the interface where the LUN has a second path
 * over that portal. Returns 'buffer' (at least PORTAL_TEXT_MAX + 80 bytes). */
const char *report_path_label(const struct lun *lun, size_t path, char *buffer, size_t size);

#endif
