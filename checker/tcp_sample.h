/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TCP_SAMPLE_H
#define MPATHISCSI_TCP_SAMPLE_H

/*
 * What the kernel says of a session's own TCP connection at one moment (struct tcp_info of
 * include/uapi/linux/tcp.h, and the queues of struct inet_diag_msg), in our units.
 */

#include <stdbool.h>
#include <stdint.h>

struct tcp_sample {
	uint64_t now_ns;	  /* CLOCK_MONOTONIC, when it was read */
	uint32_t inode;		  /* of the socket: another one is another connection */
	uint8_t state;		  /* TCP_ESTABLISHED … of netinet/tcp.h */
	uint8_t retransmits;	  /* timer expiries in a row without an acknowledgement */
	uint8_t backoff;	  /* doublings of the timer now */
	uint8_t probes;		  /* zero-window probes in a row without any answer: an
				   * acknowledgement sets it to 0, also one without window */
	uint32_t rto_us;	  /* without back-off: as computed (rto >> backoff) */
	uint32_t rtt_us, rtt_var_us;
	uint32_t unacked;	  /* segments */
	uint32_t total_retrans;	  /* segments, all its life */
	uint32_t data_segs_out;	  /* segments with data sent, those again included; 0: not told */
	uint64_t bytes_acked;	  /* by the peer, all its life */
	uint64_t bytes_received;  /* in order, all its life */
	uint64_t notsent_bytes;	  /* waiting for window or congestion window */
	uint32_t snd_wnd;	  /* bytes the peer lets us send; UINT32_MAX: not told (old kernel) */
	uint32_t snd_mss;
	uint64_t rwnd_limited_us; /* all its life: time it waited for the peer's window */
	uint32_t last_sent_ms;	  /* since the last data segment was sent, at 'now_ns' */
	uint32_t last_received_ms; /* since the last data segment was received */
	uint32_t unread;	  /* bytes received and not read (idiag_rqueue) */
};

#endif
