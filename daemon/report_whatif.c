/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/forecast.h"
#include "daemon/report_explain.h"

/* One question. Arrays in the order of the LUN's paths. */
struct question {
	const struct lun *lun;
	struct lun_now now;
	bool up[POLICY_PATHS_MAX];   /* as supposed */
	bool down[POLICY_PATHS_MAX]; /* named by "down" */
	bool raised[POLICY_PATHS_MAX]; /* named by "up" */
	bool has_policy;	     /* another policy is supposed */
	struct policy_setting setting;
	struct plan_path plan[POLICY_PATHS_MAX]; /* of it, or the LUN's own */
	struct forecast_path before[POLICY_PATHS_MAX], after[POLICY_PATHS_MAX];
	enum forecast_basis basis;
	int group_after;
};

static struct json_object *bad_expression(const char *option, const char *message)
{
	return control_error("ISDSC_INVALID_PARAMETER", "--%s: %s", option, message);
}

/* Mark the paths that one expression names. NULL, or the error to answer with. */
static struct json_object *mark(const struct question *q, const char *option, const char *text,
				bool *marks)
{
	char message[POLICY_MESSAGE_MAX];
	struct path_expression expression;
	bool any = false;

	if (path_expression_parse(text, &expression, message) < 0)
		return bad_expression(option, message);
	for (size_t i = 0; i < q->now.n; i++) {
		if (!path_expression_matches(&expression, &q->lun->paths[i].id->name))
			continue;
		marks[i] = true;
		any = true;
	}
	if (any)
		return NULL;
	return control_error("ISDSC_INVALID_PATH_ID",
			     "--%s %.200s matches no path of this LUN; `mpathiscsi status` lists "
			     "them",
			     option, text);
}

static struct json_object *mark_all(const struct question *q, struct json_object *request,
				    const char *option, bool *marks)
{
	struct json_object *array = json_object_object_get(request, option), *error = NULL;
	size_t n = json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;

	for (size_t i = 0; i < n && !error; i++) {
		struct json_object *text = json_object_array_get_idx(array, i);

		if (!json_object_is_type(text, json_type_string))
			return bad_expression(option, "not a path expression");
		error = mark(q, option, json_object_get_string(text), marks);
	}
	return error;
}

static struct json_object *suppose_states(struct question *q, struct json_object *request)
{
	struct json_object *error = mark_all(q, request, "down", q->down);
	char label[PORTAL_TEXT_MAX + 80];

	if (!error)
		error = mark_all(q, request, "up", q->raised);
	for (size_t i = 0; i < q->now.n && !error; i++) {
		if (q->down[i] && q->raised[i])
			return control_error("ISDSC_DUPLICATE_PATH_SPECIFIED",
					     "the path to %s is named by both --down and --up",
					     report_path_label(q->lun, i, label, sizeof(label)));
		q->up[i] = q->raised[i] || (q->now.up[i] && !q->down[i]);
	}
	return error;
}

static struct json_object *suppose_policy(struct question *q, struct json_object *request)
{
	struct json_object *text = json_object_object_get(request, "policy");
	struct policy_path paths[POLICY_PATHS_MAX];
	char message[POLICY_MESSAGE_MAX];
	enum policy_error error;
	size_t n;

	if (!json_object_is_type(text, json_type_string))
		return NULL;
	n = lun_policy_paths(q->lun, paths);
	error = policy_setting_parse(json_object_get_string(text), &q->setting, message);
	if (error == POLICY_OK &&
	    !json_object_get_boolean(json_object_object_get(request, "checked")))
		error = policy_setting_check(&q->setting, paths, n, message);
	if (error != POLICY_OK)
		return control_error(policy_error_name(error), "%s", message);
	if (plan_make(&q->setting, paths, n, q->plan) < 0)
		return control_error("ISDSC_PATH_COUNT_MISMATCH", "more than %d paths",
				     POLICY_PATHS_MAX);
	q->has_policy = true;
	return NULL;
}

static void look_after(struct question *q)
{
	if (q->has_policy) {
		forecast_plan(q->plan, q->up, q->now.n, q->after);
		q->basis = FORECAST_PLAN;
		for (size_t i = 0; i < q->now.n; i++)
			q->after[i].placed = q->lun->paths[i].dm || q->raised[i];
	} else {
		q->basis = forecast_lun(q->lun, q->up, q->after);
	}
	q->group_after = forecast_group(q->after, q->now.n);
}

/* ---- the answer ---- */

static const char *word(const struct question *q, size_t i, const struct forecast_path *path,
			bool carries, bool down)
{
	if (carries)
		return "I/O";
	if (path->excluded)
		return "excluded";
	if (!path->placed)
		return "not in map";
	if (path->usable)
		return path->disabled ? "disabled" : "ready";
	if (down)
		return "down";
	return q->now.held[i] != EXPLAIN_NOT_HELD ? "held" : "failed";
}

static struct json_object *side(const struct question *q, size_t i,
				const struct forecast_path *path, int current, bool down)
{
	struct json_object *object = json_object_new_object();
	bool carries = forecast_carries(path, current);

	json_object_object_add(object, "state",
			       json_object_new_string(word(q, i, path, carries, down)));
	json_object_object_add(object, "group",
			       json_object_new_int64(path->placed ? (int64_t)path->group + 1 : 0));
	json_object_object_add(object, "carries_io", json_object_new_boolean(carries));
	return object;
}

static bool is_down(const struct question *q, size_t i)
{
	enum verdict_state state = q->now.verdict[i].state;

	return state == VERDICT_DOWN || state == VERDICT_TIMEOUT;
}

static struct json_object *compared_path(const struct question *q, size_t i)
{
	const struct lun_path *path = &q->lun->paths[i];
	struct json_object *object = json_object_new_object();
	char label[PORTAL_TEXT_MAX + 80];

	json_object_object_add(object, "path",
			       json_object_new_string(report_path_label(q->lun, i, label,
									sizeof(label))));
	json_object_object_add(object, "device", json_object_new_string(path->id->device));
	json_object_object_add(object, "interface",
			       json_object_new_string(*path->id->name.netdev
							      ? path->id->name.netdev
							      : path->id->name.iface));
	json_object_object_add(object, "role",
			       json_object_new_string(q->plan[i].role == ROLE_NONE
							      ? "-"
							      : role_name(q->plan[i].role)));
	json_object_object_add(object, "before",
			       side(q, i, &q->before[i], q->now.current, is_down(q, i)));
	json_object_object_add(
		object, "after",
		side(q, i, &q->after[i], q->group_after,
		     q->down[i] || (is_down(q, i) && !q->raised[i])));
	return object;
}

static struct json_object *answer(const struct question *q)
{
	struct json_object *reply = json_object_new_object(), *array = json_object_new_array();
	char text[2048];

	report_lun_head(reply, q->lun, &q->now);
	if (q->has_policy) {
		policy_setting_format(&q->setting, text, sizeof(text));
		json_object_object_add(reply, "supposed_policy", json_object_new_string(text));
	}
	json_object_object_add(
		reply, "basis",
		json_object_new_string(q->basis == FORECAST_PLAN ? "plan" : "kernel"));
	for (size_t i = 0; i < q->now.n; i++)
		json_object_array_add(array, compared_path(q, i));
	json_object_object_add(reply, "paths", array);
	json_object_object_add(reply, "nothing_left",
			       json_object_new_boolean(q->group_after < 0));
	return reply;
}

struct json_object *report_whatif(const struct watch *watch, const struct lun *lun,
				  struct json_object *request, uint64_t now_ns)
{
	struct question *q = calloc(1, sizeof(*q));
	struct json_object *reply;

	if (!q)
		return control_error("OUT_OF_MEMORY", "out of memory");
	q->lun = lun;
	report_lun_now(watch, lun, now_ns, &q->now);
	for (size_t i = 0; i < q->now.n; i++)
		q->plan[i] = lun->paths[i].plan;
	reply = suppose_states(q, request);
	if (!reply)
		reply = suppose_policy(q, request);
	if (!reply) {
		forecast_now(lun, q->before);
		look_after(q);
		reply = answer(q);
	}
	free(q);
	return reply;
}
