/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include <string.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "daemon/operator.h"
#include "daemon/policy_check.h"
#include "daemon/policy_section.h"
#include "daemon/quick/quick.h"
#include "daemon/quick/report_settings.h"
#include "daemon/report.h"
#include "daemon/report_explain.h"
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

/* policy-check and policy-section, with what only the daemon knows: a path in trouble, which
 * makes a reconfigure unwise. */
static struct json_object *check(struct watch *watch, struct json_object *request, bool section)
{
	struct json_object *reply =
		section ? policy_section(&watch->luns, &watch->store, request)
			: policy_check(&watch->luns, &watch->store, request);
	char unfit[OPERATOR_TEXT_MAX];

	if (reply && json_object_get_boolean(json_object_object_get(reply, "ok"))) {
		operator_unfit_path(watch, clock_now_ns(), unfit, sizeof(unfit));
		json_object_object_add(reply, "unfit", json_object_new_string(unfit));
	}
	return reply;
}

/* "explain" and "whatif" */
static struct json_object *forecast(struct watch *watch, struct json_object *request, bool whatif)
{
	const char *name = field(request, "lun");
	const struct lun *lun = name ? lun_find(&watch->luns, name) : NULL;

	if (!name)
		return NULL;
	if (!lun)
		return no_such_lun(name);
	return whatif ? report_whatif(watch, lun, request, clock_now_ns())
		      : report_explain(watch, lun, clock_now_ns());
}

static struct json_object *not_root(void)
{
	return control_error("NOT_PERMITTED", "only root may do this");
}

static struct json_object *reload(struct watch *watch, bool is_root)
{
	struct json_object *reply;

	if (!is_root)
		return not_root();
	if (watch_reload(watch) < 0)
		return control_error("ISDSC_INVALID_PARAMETER", "%s; the policies in force stay",
				     watch->store_message);
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "luns", json_object_new_int64((int64_t)watch->store.n));
	return reply;
}

/* A request of its own: a broken settings file is no reason to refuse a policy. */
static struct json_object *reload_settings(struct watch *watch, bool is_root)
{
	struct json_object *reply;

	if (!is_root)
		return not_root();
	quick_settings_changed(watch);
	if (*quick_complaint(watch->quick))
		return control_error("ISDSC_INVALID_PARAMETER", "%s; the settings in force stay",
				     quick_complaint(watch->quick));
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	return reply;
}

/* The command has put the switch; the answer is how it stands. */
static struct json_object *look_at_switch(struct watch *watch, bool is_root)
{
	struct json_object *reply;
	struct switch_state state;

	if (!is_root)
		return not_root();
	quick_settings_changed(watch);
	switch_read(watch->options.switch_path, NULL, &state);
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	report_switch(&state, reply);
	return reply;
}

static struct json_object *operate(struct watch *watch, struct json_object *request, bool is_root,
				   bool fail)
{
	if (!is_root)
		return not_root();
	return fail ? operator_fail(watch, request) : operator_reinstate(watch, request);
}

struct json_object *requests_handle(struct json_object *request, bool is_root, void *arg)
{
	const char *name = field(request, "request");

	if (!name)
		return NULL;
	if (!strcmp(name, "status"))
		return status(arg, request);
	if (!strcmp(name, "policy-check") || !strcmp(name, "policy-section"))
		return check(arg, request, !strcmp(name, "policy-section"));
	if (!strcmp(name, "explain") || !strcmp(name, "whatif"))
		return forecast(arg, request, *name == 'w');
	if (!strcmp(name, "reload"))
		return reload(arg, is_root);
	if (!strcmp(name, "reload-settings"))
		return reload_settings(arg, is_root);
	if (!strcmp(name, "fail") || !strcmp(name, "reinstate"))
		return operate(arg, request, is_root, *name == 'f');
	if (!strcmp(name, "forgive"))
		return is_root ? quick_forgive(arg, request) : not_root();
	if (!strcmp(name, "switch"))
		return look_at_switch(arg, is_root);
	return NULL;
}
