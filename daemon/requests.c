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

	const char *detail = field(request, "detail");
	struct report_wish wish = {.lun = lun, .after = field(request, "after")};

	if (name && !lun)
		return no_such_lun(name);
	if (detail && !strcmp(detail, "table"))
		wish.detail = REPORT_TABLE;
	else if (detail && !strcmp(detail, "luns"))
		wish.detail = REPORT_LUNS;
	return report_status(watch, &wish, clock_now_ns());
}

/* Can the path not carry I/O now, for more than a moment? Of one that the present policy excludes
 * its own health counts: the policy is about to be another. */
static bool path_failed(const struct lun *lun, const struct lun_path *path, const void *arg)
{
	enum session_state session = path->id->session_state;
	const struct watch *watch = arg;
	struct evidence evidence;

	if (session == SESSION_FAILED || session == SESSION_FREE ||
	    failed_has(&watch->failed, lun->wwid, &path->id->name))
		return true;
	if (path->dm && !path->dm->active && path->plan.role != ROLE_EXCLUDED)
		return true;
	return watch_judge(watch, path->id, clock_now_ns(), &evidence).state == VERDICT_DOWN;
}

/* policy-check and policy-section, with what only the daemon knows: a path in trouble, which
 * makes a reconfigure unwise. */
static struct json_object *check_either(struct watch *watch, struct json_object *request,
					bool section)
{
	const struct policy_health health = {.failed = path_failed, .arg = watch};
	struct json_object *reply;
	char unfit[OPERATOR_TEXT_MAX];

	/* Whoever asks is about to write a file: it would have but this one section. */
	if (watch_store_missing(watch))
		return control_error("ISDSC_INVALID_PARAMETER", "%s: " WATCH_STORE_MISSING,
				     watch->options.store_path);
	reply = section ? policy_section(&watch->luns, &watch->store, request)
			: policy_check(&watch->luns, &watch->store, &health, request);
	if (reply && json_object_get_boolean(json_object_object_get(reply, "ok"))) {
		operator_unfit_path(watch, clock_now_ns(), unfit, sizeof(unfit));
		json_object_object_add(reply, "unfit", json_object_new_string(unfit));
	}
	return reply;
}

static struct json_object *check(struct watch *watch, struct json_object *request)
{
	return check_either(watch, request, false);
}

static struct json_object *check_section(struct watch *watch, struct json_object *request)
{
	return check_either(watch, request, true);
}

/* The LUN that a request is about; NULL: none of ours, *ret_reply says so (NULL: not named). */
static const struct lun *lun_of(struct watch *watch, struct json_object *request,
				struct json_object **ret_reply)
{
	const char *name = field(request, "lun");
	const struct lun *lun = name ? lun_find(&watch->luns, name) : NULL;

	*ret_reply = name && !lun ? no_such_lun(name) : NULL;
	return lun;
}

static struct json_object *explain(struct watch *watch, struct json_object *request)
{
	struct json_object *reply;
	const struct lun *lun = lun_of(watch, request, &reply);

	return lun ? report_explain(watch, lun, clock_now_ns()) : reply;
}

static struct json_object *whatif(struct watch *watch, struct json_object *request)
{
	struct json_object *reply;
	const struct lun *lun = lun_of(watch, request, &reply);

	return lun ? report_whatif(watch, lun, request, clock_now_ns()) : reply;
}

static struct json_object *reload(struct watch *watch, struct json_object *request)
{
	char unfit[OPERATOR_TEXT_MAX];
	struct json_object *reply;

	(void)request;
	if (watch_reload(watch) < 0)
		return control_error(policy_error_name(watch->store_error),
				     "%s; the policies in force stay", watch->store_message);
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "luns", json_object_new_int64((int64_t)watch->store.n));
	operator_unfit_path(watch, clock_now_ns(), unfit, sizeof(unfit));
	json_object_object_add(reply, "unfit", json_object_new_string(unfit));
	return reply;
}

/* A request of its own: a broken settings file is no reason to refuse a policy. */
static struct json_object *reload_settings(struct watch *watch, struct json_object *request)
{
	struct json_object *reply;

	(void)request;
	quick_settings_changed(watch);
	if (*quick_complaint(watch->quick))
		return control_error("ISDSC_INVALID_PARAMETER", "%s; the settings in force stay",
				     quick_complaint(watch->quick));
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	return reply;
}

/* The command has put the switch; the answer is how it stands. */
static struct json_object *look_at_switch(struct watch *watch, struct json_object *request)
{
	struct json_object *reply;
	struct switch_state state;

	(void)request;
	quick_settings_changed(watch);
	switch_read(watch->options.switch_path, NULL, &state);
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	report_switch(&state, reply);
	return reply;
}

static const struct request_kind kinds[] = {
	{"status", REQUEST_LOOKS, status},
	{"policy-check", REQUEST_LOOKS, check},
	{"policy-section", REQUEST_LOOKS, check_section},
	{"explain", REQUEST_LOOKS, explain},
	{"whatif", REQUEST_LOOKS, whatif},
	{"reload", REQUEST_CHANGES, reload},
	{"reload-settings", REQUEST_CHANGES, reload_settings},
	{"fail", REQUEST_CHANGES, operator_fail},
	{"reinstate", REQUEST_CHANGES, operator_reinstate},
	{"forgive", REQUEST_CHANGES, quick_forgive},
	{"switch", REQUEST_CHANGES, look_at_switch},
};

const struct request_kind *requests_kind(size_t i)
{
	return i < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[i] : NULL;
}

struct json_object *requests_handle(struct json_object *request, bool is_root, void *arg)
{
	const char *name = field(request, "request");
	const struct request_kind *kind;
	size_t i = 0;

	while ((kind = requests_kind(i++)))
		if (name && !strcmp(name, kind->name))
			break;
	if (!kind)
		return NULL;
	if (kind->right == REQUEST_CHANGES && !is_root)
		return control_error("NOT_PERMITTED", "only root may do this");
	return kind->handle(arg, request);
}
