/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is there a reason for haste (pace.h)? From sessions and the counters of their disks. */
#include "common/clock.h"
#include "daemon/quick/state.h"

/* What must be read of the disks in any case, to see whether there is I/O. */
static bool loads_are_due(const struct quick *quick, uint64_t now_ns)
{
	uint64_t every_ms = disk_loads_every_ms(quick->watch->inventory.n_disks);

	return !quick->loads_ns || now_ns - quick->loads_ns >= every_ms * NS_PER_MS;
}

void quick_read_loads(struct quick *quick, bool wanted, uint64_t now_ns)
{
	disk_loads_free(&quick->loads);
	if (!wanted && !loads_are_due(quick, now_ns))
		return;
	quick->loads_ns = now_ns;
	if (disk_loads_read(NULL, &quick->loads) < 0)
		quick->moved_ns = now_ns; /* unknown: there may be any */
}

void quick_note_moves(struct quick *quick, uint64_t now_ns)
{
	uint64_t mark = 0, in_flight = 0;

	if (!quick->loads.n)
		return;
	for (size_t i = 0; i < quick->n_sessions; i++) {
		if (!quick->sessions[i].present)
			continue;
		mark += quick->sessions[i].completed;
		in_flight += quick->sessions[i].in_flight;
	}
	if (in_flight || mark != quick->load_mark)
		quick->moved_ns = now_ns;
	quick->load_mark = mark;
}

/* Has it something to be acknowledged? */
static bool is_unanswered(const struct quick_session *session)
{
	return session->tcp_known && (session->tcp.unacked || session->tcp.notsent_bytes);
}

/* Does it need quick looks? What was unacknowledged at the look before, and has not moved, does. */
static bool is_in_need(const struct quick *quick, const struct quick_session *session,
		       uint64_t now_ns)
{
	const struct suspicion *suspicion = &session->suspicion;

	if (!session->logged_in_ns || session->given_up || session->draining || session->poke ||
	    session->fence != FENCE_NONE || session->doomed_since_ns || link_lost_since(session))
		return true;
	if (quick->connections && connection_known(&session->connection) && !session->tcp_known)
		return true;
	return session->odd || suspicion->since_ns || session->verdict != SUSPICION_NONE ||
	       (suspicion->unacked_ns && suspicion->unacked_ns < now_ns);
}

struct pace_facts quick_sessions_pace(const struct quick *quick, uint64_t now_ns)
{
	struct pace_facts facts = {.now_ns = now_ns, .moved_ns = quick->moved_ns};

	for (size_t i = 0; i < quick->n_sessions; i++) {
		const struct quick_session *session = &quick->sessions[i];

		if (!session->present)
			continue;
		facts.trouble |= is_in_need(quick, session, now_ns);
		facts.unanswered |= is_unanswered(session);
	}
	return facts;
}
