/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A probe session's NOPs, once it is logged in. */
#include "daemon/probe_phases.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

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
	probe_say(session, "session with", why);
	probe_happened(session, PROBE_EV_LOST, link->error, now_ns, now_ns);
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

void probe_ping_answers(struct probe_session *session, uint64_t now_ns)
{
	struct probe_link *link = &session->link;

	for (size_t i = 0; i < PROBE_LINK_NOPS; i++)
		if (link->nops[i].busy && link->nops[i].answered)
			take_answer(session, &link->nops[i]);
	if (link->dead)
		lost(session, now_ns);
}

void probe_ping_soon(struct probe_session *session)
{
	if (session->phase == PHASE_ONLINE && session->leisurely)
		session->next_ns = 0;
	session->leisurely = false;
}

static void plan_next(struct probe_session *session, uint64_t now_ns)
{
	struct probe_pause pause = probe_machine_pause(&session->machine, &session->limits,
						       session->add.flags & PROBE_FLAG_HURRY, now_ns,
						       probe_random());

	session->next_ns = pause.until_ns;
	session->leisurely = pause.leisurely;
}

void probe_ping(struct probe_session *session, uint64_t now_ns)
{
	const struct probe_config *config = session->config;
	struct probe_nop *nop = probe_link_ping(&session->link, now_ns);

	plan_next(session, now_ns);
	if (nop)
		nop->deadline_ns =
			now_ns + probe_rtt_deadline_ns(&session->machine.rtt,
						       config->nop_deadline_ms,
						       config->nop_deadline_max_ms);
	if (session->link.dead || (nop && nop->answered))
		probe_ping_answers(session, now_ns);
}

static void count_misses(struct probe_session *session, uint64_t now_ns)
{
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++) {
		struct probe_nop *nop = &session->link.nops[i];

		if (!nop->busy || nop->missed || now_ns < nop->deadline_ns)
			continue;
		nop->missed = true;
		probe_say(session, "NOP to", "not answered in time");
		probe_happened(session, PROBE_EV_MISSED, 0, now_ns, nop->sent_ns);
		probe_ping_soon(session);
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
	return now_ns >= since + session->config->silent_relogin_ms * NS_PER_MS ||
	       probe_socket_stuck(probe_link_fd(&session->link));
}

uint64_t probe_ping_tick(struct probe_session *session, uint64_t now_ns)
{
	uint64_t next;

	count_misses(session, now_ns);
	if (is_stuck(session, now_ns)) {
		probe_happened(session, PROBE_EV_STUCK, 0, now_ns, now_ns);
		return session->next_ns;
	}
	if (now_ns >= session->next_ns)
		probe_ping(session, now_ns);
	next = session->next_ns;
	for (size_t i = 0; i < PROBE_LINK_NOPS; i++) {
		const struct probe_nop *nop = &session->link.nops[i];

		if (nop->busy && !nop->missed && nop->deadline_ns < next)
			next = nop->deadline_ns;
	}
	return next;
}
