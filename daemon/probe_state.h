/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_STATE_H
#define MPATHISCSI_PROBE_STATE_H

/*
 * What one probe has seen, as a machine: event in, state and next step out. Pure: no
 * clock, no socket, no library. The states are those of common/board.h.
 *
 * While a probe that had an opinion tries to connect again it keeps its last state until
 * the outcome is known: a portal that was silent stays silent, not "connecting".
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/board.h"
#include "daemon/probe_rtt.h"

/* Timers and limits, all in ms; see probe_config (probe.h) for their meaning. */
struct probe_limits {
	uint32_t interval_ms;	   /* between NOPs … */
	uint32_t idle_interval_ms; /* … where there is no hurry */
	uint32_t misses_silent;
	uint32_t retry_min_ms;	  /* pause after the second failure in a row */
	uint32_t retry_max_ms;	  /* longest pause after failures of the login */
	uint32_t tcp_interval_ms; /* between TCP connects where login is refused */
	uint32_t login_retry_ms;  /* between logins there; doubles up to 16 times this */
	uint32_t slow_retry_ms; /* after refused credentials, redirects, local trouble */
};

enum probe_event_type {
	PROBE_EV_LOCAL,		 /* error: no such device, bind, route out of elsewhere */
	PROBE_EV_CONNECT_FAILED, /* error */
	PROBE_EV_LOGIN_REJECTED, /* status: class << 8 | detail, class not 0 or 1 */
	PROBE_EV_LOGIN_FAILED, /* error: -ETIMEDOUT not answered, -EACCES mutual CHAP, …
				*/
	PROBE_EV_REDIRECTED,   /* status */
	PROBE_EV_LOGGED_IN,
	PROBE_EV_ANSWERED,   /* sent_ns; sample: the time it took is to be trusted */
	PROBE_EV_MISSED,     /* sent_ns */
	PROBE_EV_LOST,	     /* error: the target closed or reset the connection */
	PROBE_EV_STUCK,	     /* silent, and this connection will not tell when it heals */
	PROBE_EV_TCP_OK,     /* sent_ns: when the connect began */
	PROBE_EV_TCP_FAILED, /* error */
	PROBE_EV_MAX
};

struct probe_event {
	enum probe_event_type type;
	int32_t error; /* negative errno */
	uint32_t status;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	uint64_t sent_ns;
	bool sample;
	uint32_t random; /* any number: for jitter */
};

#define PROBE_MISSES_MAX 1000000U

struct probe_machine {
	enum probe_state state;
	uint32_t misses; /* unanswered in a row; stops at PROBE_MISSES_MAX */
	uint64_t last_good_ns;
	uint64_t silent_since_ns;
	struct probe_rtt rtt;
	uint32_t login_status;
	int32_t error;
	uint32_t failures;     /* attempts in a row that came to nothing */
	uint64_t logged_in_ns; /* when the present session began; 0 none */
	bool tcp_only;	       /* the target refuses a second session: remembered */
	bool shared; /* the target has taken our session beside the kernel's */
	uint32_t login_backoff_ms;
	uint64_t next_login_ns; /* not before, where tcp_only */
};

struct probe_step {
	bool drop;	   /* drop the connection, and try again … */
	uint32_t delay_ms; /* … after this pause: log in if probe_machine_login_due() */
};

/* Begin with nothing known. 'tcp_only': a former probe of this target was refused; do not
 * log in before limits->login_retry_ms have passed. */
void probe_machine_init(struct probe_machine *machine, bool tcp_only,
			const struct probe_limits *limits, uint64_t now_ns);

/* Take one event; returns what to do next. */
struct probe_step probe_machine_event(struct probe_machine *machine,
				      const struct probe_limits *limits,
				      const struct probe_event *event);

/*
 * Is the next attempt to be a login (else a TCP connect and no more)? A target that
 * refuses a second session is asked again now and then, but only while the kernel's
 * own session is logged in ('kernel_logged_in'), and so is one of which it is not known yet
 * that it takes two: where there is room for one session only the probe must never take
 * the kernel's place.
 */
bool probe_machine_login_due(const struct probe_machine *machine, bool kernel_logged_in,
			     uint64_t now_ns);

struct probe_pause {
	uint64_t until_ns;
	bool leisurely; /* it is longer than in a hurry: a miss or a hurry that begins ends it */
};

/*
 * How long to wait, after a NOP now, before the next one. All targets that answer are asked in the
 * same moments, so that one waking does for all of them.
 */
struct probe_pause probe_machine_pause(const struct probe_machine *machine,
				       const struct probe_limits *limits, bool hurry,
				       uint64_t now_ns, uint32_t random);

/* Does this login status (class << 8 | detail) refuse the session, not the initiator? */
bool probe_status_refuses_session(uint32_t status);
/* Does it refuse the credentials? Asking often could lock an account. */
bool probe_status_refuses_credentials(uint32_t status);

#endif
