/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_PHASES_H
#define MPATHISCSI_PROBE_PHASES_H

/* What the files of a probe session share: its phases (child process). */

#include "daemon/probe_link.h"
#include "daemon/probe_session.h"
#include "daemon/probe_state.h"

enum phase {
	PHASE_WAIT,    /* no connection until 'next_ns' */
	PHASE_CONNECT, /* until 'next_ns', as LOGIN, TCP and LEAVE */
	PHASE_LOGIN,
	PHASE_ONLINE, /* next NOP at 'next_ns' */
	PHASE_TCP,    /* plain TCP connect on 'tcp_fd' */
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
	bool leisurely; /* … ONLINE: after idle_interval_ms, not interval_ms */
	uint64_t began_ns; /* of this attempt */
	int tcp_fd;
	struct probe_link link;
	char text[PROBE_TEXT_MAX];
	struct probe_wire_report told;
};

/* Any number, for jitter. */
uint32_t probe_random(void);

/* The one way an outcome is told to the machine; does what it then wants: if the
 * connection is to be dropped the phase is WAIT afterwards. */
void probe_happened(struct probe_session *session, enum probe_event_type type, int error,
		    uint64_t now_ns, uint64_t sent_ns);

/* Put "WHAT PORTAL: WHY" into session->text. */
void probe_say(struct probe_session *session, const char *what, const char *why);

/* probe_attempt.c: from nothing to a session, or one TCP connect. */
void probe_attempt_begin(struct probe_session *session, uint64_t now_ns);
void probe_attempt_connecting(struct probe_session *session, uint64_t now_ns);
void probe_attempt_login(struct probe_session *session, uint64_t now_ns);
void probe_attempt_tcp(struct probe_session *session, uint64_t now_ns);
void probe_attempt_overdue(struct probe_session *session, uint64_t now_ns);

/* probe_ping.c: NOPs and their answers. */
void probe_ping(struct probe_session *session, uint64_t now_ns);
/* Not at leisure any more: the next NOP is due now. */
void probe_ping_soon(struct probe_session *session);
void probe_ping_answers(struct probe_session *session, uint64_t now_ns);
uint64_t probe_ping_tick(struct probe_session *session, uint64_t now_ns);

#endif
