/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/probe_phases.h"

/* A logout that is not answered in this time is done without the target. */
#define LOGOUT_NS (400 * NS_PER_MS)
#define NEVER	  UINT64_MAX

uint32_t probe_random(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == (ssize_t)sizeof(random))
		return random;
	return (uint32_t)(clock_now_ns() * 2654435761U >> 16); /* only for jitter */
}

static void close_all(struct probe_session *session)
{
	probe_link_close(&session->link);
	if (session->tcp_fd >= 0)
		close(session->tcp_fd);
	session->tcp_fd = -1;
}

/* The one way an outcome is told to the machine; does what it then wants. */
void probe_happened(struct probe_session *session, enum probe_event_type type, int error,
		    uint64_t now_ns, uint64_t sent_ns)
{
	struct probe_event event = {
		.type = type,
		.error = error,
		.status = session->link.login_status,
		.now_ns = now_ns,
		.sent_ns = sent_ns,
		.sample = type == PROBE_EV_TCP_OK,
		.random = probe_random(),
	};
	struct probe_step step;

	step = probe_machine_event(&session->machine, &session->limits, &event);
	if (!step.drop)
		return;
	close_all(session);
	session->phase = PHASE_WAIT;
	session->next_ns = now_ns + step.delay_ms * NS_PER_MS;
}

void probe_say(struct probe_session *session, const char *what, const char *why)
{
	char portal[PORTAL_TEXT_MAX];
	int n;

	portal_format(&session->road.portal, portal, sizeof(portal));
	n = snprintf(session->text, sizeof(session->text), "%s %s: ", what, portal);
	if (n > 0 && (size_t)n < sizeof(session->text))
		probe_wire_text(session->text + n, sizeof(session->text) - (size_t)n,
				why);
}

static void overdue(struct probe_session *session, uint64_t now_ns)
{
	switch (session->phase) {
	case PHASE_WAIT:
		probe_attempt_begin(session, now_ns);
		break;
	case PHASE_CONNECT:
	case PHASE_LOGIN:
	case PHASE_TCP:
		probe_attempt_overdue(session, now_ns);
		break;
	case PHASE_LEAVE:
		close_all(session);
		session->phase = PHASE_GONE;
		break;
	case PHASE_ONLINE:
	case PHASE_GONE:
		break;
	}
}

uint64_t probe_session_tick(struct probe_session *session, uint64_t now_ns)
{
	if (session->phase == PHASE_GONE)
		return NEVER;
	if (session->phase == PHASE_ONLINE)
		return probe_ping_tick(session, now_ns);
	if (now_ns >= session->next_ns)
		overdue(session, now_ns);
	return session->phase == PHASE_GONE ? NEVER : session->next_ns;
}

void probe_session_service(struct probe_session *session, short revents, uint64_t now_ns)
{
	if (!revents)
		return;
	if (session->phase == PHASE_TCP) {
		probe_attempt_tcp(session, now_ns);
		return;
	}
	probe_link_service(&session->link, revents);
	switch (session->phase) {
	case PHASE_CONNECT:
		probe_attempt_connecting(session, now_ns);
		break;
	case PHASE_LOGIN:
		probe_attempt_login(session, now_ns);
		break;
	case PHASE_ONLINE:
		probe_ping_answers(session, now_ns);
		break;
	case PHASE_LEAVE:
		if (session->link.logged_out || session->link.dead)
			session->next_ns = 0;
		break;
	case PHASE_WAIT:
	case PHASE_TCP:
	case PHASE_GONE:
		break;
	}
}

int probe_session_fd(const struct probe_session *session)
{
	return session->phase == PHASE_TCP ? session->tcp_fd
					   : probe_link_fd(&session->link);
}

short probe_session_events(const struct probe_session *session)
{
	return session->phase == PHASE_TCP ? POLLOUT : probe_link_events(&session->link);
}

void probe_session_excuse(struct probe_session *session, uint64_t late_ns)
{
	if (session->phase == PHASE_CONNECT || session->phase == PHASE_LOGIN ||
	    session->phase == PHASE_TCP)
		session->next_ns += late_ns;
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++) {
		session->link.nops[i].deadline_ns += late_ns;
		session->link.nops[i].excused = true;
	}
}

void probe_session_leave(struct probe_session *session, uint64_t now_ns)
{
	if (session->phase == PHASE_LEAVE || session->phase == PHASE_GONE)
		return;
	if (session->phase == PHASE_ONLINE)
		probe_link_logout(&session->link);
	if (session->phase != PHASE_ONLINE || session->link.dead) {
		close_all(session);
		session->phase = PHASE_GONE;
		return;
	}
	session->phase = PHASE_LEAVE;
	session->next_ns = now_ns + LOGOUT_NS;
}

bool probe_session_gone(const struct probe_session *session)
{
	return session->phase == PHASE_GONE;
}

void probe_session_report(const struct probe_session *session,
			  union probe_wire_message *message)
{
	const struct probe_machine *machine = &session->machine;
	struct probe_wire_report *report = &message->report;

	probe_wire_begin(message, PROBE_WIRE_REPORT, session->add.header.id);
	report->last_good_ns = machine->last_good_ns;
	report->silent_since_ns = machine->silent_since_ns;
	report->state = machine->state;
	report->rtt_us = machine->rtt.smoothed_us;
	report->rtt_var_us = machine->rtt.var_us;
	report->misses = machine->misses;
	report->login_status = machine->login_status;
	report->error = machine->error;
	probe_wire_text(report->text, sizeof(report->text), session->text);
}

bool probe_session_changed(const struct probe_session *session,
			   const union probe_wire_message *message, bool also_times)
{
	struct probe_wire_report told = session->told;

	if (!also_times && !(session->add.flags & PROBE_FLAG_HURRY)) {
		told.last_good_ns = message->report.last_good_ns;
		told.rtt_us = message->report.rtt_us;
		told.rtt_var_us = message->report.rtt_var_us;
	}
	return memcmp(&message->report, &told, sizeof(told)) != 0;
}

void probe_session_told(struct probe_session *session, const union probe_wire_message *message)
{
	session->told = message->report;
}

uint32_t probe_session_id(const struct probe_session *session)
{
	return session->add.header.id;
}

void probe_session_update(struct probe_session *session, uint32_t flags)
{
	const uint32_t changeable = PROBE_FLAG_KERNEL_LOGGED_IN | PROBE_FLAG_HURRY;

	session->add.flags = (session->add.flags & ~changeable) | (flags & changeable);
	if (flags & PROBE_FLAG_HURRY)
		probe_ping_soon(session);
}

struct probe_session *probe_session_new(const struct probe_wire_add *add,
					const struct probe_config *config,
					uint64_t now_ns)
{
	struct probe_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->add = *add;
	session->config = config;
	session->tcp_fd = -1;
	probe_wire_get_address(&session->road.portal.address, &add->portal);
	probe_wire_get_address(&session->road.source, &add->source);
	session->road.portal.port = (uint16_t)add->port;
	memcpy(session->road.netdev, add->netdev, sizeof(session->road.netdev));
	session->limits = (struct probe_limits){
		.interval_ms = config->interval_ms,
		.idle_interval_ms = config->idle_interval_ms,
		.misses_silent = config->misses_silent,
		.retry_min_ms = config->retry_min_ms,
		.retry_max_ms = config->retry_max_ms,
		.tcp_interval_ms = config->tcp_interval_ms,
		.login_retry_ms = config->login_retry_ms,
		.slow_retry_ms = config->slow_retry_ms,
	};
	probe_machine_init(&session->machine, add->flags & PROBE_FLAG_TCP_ONLY,
			   &session->limits, now_ns);
	/* Many targets at once: spread them over one interval. */
	session->next_ns = now_ns + probe_random() % (config->interval_ms * NS_PER_MS);
	return session;
}

void probe_session_free(struct probe_session *session)
{
	if (!session)
		return;
	close_all(session);
	explicit_bzero(session, sizeof(*session));
	free(session);
}
