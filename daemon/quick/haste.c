/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is there a reason for haste (pace.h)? From sessions and the counters of their disks. */
#include "common/clock.h"
#include "daemon/quick/state.h"

/* They are read in any case, to see whether there is I/O; and mostly at each look if 'wanted'. */
static bool loads_are_due(const struct quick *quick, bool wanted, uint64_t now_ns)
{
	uint64_t pause_ms = disk_loads_pause_ms(quick->loads_cost_us, wanted);

	return !quick->loads_ns || now_ns - quick->loads_ns >= pause_ms * NS_PER_MS;
}

static uint64_t processor_us(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / NS_PER_US;
}

int quick_loads(struct quick *quick, struct disk_loads *ret)
{
	uint64_t begin_us = processor_us();
	int r = disk_loads_read(NULL, ret);

	quick->loads_cost_us = (uint32_t)(processor_us() - begin_us);
	return r;
}

void quick_read_loads(struct quick *quick, bool wanted, uint64_t now_ns)
{
	disk_loads_free(&quick->loads);
	if (!loads_are_due(quick, wanted, now_ns))
		return;
	quick->loads_ns = now_ns;
	if (quick_loads(quick, &quick->loads) < 0)
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
