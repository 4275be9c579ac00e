/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TESTS_TCP_MODEL_H
#define MPATHISCSI_TESTS_TCP_MODEL_H

/*
 * A sender as Linux' TCP is, as far as TCP_USER_TIMEOUT is concerned, in steps of a
 * millisecond with seeded chance: SACK, loss found by RACK, one tail loss probe, the
 * retransmission timer with its back-off, retrans_stamp kept for a whole recovery, and the
 * abort that tcp_write_timeout() decides at a timer's expiry. A packet is one write of 4 KiB
 * (three segments, lost as a whole, as behind GSO).
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checker/tcp_sample.h"
#include "common/clock.h"

#define MODEL_PACKETS 64   /* ring; more than any depth */
#define MODEL_DELAYS  1024 /* ring of ms; longer than any delay */
#define MODEL_SEGS    3
#define MODEL_BYTES   4144
#define MODEL_EXPIRIES 12

struct model_packet {
	uint64_t sent_ms;
	bool received, sacked, lost;
};

struct model_event { /* what is on its way: data to the peer or an acknowledgement back */
	uint64_t packet, ack;
	uint64_t sent_ms;
	bool is_ack;
};

struct model {
	/* the scene */
	unsigned int seed;
	double loss, ack_loss;
	unsigned int delay_ms, jitter_ms; /* one way: delay ± jitter */
	unsigned int per_s, depth;
	bool cut; /* nothing arrives any more, in either direction */
	uint32_t user_timeout_ms;
	/* the sender */
	uint64_t now_ms;
	uint64_t una, nxt;	/* packets */
	double due;		/* writes that want to be sent */
	double cwnd;
	double srtt, mdev;
	uint64_t rack_sent_ms;
	uint64_t timer_ms, probe_ms; /* 0: not armed */
	bool probed;
	bool recovery;
	uint64_t high;
	uint64_t stamp_ms; /* retrans_stamp; 0 none */
	uint32_t retransmits, backoff, total_retrans, segs_out;
	uint32_t inode;
	struct model_packet packets[MODEL_PACKETS];
	/* the peer, and what is on its way */
	uint64_t rcv_nxt;
	struct model_event events[MODEL_DELAYS][2 * MODEL_PACKETS];
	size_t n_events[MODEL_DELAYS];
	/* the score */
	uint64_t expired[MODEL_EXPIRIES]; /* runs of timer expiries: how many got so far */
	unsigned int aborts;
	uint64_t aborted_ms;
};

static inline double model_chance(struct model *m)
{
	return (double)rand_r(&m->seed) / ((double)RAND_MAX + 1);
}

static inline struct model_packet *model_packet(struct model *m, uint64_t n)
{
	return &m->packets[n % MODEL_PACKETS];
}

static inline unsigned int model_rto(const struct model *m)
{
	double var = 4 * m->mdev;

	return (unsigned int)(m->srtt + (var > 200 ? var : 200) + 0.999);
}

static inline void model_connect(struct model *m)
{
	m->una = m->nxt = m->rcv_nxt = 0;
	m->due = 0;
	m->cwnd = 10;
	m->srtt = 2.0 * m->delay_ms;
	m->mdev = 0;
	m->rack_sent_ms = m->timer_ms = m->probe_ms = m->stamp_ms = 0;
	m->probed = m->recovery = false;
	m->retransmits = m->backoff = m->total_retrans = m->segs_out = 0;
	m->inode++;
	memset(m->packets, 0, sizeof(m->packets));
	memset(m->n_events, 0, sizeof(m->n_events));
}

static inline void model_put(struct model *m, struct model_event event, double loss)
{
	unsigned int low = m->delay_ms > m->jitter_ms ? m->delay_ms - m->jitter_ms : 0;
	unsigned int span = m->delay_ms + m->jitter_ms - low + 1;
	unsigned int delay = low + (unsigned int)(model_chance(m) * span);
	size_t at;

	if (m->cut || model_chance(m) < loss)
		return;
	at = (m->now_ms + (delay ? delay : 1)) % MODEL_DELAYS;
	if (m->n_events[at] < 2 * MODEL_PACKETS)
		m->events[at][m->n_events[at]++] = event;
}

static inline void model_send(struct model *m, uint64_t n)
{
	struct model_packet *p = model_packet(m, n);

	p->sent_ms = m->now_ms;
	p->lost = false;
	m->segs_out += MODEL_SEGS;
	model_put(m, (struct model_event){ .packet = n, .sent_ms = m->now_ms }, m->loss);
}

static inline void model_send_new(struct model *m)
{
	memset(model_packet(m, m->nxt), 0, sizeof(struct model_packet));
	model_send(m, m->nxt++);
	if (!m->timer_ms)
		m->timer_ms = m->now_ms + model_rto(m);
}

static inline void model_retransmit(struct model *m, uint64_t n)
{
	if (!m->stamp_ms)
		m->stamp_ms = m->now_ms;
	m->total_retrans += MODEL_SEGS;
	model_send(m, n);
}

static inline void model_arm_probe(struct model *m)
{
	unsigned int wait = (unsigned int)(2 * m->srtt) + 8;

	if (wait > model_rto(m))
		wait = model_rto(m);
	m->probe_ms = m->recovery || m->probed ? 0 : m->now_ms + wait;
}

static inline double model_in_flight(struct model *m)
{
	double n = 0;

	for (uint64_t i = m->una; i < m->nxt; i++)
		n += !model_packet(m, i)->sacked && !model_packet(m, i)->lost;
	return n;
}

static inline void model_measure(struct model *m, uint64_t sent_ms)
{
	double rtt = (double)(m->now_ms - sent_ms), error = rtt - m->srtt;

	m->srtt += error / 8;
	m->mdev += ((error < 0 ? -error : error) - m->mdev) / 4;
}

static inline void model_enter(struct model *m)
{
	if (!m->recovery)
		m->high = m->nxt;
	m->recovery = true;
}

/* RACK: what was sent well before something that has arrived is lost. */
static inline void model_find_losses(struct model *m)
{
	bool found = false;

	for (uint64_t i = m->una; i < m->nxt; i++) {
		struct model_packet *p = model_packet(m, i);

		if (p->sacked || p->lost || (double)p->sent_ms + m->srtt / 4 + 2 * m->jitter_ms >=
						    (double)m->rack_sent_ms)
			continue;
		p->lost = found = true;
	}
	if (found && !m->recovery) {
		m->cwnd = m->cwnd / 2 < 2 ? 2 : m->cwnd / 2;
		model_enter(m);
	}
}

static inline void model_acked(struct model *m, const struct model_event *event)
{
	if (event->packet >= m->una)
		model_packet(m, event->packet)->sacked = true;
	if (event->sent_ms > m->rack_sent_ms)
		m->rack_sent_ms = event->sent_ms;
	if (event->ack > m->una) {
		model_measure(m, event->sent_ms);
		m->cwnd += (double)(event->ack - m->una) / (m->cwnd > 10 ? m->cwnd : 1);
		m->una = event->ack;
		m->retransmits = m->backoff = 0;
		m->probed = false;
		if (m->recovery && m->una >= m->high) {
			m->recovery = false;
			m->stamp_ms = 0;
		}
		m->timer_ms = m->una < m->nxt ? m->now_ms + model_rto(m) : 0;
		model_arm_probe(m);
	}
	model_find_losses(m);
}

static inline void model_deliver(struct model *m)
{
	size_t at = m->now_ms % MODEL_DELAYS;

	for (size_t i = 0; i < m->n_events[at]; i++) {
		struct model_event event = m->events[at][i];

		if (event.is_ack) {
			if (!m->cut)
				model_acked(m, &event);
			continue;
		}
		if (event.packet >= m->rcv_nxt)
			model_packet(m, event.packet)->received = true;
		while (m->rcv_nxt < m->nxt && model_packet(m, m->rcv_nxt)->received)
			m->rcv_nxt++;
		event.is_ack = true;
		event.ack = m->rcv_nxt;
		model_put(m, event, m->ack_loss);
	}
	m->n_events[at] = 0;
}

static inline void model_abort(struct model *m)
{
	m->aborts++;
	m->aborted_ms = m->now_ms;
	model_connect(m);
}

static inline void model_timer(struct model *m)
{
	uint64_t wait, left;

	if (m->retransmits && m->now_ms - m->stamp_ms >= m->user_timeout_ms) {
		model_abort(m);
		return;
	}
	for (uint64_t i = m->una; i < m->nxt; i++)
		model_packet(m, i)->lost = !model_packet(m, i)->sacked;
	m->cwnd = 1;
	model_enter(m);
	model_retransmit(m, m->una);
	m->expired[m->retransmits < MODEL_EXPIRIES ? m->retransmits : MODEL_EXPIRIES - 1]++;
	m->retransmits++;
	m->backoff++;
	m->probe_ms = 0;
	wait = (uint64_t)model_rto(m) << m->backoff;
	left = m->stamp_ms + m->user_timeout_ms > m->now_ms ?
		       m->stamp_ms + m->user_timeout_ms - m->now_ms :
		       1;
	m->timer_ms = m->now_ms + (left < wait ? left : wait);
}

/* At most one probe for a tail; it does not count as a retransmission for the time-out. */
static inline void model_probe(struct model *m)
{
	uint64_t stamp_ms = m->stamp_ms;

	m->probe_ms = 0;
	m->probed = true;
	model_retransmit(m, m->nxt - 1);
	m->stamp_ms = stamp_ms;
	m->timer_ms = model_packet(m, m->una)->sent_ms + model_rto(m);
	if (m->timer_ms <= m->now_ms)
		m->timer_ms = m->now_ms + 1;
}

static inline void model_transmit(struct model *m)
{
	double room = m->cwnd - model_in_flight(m);

	for (uint64_t i = m->una; i < m->nxt && room >= 1; i++) {
		if (!model_packet(m, i)->lost)
			continue;
		model_retransmit(m, i);
		room--;
	}
	m->due += m->per_s / 1000.0;
	if (m->due > m->depth)
		m->due = m->depth; /* a reader or writer waits, it does not pile up */
	for (; m->due >= 1 && room >= 1 && m->nxt - m->una < m->depth; room--) {
		model_send_new(m);
		model_arm_probe(m);
		m->due--;
	}
}

/* One millisecond. */
static inline void model_step(struct model *m)
{
	m->now_ms++;
	model_deliver(m);
	if (m->una < m->nxt && m->timer_ms && m->now_ms >= m->timer_ms)
		model_timer(m);
	else if (m->una < m->nxt && m->probe_ms && m->now_ms >= m->probe_ms)
		model_probe(m);
	model_transmit(m);
}

static inline struct tcp_sample model_sample(const struct model *m)
{
	return (struct tcp_sample){
		.now_ns = m->now_ms * NS_PER_MS,
		.inode = m->inode,
		.state = 1,
		.retransmits = (uint8_t)m->retransmits,
		.backoff = (uint8_t)m->backoff,
		.rto_us = model_rto(m) * 1000U,
		.rtt_us = (uint32_t)(m->srtt * 1000),
		.rtt_var_us = (uint32_t)(m->mdev * 1000),
		.unacked = (uint32_t)(m->nxt - m->una) * MODEL_SEGS,
		.total_retrans = m->total_retrans,
		.data_segs_out = m->segs_out,
		.bytes_acked = m->una * MODEL_BYTES,
		.bytes_received = m->una * 48,
		.snd_wnd = 1 << 20,
		.snd_mss = 1448,
	};
}

#endif
