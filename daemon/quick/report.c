/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What daemon/quick/ knows, as JSON. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/quick/report_settings.h"
#include "daemon/quick/state.h"

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)number));
}

static void add_reason(struct json_object *object, const struct quick_session *session)
{
	char text[DEVICE_WWID_MAX + 128];

	snprintf(text, sizeof(text), "%s%s%s%s", quick_reason_text(session->decision.reason),
		 *session->decision_lun ? " (" : "", session->decision_lun,
		 *session->decision_lun ? ")" : "");
	if (session->decision.reason == QUICK_YES && !session->levers.quick)
		snprintf(text, sizeof(text), "%s",
			 session->levers.error ? strerror(-session->levers.error)
					       : "not carried out yet");
	add_text(object, "quick_reason", text);
}

static void add_armed(struct json_object *object, const struct quick_session *session)
{
	char text[64];

	snprintf(text, sizeof(text), "%u ms", session->levers.user_timeout_ms);
	add_text(object, "armed",
		 session->levers.socket == SOCKET_ARMED ? text
							: lever_socket_text(session->levers.socket));
}

/* "hang": what is to be said of a LUN that hangs here. */
static void add_hang(struct json_object *object, const struct quick *quick, const struct lun *lun,
		     const struct lun_path *path)
{
	char text[HANG_TEXT_MAX] = "";

	quick_hang_text(quick, lun, path, clock_now_ns(), text, sizeof(text));
	if (*text)
		add_text(object, "hang", text);
}

/* "link": that it is down. */
static void add_link(struct json_object *object, const struct quick_session *session)
{
	char text[LINK_LOSS_TEXT_MAX];

	if (*link_text(session, text, sizeof(text)))
		add_text(object, "link", text);
}

void quick_report_path(const struct quick *quick, const struct lun *lun,
		       const struct lun_path *path, bool brief, struct json_object *object)
{
	const struct quick_session *session = quick ? quick_session(quick, path->id->sid) : NULL;
	bool is_quick = session && session->levers_on && session->levers.quick;
	uint64_t now_ns = clock_now_ns(), left_ms;
	struct damping_limits limits;

	json_object_object_add(object, "quick", json_object_new_boolean(is_quick));
	if (!session)
		return;
	limits = (struct damping_limits){.half_life_s = quick->settings.flap_half_life_s,
					 .hold = quick->settings.flap_hold,
					 .reuse = quick->settings.flap_reuse};
	left_ms = damping_left_ms(&session->damping, &limits, now_ns);
	if (!brief || !is_quick)
		add_reason(object, session);
	if (!brief || (is_quick && session->levers.socket != SOCKET_ARMED))
		add_armed(object, session);
	if (!brief || session->verdict != SUSPICION_NONE)
		add_text(object, "suspicion", suspicion_text(session->verdict));
	if (!brief || left_ms) {
		add_number(object, "flaps", damping_penalty(&session->damping, &limits, now_ns));
		add_number(object, "held_out_ms", left_ms);
	}
	add_hang(object, quick, lun, path);
	add_link(object, session);
}

/* How long a silence of the portal takes to be noticed, and by whom. */
static void add_detection(struct json_object *object, const struct quick *quick,
			  const struct quick_session *session)
{
	const struct iscsi_identity *id = quick_identity(quick, session->sid);
	const struct quick_timing *timing =
		settings_timing(&quick->settings, id ? id->name.target : "");
	bool quick_now = session->levers_on && session->levers.quick;

	if (quick_now && session->levers.socket == SOCKET_ARMED) {
		/* The kernel counts from the first retransmission (net/ipv4/tcp_timer.c). */
		add_number(object, "detection_ms",
			   session->levers.user_timeout_ms + session->tcp.rto_us / 1000);
		add_text(object, "by", "armed");
	} else if (quick_now && timing->release) {
		add_number(object, "detection_ms", timing->connection_dead_ms);
		add_text(object, "by", "release");
	} else {
		add_number(object, "detection_ms", session->stock_ms);
		add_text(object, "by", "kernel");
	}
}

static struct json_object *timing_of(const struct quick *quick, const struct quick_session *session)
{
	const struct watched_session *watched = watch_session(quick->watch, session->sid);
	struct json_object *object = json_object_new_object();
	struct board_session probe = {.rtt_us = 0};
	char text[PORTAL_TEXT_MAX];

	if (watched) {
		watch_session_record(quick->watch, watched, clock_now_ns(), &probe);
		add_text(object, "portal",
			 portal_format(&watched->id->name.portal, text, sizeof(text)));
		add_text(object, "interface",
			 *watched->id->name.netdev ? watched->id->name.netdev
						   : watched->id->name.iface);
		add_text(object, "target", watched->id->name.target);
	}
	add_number(object, "session", session->sid);
	add_number(object, "rtt_us", probe.rtt_us);
	add_number(object, "rto_us", session->tcp.rto_us);
	add_number(object, "retransmissions", session->tcp.total_retrans);
	add_number(object, "user_timeout_ms",
		   session->levers.socket == SOCKET_ARMED ? session->levers.user_timeout_ms : 0);
	add_text(object, "why", session->levers.socket == SOCKET_ARMED
					? quick_why_patient(quick, session)
					: "");
	add_number(object, "kernel_ms", session->stock_ms);
	add_detection(object, quick, session);
	return object;
}

void quick_report(const struct quick *quick, struct json_object *reply)
{
	struct json_object *counters, *timing, *sessions;
	uint64_t n_quick = 0, n_held = 0;

	if (!quick)
		return;
	counters = json_object_new_object();
	timing = json_object_new_object();
	sessions = json_object_new_array();
	for (size_t i = 0; i < quick->n_sessions; i++) {
		const struct quick_session *session = &quick->sessions[i];

		if (!session->present)
			continue;
		n_quick += session->levers_on && session->levers.quick;
		n_held += session->damping.held;
		json_object_array_add(sessions, timing_of(quick, session));
	}
	report_switch(&quick->switched, counters);
	add_number(counters, "quick", n_quick);
	add_number(counters, "held", n_held);
	add_number(counters, "releases", quick->n_released);
	add_number(counters, "fenced", quick->n_fenced);
	add_number(counters, "not_fenced", quick->n_not_fenced);
	add_number(counters, "lost", quick->n_lost);
	add_number(counters, "dropped", quick->n_dropped);
	add_number(counters, "links_lost", quick->n_links_lost);
	add_number(counters, "false_alarms", quick->n_false);
	add_number(counters, "reinstated", quick->n_reinstated);
	quick_hang_report(quick, counters);
	json_object_object_add(reply, "quick", counters);
	report_settings(&quick->settings, timing);
	json_object_object_add(timing, "sessions", sessions);
	json_object_object_add(reply, "timing", timing);
}
