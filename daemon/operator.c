/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/operator.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/publish.h"

/* What a request is about. */
struct subject {
	const struct lun *lun;
	struct path_expression expression;
	size_t n; /* paths it names */
};

static bool names(const struct subject *subject, const struct lun_path *path)
{
	return path_expression_matches(&subject->expression, &path->id->name);
}

/* NULL: all right; else the refusal. */
static struct json_object *read_subject(const struct watch *watch, struct json_object *request,
					struct subject *ret)
{
	const char *lun = json_object_get_string(json_object_object_get(request, "lun"));
	const char *text = json_object_get_string(json_object_object_get(request, "expression"));
	char message[POLICY_MESSAGE_MAX];
	size_t i;

	if (!lun || !text)
		return control_error("ISDSC_INVALID_PARAMETER", "LUN and EXPRESSION are needed");
	*ret = (struct subject){.lun = lun_find(&watch->luns, lun)};
	if (!ret->lun)
		return control_error("ISDSC_VOLUME_NOT_FOUND",
				     "no LUN over iSCSI has the WWID or map name \"%.100s\"; "
				     "`mpathiscsi status` lists them",
				     lun);
	if (path_expression_parse(text, &ret->expression, message))
		return control_error("ISDSC_INVALID_PARAMETER", "%s", message);
	for (i = 0; i < ret->lun->n_paths; i++)
		ret->n += names(ret, &ret->lun->paths[i]);
	if (!ret->n)
		return control_error("ISDSC_INVALID_PATH_ID",
				     "\"%.200s\" names no path of this LUN; `mpathiscsi status` "
				     "lists them",
				     text);
	return NULL;
}

/* Could it carry I/O now? */
static bool is_usable(const struct watch *watch, const struct lun *lun, const struct lun_path *path,
		      uint64_t now_ns)
{
	struct evidence evidence;

	return path->dm && path->dm->active && path->plan.role != ROLE_EXCLUDED &&
	       !failed_has(&watch->failed, lun->wwid, &path->id->name) &&
	       watch_judge(watch, path->id, now_ns, &evidence).state == VERDICT_UP;
}

static bool leaves_a_path(const struct watch *watch, const struct subject *subject)
{
	uint64_t now_ns = clock_now_ns();
	size_t i;

	for (i = 0; i < subject->lun->n_paths; i++)
		if (!names(subject, &subject->lun->paths[i]) &&
		    is_usable(watch, subject->lun, &subject->lun->paths[i], now_ns))
			return true;
	return false;
}

/* Keep it on disk and tell the checker. NULL: all right. */
static struct json_object *remember(struct watch *watch)
{
	const char *path = watch->options.failed_path ? watch->options.failed_path
						      : FAILED_DEFAULT_PATH;
	int r = failed_save(path, &watch->failed);

	watch_publish(watch);
	return r < 0 ? control_error("ISDSC_FAILURE_TO_PERSIST", "%s: %s; it holds only while "
				     "mpathiscsid runs",
				     path, strerror(-r))
		     : NULL;
}

static struct json_object *devices_of(const struct subject *subject)
{
	struct json_object *reply = json_object_new_object(), *array = json_object_new_array();
	char portal[PORTAL_TEXT_MAX];
	size_t i;

	for (i = 0; i < subject->lun->n_paths; i++) {
		const struct iscsi_identity *id = subject->lun->paths[i].id;
		struct json_object *path;

		if (!names(subject, &subject->lun->paths[i]))
			continue;
		path = json_object_new_object();
		portal_format(&id->name.portal, portal, sizeof(portal));
		json_object_object_add(path, "device", json_object_new_string(id->device));
		json_object_object_add(path, "portal", json_object_new_string(portal));
		json_object_object_add(path, "in_map",
				       json_object_new_boolean(subject->lun->paths[i].dm != NULL));
		json_object_array_add(array, path);
	}
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "wwid", json_object_new_string(subject->lun->wwid));
	json_object_object_add(reply, "paths", array);
	return reply;
}

/* Every path the subject names, into or out of the list. 0 or -errno. */
static int change(struct watch *watch, const struct subject *subject, bool fail)
{
	char portal[PORTAL_TEXT_MAX];
	int r = 0;
	size_t i;

	for (i = 0; i < subject->lun->n_paths && r == 0; i++) {
		const struct iscsi_identity *id = subject->lun->paths[i].id;

		if (!names(subject, &subject->lun->paths[i]))
			continue;
		if (fail)
			r = failed_add(&watch->failed, subject->lun->wwid, &id->name);
		else
			failed_remove(&watch->failed, subject->lun->wwid, &id->name);
		portal_format(&id->name.portal, portal, sizeof(portal));
		log_line(LOG_NOTICE, "%s: path over %s (%s) %s by operator", subject->lun->wwid,
			 portal, id->device, fail ? "failed" : "reinstated");
	}
	return r;
}

struct json_object *operator_fail(struct watch *watch, struct json_object *request)
{
	bool force = json_object_get_boolean(json_object_object_get(request, "force"));
	struct subject subject = {.lun = NULL};
	struct json_object *error = read_subject(watch, request, &subject);
	int r;

	if (error || !subject.lun)
		return error;
	if (!force && !leaves_a_path(watch, &subject))
		return control_error("ISDSC_NO_PRIMARY_PATH_SPECIFIED",
				     "this would leave the LUN without a usable path; if that is "
				     "what you want: --force");
	r = change(watch, &subject, true);
	if (r < 0)
		return control_error("ISDSC_FAILURE_TO_PERSIST", "%s", strerror(-r));
	error = remember(watch);
	return error ? error : devices_of(&subject);
}

struct json_object *operator_reinstate(struct watch *watch, struct json_object *request)
{
	struct subject subject = {.lun = NULL};
	struct json_object *error = read_subject(watch, request, &subject);

	if (error || !subject.lun)
		return error;
	change(watch, &subject, false);
	error = remember(watch);
	return error ? error : devices_of(&subject);
}

const char *operator_unfit_path(const struct watch *watch, uint64_t now_ns, char *buffer,
				size_t size)
{
	size_t i, j;

	for (i = 0; i < watch->luns.n; i++) {
		for (j = 0; j < watch->luns.luns[i].n_paths; j++) {
			const struct lun_path *path = &watch->luns.luns[i].paths[j];
			struct evidence evidence;
			enum verdict_state state =
				watch_judge(watch, path->id, now_ns, &evidence).state;

			if (state != VERDICT_UP && state != VERDICT_GHOST)
				return publish_wait_text(watch, path, now_ns, buffer, size);
		}
	}
	if (size)
		buffer[0] = '\0';
	return buffer;
}
