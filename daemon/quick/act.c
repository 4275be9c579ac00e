/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deeds: levers, giving connections up, and what follows a loss. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/quick/map_message.h"
#include "daemon/quick/state.h"

/* How often levers that should be in force are looked after: multipathd rewrites recovery_tmo
 * whenever it reloads a map. */
#define LEVERS_CHECK_MS 2000

/* How often that is done to each disk, of which sessions may have a thousand: nobody else writes
 * its max_retries, and one that is new makes another inventory. */
#define DISKS_CHECK_MS	 5000
#define DISKS_CHECK_EACH 8  /* so many more disks, so many times less often */

/* A link is lost: so long after that other paths have answered, or do not. */
#define LINK_PROOF_MS 1000

/* Names of all disks of a session; NULL: no memory. */
static const char **disks_of(const struct quick *quick, unsigned int sid, size_t *ret_n)
{
	const struct inventory *inventory = &quick->watch->inventory;
	const uint32_t *disks = inventory_session(inventory, sid, ret_n);
	const char **names = calloc(*ret_n + 1, sizeof(*names));

	for (size_t i = 0; names && i < *ret_n; i++)
		names[i] = inventory->disks[disks[i]].device;
	return names;
}

static void say_levers(const struct quick *quick, const struct quick_session *session,
		       const struct lever_state *before)
{
	const struct lever_state *now = &session->levers;
	char name[QUICK_NAME_MAX];

	if (now->socket == before->socket && now->quick == before->quick)
		return;
	quick_name(quick, session, name, sizeof(name));
	if (now->quick && now->socket == SOCKET_ARMED)
		log_line(LOG_INFO, "%s: quick, armed with %u ms", name, now->user_timeout_ms);
	else if (now->quick)
		log_line(LOG_NOTICE, "%s: quick, but its connection is not armed: %s", name,
			 lever_socket_text(now->socket));
	else if (now->error)
		log_line(LOG_WARNING, "%s: cannot be made quick: %s", name,
			 strerror(-now->error));
}

static const struct quick_timing *timing_of(const struct quick *quick,
					    const struct quick_session *session)
{
	const struct iscsi_identity *id = quick_identity(quick, session->sid);

	return settings_timing(&quick->settings, id ? id->name.target : "");
}

/* Must the disks of a session that is quick be looked after, not only the session? */
static bool disks_are_due(const struct quick *quick, const struct quick_session *session,
			  uint64_t now_ns)
{
	uint64_t every_ms;
	size_t n;

	if (!session->levers_on || !session->levers.quick || session->levers.error ||
	    session->disks_generation != quick->watch->inventory.generation)
		return true;
	inventory_session(&quick->watch->inventory, session->sid, &n);
	every_ms = (uint64_t)DISKS_CHECK_MS * (1 + n / DISKS_CHECK_EACH);
	/* Not all sessions at once. */
	every_ms += every_ms / 16 * (session->sid % 16);
	return now_ns - session->disks_ns >= every_ms * NS_PER_MS;
}

static void pull(struct quick *quick, struct quick_session *session, uint32_t user_timeout_ms,
		 uint64_t now_ns)
{
	struct lever_state before = session->levers;
	struct lever_wish wish = {.sid = session->sid,
				  .connection = session->connection,
				  .inode = session->tcp.inode,
				  .user_timeout_ms = user_timeout_ms,
				  .recovery_tmo_s =
					  timing_of(quick, session)->fail_stranded ? 0 : -1};
	const char **devices = NULL;
	int r = -ENOMEM;

	if (session->levers_on && session->wished_ms == user_timeout_ms &&
	    now_ns - session->levers_ns < LEVERS_CHECK_MS * NS_PER_MS)
		return;
	wish.keep_disks = !disks_are_due(quick, session, now_ns);
	if (!wish.keep_disks) {
		devices = disks_of(quick, session->sid, &wish.n_devices);
		wish.devices = devices;
		session->disks_ns = now_ns;
		session->disks_generation = quick->watch->inventory.generation;
	}
	if (wish.keep_disks || devices)
		r = levers_set(quick->levers, &wish, &session->levers);
	free(devices);
	if (r < 0)
		session->levers = (struct lever_state){.error = r};
	session->levers_on = true;
	session->draining = false;
	session->levers_ns = now_ns;
	session->wished_ms = user_timeout_ms;
	say_levers(quick, session, &before);
}

static void say_let_go(const struct quick *quick, const struct quick_session *session)
{
	char name[QUICK_NAME_MAX];

	log_line(LOG_INFO, "%s: not quick: %s%s%s%s",
		 quick_name(quick, session, name, sizeof(name)),
		 quick_reason_text(session->decision.reason), *session->decision_lun ? " (" : "",
		 session->decision_lun, *session->decision_lun ? ")" : "");
}

/* Its disks have their retries back; the socket stays armed for what is in flight. */
static void keep_socket_only(struct quick *quick, struct quick_session *session)
{
	const struct lever_wish wish = {.sid = session->sid,
					.connection = session->connection,
					.inode = session->tcp.inode,
					.user_timeout_ms = session->wished_ms,
					.recovery_tmo_s = -1};

	levers_set(quick->levers, &wish, &session->levers);
	session->levers.quick = false;
}

/* Nothing in flight proves nothing while the peer is silent: the connection may just have ended
 * and its I/O have come up, to be looked after by borrow.c and rideout.c. */
static bool is_drained(const struct quick *quick, const struct quick_session *session,
		       uint64_t now_ns)
{
	return !quick_unproven_since(session, now_ns) && quick_drained(quick, session);
}

static void let_go(struct quick *quick, struct quick_session *session, uint64_t now_ns)
{
	if (session->levers_on && session->tcp_known) {
		keep_socket_only(quick, session);
		quick_drain_begin(quick, session, now_ns);
	}
	if (session->levers_on)
		say_let_go(quick, session);
	session->levers_on = false;
	if (session->draining && session->tcp_known && !is_drained(quick, session, now_ns))
		return;
	session->draining = false;
	levers_clear(quick->levers, session->sid);
	session->levers = (struct lever_state){.quick = false};
}

static void note_decision(struct quick_session *session, struct quick_decision decision,
			  const struct quick_facts *facts, size_t first)
{
	const struct lun *lun = NULL;

	if (quick_reason_of_lun(decision.reason))
		lun = facts->which[first + decision.lun];
	session->decision = decision;
	snprintf(session->decision_lun, sizeof(session->decision_lun), "%s",
		 !lun ? "" : *lun->alias ? lun->alias : lun->wwid);
}

/* A connection must end by its own time-out before the kernel's NOP ends it: see drain.c. */
static struct patience_limits patience_limits_of(const struct quick_timing *timing,
						 const struct quick_session *session)
{
	struct patience_limits limits = {.base_ms = timing->user_timeout_ms,
					 .max_ms = timing->user_timeout_max_ms};
	uint32_t most = session->nop_ms ? session->nop_ms / 2 : UINT32_MAX;

	if (limits.max_ms > most)
		limits.max_ms = most;
	if (limits.base_ms > limits.max_ms)
		limits.base_ms = limits.max_ms;
	return limits;
}

const char *quick_why_patient(const struct quick *quick, const struct quick_session *session)
{
	const struct patience_limits limits = patience_limits_of(timing_of(quick, session), session);

	return patience_reason(&session->patience, &limits);
}

static uint32_t patience_of(const struct quick *quick, struct quick_session *session)
{
	const struct quick_timing *timing = timing_of(quick, session);
	const struct patience_limits limits = patience_limits_of(timing, session);
	uint32_t ms;

	session->patience.link_down_ns = session->link.trouble_ns;
	ms = patience_step(&session->patience, &limits, &session->tcp);
	return timing->arm && !patience_probed(&session->patience) ? ms : 0;
}

/* Between decisions only the time-out follows the connection. */
static void adapt(struct quick *quick, uint64_t now_ns)
{
	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		uint32_t ms;

		if (!session->present || !session->tcp_known)
			continue;
		ms = patience_of(quick, session);
		if (session->levers_on && ms != session->wished_ms)
			log_line(LOG_DEBUG, "session %u: user time-out %u ms, was %u (%s): rto %u ms, "
				 "window %u of %u, unacked %u, not sent %llu, retransmissions %u",
				 session->sid, ms, session->wished_ms,
				 quick_why_patient(quick, session), session->tcp.rto_us / 1000,
				 session->tcp.snd_wnd, session->patience.wnd_top,
				 session->tcp.unacked,
				 (unsigned long long)session->tcp.notsent_bytes,
				 session->tcp.total_retrans);
		if (session->levers_on && ms != session->wished_ms)
			pull(quick, session, ms, now_ns);
	}
}

void quick_act(struct quick *quick, uint64_t now_ns)
{
	const struct decide_limits limits = {.stable_ms = quick->settings.stable_ms};
	struct quick_facts facts;
	int r = quick_facts_make(quick, &facts);
	size_t i;

	quick_say_memory(quick, r, now_ns);
	if (r < 0)
		return;
	for (i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		struct decide_session about;

		if (!session->present)
			continue;
		about = quick_facts_of(quick, &facts, i, now_ns);
		note_decision(session, decide_quick(&about, &limits), &facts, facts.first[i]);
		if (session->decision.reason == QUICK_YES)
			pull(quick, session,
			     session->levers_on ? session->wished_ms : patience_of(quick, session),
			     now_ns);
		else
			let_go(quick, session, now_ns);
	}
	quick_facts_free(&facts);
}

/* No new I/O on any path of the session that is not its LUN's only one. */
static void fail_paths(struct quick *quick, const struct quick_session *session)
{
	const struct lun_table *table = &quick->watch->luns;
	size_t i, j, k;

	for (i = 0; i < table->n; i++) {
		const struct lun *lun = &table->luns[i];

		for (j = 0; j < lun->n_paths; j++) {
			bool other = false;
			int r;

			if (lun->paths[j].id->sid != session->sid || !lun->paths[j].dm ||
			    !lun->paths[j].dm->active)
				continue;
			for (k = 0; k < lun->n_paths; k++)
				other |= lun->paths[k].id->sid != session->sid &&
					 quick_path_usable(quick, lun, &lun->paths[k]);
			if (!other)
				continue;
			r = map_fail_path(lun->map->name, lun->paths[j].id->devt);
			if (r < 0 && r != -EINVAL)
				log_line(LOG_WARNING, "%s: failing path %s: %s", lun->map->name,
					 lun->paths[j].id->device, strerror(-r));
		}
	}
}

static void refuse(struct quick *quick, struct quick_session *session, enum quick_reason reason,
		   const char *why, const char *text)
{
	char name[QUICK_NAME_MAX];

	if (session->refused == reason)
		return;
	session->refused = reason;
	log_line(LOG_WARNING, "%s: %s, but it is not given up: %s",
		 quick_name(quick, session, name, sizeof(name)), why, text);
}

static int give_up(struct quick *quick, struct quick_session *session, const char *why)
{
	char name[QUICK_NAME_MAX];
	int r;

	quick_name(quick, session, name, sizeof(name));
	/* New I/O first, or some would be sent into the dead connection meanwhile. */
	fail_paths(quick, session);
	r = connections_destroy(quick->connections, &session->connection, session->tcp.inode);
	session->given_up = true;
	if (r < 0) {
		log_line(LOG_ERR, "%s: %s; its connection could not be ended: %s", name, why,
			 strerror(-r));
		return r;
	}
	quick->n_released++;
	log_line(LOG_WARNING, "%s: %s; its connection is ended, %llu I/Os in flight go elsewhere",
		 name, why, (unsigned long long)session->in_flight);
	return 0;
}

int quick_end_session(struct quick *quick, struct quick_session *session, const char *why,
		      uint64_t now_ns)
{
	bool begun = session->fence != FENCE_NONE;
	int r;

	if (!quick->connections)
		return -EPROTONOSUPPORT;
	if (!begun && !release_budget_take(&quick->budget, quick->settings.releases_per_minute,
					   now_ns)) {
		refuse(quick, session, QUICK_REASON_MAX, why,
		       "the limit of sessions given up per minute is reached");
		return -EBUSY;
	}
	quick_doubt_session(quick, session);
	r = quick_fence(quick, session, now_ns);
	if (r == 0)
		return give_up(quick, session, why);
	if (!begun) /* new I/O need not wait for that */
		fail_paths(quick, session);
	return r;
}

bool quick_is_dead(const struct quick_session *session)
{
	return session->present && session->logged_in_ns && !session->given_up &&
	       (session->verdict == SUSPICION_CONNECTION ||
		session->verdict == SUSPICION_TARGET || link_is_lost(session));
}

/* Nothing is in flight without a link: there is nothing to free, and the connection lives on if
 * the link comes back. So it is not counted against the limit, either. */
static void turn_away(struct quick *quick, struct quick_session *session, const char *why)
{
	char name[QUICK_NAME_MAX];

	if (session->link.turned_away)
		return;
	session->link.turned_away = true;
	log_line(LOG_NOTICE, "%s: %s; nothing is in flight, new I/O goes elsewhere",
		 quick_name(quick, session, name, sizeof(name)), why);
	fail_paths(quick, session);
}

/* Other paths have up to a probe's interval to answer in: no word about it before. */
static bool is_early(const struct quick_session *session, enum quick_reason reason,
		     uint64_t now_ns)
{
	return link_is_lost(session) && reason == QUICK_OTHERS_UNPROVEN &&
	       now_ns - link_lost_since(session) < LINK_PROOF_MS * NS_PER_MS;
}

static const char *why_dead(const struct quick_session *session, char *buffer, size_t size)
{
	if (!link_is_lost(session))
		return suspicion_text(session->verdict);
	return link_text(session, buffer, size);
}

static void consider(struct quick *quick, const struct quick_facts *facts, size_t index,
		     uint64_t now_ns)
{
	const struct decide_limits limits = {.stable_ms = quick->settings.stable_ms};
	struct quick_session *session = &quick->sessions[index];
	struct decide_session about = quick_facts_of(quick, facts, index, now_ns);
	struct quick_decision decision = decide_release(&about, &limits);
	char text[LINK_LOSS_TEXT_MAX];
	const char *why = why_dead(session, text, sizeof(text));

	if (is_early(session, decision.reason, now_ns))
		return;
	if (decision.reason != QUICK_YES)
		refuse(quick, session, decision.reason, why, quick_reason_text(decision.reason));
	else if (!quick->connections)
		refuse(quick, session, QUICK_NO_SOCKET, why, "sock_diag is not available");
	else if (session->in_flight || !link_is_lost(session))
		quick_end_session(quick, session, why, now_ns);
	else
		turn_away(quick, session, why);
}

void quick_give_up(struct quick *quick, uint64_t now_ns)
{
	struct quick_facts facts;
	bool any = false;
	size_t i;

	adapt(quick, now_ns);
	quick_doubt(quick);
	for (i = 0; i < quick->n_sessions; i++) {
		any |= quick_is_dead(&quick->sessions[i]);
		quick_fence_expire(&quick->sessions[i], quick_is_dead(&quick->sessions[i]));
	}
	if (!any || quick_facts_make(quick, &facts) < 0)
		return;
	for (i = 0; i < quick->n_sessions; i++)
		if (quick_is_dead(&quick->sessions[i]))
			consider(quick, &facts, i, now_ns);
	quick_facts_free(&facts);
}

bool quick_is_lost(const struct quick_session *session)
{
	return session->tcp_gone || (session->was_lost && !session->logged_in_ns);
}

/* A connection has gone, by whatever hand. */
static void on_loss(struct quick *quick, struct quick_session *session, uint64_t now_ns)
{
	char name[QUICK_NAME_MAX];

	session->outage_known = true;
	session->lost_ns = now_ns;
	session->lost_quick = session->levers_on || session->draining;
	session->lost_armed = session->lost_quick && session->levers.socket == SOCKET_ARMED &&
			      !session->given_up &&
			      (session->tcp.retransmits || session->tcp.probes);
	/* The probe's answers only: I/O that ends with its connection looks like one, too. Without
	 * a link they say nothing: it was no false alarm. */
	session->lost_answering =
		!link_lost_since(session) &&
		now_ns - session->nop_answered_ns < session->wished_ms * NS_PER_MS;
	quick->n_lost++;
	if (session->lost_armed)
		quick->n_dropped++;
	if (link_is_lost(session))
		quick->n_links_lost++;
	link_forget_packets(quick->links, quick, session, now_ns);
	log_line(LOG_NOTICE, "%s: connection lost%s",
		 quick_name(quick, session, name, sizeof(name)),
		 session->lost_armed	? " (armed time-out)"
		 : session->given_up ? " (given up)"
				     : "");
	/* Its disks are blocked now: I/O sent there would wait for recovery_tmo. */
	if (session->lost_quick)
		fail_paths(quick, session);
	watch_rescan_soon(quick->watch);
	quick_hurry(quick);
}

void quick_on_losses(struct quick *quick, uint64_t now_ns)
{
	quick_doubt(quick);
	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];

		if (session->present && quick_is_lost(session) && !session->outage_known)
			on_loss(quick, session, now_ns);
	}
}

void quick_take_back(struct quick *quick)
{
	unsigned int sids[64];
	size_t n = levers_list(quick->levers, sids, 64), before, i;

	do {
		before = n;
		for (i = 0; i < n && i < 64; i++)
			levers_clear(quick->levers, sids[i]);
		n = levers_list(quick->levers, sids, 64);
	} while (n && n < before);
	for (i = 0; i < quick->n_sessions; i++) {
		quick->sessions[i].levers_on = quick->sessions[i].draining = false;
		quick->sessions[i].levers = (struct lever_state){.quick = false};
	}
}
