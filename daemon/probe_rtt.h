/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_RTT_H
#define MPATHISCSI_PROBE_RTT_H

/*
 * How long an answer may take: smoothed round trip and mean deviation as TCP computes its
 * retransmission timer (RFC 6298, section 2), between a floor and a ceiling. Pure.
 */

#include <stdint.h>

struct probe_rtt {
	uint32_t smoothed_us; /* SRTT; 0: no sample yet */
	uint32_t var_us;      /* RTTVAR */
};

/* A sample above this counts as this much, so that one freak cannot blind the deadline.
 */
#define PROBE_RTT_SAMPLE_MAX_US 1000000U

/* Add one measured round trip (microseconds; 0 counts as 1). */
void probe_rtt_sample(struct probe_rtt *rtt, uint64_t sample_us);

/*
 * How long to wait for the next answer, in ns: SRTT + 4·RTTVAR, at least 'floor_ms', at
 * most 'ceiling_ms'; without any sample the ceiling.
 */
uint64_t probe_rtt_deadline_ns(const struct probe_rtt *rtt, uint32_t floor_ms,
			       uint32_t ceiling_ms);

/*
 * The pause before attempt number 'failures' + 1, in ms: short after the first failure
 * (a quarter of min_ms), then min_ms doubled each time up to max_ms; a quarter more or
 * less by 'random', so that the probes of many hosts do not march in step.
 */
uint32_t probe_backoff_ms(uint32_t failures, uint32_t min_ms, uint32_t max_ms,
			  uint32_t random);

/* 'value' plus or minus up to 'percent' (at most 100) per cent of it, evenly by 'random'.
 */
uint64_t probe_jitter(uint64_t value, uint32_t percent, uint32_t random);

#endif
