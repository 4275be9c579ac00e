/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_SESSION_H
#define MPATHISCSI_PROBE_SESSION_H

/*
 * One target's probe in the child process: a libiscsi session (or, where the target takes
 * no second session, TCP connects), driven by a poll loop. What the outcomes mean is
 * decided in probe_state.c.
 *
 * The caller polls probe_session_fd() for probe_session_events(), calls
 * probe_session_service() with what came, and probe_session_tick() when the time that it
 * returned last has come (and at least after every service).
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/probe_wire.h"

struct probe_session;

/* Make a probe; 'add' is copied. 'config' must outlive it. NULL: out of memory. */
struct probe_session *probe_session_new(const struct probe_wire_add *add,
					const struct probe_config *config,
					uint64_t now_ns);

uint32_t probe_session_id(const struct probe_session *session);
void probe_session_update(struct probe_session *session, uint32_t flags);

int probe_session_fd(const struct probe_session *session); /* -1: none */
short probe_session_events(const struct probe_session *session);
void probe_session_service(struct probe_session *session, short revents, uint64_t now_ns);

/* Do what is due; returns when to be called next. */
uint64_t probe_session_tick(struct probe_session *session, uint64_t now_ns);

/* Our own loop was this late: no answer of that time is held against the target. */
void probe_session_excuse(struct probe_session *session, uint64_t late_ns);

/* Begin to log out; probe_session_gone() tells when the connection is closed. */
void probe_session_leave(struct probe_session *session, uint64_t now_ns);
bool probe_session_gone(const struct probe_session *session);

/* What is to be told to the engine. */
void probe_session_report(const struct probe_session *session,
			  union probe_wire_message *message);
/* Is this another report than what it was told last? Where there is no hurry, a later answer and
 * another round trip alone are one only with 'also_times'. */
bool probe_session_changed(const struct probe_session *session,
			   const union probe_wire_message *message, bool also_times);
void probe_session_told(struct probe_session *session, const union probe_wire_message *message);

/* Close at once, wipe, free. */
void probe_session_free(struct probe_session *session);

#endif
