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
#include "daemon/probe_link.h"
#include "daemon/probe_state.h"

/* A logout that is not answered in this time is done without the target. */
#define LOGOUT_NS (400 * NS_PER_MS)
#define NEVER	  UINT64_MAX

enum phase {
	PHASE_WAIT,    /* no connection until 'next_ns' */
	PHASE_CONNECT, /* until 'next_ns', as LOGIN, TCP and LEAVE */
	PHASE_LOGIN,
	PHASE_ONLINE,  /* next NOP at 'next_ns' */
	PHASE_TCP,     /* plain TCP connect on 'tcp_fd' */
	PHASE_LEAVE,
	PHASE_GONE,
};

struct probe_session {
	struct probe_wire_add add;
	struct probe_road road;
	const struct probe_config *config;
	struct probe_limits limits;
	struct probe_machine machine;
	enum phase phase;
	uint64_t next_ns;
	uint64_t began_ns; /* of this attempt */
	int tcp_fd;
	struct probe_link link;
	char text[PROBE_TEXT_MAX];
	struct probe_wire_report told;
};

static uint32_t random32(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == (ssize_t)sizeof(random))
		return random;
	return (uint32_t)(clock_now_ns() * 2654435761U >> 16); /* only for jitter */
}

static uint64_t after_ms(uint64_t now_ns, uint64_t ms)
{
	return now_ns + ms * NS_PER_MS;
}

static void close_all(struct probe_session *session)
{
	probe_link_close(&session->link);
	if (session->tcp_fd >= 0)
		close(session->tcp_fd);
	session->tcp_fd = -1;
}

/* The one way an outcome is told to the machine; does what it then wants. */
static void happened(struct probe_session *session, enum probe_event_type type, int error,
		     uint64_t now_ns, uint64_t sent_ns)
{
	struct probe_event event = {
		.type = type,
		.error = error,
		.status = session->link.login_status,
		.now_ns = now_ns,
		.sent_ns = sent_ns,
		.sample = type == PROBE_EV_TCP_OK,
		.random = random32(),
	};
	struct probe_step step;

	step = probe_machine_event(&session->machine, &session->limits, &event);
	if (!step.drop)
		return;
	close_all(session);
	session->phase = PHASE_WAIT;
	session->next_ns = after_ms(now_ns, step.delay_ms);
}

static void say_portal(struct probe_session *session, const char *format, const char *what)
{
	char portal[PORTAL_TEXT_MAX];
	int n;

	portal_format(&session->road.portal, portal, sizeof(portal));
	n = snprintf(session->text, sizeof(session->text), "%s %s: ", format, portal);
	if (n > 0 && (size_t)n < sizeof(session->text))
		probe_wire_text(session->text + n, sizeof(session->text) - (size_t)n, what);
}

static void connect_failed(struct probe_session *session, int error, const char *why,
			   uint64_t now_ns)
{
	say_portal(session, "connect to", why);
	happened(session,
		 probe_error_is_local(error) ? PROBE_EV_LOCAL : PROBE_EV_CONNECT_FAILED, error,
		 now_ns, session->began_ns);
}

static void begin_login(struct probe_session *session, uint64_t now_ns)
{
	char why[PROBE_TEXT_MAX] = "";
	int error = probe_road_check(&session->road, why, sizeof(why));

	if (!error) {
		error = probe_link_open(&session->link, &session->add, &session->road);
		probe_wire_text(why, sizeof(why), session->link.text);
	}
	if (error) {
		connect_failed(session, error, why, now_ns);
		return;
	}
	session->phase = PHASE_CONNECT;
	session->next_ns = after_ms(now_ns, session->config->connect_timeout_ms);
}

/* Not longer than it takes to see one lost SYN repeated (1 s). */
static uint64_t tcp_deadline(const struct probe_session *session, uint64_t now_ns)
{
	uint64_t ms = session->config->tcp_interval_ms * 3 / 2;

	if (ms > session->config->connect_timeout_ms)
		ms = session->config->connect_timeout_ms;
	return after_ms(now_ns, ms);
}

static void tcp_done(struct probe_session *session, int error, const char *why,
		     uint64_t now_ns)
{
	enum probe_event_type type = PROBE_EV_TCP_OK;

	if (error)
		type = probe_error_is_local(error) ? PROBE_EV_LOCAL : PROBE_EV_TCP_FAILED;
	if (error)
		say_portal(session, "connect to", why);
	else
		say_portal(session, "TCP connect only", "the target takes no second session");
	happened(session, type, error, now_ns, session->began_ns);
}

static void begin_tcp(struct probe_session *session, uint64_t now_ns)
{
	char why[PROBE_TEXT_MAX] = "";
	int error = probe_tcp_begin(&session->road, &session->tcp_fd, why, sizeof(why));

	if (error) {
		tcp_done(session, error, why, now_ns);
		return;
	}
	session->phase = PHASE_TCP;
	session->next_ns = tcp_deadline(session, now_ns);
}

static void on_tcp(struct probe_session *session, uint64_t now_ns)
{
	char why[PROBE_TEXT_MAX] = "";
	int error = probe_socket_error(session->tcp_fd);

	if (error)
		probe_wire_text(why, sizeof(why), strerror(-error));
	else
		error = probe_socket_verify(session->tcp_fd, &session->road, true, why,
					    sizeof(why));
	tcp_done(session, error, why, now_ns);
}

static void begin(struct probe_session *session, uint64_t now_ns)
{
	session->began_ns = now_ns;
	if (probe_machine_login_due(&session->machine,
				    session->add.flags & PROBE_FLAG_KERNEL_LOGGED_IN, now_ns))
		begin_login(session, now_ns);
	else
		begin_tcp(session, now_ns);
}

static void on_connecting(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;
	int error;

	if (link->dead) {
		connect_failed(session, link->error, strerror(-link->error), now_ns);
		return;
	}
	if (!link->connected)
		return;
	error = probe_socket_verify(probe_link_fd(link), &session->road, true, link->text,
				    sizeof(link->text));
	if (error) {
		connect_failed(session, error, link->text, now_ns);
		return;
	}
	session->phase = PHASE_LOGIN;
	session->next_ns = after_ms(now_ns, session->config->login_timeout_ms);
	probe_link_login(link);
}

static void login_failed(struct probe_session *session, int error, const char *why,
			 uint64_t now_ns)
{
	say_portal(session, "login at", why);
	happened(session, PROBE_EV_LOGIN_FAILED, error, now_ns, session->began_ns);
}

static void on_refused(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;

	if (link->redirected) {
		say_portal(session, "redirected by", link->text);
		happened(session, PROBE_EV_REDIRECTED, 0, now_ns, session->began_ns);
	} else if (link->login_status) {
		say_portal(session, "refused by", link->text);
		happened(session, PROBE_EV_LOGIN_REJECTED, 0, now_ns, session->began_ns);
	} else {
		login_failed(session, link->error, link->text, now_ns);
	}
}

static void ping(struct probe_session *session, uint64_t now_ns);

static void on_login(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;

	if (link->logged_in) {
		session->phase = PHASE_ONLINE;
		happened(session, PROBE_EV_LOGGED_IN, 0, now_ns, session->began_ns);
		ping(session, now_ns);
	} else if (link->login_done) {
		on_refused(session, now_ns);
	} else if (link->dead) {
		login_failed(session, link->error,
			     link->error == -ECONNRESET ? "connection closed by the target"
							: strerror(-link->error),
			     now_ns);
	}
}

static void lost(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;
	const char *why = strerror(-link->error);

	if (link->text[0])
		why = link->text;
	else if (link->error == -ECONNRESET)
		why = "connection closed by the target";
	else if (link->error == -EPROTO)
		why = "the target sent what no target should";
	say_portal(session, "session with", why);
	happened(session, PROBE_EV_LOST, link->error, now_ns, now_ns);
}

static void take_answer(struct probe_session *session, struct probe_nop *nop)
{
	struct probe_event event = {
		.type = PROBE_EV_ANSWERED,
		.now_ns = nop->answered_ns,
		.sent_ns = nop->sent_ns,
		.sample = !nop->excused,
	};

	nop->busy = false;
	nop->answered = false;
	session->text[0] = 0;
	probe_machine_event(&session->machine, &session->limits, &event);
}

static void take_answers(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;

	for (size_t i = 0; i < PROBE_LINK_NOPS; i++)
		if (link->nops[i].busy && link->nops[i].answered)
			take_answer(session, &link->nops[i]);
	if (link->dead)
		lost(session, now_ns);
}

static void ping(struct probe_session *session, uint64_t now_ns)
{
	const struct probe_config *config = session->config;
	struct probe_nop *nop = probe_link_ping(&session->link, now_ns);

	session->next_ns = now_ns + probe_jitter(config->interval_ms * NS_PER_MS, 10, random32());
	if (nop)
		nop->deadline_ns = now_ns + probe_rtt_deadline_ns(&session->machine.rtt,
								  config->nop_deadline_ms,
								  config->nop_deadline_max_ms);
	if (session->link.dead || (nop && nop->answered))
		take_answers(session, now_ns);
}

static void count_misses(struct probe_session *session, uint64_t now_ns)
{
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++) {
		struct probe_nop *nop = &session->link.nops[i];

		if (!nop->busy || nop->missed || now_ns < nop->deadline_ns)
			continue;
		nop->missed = true;
		say_portal(session, "no NOP answer from", "overdue");
		happened(session, PROBE_EV_MISSED, 0, now_ns, nop->sent_ns);
	}
}

/* Silence: would a new connection tell sooner when it ends? */
static bool is_stuck(const struct probe_session *session, uint64_t now_ns)
{
	const struct probe_machine *machine = &session->machine;
	uint64_t since = machine->silent_since_ns;

	if (machine->state != PROBE_SILENT)
		return false;
	if (since < machine->logged_in_ns)
		since = machine->logged_in_ns;
	return now_ns >= after_ms(since, session->config->silent_relogin_ms) ||
	       probe_socket_stuck(probe_link_fd(&session->link));
}

static uint64_t tick_online(struct probe_session *session, uint64_t now_ns)
{
	uint64_t next;

	count_misses(session, now_ns);
	if (is_stuck(session, now_ns)) {
		happened(session, PROBE_EV_STUCK, 0, now_ns, now_ns);
		return session->next_ns;
	}
	if (now_ns >= session->next_ns)
		ping(session, now_ns);
	next = session->next_ns;
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++) {
		const struct probe_nop *nop = &session->link.nops[i];

		if (nop->busy && !nop->missed && nop->deadline_ns < next)
			next = nop->deadline_ns;
	}
	return next;
}

static void overdue(struct probe_session *session, uint64_t now_ns)
{
	switch (session->phase) {
	case PHASE_WAIT:
		begin(session, now_ns);
		break;
	case PHASE_CONNECT:
		connect_failed(session, -ETIMEDOUT, "not answered in time", now_ns);
		break;
	case PHASE_LOGIN:
		login_failed(session, -ETIMEDOUT, "not answered in time", now_ns);
		break;
	case PHASE_TCP:
		tcp_done(session, -ETIMEDOUT, "not answered in time", now_ns);
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
		return tick_online(session, now_ns);
	if (now_ns >= session->next_ns)
		overdue(session, now_ns);
	return session->phase == PHASE_GONE ? NEVER : session->next_ns;
}

void probe_session_service(struct probe_session *session, short revents, uint64_t now_ns)
{
	if (!revents)
		return;
	if (session->phase == PHASE_TCP) {
		on_tcp(session, now_ns);
		return;
	}
	probe_link_service(&session->link, revents);
	switch (session->phase) {
	case PHASE_CONNECT:
		on_connecting(session, now_ns);
		break;
	case PHASE_LOGIN:
		on_login(session, now_ns);
		break;
	case PHASE_ONLINE:
		take_answers(session, now_ns);
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
	return session->phase == PHASE_TCP ? session->tcp_fd : probe_link_fd(&session->link);
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

bool probe_session_changed(struct probe_session *session)
{
	union probe_wire_message message;

	probe_session_report(session, &message);
	if (!memcmp(&message.report, &session->told, sizeof(session->told)))
		return false;
	session->told = message.report;
	return true;
}

void probe_session_untold(struct probe_session *session)
{
	memset(&session->told, 0, sizeof(session->told));
}

uint32_t probe_session_id(const struct probe_session *session)
{
	return session->add.header.id;
}

void probe_session_update(struct probe_session *session, uint32_t flags)
{
	const uint32_t changeable = PROBE_FLAG_KERNEL_LOGGED_IN;

	session->add.flags = (session->add.flags & ~changeable) | (flags & changeable);
}

struct probe_session *probe_session_new(const struct probe_wire_add *add,
					const struct probe_config *config, uint64_t now_ns)
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
		.misses_silent = config->misses_silent,
		.retry_min_ms = config->retry_min_ms,
		.retry_max_ms = config->retry_max_ms,
		.tcp_interval_ms = config->tcp_interval_ms,
		.login_retry_ms = config->login_retry_ms,
		.slow_retry_ms = config->slow_retry_ms,
	};
	probe_machine_init(&session->machine, add->flags & PROBE_FLAG_TCP_ONLY, &session->limits,
			   now_ns);
	/* Many targets at once: spread them over one interval. */
	session->next_ns = now_ns + random32() % (config->interval_ms * NS_PER_MS);
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
