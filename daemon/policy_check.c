/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/report.h"

/* What is to be checked, and for which LUNs. */
struct question {
	const struct lun_table *luns;
	const struct lun *only; /* a single LUN; NULL: a wider scope */
	struct store_name name;
	struct policy_setting setting;
	struct store with; /* the store as it would be */
	const struct policy_health *health; /* NULL: failed paths do not matter */
	bool force;
	bool brief; /* no plans in the answer */
};

static const char *field(struct json_object *request, const char *key)
{
	struct json_object *value = json_object_object_get(request, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static const char *lun_name(const struct lun *lun)
{
	return *lun->alias ? lun->alias : lun->wwid;
}

/* Does the section speak of the LUN, even if a more specific one has effect for it? */
static bool in_scope(const struct question *q, const struct lun *lun)
{
	struct store_entry entry = {.name = q->name};
	struct store alone = {.entries = &entry, .n = 1};

	return q->only ? lun == q->only : lun_find_entry(lun, &alone) != NULL;
}

/* Would the setting have effect for the LUN? */
static bool concerned(const struct question *q, const struct lun *lun)
{
	const struct store_entry *entry;

	if (q->only)
		return lun == q->only;
	entry = lun_find_entry(lun, &q->with);
	return entry && entry->setting == &q->setting;
}

/* Does the setting leave the LUN no path at all? */
static bool excludes_all(const struct policy_setting *setting, const struct policy_path *paths,
			 size_t n)
{
	struct plan_path plan[POLICY_PATHS_MAX];
	size_t i;

	if (plan_make(setting, paths, n, plan) < 0)
		return false;
	for (i = 0; i < n; i++)
		if (plan[i].role != ROLE_EXCLUDED)
			return false;
	return n > 0;
}

static void note_failed(const struct question *q, const struct lun *lun, struct policy_path *paths)
{
	size_t i;

	for (i = 0; i < lun->n_paths && i < POLICY_PATHS_MAX; i++)
		paths[i].failed =
			q->health && q->health->failed(lun, &lun->paths[i], q->health->arg);
}

static struct json_object *check_lun(const struct question *q, const struct lun *lun)
{
	struct policy_path paths[POLICY_PATHS_MAX];
	char message[POLICY_MESSAGE_MAX];
	size_t n = lun_policy_paths(lun, paths);
	enum policy_error error;

	note_failed(q, lun, paths);
	error = q->only ? policy_setting_check(&q->setting, paths, n, message) :
			  policy_scope_check(&q->setting, paths, n, message);
	if (error == POLICY_NO_PRIMARY_PATH_SPECIFIED && q->force &&
	    excludes_all(&q->setting, paths, n))
		error = POLICY_OK;
	if (error == POLICY_OK)
		return NULL;
	if (q->only) /* it was named */
		return control_error(policy_error_name(error), "%s", message);
	return control_error(policy_error_name(error), "LUN %.100s: %s", lun_name(lun), message);
}

static bool rule_matches(const struct policy_rule *rule, const struct lun *lun)
{
	size_t i;

	for (i = 0; i < lun->n_paths; i++)
		if (path_expression_matches(&rule->expression, &lun->paths[i].id->name))
			return true;
	return false;
}

/* Each expression must name a path of some LUN in the scope, if there are any LUNs. */
static struct json_object *check_rules(const struct question *q)
{
	char expression[512], section[STORE_NAME_TEXT_MAX];
	size_t i, k, n = 0;

	for (i = 0; i < q->luns->n; i++)
		n += in_scope(q, &q->luns->luns[i]);
	for (k = 0; k < q->setting.n_rules && n > 0; k++) {
		const struct policy_rule *rule = &q->setting.rules[k];

		for (i = 0; i < q->luns->n; i++)
			if (in_scope(q, &q->luns->luns[i]) &&
			    rule_matches(rule, &q->luns->luns[i]))
				break;
		if (i < q->luns->n)
			continue;
		path_expression_format(&rule->expression, expression, sizeof(expression));
		return control_error(policy_error_name(POLICY_INVALID_PATH_ID),
				     "\"%.100s\" matches no path of the %zu LUN%s of [%s]",
				     expression, n, n == 1 ? "" : "s",
				     store_name_format(&q->name, section));
	}
	return NULL;
}

/* A target or a product that no LUN has is most likely a slip of the pen. */
static struct json_object *check_scope(const struct question *q)
{
	char section[STORE_NAME_TEXT_MAX];
	size_t i;

	if (q->name.scope == STORE_DEFAULT || q->only)
		return NULL;
	for (i = 0; i < q->luns->n; i++)
		if (in_scope(q, &q->luns->luns[i]))
			return NULL;
	store_name_format(&q->name, section);
	if (q->name.scope == STORE_TARGET)
		return control_error("ISDSC_TARGET_NOT_FOUND",
				     "no LUN is reached through [%s]; log in to the target first",
				     section);
	return control_error("ISDSC_VOLUME_NOT_FOUND",
			     "no LUN over iSCSI is a [%s]; vendor and product are those of "
			     "/sys/block/sdX/device/vendor and model",
			     section);
}

/* The plan's paths beside the groups they are in now. */
static struct json_object *plan_of(const struct lun *lun, const struct plan_path *plan)
{
	struct json_object *array = report_plan(lun, plan), *path;
	size_t i;

	for (i = 0; i < lun->n_paths; i++) {
		int64_t group = lun->paths[i].dm ? (int64_t)lun->paths[i].dm->group + 1 : 0;

		path = json_object_array_get_idx(array, i);
		json_object_object_add(path, "group", json_object_new_int64(group));
	}
	return array;
}

static bool selector_changes(const struct question *q, const struct lun *lun,
			     const struct plan_path *plan)
{
	return lun->map && lun_plan_shares(plan, lun->n_paths) &&
	       !lun_selector_is(lun, q->setting.policy->selector);
}

static void add_lun(const struct question *q, const struct lun *lun, struct json_object *reply)
{
	struct policy_path paths[POLICY_PATHS_MAX];
	struct plan_path plan[POLICY_PATHS_MAX];
	char message[POLICY_MESSAGE_MAX], text[POLICY_MESSAGE_MAX + 128];
	size_t n = lun_policy_paths(lun, paths);
	struct json_object *object = json_object_new_object();

	plan_make(&q->setting, paths, n, plan); /* checked: not too many */
	add_text(object, "wwid", lun->wwid);
	add_text(object, "alias", lun->alias);
	if (!q->brief)
		json_object_object_add(object, "paths", plan_of(lun, plan));
	json_object_object_add(object, "selector_changes",
			       json_object_new_boolean(selector_changes(q, lun, plan)));
	if (selector_changes(q, lun, plan))
		json_object_object_add(reply, "selector_changes", json_object_new_boolean(true));
	if (policy_warning(&q->setting, paths, plan, n, message)) {
		snprintf(text, sizeof(text), "LUN %.100s: %s", lun_name(lun), message);
		json_object_array_add(json_object_object_get(reply, "warnings"),
				      json_object_new_string(text));
	}
	json_object_array_add(json_object_object_get(reply, "luns"), object);
}

/* A single LUN's at the top, too. */
static void add_only(const struct question *q, struct json_object *reply)
{
	struct json_object *luns = json_object_object_get(reply, "luns");
	struct json_object *lun = json_object_array_get_idx(luns, 0);

	add_text(reply, "wwid", q->only->wwid);
	add_text(reply, "alias", q->only->alias);
	json_object_object_add(reply, "paths",
			       json_object_get(json_object_object_get(lun, "paths")));
}

static struct json_object *report(const struct question *q)
{
	struct json_object *reply = json_object_new_object();
	char text[POLICY_SETTING_TEXT_MAX], section[STORE_NAME_TEXT_MAX];
	size_t i;

	policy_setting_format(&q->setting, text, sizeof(text));
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	add_text(reply, "scope", store_name_format(&q->name, section));
	add_text(reply, "setting", text);
	add_text(reply, "selector", q->setting.policy->selector);
	json_object_object_add(reply, "selector_changes", json_object_new_boolean(false));
	json_object_object_add(reply, "luns", json_object_new_array());
	json_object_object_add(reply, "warnings", json_object_new_array());
	for (i = 0; i < q->luns->n; i++)
		if (concerned(q, &q->luns->luns[i]))
			add_lun(q, &q->luns->luns[i], reply);
	if (q->only)
		add_only(q, reply);
	return reply;
}

static struct json_object *answer(const struct question *q)
{
	struct json_object *error = check_scope(q);
	size_t i;

	for (i = 0; i < q->luns->n && !error; i++)
		if (concerned(q, &q->luns->luns[i]))
			error = check_lun(q, &q->luns->luns[i]);
	if (!error && !q->only)
		error = check_rules(q);
	return error ? error : report(q);
}

struct json_object *policy_read_scope(const struct lun_table *luns, struct json_object *request,
				      const struct lun **ret_only, struct store_name *ret_name)
{
	const char *lun = field(request, "lun"), *scope = field(request, "scope");
	char message[POLICY_MESSAGE_MAX], text[STORE_NAME_TEXT_MAX];

	if (lun) {
		*ret_only = lun_find(luns, lun);
		if (!*ret_only)
			return control_error("ISDSC_VOLUME_NOT_FOUND",
					     "no LUN over iSCSI has the WWID or map name "
					     "\"%.100s\"; `mpathiscsi status` lists them",
					     lun);
		snprintf(text, sizeof(text), "lun %s", (*ret_only)->wwid);
		scope = text;
	}
	if (store_name_parse(scope, ret_name, message) < 0)
		return control_error("ISDSC_INVALID_PARAMETER", "%s", message);
	return NULL;
}

struct json_object *policy_check(const struct lun_table *luns, const struct store *store,
				 const struct policy_health *health, struct json_object *request)
{
	const char *text = field(request, "setting");
	struct question q = {
		.luns = luns,
		.force = json_object_get_boolean(json_object_object_get(request, "force")),
		.brief = json_object_get_boolean(json_object_object_get(request, "brief"))};
	struct json_object *reply;
	char message[POLICY_MESSAGE_MAX];
	enum policy_error error;

	if (!text || !field(request, "lun") == !field(request, "scope"))
		return NULL;
	reply = policy_read_scope(luns, request, &q.only, &q.name);
	if (reply)
		return reply;
	error = policy_setting_parse(text, &q.setting, message);
	if (error != POLICY_OK)
		return control_error(policy_error_name(error), "%s", message);
	q.health = q.force ? NULL : health;
	if (store_with(store, &q.name, &q.setting, &q.with) < 0)
		return control_error("OUT_OF_MEMORY", "out of memory");
	reply = answer(&q);
	free(q.with.entries);
	return reply;
}
