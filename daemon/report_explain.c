/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/report_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/explain.h"
#include "daemon/forecast.h"
#include "daemon/publish.h"
#include "daemon/quick/quick.h"
#include "daemon/report.h"

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_flag(struct json_object *object, const char *key, bool flag)
{
	json_object_object_add(object, key, json_object_new_boolean(flag));
}

static void add_number(struct json_object *object, const char *key, int64_t number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

const char *report_path_label(const struct lun *lun, size_t path, char *buffer, size_t size)
{
	const struct path_name *name = &lun->paths[path].id->name;
	char portal[PORTAL_TEXT_MAX];
	size_t same = 0;

	for (size_t i = 0; i < lun->n_paths; i++)
		same += portal_compare(&lun->paths[i].id->name.portal, &name->portal) == 0;
	portal_format(&name->portal, portal, sizeof(portal));
	snprintf(buffer, size, "%s%s%s", portal, same > 1 ? " over " : "",
		 same == 1 ? "" : *name->netdev ? name->netdev : name->iface);
	return buffer;
}

/* "lun mpatha", "default": the section that has effect; "" without a policy. 'buffer' holds
 * STORE_NAME_TEXT_MAX bytes. */
static const char *scope_of(const struct lun *lun, char *buffer)
{
	buffer[0] = '\0';
	return lun->entry ? store_name_format(&lun->entry->name, buffer) : buffer;
}

void report_lun_head(struct json_object *object, const struct lun *lun, const struct lun_now *now)
{
	char text[2048] = "", scope[STORE_NAME_TEXT_MAX];

	if (lun->entry)
		policy_setting_format(lun->entry->setting, text, sizeof(text));
	add_flag(object, "ok", true);
	add_text(object, "wwid", lun->wwid);
	add_text(object, "alias", lun->alias);
	add_text(object, "policy", text);
	add_text(object, "policy_name", lun->entry ? lun->entry->setting->policy->name : "");
	add_text(object, "built_in", report_built_in(lun));
	add_text(object, "scope", scope_of(lun, scope));
	add_flag(object, "in_force", now->in_force);
	add_text(object, "waits_for", now->in_force ? "" : now->wait);
	add_flag(object, "has_map", lun->map);
	add_flag(object, "queues", lun->map && lun->map->queues);
}

static enum explain_hold held_by(const struct watch *watch, const struct lun *lun,
				 const struct lun_path *path, uint64_t now_ns)
{
	if (failed_has(&watch->failed, lun->wwid, &path->id->name))
		return EXPLAIN_HELD_BY_US;
	if (path->dm && !path->dm->active &&
	    lingering_good_ms(&watch->lingering, path->id, now_ns) >= LINGERING_OPERATOR_MS)
		return EXPLAIN_HELD_BY_MULTIPATHD;
	return EXPLAIN_NOT_HELD;
}

static void find_wait(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
		      struct lun_now *ret)
{
	const struct lun_path *path = publish_waits_for(watch, lun, now_ns);
	char text[PUBLISH_WAIT_TEXT_MAX];

	ret->in_force = !path && lun_in_force(lun);
	if (path)
		snprintf(ret->wait, sizeof(ret->wait), "it waits for %s",
			 publish_wait_text(watch, path, now_ns, text, sizeof(text)));
	else
		snprintf(ret->wait, sizeof(ret->wait),
			 "multipathd takes new priorities at its next check of a path");
}

void report_lun_now(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
		    struct lun_now *ret)
{
	ret->n = lun->n_paths < POLICY_PATHS_MAX ? lun->n_paths : POLICY_PATHS_MAX;
	ret->current = lun_current_group(lun);
	find_wait(watch, lun, now_ns, ret);
	for (size_t i = 0; i < ret->n; i++) {
		const struct lun_path *path = &lun->paths[i];
		enum verdict_state state;

		ret->verdict[i] = watch_judge(watch, path->id, now_ns, &ret->evidence[i]);
		state = ret->verdict[i].state;
		ret->held[i] = held_by(watch, lun, path, now_ns);
		ret->up[i] = path->dm && path->dm->active && state != VERDICT_DOWN &&
			     state != VERDICT_TIMEOUT && ret->held[i] == EXPLAIN_NOT_HELD;
	}
}

/* ---- explain ---- */

struct explaining {
	const struct lun *lun;
	const struct lun_now *now;
	const struct forecast_path *planned; /* with the plan in the table */
	int planned_group;
};

static struct explain_state state_of(const struct explaining *e, size_t i)
{
	const struct lun *lun = e->lun;
	const struct lun_path *path = &lun->paths[i];
	unsigned int group = path->dm ? path->dm->group : 0;

	return (struct explain_state){
		.has_map = lun->map,
		.in_map = path->dm,
		.usable = path->dm && path->dm->active,
		.by_plan = forecast_carries(&e->planned[i], e->planned_group),
		.in_force = e->now->in_force,
		.disabled = path->dm && lun->map->group_state[group] == 'D',
		.group = (int)group,
		.current = e->now->current,
		.role = path->plan.role,
		.verdict = e->now->verdict[i].state,
		.hold = e->now->held[i]};
}

static void add_sentence(struct json_object *object, const struct explaining *e, size_t i,
			 enum why why)
{
	const struct lun *lun = e->lun;
	char role[EXPLAIN_ROLE_MAX], reason[VERDICT_TEXT_MAX], sentence[EXPLAIN_TEXT_MAX];
	char scope[STORE_NAME_TEXT_MAX];
	enum access_state access = lun->paths[i].id->access;
	struct explain_words words = {
		.role = role,
		.reason = reason,
		.access = access == ACCESS_UNKNOWN ? "" : access_state_name(access),
		.wait = e->now->wait,
		.group = lun->paths[i].dm ? (int)lun->paths[i].dm->group : -1,
		.n_groups = lun->map ? (int)lun->map->n_groups : 0,
		.current = e->now->current};

	scope_of(lun, scope);
	verdict_text(&e->now->evidence[i], &e->now->verdict[i], reason, sizeof(reason));
	explain_role(lun->setting, scope, &lun->paths[i].plan, role,
		     sizeof(role));
	add_text(object, "because", explain_text(why, &words, sentence, sizeof(sentence)));
}

static struct json_object *explained_path(const struct explaining *e, size_t i)
{
	const struct lun_path *path = &e->lun->paths[i];
	struct json_object *object = json_object_new_object();
	struct explain_state state = state_of(e, i);
	enum why why = explain_path(&state);
	char label[PORTAL_TEXT_MAX + 80];

	add_text(object, "path", report_path_label(e->lun, i, label, sizeof(label)));
	add_text(object, "device", path->id->device);
	add_text(object, "interface",
		 *path->id->name.netdev ? path->id->name.netdev : path->id->name.iface);
	add_number(object, "group", path->dm ? (int64_t)path->dm->group + 1 : 0);
	add_text(object, "role", path->plan.role == ROLE_NONE ? "-" : role_name(path->plan.role));
	add_flag(object, "carries_io", explain_carries(why));
	add_text(object, "reason", explain_code(why));
	add_sentence(object, e, i, why);
	return object;
}

/* Labels of the paths that carry I/O when 'group' is in use. */
static struct json_object *carriers(const struct lun *lun, const struct forecast_path *paths,
				    size_t n, int group)
{
	struct json_object *array = json_object_new_array();
	char label[PORTAL_TEXT_MAX + 80];

	for (size_t i = 0; i < n; i++)
		if (forecast_carries(&paths[i], group))
			json_object_array_add(array, json_object_new_string(report_path_label(
							     lun, i, label, sizeof(label))));
	return array;
}

/* The group in use now, as 'paths' number the groups; -1 none. */
static int group_in_use(const struct lun *lun, const struct lun_now *now,
			const struct forecast_path *paths)
{
	for (size_t i = 0; i < now->n; i++)
		if (lun->paths[i].dm && (int)lun->paths[i].dm->group == now->current &&
		    !paths[i].excluded)
			return (int)paths[i].group;
	return -1;
}

/* What carries I/O now, and what would behind that. */
static void add_outlook(struct json_object *object, const struct lun *lun,
			const struct lun_now *now)
{
	struct forecast_path kernel[POLICY_PATHS_MAX], paths[POLICY_PATHS_MAX];
	int group, next;

	forecast_now(lun, kernel);
	forecast_lun(lun, now->up, paths);
	group = group_in_use(lun, now, paths);
	next = group < 0 ? -1 : forecast_next(paths, now->n, group);
	json_object_object_add(object, "now", carriers(lun, kernel, now->n, now->current));
	json_object_object_add(object, "next", carriers(lun, paths, now->n, next));
}

struct json_object *report_explain(const struct watch *watch, const struct lun *lun,
				   uint64_t now_ns)
{
	struct json_object *reply = json_object_new_object(), *path;
	struct json_object *array = json_object_new_array();
	struct lun_now *now = calloc(1, sizeof(*now));
	struct forecast_path planned[POLICY_PATHS_MAX];
	struct plan_path plan[POLICY_PATHS_MAX];
	struct explaining e = {lun, now, planned, -1};

	if (!now) {
		json_object_put(reply);
		json_object_put(array);
		return control_error("OUT_OF_MEMORY", "out of memory");
	}
	report_lun_now(watch, lun, now_ns, now);
	for (size_t i = 0; i < now->n; i++)
		plan[i] = lun->paths[i].plan;
	forecast_plan(plan, now->up, now->n, planned);
	e.planned_group = forecast_group(planned, now->n);
	report_lun_head(reply, lun, now);
	report_warning(reply, lun);
	add_outlook(reply, lun, now);
	for (size_t i = 0; i < now->n; i++) {
		path = explained_path(&e, i);
		quick_report_path(watch->quick, lun, &lun->paths[i], false, path);
		json_object_array_add(array, path);
	}
	json_object_object_add(reply, "paths", array);
	free(now);
	return reply;
}
