/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include <string.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "daemon/report.h"
#include "daemon/watch.h"

static const char *field(struct json_object *request, const char *key)
{
	struct json_object *value = json_object_object_get(request, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static struct json_object *no_such_lun(const char *name)
{
	return control_error("ISDSC_VOLUME_NOT_FOUND",
			     "no LUN over iSCSI has the WWID or map name \"%.100s\"; "
			     "`mpathiscsi status` lists them",
			     name);
}

static struct json_object *status(struct watch *watch, struct json_object *request)
{
	const char *name = field(request, "lun");
	const struct lun *lun = name ? lun_find(&watch->luns, name) : NULL;

	if (name && !lun)
		return no_such_lun(name);
	return report_status(watch, lun, clock_now_ns());
}

static struct json_object *checked(const struct lun *lun, const struct policy_setting *setting,
				   const struct path_name *names)
{
	struct plan_path plan[POLICY_PATHS_MAX];
	struct json_object *reply;
	char text[2048];

	if (plan_make(setting, names, lun->n_paths, plan) < 0)
		return control_error("ISDSC_PATH_COUNT_MISMATCH", "more than %d paths",
				     POLICY_PATHS_MAX);
	policy_setting_format(setting, text, sizeof(text));
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "wwid", json_object_new_string(lun->wwid));
	json_object_object_add(reply, "alias", json_object_new_string(lun->alias));
	json_object_object_add(reply, "setting", json_object_new_string(text));
	json_object_object_add(reply, "paths", report_plan(lun, plan));
	return reply;
}

static struct json_object *policy_check(struct watch *watch, struct json_object *request)
{
	struct path_name names[POLICY_PATHS_MAX];
	struct policy_setting setting;
	char message[POLICY_MESSAGE_MAX];
	const char *name = field(request, "lun"), *text = field(request, "setting");
	const struct lun *lun;
	enum policy_error error;
	size_t i;

	if (!name || !text)
		return NULL;
	lun = lun_find(&watch->luns, name);
	if (!lun)
		return no_such_lun(name);
	for (i = 0; i < lun->n_paths && i < POLICY_PATHS_MAX; i++)
		names[i] = lun->paths[i].id->name;
	error = policy_setting_parse(text, &setting, message);
	if (error == POLICY_OK)
		error = policy_setting_check(&setting, names, i, message);
	if (error != POLICY_OK)
		return control_error(policy_error_name(error), "%s", message);
	return checked(lun, &setting, names);
}

static struct json_object *reload(struct watch *watch, bool is_root)
{
	struct json_object *reply;

	if (!is_root)
		return control_error("NOT_PERMITTED", "only root may do this");
	if (watch_reload(watch) < 0)
		return control_error("ISDSC_INVALID_PARAMETER", "%s; the policies in force stay",
				     watch->store_message);
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "luns", json_object_new_int64((int64_t)watch->store.n));
	return reply;
}

struct json_object *requests_handle(struct json_object *request, bool is_root, void *arg)
{
	const char *name = field(request, "request");

	if (!name)
		return NULL;
	if (!strcmp(name, "status"))
		return status(arg, request);
	if (!strcmp(name, "policy-check"))
		return policy_check(arg, request);
	if (!strcmp(name, "reload"))
		return reload(arg, is_root);
	return NULL;
}
