/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths are kept out for a while after they have returned. */
#include <string.h>

#include "common/clock.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/quick/state.h"
#include "policies/policy.h"

static struct damping_limits limits_of(const struct quick *quick)
{
	return (struct damping_limits){.half_life_s = quick->settings.flap_half_life_s,
				       .hold = quick->settings.flap_hold,
				       .reuse = quick->settings.flap_reuse};
}

static void say(const struct quick *quick, const struct quick_session *session, uint64_t now_ns)
{
	const struct damping_limits limits = limits_of(quick);
	char name[QUICK_NAME_MAX];

	quick_name(quick, session, name, sizeof(name));
	if (session->damping.held)
		log_line(LOG_WARNING,
			 "%s: comes and goes (penalty %u): held out for %llu s, or until "
			 "`mpathiscsi forgive`",
			 name, damping_penalty(&session->damping, &limits, now_ns),
			 (unsigned long long)(damping_left_ms(&session->damping, &limits, now_ns) /
					      1000));
	else
		log_line(LOG_NOTICE, "%s: no longer held out", name);
}

void quick_hold_out(struct quick *quick, uint64_t now_ns)
{
	const struct damping_limits limits = limits_of(quick);
	bool on = quick_acts(quick);

	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		bool held = session->damping.held;

		if (!session->present)
			continue;
		damping_step(&session->damping, &limits, session->healthy, now_ns);
		session->rising = session->was_lost && session->logged_in_ns &&
				  now_ns - session->logged_in_ns <
					  quick->settings.rise_ms * NS_PER_MS;
		session->held = on && (session->damping.held || session->rising);
		if (session->damping.held != held)
			say(quick, session, now_ns);
	}
}

/* Could it carry I/O if it were not held out? */
static bool is_fit(const struct quick *quick, const struct lun *lun, const struct lun_path *path)
{
	const struct quick_session *session = quick_session(quick, path->id->sid);

	return path->dm && path->dm->active && path->plan.role != ROLE_EXCLUDED && session &&
	       session->healthy && !session->held &&
	       !failed_has(&quick->watch->failed, lun->wwid, &path->id->name);
}

/* Only what is out is held out, and only while another path serves. */
unsigned int quick_path_flags(const struct quick *quick, const struct lun *lun,
			      const struct lun_path *path)
{
	const struct quick_session *session;
	unsigned int flags;

	if (!quick)
		return 0;
	flags = quick->hangs ? quick_hang_flags(quick, lun, path, clock_now_ns()) : 0;
	session = quick_session(quick, path->id->sid);
	if (!session || !session->held || !path->dm || path->dm->active)
		return flags;
	for (size_t i = 0; i < lun->n_paths; i++)
		if (&lun->paths[i] != path && is_fit(quick, lun, &lun->paths[i]))
			return flags | BOARD_PATH_HELD;
	return flags;
}

static size_t forgive(struct quick *quick, const struct lun *lun,
		      const struct path_expression *expression)
{
	size_t n = 0;

	for (size_t i = 0; i < lun->n_paths; i++) {
		struct quick_session *session = quick_session(quick, lun->paths[i].id->sid);

		if (!session || (expression && !path_expression_matches(
						       expression, &lun->paths[i].id->name)))
			continue;
		damping_forgive(&session->damping);
		quick_hang_forgive(quick, lun, &lun->paths[i]);
		session->was_lost = session->held = false;
		n++;
	}
	return n;
}

struct json_object *quick_forgive(struct watch *watch, struct json_object *request)
{
	const char *name = json_object_get_string(json_object_object_get(request, "lun"));
	const char *text = json_object_get_string(json_object_object_get(request, "expression"));
	bool all = !name || !strcmp(name, "all");
	const struct lun *lun = all ? NULL : lun_find(&watch->luns, name);
	struct path_expression expression;
	char message[POLICY_MESSAGE_MAX];
	struct json_object *reply;
	size_t n = 0;

	if (!all && !lun)
		return control_error("ISDSC_VOLUME_NOT_FOUND",
				     "no LUN over iSCSI has the WWID or map name \"%.100s\"; "
				     "`mpathiscsi status` lists them",
				     name);
	if (text && path_expression_parse(text, &expression, message))
		return control_error("ISDSC_INVALID_PARAMETER", "%s", message);
	for (size_t i = 0; i < watch->luns.n; i++)
		if (all || lun == &watch->luns.luns[i])
			n += forgive(watch->quick, &watch->luns.luns[i], text ? &expression : NULL);
	if (!n)
		return control_error("ISDSC_INVALID_PATH_ID",
				     "no path there is named so; `mpathiscsi status` lists them");
	watch_publish(watch);
	reply = json_object_new_object();
	json_object_object_add(reply, "ok", json_object_new_boolean(true));
	json_object_object_add(reply, "paths", json_object_new_int64((int64_t)n));
	return reply;
}
