/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/suspicion.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "common/clock.h"

/* Rows and columns as in the header. */
static const uint8_t meanings[][4][4] = {
#define NO SUSPICION_NONE
#define ID SUSPICION_IDLE
#define GR SUSPICION_GROWING
#define PR SUSPICION_PROBE_ONLY
#define CO SUSPICION_CONNECTION
#define TA SUSPICION_TARGET
	[IO_MOVING] = { { NO, NO, NO, PR }, { NO, NO, NO, PR }, { NO, NO, NO, PR },
			{ GR, GR, GR, GR } },
	[IO_NONE] = { { NO, NO, NO, ID }, { NO, NO, NO, ID }, { NO, NO, NO, ID },
		      { ID, ID, ID, ID } },
	[IO_STILL] = { { NO, NO, GR, GR }, { NO, NO, GR, TA }, { NO, NO, GR, TA },
		       { CO, CO, CO, CO } },
#undef NO
#undef ID
#undef GR
#undef PR
#undef CO
#undef TA
};

enum suspicion_verdict suspicion_meaning(enum suspicion_io io, enum suspicion_tcp tcp,
					 enum suspicion_probe probe)
{
	return (enum suspicion_verdict)meanings[io][tcp][probe];
}

bool suspicion_gives_up(enum suspicion_verdict verdict)
{
	return verdict == SUSPICION_CONNECTION || verdict == SUSPICION_TARGET;
}

void suspicion_set_probe(struct suspicion_facts *facts, const struct board_session *record)
{
	facts->probe = (enum probe_state)record->state;
	facts->misses = record->misses;
	facts->silent_since_ns = record->silent_since_ns;
	if (record->state != PROBE_LOGIN_FAILED || record->login_status ||
	    record->error != -ETIMEDOUT)
		return;
	facts->probe = PROBE_SILENT;
	if (facts->misses < 2)
		facts->misses = 2; /* the login's time-out is longer than that of many NOPs */
}

static enum suspicion_probe probe_says(const struct suspicion_facts *facts)
{
	switch (facts->probe) {
	case PROBE_UP:
		return PROBE_SAYS_UP;
	case PROBE_LATE:
		return PROBE_SAYS_LATE;
	case PROBE_SILENT:
		return facts->misses < 2 ? PROBE_SAYS_LATE : PROBE_SAYS_DEAD;
	case PROBE_LOST:
	case PROBE_REFUSED:
	case PROBE_UNREACHABLE:
		return PROBE_SAYS_DEAD;
	default:
		return PROBE_SAYS_NOTHING;
	}
}

/* A window probe that is answered, by whatever window, sets the count of probes to zero. */
static bool tcp_is_stuck(const struct tcp_sample *tcp)
{
	if (tcp->probes >= 2)
		return true;
	/* with data out and no window at all, retransmissions are window probes: the peer
	 * may well answer them, and nobody counts (tcp_retransmit_timer()) */
	return tcp->backoff >= 2 && tcp->unacked && tcp->snd_wnd;
}

static bool tcp_is_closed(const struct tcp_sample *tcp)
{
	if (!tcp->snd_wnd)
		return true;
	return !tcp->unacked && tcp->notsent_bytes &&
	       (tcp->backoff || tcp->probes || tcp->snd_wnd < tcp->snd_mss);
}

static enum suspicion_tcp tcp_says(const struct suspicion *suspicion,
				   const struct suspicion_facts *facts)
{
	if (!facts->tcp_known || facts->tcp.state != TCP_ESTABLISHED)
		return TCP_SAYS_NOTHING;
	if (suspicion->progress_ns < facts->now_ns && tcp_is_stuck(&facts->tcp))
		return TCP_SAYS_STUCK;
	return tcp_is_closed(&facts->tcp) ? TCP_SAYS_CLOSED : TCP_SAYS_ALIVE;
}

static bool in_flight(const struct suspicion_facts *facts)
{
	return !facts->io_unknown && facts->in_flight;
}

static uint64_t ms_since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t moving_ms(const struct suspicion_limits *limits)
{
	uint32_t ms = SUSPICION_MOVING_MS;

	if (limits->connection_dead_ms < ms)
		ms = limits->connection_dead_ms;
	return limits->target_dead_ms < ms ? limits->target_dead_ms : ms;
}

static enum suspicion_io io_says(const struct suspicion *suspicion,
				 const struct suspicion_limits *limits,
				 const struct suspicion_facts *facts)
{
	if (suspicion->answered_ns &&
	    (suspicion->answered_ns == facts->now_ns ||
	     ms_since(suspicion->answered_ns, facts->now_ns) < moving_ms(limits)))
		return IO_MOVING;
	return in_flight(facts) ? IO_STILL : IO_NONE;
}

static void remember(struct suspicion *suspicion, const struct suspicion_facts *facts)
{
	suspicion->completed_known = !facts->io_unknown;
	suspicion->completed = facts->completed;
	if (!facts->tcp_known)
		return;
	suspicion->bytes_acked = facts->tcp.bytes_acked;
	suspicion->bytes_received = facts->tcp.bytes_received;
	suspicion->inode = facts->tcp.inode;
}

static bool must_start_over(const struct suspicion *suspicion,
			    const struct suspicion_facts *facts)
{
	if (!suspicion->began_ns || facts->observer_late || !facts->logged_in)
		return true;
	if (ms_since(suspicion->look_ns, facts->now_ns) > SUSPICION_GAP_MS)
		return true;
	return facts->tcp_known && facts->tcp.inode != suspicion->inode;
}

/* Nothing that was going on before this look counts; what goes on now counts from now. */
static enum suspicion_verdict start_over(struct suspicion *suspicion,
					 const struct suspicion_facts *facts)
{
	memset(suspicion, 0, sizeof(*suspicion));
	suspicion->began_ns = suspicion->look_ns = facts->now_ns;
	if (in_flight(facts))
		suspicion->unanswered_ns = facts->now_ns;
	if (facts->tcp_known && (facts->tcp.unacked || facts->tcp.probes))
		suspicion->unacked_ns = facts->now_ns;
	remember(suspicion, facts);
	return SUSPICION_NONE;
}

/* 'clock' runs while 'on', from now or from the last 'moved'. */
static void run_clock(uint64_t *clock, bool on, bool moved, uint64_t now_ns)
{
	if (!on)
		*clock = 0;
	else if (moved || !*clock)
		*clock = now_ns;
}

static void look_for_progress(struct suspicion *suspicion, const struct suspicion_facts *facts)
{
	const struct tcp_sample *tcp = &facts->tcp;
	bool moved, waits, answered;

	/* counters that were not read at the look before may have moved long ago */
	answered = suspicion->completed_known && !facts->io_unknown &&
		   facts->completed != suspicion->completed;
	if (facts->tcp_known && tcp->bytes_received != suspicion->bytes_received)
		answered = true;
	moved = answered ||
		(facts->tcp_known && tcp->bytes_acked != suspicion->bytes_acked);
	/* a look at which the socket was not found leaves the clock as it was */
	waits = facts->tcp_known ? tcp->unacked || tcp->probes : suspicion->unacked_ns != 0;
	if (moved)
		suspicion->progress_ns = facts->now_ns;
	if (answered)
		suspicion->answered_ns = facts->now_ns;
	run_clock(&suspicion->unanswered_ns, in_flight(facts), answered, facts->now_ns);
	run_clock(&suspicion->unacked_ns, waits, moved, facts->now_ns);
	run_clock(&suspicion->still_ns, !moved, false, facts->now_ns);
	run_clock(&suspicion->silent_ns, !answered, false, facts->now_ns);
	run_clock(&suspicion->dead_ns, probe_says(facts) == PROBE_SAYS_DEAD, false,
		  facts->now_ns);
	remember(suspicion, facts);
}

static bool connection_is_over(const struct suspicion *suspicion,
			       const struct suspicion_limits *limits, uint64_t now_ns)
{
	/* unacked_ns starts over with all progress */
	return suspicion->unacked_ns &&
	       ms_since(suspicion->unacked_ns, now_ns) >=
		       later(limits->connection_dead_ms, limits->floor_ms);
}

/* Since when the probe has been without an answer; maybe longer than we have been watching. */
static uint64_t probe_dead_ns(const struct suspicion *suspicion,
			      const struct suspicion_facts *facts)
{
	return facts->silent_since_ns ? facts->silent_since_ns : suspicion->dead_ns;
}

/* The clock of the I/O does not reach back beyond the begin of our watch. */
static bool target_is_over(const struct suspicion *suspicion,
			   const struct suspicion_limits *limits,
			   const struct suspicion_facts *facts)
{
	uint64_t since_ns = later(probe_dead_ns(suspicion, facts),
				  later(suspicion->unanswered_ns, suspicion->answered_ns));

	return !facts->tcp.unread &&
	       ms_since(since_ns, facts->now_ns) >=
		       later(limits->target_dead_ms, limits->floor_ms);
}

/* The meaning, unless it gives up and it is too early for that. */
static enum suspicion_verdict verdict_of(const struct suspicion *suspicion,
					 const struct suspicion_limits *limits,
					 const struct suspicion_facts *facts)
{
	bool over;

	if (!suspicion_gives_up(suspicion->meaning))
		return suspicion->meaning;
	over = suspicion->meaning == SUSPICION_CONNECTION ?
		       connection_is_over(suspicion, limits, facts->now_ns) :
		       target_is_over(suspicion, limits, facts);
	return over && suspicion->signs >= SUSPICION_SIGNS ? suspicion->meaning :
							     SUSPICION_GROWING;
}

static uint64_t began(const struct suspicion *suspicion, const struct suspicion_facts *facts)
{
	if (suspicion->meaning == SUSPICION_TARGET)
		return later(suspicion->silent_ns, probe_dead_ns(suspicion, facts));
	return suspicion->still_ns ? suspicion->still_ns : facts->now_ns;
}

static void date(struct suspicion *suspicion, const struct suspicion_facts *facts)
{
	if (suspicion->verdict == SUSPICION_NONE)
		suspicion->since_ns = 0;
	else if (suspicion->verdict == SUSPICION_GROWING ||
		 suspicion_gives_up(suspicion->verdict))
		suspicion->since_ns = began(suspicion, facts);
	else if (!suspicion->since_ns)
		suspicion->since_ns = facts->now_ns;
}

enum suspicion_verdict suspicion_step(struct suspicion *suspicion,
				      const struct suspicion_limits *limits,
				      const struct suspicion_facts *facts)
{
	enum suspicion_verdict meaning;

	if (must_start_over(suspicion, facts))
		return start_over(suspicion, facts);
	suspicion->look_ns = facts->now_ns;
	look_for_progress(suspicion, facts);
	meaning = suspicion_meaning(io_says(suspicion, limits, facts),
				    tcp_says(suspicion, facts), probe_says(facts));
	suspicion->signs = meaning == suspicion->meaning ? suspicion->signs + 1 : 1;
	suspicion->meaning = meaning;
	suspicion->verdict = verdict_of(suspicion, limits, facts);
	date(suspicion, facts);
	return suspicion->verdict;
}

const char *suspicion_text(enum suspicion_verdict verdict)
{
	static const char *const texts[] = {
		[SUSPICION_NONE] = "no suspicion",
		[SUSPICION_IDLE] = "no answer, but nothing is in flight",
		[SUSPICION_GROWING] = "answers are overdue",
		[SUSPICION_PROBE_ONLY] = "the probe fails, but the session makes progress",
		[SUSPICION_CONNECTION] = "the session's connection is dead",
		[SUSPICION_TARGET] = "the target does not answer, though its host acknowledges",
	};

	_Static_assert(sizeof(texts) / sizeof(texts[0]) == SUSPICION_MAX, "all worded");
	return (unsigned int)verdict < SUSPICION_MAX ? texts[verdict] : "unknown";
}
