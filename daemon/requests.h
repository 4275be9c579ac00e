/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_REQUESTS_H
#define MPATHISCSI_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

struct watch;

enum request_right { REQUEST_LOOKS, REQUEST_CHANGES /* root's alone */ };

struct request_kind {
	const char *name;
	enum request_right right;
	struct json_object *(*handle)(struct watch *watch, struct json_object *request);
};

/*
 * The requests there are; NULL behind the last one. status [lun], policy-check
 * (daemon/policy_check.h), policy-section (daemon/policy_section.h), explain lun, whatif lun [down]
 * [up] [policy]; of root alone: reload (policies), reload-settings, fail, reinstate, forgive [lun]
 * [expression], switch (look at the file of `mpathiscsi off` again; "on", "off_by", "off_text" say
 * how it stands).
 */
const struct request_kind *requests_kind(size_t i);

/* The daemon's answers on the control socket; a control_handler whose 'arg' is the struct watch. */
struct json_object *requests_handle(struct json_object *request, bool is_root, void *arg);

#endif
