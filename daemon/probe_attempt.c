/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A probe session's attempts: connect, login, or a TCP connect and no more. */
#include "daemon/probe_phases.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

static void connect_failed(struct probe_session *session, int error, const char *why,
			   uint64_t now_ns)
{
	probe_say(session, "connect to", why);
	probe_happened(session,
		       probe_error_is_local(error) ? PROBE_EV_LOCAL
						   : PROBE_EV_CONNECT_FAILED,
		       error, now_ns, session->began_ns);
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
	session->next_ns = now_ns + session->config->connect_timeout_ms * NS_PER_MS;
}

/* Not longer than it takes to see one lost SYN repeated (1 s). */
static uint64_t tcp_deadline(const struct probe_session *session, uint64_t now_ns)
{
	uint64_t ms = session->config->tcp_interval_ms * 3 / 2;

	if (ms > session->config->connect_timeout_ms)
		ms = session->config->connect_timeout_ms;
	return now_ns + ms * NS_PER_MS;
}

static void tcp_done(struct probe_session *session, int error, const char *why,
		     uint64_t now_ns)
{
	enum probe_event_type type = PROBE_EV_TCP_OK;

	if (error)
		type = probe_error_is_local(error) ? PROBE_EV_LOCAL : PROBE_EV_TCP_FAILED;
	if (error)
		probe_say(session, "connect to", why);
	else
		probe_say(session, "TCP connect only",
			  "the target takes no second session");
	probe_happened(session, type, error, now_ns, session->began_ns);
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

void probe_attempt_tcp(struct probe_session *session, uint64_t now_ns)
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

void probe_attempt_begin(struct probe_session *session, uint64_t now_ns)
{
	session->began_ns = now_ns;
	if (probe_machine_login_due(&session->machine,
				    session->add.flags & PROBE_FLAG_KERNEL_LOGGED_IN,
				    now_ns))
		begin_login(session, now_ns);
	else
		begin_tcp(session, now_ns);
}

void probe_attempt_connecting(struct probe_session *session, uint64_t now_ns)
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
	session->next_ns = now_ns + session->config->login_timeout_ms * NS_PER_MS;
	probe_link_login(link);
}

static void login_failed(struct probe_session *session, int error, const char *why,
			 uint64_t now_ns)
{
	probe_say(session, "login at", why);
	probe_happened(session, PROBE_EV_LOGIN_FAILED, error, now_ns, session->began_ns);
}

static void on_refused(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;

	if (link->redirected) {
		probe_say(session, "redirected by", link->text);
		probe_happened(session, PROBE_EV_REDIRECTED, 0, now_ns,
			       session->began_ns);
	} else if (link->login_status) {
		probe_say(session, "refused by", link->text);
		probe_happened(session, PROBE_EV_LOGIN_REJECTED, 0, now_ns,
			       session->began_ns);
	} else {
		login_failed(session, link->error, link->text, now_ns);
	}
}

static const char *why_dead(const struct probe_link *link)
{
	if (link->text[0])
		return link->text;
	if (link->error == -ECONNRESET)
		return "connection closed by the target";
	return strerror(-link->error);
}

void probe_attempt_login(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;

	if (link->logged_in) {
		session->phase = PHASE_ONLINE;
		probe_happened(session, PROBE_EV_LOGGED_IN, 0, now_ns, session->began_ns);
		probe_ping(session, now_ns);
	} else if (link->login_done) {
		on_refused(session, now_ns);
	} else if (link->dead) {
		login_failed(session, link->error, why_dead(link), now_ns);
	}
}

void probe_attempt_overdue(struct probe_session *session, uint64_t now_ns)
{
	const char *why = "not answered in time";

	if (session->phase == PHASE_CONNECT)
		connect_failed(session, -ETIMEDOUT, why, now_ns);
	else if (session->phase == PHASE_LOGIN)
		login_failed(session, -ETIMEDOUT, why, now_ns);
	else
		tcp_done(session, -ETIMEDOUT, why, now_ns);
}
