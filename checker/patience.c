/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/patience.h"

#include <string.h>

#include "common/clock.h"

#define LEVEL_MAX 16
/* The round trip is short against the RTO below these parts of it. */
#define SHORT_RTT 5
#define SHORT_VAR 8
/* A window that was so many times larger and now has no room for what waits is closing. */
#define CLOSING 4

#define PROBE_US	150000 /* TCP's least RTO is 200 ms */
#define SHARE_NS  (PATIENCE_SHARE_MS * NS_PER_MS)
#define QUIET_NS  (PATIENCE_QUIET_MS * NS_PER_MS)
#define SIGHTS_NS (PATIENCE_SIGHTS_MS * NS_PER_MS)
#define N_SIGHTS  (sizeof(((struct patience *)0)->sights_ns) / sizeof(uint64_t))

void patience_reconnected(struct patience *patience)
{
	patience->known = false;
	patience->lost = patience->expired = patience->excused = false;
	patience->probed = false;
	patience->value_ms = 0;
	patience->wnd_top = 0;
	patience->sent = patience->resent = 0;
	memset(patience->sights_ns, 0, sizeof(patience->sights_ns));
}

static void raise_level(struct patience *patience, unsigned int by, uint64_t now_ns)
{
	patience->level = patience->level + by < LEVEL_MAX ? patience->level + by : LEVEL_MAX;
	patience->level_since_ns = now_ns;
}

void patience_dropped(struct patience *patience, uint64_t now_ns)
{
	patience->drops++;
	raise_level(patience, PATIENCE_DROP_LEVELS, now_ns);
	patience_reconnected(patience);
}

/* A timer of the connection has expired for data, and its retransmission is unanswered. */
static bool unanswered(const struct tcp_sample *sample)
{
	return sample->retransmits || (sample->backoff && sample->unacked);
}

static bool has_window(const struct tcp_sample *sample)
{
	return sample->snd_wnd != UINT32_MAX;
}

/* Is the peer's window closed, or nearly? 'moved': something was acknowledged since 'last'. */
static bool window_closed(const struct patience *patience, const struct tcp_sample *sample,
			  bool moved)
{
	const struct tcp_sample *last = &patience->last;
	bool idle = !sample->unacked;
	uint64_t waits = sample->notsent_bytes + (uint64_t)sample->unacked * sample->snd_mss;

	if (has_window(sample) && sample->snd_wnd < sample->snd_mss)
		return true;
	/* a back-off may outlive its loss until the next round trip is measured */
	if (sample->probes || (sample->backoff && idle && sample->notsent_bytes))
		return true;
	if (has_window(sample) && waits >= sample->snd_wnd &&
	    sample->snd_wnd < patience->wnd_top / CLOSING)
		return true;
	if (!patience->known || moved || !idle)
		return false;
	/* Data waits, none is on its way, none moves: what else could hold it? And the
	 * clock of the time lost to the window runs. (With data on its way it also runs
	 * through an outage, if the window was the limit before.) */
	if (sample->notsent_bytes && !last->unacked && last->notsent_bytes)
		return true;
	return sample->rwnd_limited_us > last->rwnd_limited_us;
}

/*
 * Has a probe of a closed window been sent, or may it have been between two looks? They go out
 * when an RTO has passed with data waiting, none in flight and no room for a segment.
 */
static bool maybe_probed(const struct patience *patience, const struct tcp_sample *sample)
{
	uint64_t before = patience->known ? patience->last.rwnd_limited_us : 0;
	bool waits = !sample->unacked && sample->notsent_bytes;

	if (sample->probes || (waits && sample->backoff))
		return true;
	if (waits && has_window(sample) && sample->snd_wnd < sample->snd_mss &&
	    sample->notsent_bytes > sample->snd_wnd)
		return true;
	if (waits && patience->known && !patience->last.unacked && patience->last.notsent_bytes &&
	    sample->bytes_acked == patience->last.bytes_acked)
		return true;
	/* more than a look apart, or before the first one */
	return sample->rwnd_limited_us >= before + PROBE_US;
}

/* The peer has just said something, so what we see of its window is no relic. */
static bool peer_spoke(const struct patience *patience, const struct tcp_sample *sample)
{
	const struct tcp_sample *last = &patience->last;

	return !patience->known || sample->bytes_acked != last->bytes_acked ||
	       sample->bytes_received != last->bytes_received ||
	       sample->snd_wnd != last->snd_wnd;
}

static void look_at_window(struct patience *patience, const struct tcp_sample *sample)
{
	bool moved = patience->known && sample->bytes_acked != patience->last.bytes_acked;
	bool stalled = unanswered(sample) || (sample->unacked && patience->known && !moved);

	patience->probed = patience->probed || maybe_probed(patience, sample);
	if (stalled && !peer_spoke(patience, sample))
		return;
	if (has_window(sample) && sample->snd_wnd > patience->wnd_top)
		patience->wnd_top = sample->snd_wnd;
	if (window_closed(patience, sample, moved))
		patience->closed_ns = sample->now_ns;
}

/* Segments sent since the last look; at least so many, where the kernel does not tell. */
static uint32_t segments_sent(const struct patience *patience, const struct tcp_sample *sample)
{
	if (sample->data_segs_out)
		return sample->data_segs_out - patience->last.data_segs_out;
	if (!sample->snd_mss)
		return 0;
	return (uint32_t)((sample->bytes_acked - patience->last.bytes_acked) / sample->snd_mss);
}

/* Was the link down just now, so that what is seen to be lost is no loss of the network? */
static bool link_was_down(const struct patience *patience, uint64_t now_ns)
{
	return patience->link_down_ns && now_ns >= patience->link_down_ns &&
	       now_ns - patience->link_down_ns <= PATIENCE_LINK_MS * NS_PER_MS;
}

static void count_segments(struct patience *patience, const struct tcp_sample *sample)
{
	if (!patience->known)
		return;
	if (sample->now_ns - patience->counted_ns >= SHARE_NS) {
		patience->sent /= 2;
		patience->resent /= 2;
		patience->counted_ns = sample->now_ns;
	}
	patience->sent += segments_sent(patience, sample);
	if (!link_was_down(patience, sample->now_ns))
		patience->resent += sample->total_retrans - patience->last.total_retrans;
}

static bool is_lossy(const struct patience *patience)
{
	return patience->resent * PATIENCE_SHARE >= patience->sent;
}

/* Retransmissions were seen now: is it one of several within a short time? */
static bool sight_of_many(struct patience *patience, uint64_t now_ns)
{
	uint64_t *sights = patience->sights_ns;
	bool many = sights[0] && now_ns - sights[0] <= SIGHTS_NS;

	memmove(sights, sights + 1, (N_SIGHTS - 1) * sizeof(*sights));
	sights[N_SIGHTS - 1] = now_ns;
	return many;
}

/*
 * A spell of loss is got over when something is acknowledged later than the look that saw
 * it: progress between the look before and that one may have come first, and an outage then.
 * One that began with the link is the link's, however long it takes.
 */
static void look_at_loss(struct patience *patience, const struct tcp_sample *sample)
{
	bool retransmitted = patience->known &&
			     sample->total_retrans != patience->last.total_retrans;
	bool excused = link_was_down(patience, sample->now_ns), before;

	if (patience->lost && !unanswered(sample) && sample->bytes_acked > patience->acked_lost) {
		if (!patience->excused)
			raise_level(patience, 1, sample->now_ns);
		patience->lost = patience->expired = false;
	}
	before = patience->lost;
	if (unanswered(sample))
		patience->expired = true;
	if (retransmitted && !excused && sight_of_many(patience, sample->now_ns) &&
	    is_lossy(patience))
		patience->lost = true;
	patience->lost = patience->lost || patience->expired;
	if (patience->lost && !before)
		patience->excused = excused;
	if (retransmitted || unanswered(sample))
		patience->acked_lost = sample->bytes_acked;
}

static void calm_down(struct patience *patience, uint64_t now_ns)
{
	while (patience->level && now_ns > patience->level_since_ns &&
	       now_ns - patience->level_since_ns >= QUIET_NS) {
		patience->level--;
		patience->level_since_ns += QUIET_NS;
	}
}

static uint64_t for_round_trip(const struct tcp_sample *sample)
{
	bool is_floor = (uint64_t)sample->rtt_us * SHORT_RTT <= sample->rto_us &&
			(uint64_t)sample->rtt_var_us * SHORT_VAR <= sample->rto_us;

	return is_floor ? 0 : (uint64_t)sample->rto_us * 5 / 2 / 1000;
}

static uint64_t for_loss(const struct patience *patience, const struct patience_limits *limits)
{
	return patience->level ? (uint64_t)limits->base_ms << patience->level : 0;
}

static uint64_t for_window(const struct patience *patience,
			   const struct patience_limits *limits, uint64_t now_ns)
{
	uint64_t halves = now_ns > patience->closed_ns ?
				  (now_ns - patience->closed_ns) / QUIET_NS :
				  0;

	return patience->closed_ns && halves < 32 ? limits->max_ms >> halves : 0;
}

static uint64_t largest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t wanted(const struct patience *patience, const struct patience_limits *limits,
		       const struct tcp_sample *sample)
{
	uint64_t ms = largest(limits->base_ms, for_loss(patience, limits));

	ms = largest(ms, for_window(patience, limits, sample->now_ns));
	ms = largest(ms, for_round_trip(sample));
	return ms < limits->max_ms ? (uint32_t)ms : limits->max_ms;
}

/* No more doublings than lead to the maximum: it would take as long to come down. */
static void cap_level(struct patience *patience, const struct patience_limits *limits)
{
	while (patience->level &&
	       (uint64_t)limits->base_ms << (patience->level - 1) >= limits->max_ms)
		patience->level--;
}

uint32_t patience_step(struct patience *patience, const struct patience_limits *limits,
		       const struct tcp_sample *sample)
{
	bool frozen;

	if (patience->known && patience->last.inode != sample->inode)
		patience_reconnected(patience);
	count_segments(patience, sample);
	look_at_loss(patience, sample);
	look_at_window(patience, sample);
	cap_level(patience, limits);
	calm_down(patience, sample->now_ns);
	/* only a peer that has just said "no room" is heard through the silence */
	frozen = unanswered(sample) && patience->closed_ns != sample->now_ns &&
		 patience->value_ms >= limits->base_ms && patience->value_ms <= limits->max_ms;
	if (!frozen)
		patience->value_ms = wanted(patience, limits, sample);
	patience->last = *sample;
	patience->known = true;
	return patience->value_ms;
}

bool patience_probed(const struct patience *patience)
{
	return patience->probed;
}

const char *patience_reason(const struct patience *patience,
			    const struct patience_limits *limits)
{
	uint64_t loss = for_loss(patience, limits);
	uint64_t window = for_window(patience, limits, patience->last.now_ns);

	if (patience->known && patience->probed)
		return "closed window";
	if (!patience->known || patience->value_ms <= limits->base_ms)
		return "";
	if (window >= patience->value_ms)
		return "closed window";
	return loss >= patience->value_ms ? "loss" : "round trip";
}
