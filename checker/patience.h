/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PATIENCE_H
#define MPATHISCSI_PATIENCE_H

/*
 * How long data of one connection may stay unacknowledged before the kernel gives it up
 * (TCP_USER_TIMEOUT), from what the connection has been through. Pure.
 *
 * The kernel counts from the first retransmission by its timer, not from the first
 * transmission (net/ipv4/tcp_timer.c, retransmits_timed_out(): retrans_stamp), so a
 * connection is given up about one RTO later than the value says; and it counts a window that
 * stays closed from the first window probe (tcp_probe_timer(), icsk_probes_tstamp), however
 * well the probes are answered.
 *
 * The value is 'base', raised by the largest of:
 *   round trip     at least 2.5 times the RTO, so that a second retransmission has its
 *		    chance. Only where the RTO says something of the network: on a short and
 *		    steady round trip it is nothing but its own floor (200 ms, or rto_min of
 *		    the route), for which 'base' was chosen.
 *   loss           doubled with every spell of loss that the connection got over
 *		    (retransmissions, and after them progress). Single retransmissions are
 *		    ordinary (tail loss probes on a healthy connection), and so are rare ones (a
 *		    full queue somewhere): they count from the third look within 10 s that
 *		    sees any, and where at least one segment in 200 is sent again; below
 *		    that it takes no patience to see a segment through. A timer that was
 *		    seen to have expired counts always. None of it counts where the kernel said
 *		    that the host's own link was down just before: that says nothing of network
 *		    and peer, and is over as soon as the link is back.
 *   closed window  the maximum as soon as the peer's window is closed or nearly so.
 * A window that was closed for an RTO forbids any value until the next connection
 * (patience_probed()): the kernel notes when the first probe was sent and does not always forget
 * that when the window opens again (6.1: tcp_ack_probe() is not reached by an acknowledgement that
 * leaves data in flight), so that the first probe of the next closed window, minutes later, ends
 * the connection on the spot, whatever the value. Seen with a target that stood still for 1 s now
 * and then.
 *
 * Loss and closed window come down by half for each quiet half minute. While a
 * retransmission is unanswered nothing is changed: that may be the outage it is there for.
 */

#include "checker/tcp_sample.h"

#define PATIENCE_QUIET_MS    30000 /* halves the value */
#define PATIENCE_SIGHTS	     3	   /* so many looks that saw retransmissions … */
#define PATIENCE_SIGHTS_MS   10000 /* … within so long are a spell of loss */
#define PATIENCE_SHARE	     200   /* … if one segment in so many was sent again */
#define PATIENCE_SHARE_MS    5000  /* half of what was counted is forgotten after so long */
#define PATIENCE_DROP_LEVELS 2	   /* doublings for a connection lost by its time-out */
/* What was sent while the link was down is seen to be lost within so long: an RTO of short round
 * trips (200 ms) and its first doubling, and a look. */
#define PATIENCE_LINK_MS     1000

struct patience_limits {
	uint32_t base_ms;
	uint32_t max_ms; /* ≥ base_ms */
};

/* All zero: nothing known of the session. */
struct patience {
	bool known;		 /* 'last' is valid */
	struct tcp_sample last;
	uint32_t value_ms;	 /* returned last; 0 none */
	unsigned int level;	 /* doublings because of loss */
	uint64_t level_since_ns; /* last loss, or last halving */
	bool lost;		 /* retransmitted, and not yet got over: */
	bool expired;		 /* … by a timer that was seen to expire */
	bool excused;		 /* … because of the link */
	uint64_t acked_lost;	 /* progress beyond this gets over it */
	uint64_t sights_ns[PATIENCE_SIGHTS - 1]; /* the last looks that saw retransmissions */
	uint64_t sent, resent;	 /* segments, counted lately */
	uint64_t counted_ns;	 /* last halving of these */
	uint32_t wnd_top;	 /* the largest window of this connection */
	uint64_t closed_ns;	 /* when the window was last seen closed; 0 never */
	bool probed;		 /* a window probe may have been sent on this connection */
	uint64_t drops;		 /* connections of this session lost while armed */
	uint64_t link_down_ns;	 /* the caller's: when its link was last down; 0 never, or unknown */
};

/* A new connection: forget samples, keep what was learned of network and peer. (A sample of
 * another inode does the same.) */
void patience_reconnected(struct patience *patience);

/* The armed connection was lost by its time-out: be more patient with the next. */
void patience_dropped(struct patience *patience, uint64_t now_ns);

/* Take a sample; returns what TCP_USER_TIMEOUT shall be now, in ms: within the limits. */
uint32_t patience_step(struct patience *patience, const struct patience_limits *limits,
		       const struct tcp_sample *sample);

/* Must this connection be without TCP_USER_TIMEOUT, whatever patience_step() returns? */
bool patience_probed(const struct patience *patience);

/* "loss", "closed window", "round trip" or "": why it is above the base, or forbidden. */
const char *patience_reason(const struct patience *patience,
			    const struct patience_limits *limits);

#endif
