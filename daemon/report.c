/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/report.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/lun_warning.h"
#include "daemon/policy_check.h"
#include "daemon/publish.h"
#include "daemon/quick/quick.h"
#include "daemon/version.h"

/* Paths in one answer: some megabytes. */
#define PATHS_ALL   1024
#define PATHS_TABLE 4096

/* Keys are literals, each added once. */
#define NEW_KEY (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add_ex(object, key, json_object_new_string(text), NEW_KEY);
}

static void add_number(struct json_object *object, const char *key, int64_t number)
{
	json_object_object_add_ex(object, key, json_object_new_int64(number), NEW_KEY);
}

static void add_flag(struct json_object *object, const char *key, bool flag)
{
	json_object_object_add_ex(object, key, json_object_new_boolean(flag), NEW_KEY);
}

static void add_name(struct json_object *object, const struct path_name *name)
{
	char text[PORTAL_TEXT_MAX];

	add_text(object, "portal", portal_format(&name->portal, text, sizeof(text)));
	add_text(object, "interface", *name->netdev ? name->netdev : name->iface);
	add_text(object, "iface", name->iface);
	add_text(object, "netdev", name->netdev);
	add_text(object, "source", ip_address_format(&name->source, text, sizeof(text)));
	add_text(object, "target", name->target);
	add_number(object, "tpgt", name->tpgt);
}

static void add_probe(struct json_object *path, const struct board_session *record, uint64_t now_ns)
{
	struct json_object *probe = json_object_new_object();

	add_text(probe, "state", probe_state_name(record->state));
	add_number(probe, "rtt_us", record->rtt_us);
	add_number(probe, "rtt_var_us", record->rtt_var_us);
	add_number(probe, "misses", record->misses);
	if (record->silent_since_ns && now_ns > record->silent_since_ns)
		add_number(probe, "silent_ms",
			   (int64_t)((now_ns - record->silent_since_ns) / NS_PER_MS));
	if (record->last_good_ns && now_ns > record->last_good_ns)
		add_number(probe, "last_good_ms",
			   (int64_t)((now_ns - record->last_good_ns) / NS_PER_MS));
	if (record->login_status)
		add_number(probe, "login_status", record->login_status);
	if (record->error)
		add_text(probe, "error", strerror(-record->error));
	json_object_object_add(path, "probe", probe);
}

/* Who keeps the path from being used? "": nobody; "mpathiscsi", "multipathd" (`fail path`),
 * "policy". */
static const char *barred_by(const struct watch *watch, const struct lun *lun,
			     const struct lun_path *path, uint64_t now_ns)
{
	if (failed_has(&watch->failed, lun->wwid, &path->id->name))
		return "mpathiscsi";
	if (path->plan.role == ROLE_EXCLUDED)
		return "policy";
	if (path->dm && !path->dm->active &&
	    lingering_good_ms(&watch->lingering, path->id, now_ns) >= LINGERING_OPERATOR_MS)
		return "multipathd";
	return "";
}

static const char *barred_text(const char *by)
{
	if (!strcmp(by, "policy"))
		return "excluded by the LUN's policy";
	return !strcmp(by, "mpathiscsi") ? "failed by operator (mpathiscsi fail)"
					 : "failed by operator (multipathd)";
}

/* State and reason in one line: somebody's wish, then the kernel's failed path beat a good
 * opinion of ours. A barred path's own health stands behind it if it is bad. */
static void add_state(struct json_object *object, const struct watch *watch, const struct lun *lun,
		      const struct lun_path *path, const struct watched_session *session,
		      bool brief, uint64_t now_ns)
{
	char reason[VERDICT_TEXT_MAX], text[VERDICT_TEXT_MAX + 64];
	struct evidence evidence;
	struct verdict verdict = watch_judge(watch, path->id, now_ns, &evidence);
	const char *state = verdict_state_name(verdict.state);
	const char *by = barred_by(watch, lun, path, now_ns);

	verdict_text(&evidence, &verdict, reason, sizeof(reason));
	snprintf(text, sizeof(text), "%s", reason);
	if (*by) {
		state = !strcmp(by, "policy") ? "excluded" : "failed";
		snprintf(text, sizeof(text), "%s%s%s", barred_text(by),
			 verdict.state == VERDICT_UP ? "" : "; ",
			 verdict.state == VERDICT_UP ? "" : reason);
	} else if (path->dm && !path->dm->active && verdict.state == VERDICT_UP) {
		state = "failed";
		snprintf(text, sizeof(text), "failed in the kernel's map; %s", reason);
	} else if (verdict.state == VERDICT_PENDING) {
		state = "suspect";
	}
	add_text(object, "state", state);
	if (!brief || strcmp(state, "up") != 0)
		add_text(object, "reason", text);
	if (brief)
		return;
	add_text(object, "barred_by", by);
	add_text(object, "health", verdict_state_name(verdict.state));
	add_flag(object, "lingers", lingering_has(&watch->lingering, path->id));
	add_number(object, "lingers_good_ms",
		   (int64_t)lingering_good_ms(&watch->lingering, path->id, now_ns));
	add_text(object, "reason_code", reason_row(verdict.reason)->code);
	if (session && !session->probed)
		add_text(object, "not_probed", session->not_probed);
}

static bool carries_io(const struct lun *lun, const struct lun_path *path)
{
	return path->dm && path->dm->active && lun_current_group(lun) == (int)path->dm->group;
}

/* A row of the table. */
static struct json_object *report_row(const struct watch *watch, const struct lun *lun,
				      const struct lun_path *path, uint64_t now_ns)
{
	struct json_object *object = json_object_new_object();
	const struct watched_session *session = watch_session(watch, path->id->sid);
	const struct path_name *name = &path->id->name;
	struct board_session record = {.sid = path->id->sid};
	char text[PORTAL_TEXT_MAX];

	if (session)
		watch_session_record(watch, session, now_ns, &record);
	add_text(object, "device", path->id->device);
	add_text(object, "portal", portal_format(&name->portal, text, sizeof(text)));
	add_text(object, "interface", *name->netdev ? name->netdev : name->iface);
	add_text(object, "role", path->plan.role == ROLE_NONE ? "-" : role_name(path->plan.role));
	add_number(object, "group", path->dm ? (int64_t)path->dm->group + 1 : 0);
	if (carries_io(lun, path))
		add_flag(object, "carries_io", true);
	add_state(object, watch, lun, path, session, true, now_ns);
	add_number(object, "rtt_us", record.state == PROBE_UP ? record.rtt_us : 0);
	quick_report_path(watch->quick, lun, path, true, object);
	return object;
}

static struct json_object *report_path(const struct watch *watch, const struct lun *lun,
				       const struct lun_path *path, uint64_t now_ns)
{
	struct json_object *object = json_object_new_object();
	const struct watched_session *session = watch_session(watch, path->id->sid);
	struct board_session record = {.sid = path->id->sid};

	if (session)
		watch_session_record(watch, session, now_ns, &record);
	add_text(object, "device", path->id->device);
	add_name(object, &path->id->name);
	add_number(object, "session", path->id->sid);
	add_text(object, "session_state", session_state_name(path->id->session_state));
	add_text(object, "connection_state", connection_state_name(path->id->connection_state));
	add_text(object, "device_state", device_state_name(path->id->device_state));
	add_text(object, "role", path->plan.role == ROLE_NONE ? "-" : role_name(path->plan.role));
	if (path->plan.role != ROLE_NONE)
		add_number(object, "priority", path->plan.priority);
	add_text(object, "access", access_state_name(path->id->access));
	add_flag(object, "preferred", path->id->preferred);
	add_number(object, "group", path->dm ? (int64_t)path->dm->group + 1 : 0);
	add_text(object, "dm_state", !path->dm ? "-" : path->dm->active ? "active" : "failed");
	add_flag(object, "carries_io", carries_io(lun, path));
	add_state(object, watch, lun, path, session, false, now_ns);
	add_number(object, "rtt_us", record.state == PROBE_UP ? record.rtt_us : 0);
	add_probe(object, &record, now_ns);
	quick_report_path(watch->quick, lun, path, false, object);
	return object;
}

static struct json_object *report_groups(const struct lun *lun)
{
	struct json_object *groups = json_object_new_array(), *group;
	int current = lun_current_group(lun);
	size_t i, j;

	for (i = 0; lun->map && i < lun->map->n_groups; i++) {
		bool usable = false;

		for (j = 0; j < lun->map->n_paths; j++)
			usable |= lun->map->paths[j].group == i && lun->map->paths[j].active;
		group = json_object_new_object();
		add_text(group, "state",
			 !usable			 ? "no usable path"
			 : (int)i == current		 ? "carries I/O"
			 : lun->map->group_state[i] == 'D' ? "disabled"
							   : "ready");
		json_object_array_add(groups, group);
	}
	return groups;
}

/* Is every path of the LUN that could carry I/O excluded or logged out, though paths exist? */
static bool all_excluded(const struct lun *lun)
{
	size_t i;

	for (i = 0; i < lun->n_paths; i++)
		if (lun->paths[i].plan.role != ROLE_EXCLUDED)
			return false;
	return lun->n_paths > 0;
}

/* Whether the policy is in force, and what it waits for if not. */
static void add_force(struct json_object *object, const struct watch *watch, const struct lun *lun,
		      uint64_t now_ns)
{
	const struct lun_path *waits_for = publish_waits_for(watch, lun, now_ns);
	char text[PUBLISH_WAIT_TEXT_MAX] = "";

	if (waits_for)
		publish_wait_text(watch, waits_for, now_ns, text, sizeof(text));
	else if (lun->map && lun->entry && lun_order_in_force(lun) && !lun_selector_in_force(lun))
		snprintf(text, sizeof(text), "path selector \"%s\" (`mpathiscsi reload`, or "
			 "`mpathiscsi enable`)", lun->entry->setting->policy->selector);
	add_flag(object, "in_force", !waits_for && lun_in_force(lun));
	add_flag(object, "selector_in_force", !lun->map || lun_selector_in_force(lun));
	add_text(object, "waits_for", text);
	if (all_excluded(lun))
		add_text(object, "note", "every path there is now is excluded: I/O finds no path");
}

const char *report_built_in(const struct lun *lun)
{
	return !lun->entry && lun->setting ? lun->setting->policy->name : "";
}

void report_warning(struct json_object *object, const struct lun *lun)
{
	char message[POLICY_MESSAGE_MAX];

	if (lun_warning(lun, message))
		add_text(object, "warning", message);
}

static struct json_object *report_lun(const struct watch *watch, const struct lun *lun,
				      enum report_detail detail, uint64_t now_ns)
{
	struct json_object *object = json_object_new_object();
	struct json_object *paths = json_object_new_array();
	char setting[POLICY_SETTING_TEXT_MAX] = "", scope[STORE_NAME_TEXT_MAX] = "";
	size_t i;

	if (lun->entry) {
		policy_setting_format(lun->entry->setting, setting, sizeof(setting));
		store_name_format(&lun->entry->name, scope);
	}
	for (i = 0; i < lun->n_paths && detail != REPORT_LUNS; i++)
		json_object_array_add(paths, (detail == REPORT_ALL ? report_path : report_row)(
						     watch, lun, &lun->paths[i], now_ns));
	add_text(object, "wwid", lun->wwid);
	add_text(object, "alias", lun->alias);
	add_text(object, "vendor", lun->paths[0].id->vendor);
	add_text(object, "product", lun->paths[0].id->product);
	add_text(object, "policy", setting);
	add_text(object, "policy_name", lun->entry ? lun->entry->setting->policy->name : "");
	add_text(object, "built_in", report_built_in(lun));
	add_flag(object, "policy_known", watch->store_loaded);
	add_text(object, "scope", scope);
	report_warning(object, lun);
	add_force(object, watch, lun, now_ns);
	add_flag(object, "queues", lun->map && lun->map->queues);
	add_text(object, "selector", lun->map ? lun->map->selector : "");
	json_object_object_add(object, "groups", report_groups(lun));
	json_object_object_add(object, "paths", paths);
	return object;
}

static void add_about_daemon(struct json_object *reply, const struct watch *watch)
{
	struct json_object *probe = json_object_new_object();
	struct probe_engine_status engine;

	probe_engine_status(watch->probes, &engine);
	add_number(probe, "pid", engine.pid);
	add_number(probe, "starts", engine.starts);
	add_text(probe, "last_failure", engine.last_failure);
	add_text(reply, "version", MPATHISCSI_VERSION);
	add_text(reply, "policies_file", watch->options.store_path);
	if (*watch->store_message)
		add_text(reply, "warning", watch->store_message);
	else if (*quick_complaint(watch->quick))
		add_text(reply, "warning", quick_complaint(watch->quick));
	else if (watch->board_error)
		add_text(reply, "warning", "the board cannot be written: multipathd hears nothing of us");
	json_object_object_add(reply, "probe_process", probe);
	quick_report(watch->quick, reply);
}

/* Index of the first LUN behind this WWID: they are sorted by it. */
static size_t first_after(const struct lun_table *table, const char *wwid)
{
	size_t low = 0, high = wwid ? table->n : 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(table->luns[middle].wwid, wwid) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_luns(struct json_object *reply, const struct watch *watch,
		     const struct report_wish *wish, uint64_t now_ns)
{
	struct json_object *luns = json_object_new_array();
	size_t most = wish->detail == REPORT_ALL ? PATHS_ALL : PATHS_TABLE, n = 0, i;

	for (i = first_after(&watch->luns, wish->after); i < watch->luns.n && n < most; i++) {
		n += watch->luns.luns[i].n_paths;
		json_object_array_add(luns, report_lun(watch, &watch->luns.luns[i], wish->detail,
						       now_ns));
	}
	json_object_object_add(reply, "luns", luns);
	if (i < watch->luns.n)
		add_text(reply, "next", watch->luns.luns[i - 1].wwid);
}

struct json_object *report_status(const struct watch *watch, const struct report_wish *wish,
				  uint64_t now_ns)
{
	struct json_object *reply = json_object_new_object(), *luns;

	add_flag(reply, "ok", true);
	if (!wish->after)
		add_about_daemon(reply, watch);
	if (wish->lun) {
		luns = json_object_new_array();
		json_object_array_add(luns, report_lun(watch, wish->lun, wish->detail, now_ns));
		json_object_object_add(reply, "luns", luns);
	} else {
		add_luns(reply, watch, wish, now_ns);
	}
	return reply;
}

struct json_object *report_plan(const struct lun *lun, const struct plan_path *plan)
{
	struct json_object *array = json_object_new_array(), *object;
	size_t i;

	for (i = 0; i < lun->n_paths; i++) {
		object = json_object_new_object();
		add_text(object, "device", lun->paths[i].id->device);
		add_name(object, &lun->paths[i].id->name);
		add_text(object, "role", role_name(plan[i].role));
		add_number(object, "plan_group", (int64_t)plan[i].group + 1);
		add_number(object, "priority", plan[i].priority);
		json_object_array_add(array, object);
	}
	return array;
}
