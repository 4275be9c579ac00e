/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of sessions: follows the inventory, and looks at each connection. */
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/identity_session.h"
#include "common/sysfs.h"
#include "daemon/log.h"
#include "daemon/quick/state.h"

/* With the kernel's NOPs off a silence ends when TCP gives up; we ride it out no longer. */
#define NO_NOP_RIDE_OUT_S 120
/* A login this soon after an armed connection was ended, though its portal was answering: the peer
 * had been there. iscsid begins with a pause of 2 s (open-iscsi, session_conn_reopen()), in which an
 * outage may well have ended: the login alone says little. */
#define FALSE_ALARM_MS 2500
/* multipathd sets recovery_tmo when it likes. */
#define TIMERS_EVERY_MS 5000

static bool is_session(const struct quick_session *session, unsigned int sid)
{
	return session->present && session->sid == sid;
}

struct quick_session *quick_session(const struct quick *quick, unsigned int sid)
{
	/* Only a hint: the table is what counts. */
	uint32_t *hint = &quick->place[sid % QUICK_PLACES];

	if (*hint < quick->n_sessions && is_session(&quick->sessions[*hint], sid))
		return &quick->sessions[*hint];
	for (size_t i = 0; i < quick->n_sessions; i++)
		if (is_session(&quick->sessions[i], sid)) {
			*hint = (uint32_t)i;
			return &quick->sessions[i];
		}
	return NULL;
}

const struct iscsi_identity *quick_identity(const struct quick *quick, unsigned int sid)
{
	const struct watched_session *session = watch_session(quick->watch, sid);

	return session ? session->id : NULL;
}

const char *quick_name(const struct quick *quick, const struct quick_session *session,
		       char *buffer, size_t size)
{
	const struct iscsi_identity *id = quick_identity(quick, session->sid);
	char portal[PORTAL_TEXT_MAX];

	if (!id) {
		snprintf(buffer, size, "session %u", session->sid);
		return buffer;
	}
	portal_format(&id->name.portal, portal, sizeof(portal));
	snprintf(buffer, size, "%s over %s", portal,
		 *id->name.netdev ? id->name.netdev : id->name.iface);
	return buffer;
}

/* One that was logged out and is back under another number, or a free place. */
static struct quick_session *adopt(struct quick *quick, uint64_t name_hash)
{
	for (size_t i = 0; i < quick->n_sessions; i++)
		if (!quick->sessions[i].present && quick->sessions[i].name_hash == name_hash)
			return &quick->sessions[i];
	return NULL;
}

static struct quick_session *add(struct quick *quick, const struct iscsi_identity *id)
{
	uint64_t hash = path_name_hash(&id->name);
	struct quick_session *session = adopt(quick, hash), *grown;

	if (!session) {
		grown = reallocarray(quick->sessions, quick->n_sessions + 1, sizeof(*grown));
		if (!grown)
			return NULL;
		quick->sessions = grown;
		session = &grown[quick->n_sessions++];
		*session = (struct quick_session){.name_hash = hash};
	}
	session->sid = id->sid;
	session->present = true;
	session->levers_on = false;
	session->logged_in_ns = 0;
	return session;
}

static int timer_s(int connection, const char *name)
{
	uint64_t value;

	return sysfs_number(connection, name, 0, INT_MAX, &value) < 0 ? -1 : (int)value;
}

/* recovery_tmo as it was before us. */
static int recovery_s(const struct quick *quick, const struct iscsi_identity *id, int root)
{
	int before = levers_recovery_before(quick->levers, id->sid), session;
	uint64_t value = 0;

	if (before != INT_MIN)
		return before;
	session = session_open(root, id->sid);
	if (session < 0)
		return -1;
	if (sysfs_number(session, "recovery_tmo", 0, INT_MAX, &value) < 0)
		value = UINT64_MAX; /* "off": the kernel waits for ever, and so do we */
	close(session);
	return value == UINT64_MAX ? -1 : (int)value;
}

/*
 * How long stock timers ride out a silence: until the kernel's NOP has been missed, and then
 * recovery_tmo. A request that dm sends to a disk in the moment between its session's failure and
 * the path's waits for that too, unless stranded_io = fail has set it to 0.
 */
static void read_timers(const struct quick *quick, const struct iscsi_identity *id,
			struct quick_session *session, uint64_t now_ns)
{
	char name[64];
	int root = sysfs_open_root(quick->watch->options.sysfs), connection;
	int interval = -1, timeout = -1, recovery = -1;

	session->timers_ns = now_ns;
	session->stock_ms = UINT32_MAX;
	if (root < 0)
		return;
	snprintf(name, sizeof(name), "class/iscsi_connection/connection%u:%u", id->sid, id->cid);
	connection = sysfs_open_dir(root, name);
	if (connection >= 0) {
		interval = timer_s(connection, "recv_tmo");
		timeout = timer_s(connection, "ping_tmo");
		close(connection);
	}
	session->nop_ms = interval > 0 && timeout > 0 && interval < 600 && timeout < 600
				? (uint32_t)(interval + timeout) * 1000
				: 0;
	recovery = recovery_s(quick, id, root);
	close(root);
	if (recovery < 0 || recovery > INT_MAX / 4000)
		return;
	session->stock_ms = (uint32_t)recovery * 1000 +
			    (session->nop_ms ? session->nop_ms : NO_NOP_RIDE_OUT_S * 1000);
}

static void login_begins(struct quick *quick,
			 const struct connection_name *connection, struct quick_session *session,
			 uint64_t now_ns)
{
	session->connection = *connection;
	session->logged_in_ns = now_ns;
	session->timers_ns = 0;
	if (session->lost_armed && session->lost_answering &&
	    now_ns - session->lost_ns < FALSE_ALARM_MS * NS_PER_MS) {
		/* Whoever takes a login so soon was never away. */
		patience_dropped(&session->patience, now_ns);
		quick->n_false++;
	}
	session->tcp = (struct tcp_sample){.inode = 0};
	session->link = (struct session_link){.looked_ns = 0};
	session->given_up = session->outage_known = session->tcp_gone = false;
	session->fence = FENCE_NONE;
	session->lost_armed = false;
	session->refused = QUICK_YES;
	session->verdict = SUSPICION_NONE;
	session->suspicion = (struct suspicion){.since_ns = 0};
	session->levers_on = false; /* a new socket is not armed */
	session->draining = false;
	patience_reconnected(&session->patience);
}

static void login_ends(struct quick_session *session)
{
	if (session->logged_in_ns)
		session->was_lost = true;
	session->logged_in_ns = 0;
	session->tcp_known = false;
	session->healthy = false;
}

static void follow(struct quick *quick, const struct iscsi_identity *id,
		   struct quick_session *session, uint64_t now_ns)
{
	const struct connection_name connection = {.local = id->name.source,
						   .local_port = id->local_port,
						   .peer = id->current};
	bool up = id->session_state == SESSION_LOGGED_IN &&
		  (id->connection_state == CONNECTION_UP ||
		   id->connection_state == CONNECTION_UNKNOWN);

	if (!up)
		login_ends(session);
	else if (!session->logged_in_ns || !connection_equal(&connection, &session->connection))
		login_begins(quick, &connection, session, now_ns);
	if (up && (!session->timers_ns ||
		   now_ns - session->timers_ns >= TIMERS_EVERY_MS * NS_PER_MS))
		read_timers(quick, id, session, now_ns);
}

/* Forget what is logged out and has no flaps that still count. */
static void forget(struct quick *quick, uint64_t now_ns)
{
	const struct damping_limits limits = {.half_life_s = quick->settings.flap_half_life_s,
					      .hold = quick->settings.flap_hold,
					      .reuse = quick->settings.flap_reuse};
	size_t n = 0;

	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];

		if (session->present ||
		    damping_penalty(&session->damping, &limits, now_ns) >= DAMPING_FLAP / 10)
			quick->sessions[n++] = *session;
		else
			lun_ask_put(session->poke);
	}
	quick->n_sessions = n;
}

int quick_sessions_sync(struct quick *quick, uint64_t now_ns)
{
	const struct watch *watch = quick->watch;
	size_t i;

	for (i = 0; i < quick->n_sessions; i++)
		if (quick->sessions[i].present && !watch_session(watch, quick->sessions[i].sid)) {
			login_ends(&quick->sessions[i]);
			quick->sessions[i].present = false;
		}
	forget(quick, now_ns);
	for (i = 0; i < watch->n_sessions; i++) {
		const struct iscsi_identity *id = watch->sessions[i].id;
		struct quick_session *session = quick_session(quick, id->sid);

		if (!session)
			session = add(quick, id);
		if (!session)
			return -ENOMEM;
		follow(quick, id, session, now_ns);
	}
	levers_forget_gone(quick->levers);
	return 0;
}

/* A connection that was there and is no more is gone, whatever sysfs has not noticed yet. */
static void look_at_connection(struct quick *quick, struct quick_session *session)
{
	uint32_t seen = session->tcp.inode;
	int r;

	session->tcp_known = false;
	if (!session->logged_in_ns || !quick->connections ||
	    !connection_known(&session->connection))
		return;
	r = connections_look(quick->connections, &session->connection, &session->tcp);
	if (r == 0 && session->tcp.state == TCP_ESTABLISHED)
		session->tcp_known = true;
	if (r == -ENOENT || (r == 0 && !session->tcp_known))
		session->tcp_gone = seen != 0;
}

/* Is anything about it not as it is every day? Only then are its disks looked at. */
static bool is_odd(const struct quick_session *session, const struct board_session *probe)
{
	return (session->tcp_known && (session->tcp.retransmits || session->tcp.backoff ||
				       session->tcp.probes)) ||
	       (probe->state != PROBE_UP && probe->state != PROBE_NONE &&
		probe->state != PROBE_TCP_ONLY && probe->state != PROBE_LOCAL) ||
	       session->suspicion.since_ns || session->draining || link_lost_since(session);
}

static void sum_loads(const struct quick *quick, struct quick_session *session)
{
	const struct inventory *inventory = &quick->watch->inventory;
	const uint32_t *disks;
	size_t n;

	session->in_flight = 0;
	if (!quick->loads.n)
		return; /* not read: what had ended by then is as much as is known */
	session->completed = 0;
	disks = inventory_session(inventory, session->sid, &n);
	for (size_t i = 0; i < n; i++) {
		const struct disk_load *load =
			disk_loads_find(&quick->loads, inventory->disks[disks[i]].devt);

		if (!load)
			continue;
		session->in_flight += load->in_flight;
		session->completed += load->completed;
	}
}

/* What a session's own TCP cannot be blamed for. */
static bool probe_speaks_against(enum probe_state state)
{
	return state == PROBE_SILENT || state == PROBE_LOST || state == PROBE_REFUSED ||
	       state == PROBE_UNREACHABLE || state == PROBE_LOGIN_FAILED;
}

static void judge(struct quick *quick, struct quick_session *session,
		  const struct board_session *probe, bool late, uint64_t now_ns)
{
	const struct iscsi_identity *id = quick_identity(quick, session->sid);
	const struct quick_timing *timing =
		settings_timing(&quick->settings, id ? id->name.target : "");
	const struct suspicion_limits limits = {.connection_dead_ms = timing->connection_dead_ms,
						.target_dead_ms = timing->target_dead_ms,
						.floor_ms = timing->floor_ms};
	struct suspicion_facts facts = {
		.now_ns = now_ns,
		.observer_late = late,
		.logged_in = session->logged_in_ns != 0,
		.tcp_known = session->tcp_known,
		.tcp = session->tcp,
		.io_unknown = !quick->loads.n,
		.in_flight = session->in_flight,
		.completed = session->completed,
	};
	char name[QUICK_NAME_MAX];
	enum suspicion_verdict verdict;

	suspicion_set_probe(&facts, probe);
	verdict = suspicion_step(&session->suspicion, &limits, &facts);
	if (verdict != session->verdict && (verdict >= SUSPICION_PROBE_ONLY ||
					    session->verdict >= SUSPICION_PROBE_ONLY))
		log_line(verdict >= SUSPICION_PROBE_ONLY ? LOG_WARNING : LOG_INFO, "%s: %s",
			 quick_name(quick, session, name, sizeof(name)), suspicion_text(verdict));
	session->verdict = verdict;
	session->healthy = session->logged_in_ns && session->tcp_known &&
			   !probe_speaks_against(probe->state) &&
			   verdict != SUSPICION_CONNECTION && verdict != SUSPICION_TARGET &&
			   !link_is_lost(session);
	session->answered_ns = session->nop_answered_ns = probe->last_good_ns;
	/* not its acknowledgements: the kernel of a stopped target gives those */
	if (session->suspicion.answered_ns > session->answered_ns)
		session->answered_ns = session->suspicion.answered_ns;
	quick_poke(quick, session, probe);
}

void quick_sessions_look(struct quick *quick, bool late, uint64_t now_ns)
{
	struct board_session *probes = calloc(quick->n_sessions + 1, sizeof(*probes));
	bool odd = false;
	size_t i;

	for (i = 0; probes && i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		const struct watched_session *watched = watch_session(quick->watch, session->sid);

		if (!session->present || !watched)
			continue;
		watch_session_record(quick->watch, watched, now_ns, &probes[i]);
		look_at_connection(quick, session);
		session->odd = is_odd(session, &probes[i]);
		odd |= session->odd;
	}
	quick_read_loads(quick, odd, now_ns);
	for (i = 0; probes && i < quick->n_sessions; i++) {
		if (!quick->sessions[i].present)
			continue;
		sum_loads(quick, &quick->sessions[i]);
		judge(quick, &quick->sessions[i], &probes[i], late, now_ns);
	}
	quick_note_moves(quick, now_ns);
	free(probes);
}

bool quick_sessions_came_back(const struct quick *quick)
{
	bool back = false;
	int root = -1;

	for (size_t i = 0; i < quick->n_sessions && !back; i++) {
		const struct quick_session *session = &quick->sessions[i];
		char state[32] = "";
		int dir;

		if (!session->present || (session->logged_in_ns && !session->tcp_gone))
			continue;
		if (root < 0)
			root = sysfs_open_root(quick->watch->options.sysfs);
		dir = root < 0 ? root : session_open(root, session->sid);
		if (dir < 0)
			continue;
		sysfs_text(dir, "state", state, sizeof(state));
		close(dir);
		back = !strcmp(state, session_state_name(SESSION_LOGGED_IN));
	}
	if (root >= 0)
		close(root);
	return back;
}
