/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SUSPICION_H
#define MPATHISCSI_SUSPICION_H

/*
 * Is a session's connection dead, though the kernel does not know it yet? From the probe's
 * NOPs, the connection's own TCP state and the progress of its I/O, each on its own. Pure.
 *
 * If nothing is in flight there is no hurry; if something is, TCP tells.
 *
 * Every combination has its meaning (suspicion_meaning(), the table that decides):
 *
 *   I/O      TCP        probe: no opinion  up          late        dead
 *   moving   unknown           -           -           -           probe only
 *            alive             -           -           -           probe only
 *            closed            -           -           -           probe only
 *            stuck             growing     growing     growing     growing
 *   none     unknown           -           -           -           idle
 *            alive             -           -           -           idle
 *            closed            -           -           -           idle
 *            stuck             idle        idle        idle        idle
 *   still    unknown           -           -           growing     growing
 *            alive             -           -           growing     TARGET
 *            closed            -           -           growing     TARGET
 *            stuck             CONNECTION  CONNECTION  CONNECTION  CONNECTION
 *
 * TARGET and CONNECTION are "growing" until they have lasted for their limit.
 *   moving  an I/O ended or data came in order within the last moment (SUSPICION_MOVING_MS)
 *   none    no reads or writes in flight, and not moving
 *   still   reads or writes in flight, and not moving
 *   alive   what was sent is acknowledged, or not overdue: back-off below 2
 *   closed  the peer has no room (zero window) and says so: its kernel lives
 *   stuck   back-off of 2 or more with data unacknowledged, or two window probes in a row
 *	     without any answer; acknowledgements do not move
 *   late    a NOP is overdue;  dead: silent (two misses or more), lost, refused, unreachable
 * An acknowledgement counts as a sign of life of the connection, not of the target: the
 * kernel of a stopped target acknowledges. "Last ACK" is not looked at: in a one-way loss
 * the target's own retransmissions renew it, while nothing comes in order.
 */

#include <stddef.h>

#include "checker/tcp_sample.h"
#include "common/board.h"

#define SUSPICION_MOVING_MS 200 /* or the shortest limit, if that is less */
#define SUSPICION_GAP_MS    500 /* looks farther apart are as good as 'observer_late' */
#define SUSPICION_SIGNS	    2	/* looks in a row that must agree before anything is given up */

/* What was seen of one session now. */
struct suspicion_facts {
	uint64_t now_ns;
	bool observer_late;	  /* we ourselves were not running on time since the last facts */
	bool logged_in;
	enum probe_state probe; /* these three: suspicion_set_probe() */
	uint32_t misses;	  /* NOPs in a row without an answer */
	uint64_t silent_since_ns; /* when the oldest unanswered NOP was sent; 0 none */
	bool tcp_known;
	struct tcp_sample tcp;
	bool io_unknown;    /* the disks' counters were not read: the next two say nothing */
	uint64_t in_flight; /* reads and writes on all its disks */
	uint64_t completed; /* counter of those that ended, all its life */
};

struct suspicion_limits {
	uint32_t connection_dead_ms;
	uint32_t target_dead_ms;
	uint32_t floor_ms; /* nothing is given up earlier after the last progress */
};

enum suspicion_verdict {
	SUSPICION_NONE,	      /* all is well, or nothing is known */
	SUSPICION_IDLE,	      /* the portal is silent, but nothing is in flight: no hurry */
	SUSPICION_GROWING,    /* something is missing, not for long enough yet */
	SUSPICION_PROBE_ONLY, /* the probe fails, the session makes progress: it is the probe */
	SUSPICION_CONNECTION, /* the session's own connection is dead: give it up */
	SUSPICION_TARGET,     /* TCP lives, nobody answers behind it: give it up */
	SUSPICION_MAX
};

/* The table's axes. */
enum suspicion_probe { PROBE_SAYS_NOTHING, PROBE_SAYS_UP, PROBE_SAYS_LATE, PROBE_SAYS_DEAD };
enum suspicion_tcp { TCP_SAYS_NOTHING, TCP_SAYS_ALIVE, TCP_SAYS_CLOSED, TCP_SAYS_STUCK };
enum suspicion_io { IO_MOVING, IO_NONE, IO_STILL };

/* All zero: nothing seen yet. */
struct suspicion {
	/* When the present suspicion began; 0 none. For what is or may be given up: the first look
	 * at which nothing of what is missing had moved since the look before (and, of a target,
	 * not before its first unanswered NOP); whoever has answered later than this was alive
	 * when the trouble was there. */
	uint64_t since_ns;
	uint64_t look_ns;	/* the last look */
	uint64_t began_ns;	/* watching without a gap since; no clock below is older */
	uint64_t progress_ns;	/* when I/O or acknowledgements last moved; 0 not yet */
	uint64_t answered_ns;	/* when I/O or received data last moved; 0 not yet */
	uint64_t unanswered_ns; /* since when I/O has been in flight without any progress; 0 none */
	uint64_t unacked_ns;	/* since when data is unacknowledged without any progress; 0 none */
	uint64_t still_ns;	/* the first look at which nothing had moved; 0: it moves */
	uint64_t silent_ns;	/* the first look without an I/O's end or data; 0: they come */
	uint64_t dead_ns;	/* the first look at which the probe was dead; 0: it is not */
	bool completed_known;	/* 'completed' is of the look before */
	uint64_t completed;
	uint64_t bytes_acked, bytes_received;
	uint32_t inode; /* 0: no connection seen */
	uint32_t signs; /* looks in a row with one meaning */
	enum suspicion_verdict meaning; /* of the last look, before limits */
	enum suspicion_verdict verdict;
};

/*
 * Take the facts, return the verdict. A verdict that gives the session up
 * (SUSPICION_CONNECTION, SUSPICION_TARGET) needs I/O in flight, several signs in a row, and
 * never comes from facts taken right after 'observer_late' (that interval is discarded, and
 * every clock starts over), nor right after another connection came.
 * SUSPICION_CONNECTION: neither an acknowledgement nor data nor an I/O's end for the larger
 * of connection_dead_ms and floor_ms. SUSPICION_TARGET: no NOP answered and no I/O ended and
 * no data received for the larger of target_dead_ms and floor_ms, and no data lies unread
 * on our own side.
 */
enum suspicion_verdict suspicion_step(struct suspicion *suspicion,
				      const struct suspicion_limits *limits,
				      const struct suspicion_facts *facts);

/*
 * Fill in what the board says of the probe. A login that nobody answers on a connection that
 * was taken is as silent as a NOP that nobody answers (evidence_set_board() sees it so, too).
 */
void suspicion_set_probe(struct suspicion_facts *facts, const struct board_session *record);

/* What a combination means, if it lasts. */
enum suspicion_verdict suspicion_meaning(enum suspicion_io io, enum suspicion_tcp tcp,
					 enum suspicion_probe probe);

/* Does the verdict give the session up? */
bool suspicion_gives_up(enum suspicion_verdict verdict);

const char *suspicion_text(enum suspicion_verdict verdict); /* a phrase for people */

#endif
