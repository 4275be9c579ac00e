/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_H
#define MPATHISCSI_PROBE_H

/*
 * The probe engine: one iSCSI session of our own per (initiator port, portal, target),
 * kept by an unprivileged child process (mpathiscsi-probe, the only one that uses
 * libiscsi), with a NOP-Out at an interval and a deadline for each answer.
 *
 * The child parses bytes from the network and is not trusted: whatever it says is
 * checked; one that dies, hangs or talks nonsense is killed and replaced, and until its
 * successor has seen something for itself there is no evidence (PROBE_NONE).
 *
 * Only software iSCSI sessions (iscsi_tcp) are to be given to it. One thread: the one of
 * the sd_event loop, which should be the main thread (the child dies with its parent
 * thread).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/board.h"
#include "common/path_name.h"

#define PROBE_MAX_TARGETS 512
#define PROBE_MAX_FENCES  8
#define PROBE_CHAP_MAX	  256 /* libiscsi's own limit: 255 bytes and the NUL */
#define PROBE_TEXT_MAX	  128

/* Credentials of the kernel's session; empty strings: none. Wipe it after use. */
struct probe_chap {
	char user[PROBE_CHAP_MAX];
	char password[PROBE_CHAP_MAX];
	char user_in[PROBE_CHAP_MAX]; /* by which the target proves itself */
	char password_in[PROBE_CHAP_MAX];
};

/*
 * Where and how to probe. The key, of which there is never more than one session, is
 * name.target, name.portal, name.iface and name.netdev.
 *
 * The probe connects to 'current', the kernel session's present peer, if known (after a
 * redirect it differs from the persistent portal), else to name.portal; once a current
 * peer was known it is kept when 'current' becomes unknown (the kernel's connection is
 * down), so that an outage does not move the probe. name.source, if known, is what the
 * probe's own socket must have: else it would travel another road than the kernel's
 * session (PROBE_LOCAL). It too is kept when it becomes unknown.
 */
struct probe_target {
	struct path_name name;
	struct portal current;
	char initiator[ISCSI_NAME_MAX]; /* the kernel session's InitiatorName */
	bool header_digest;		/* as the kernel session negotiated it */
	bool kernel_logged_in;		/* the kernel's session is LOGGED_IN now */
	struct probe_chap chap;
};

/* What the probe of a target has seen. Times: CLOCK_MONOTONIC. */
struct probe_report {
	enum probe_state state;
	uint64_t updated_ns;   /* when the child last said something about it; 0 never */
	uint64_t last_good_ns; /* last NOP answer (TCP_ONLY: connect); 0 never */
	uint64_t silent_since_ns; /* when the oldest unanswered NOP was sent; 0 none */
	uint32_t rtt_us;	  /* smoothed round trip; 0 no sample */
	uint32_t rtt_var_us;
	uint32_t misses;	   /* unanswered in a row */
	uint32_t login_status;	   /* class << 8 | detail; 0 none */
	int32_t error;		   /* negative errno; 0 none */
	char text[PROBE_TEXT_MAX]; /* for people, printable ASCII; may be "" */
};

/* Durations in ms unless said otherwise. Fill with probe_config_default(). */
struct probe_config {
	uint32_t interval_ms;	  /* between NOPs; ±10 % to one that owes an answer; 50…60000 */
	uint32_t idle_interval_ms; /* … while there is no hurry, see probe_engine_hurry(); less
				      than interval_ms counts as that; 50…60000 */
	uint32_t nop_deadline_ms; /* an answer is never overdue earlier; 10…60000 */
	uint32_t nop_deadline_max_ms; /* … and always after this; ≥ the former, ≤ 60000 */
	uint32_t misses_silent;	      /* unanswered NOPs in a row = silent; 1…12 */
	uint32_t connect_timeout_ms; /* 10…60000 */
	uint32_t login_timeout_ms;   /* 10…60000 */
	uint32_t retry_min_ms;	     /* 10…60000 */
	uint32_t retry_max_ms;	     /* ≥ retry_min_ms, ≤ 600000 */
	uint32_t slow_retry_ms; /* after refused credentials and redirects; 100…3600000 */
	uint32_t silent_relogin_ms; /* after so long a silence try a new session;
				       100…3600000 */
	uint32_t tcp_interval_ms;   /* TCP connects where login is refused; 100…60000 */
	uint32_t login_retry_ms; /* logins there: first pause, grows 16-fold; 100…3600000
				  */
	uint32_t child_dead_ms;	 /* child silent so long is dead; 500…60000 */
	const char *child_path;	 /* NULL: LIBEXECDIR "/mpathiscsi-probe" */
	const char *user;	 /* NULL: _mpathiscsi if there is one, else nobody; used
				    only when the caller is root */
};

void probe_config_default(struct probe_config *config);

/* NULL, or a phrase naming the first field that is out of its range. */
const char *probe_config_check(const struct probe_config *config);

struct probe_engine;

/*
 * Called from the event loop when the state, login status or error of a target has
 * changed (not for each NOP: read the round trip by probe_engine_find() when wanted). It
 * must not call probe_engine_set() or probe_engine_free(). Both pointers are valid during
 * the call only.
 */
typedef void (*probe_changed_fn)(const struct probe_target *target,
				 const struct probe_report *report, void *arg);

/*
 * Make an engine on 'event' (a reference is taken). No child is started before there is
 * something to probe. 'config' is copied, the two strings too. 'changed' may be NULL.
 * Free with probe_engine_free(). -EINVAL: see probe_config_check(); -ENOENT: config->user
 * does not exist; other -errno.
 */
int probe_engine_new(sd_event *event, const struct probe_config *config,
		     probe_changed_fn changed, void *arg, struct probe_engine **ret);

/*
 * Probe exactly these targets from now on. Level-triggered: the difference to what is
 * probed already is worked out by key; an unchanged target is not disturbed; two of one
 * key are probed once. Targets are copied. -E2BIG: more than PROBE_MAX_TARGETS;
 * -EINVAL: a target without name, initiator or portal; -ENOMEM. On error nothing has
 * changed. A child that cannot be started is no error here (see probe_engine_status()).
 */
int probe_engine_set(struct probe_engine *engine, const struct probe_target *targets,
		     size_t n);

/*
 * Is there a hurry? Then each target gets a NOP now and at every interval_ms, and each answer is
 * known here at once: so it is until this is called. Else a target that answers gets one every
 * idle_interval_ms, all of them in the same moment, and what is new of it but no change is told
 * with the next beat. One that owes an answer is asked at every interval_ms, hurry or not.
 */
void probe_engine_hurry(struct probe_engine *engine, bool hurry);

/* The report of a target by its key, NULL if it is not probed. Valid until the next
 * probe_engine_set() or turn of the event loop. */
const struct probe_report *probe_engine_find(const struct probe_engine *engine,
					     const struct probe_target *target);

/* What became of a fence. */
struct probe_fence_result {
	int32_t error;		   /* 0: the target granted the login; negative errno */
	uint32_t login_status;	   /* class << 8 | detail; 0 none */
	char text[PROBE_TEXT_MAX]; /* for people; "" when all is well */
};
/* As probe_changed_fn, it must not set the targets or free the engine. */
typedef void (*probe_fenced_fn)(unsigned int sid, const struct probe_fence_result *result,
				void *arg);

/*
 * Take the place of the kernel's session 'sid' at its target: log in over the road of 'via'
 * (another portal of the same target and portal group; its chap: what the session uses) with
 * that session's InitiatorName and ISID, and log out. A target that follows RFC 7143, 6.3.5 ends
 * the session's tasks and closes its connections before it grants the login. Whether it does
 * cannot be seen from here: a granted login is all that is told.
 *
 * 'done' is called from the event loop, once, within deadline_ms (10 … 60000) and half a second
 * (the engine's own clock, should the child say nothing); not at all when the engine is freed.
 * -ENOTCONN: there is no child that works; -EBUSY: PROBE_MAX_FENCES are under way; -EAGAIN: the
 * child does not take it now; -EINVAL.
 */
int probe_engine_fence(struct probe_engine *engine, const struct probe_target *via,
		       unsigned int sid, uint32_t deadline_ms, probe_fenced_fn done, void *arg);

/* How the child fares, for people and for logs. */
struct probe_engine_status {
	pid_t pid;			   /* 0: no child now */
	uint32_t starts;		   /* children started so far */
	uint32_t failures;		   /* children in a row that did not last */
	char last_failure[PROBE_TEXT_MAX]; /* why the last one went, "" never */
};
void probe_engine_status(const struct probe_engine *engine,
			 struct probe_engine_status *ret);

/* End the probes (they log out, within half a second), reap the child, wipe the secrets.
 * NULL is fine. */
void probe_engine_free(struct probe_engine *engine);

#endif
