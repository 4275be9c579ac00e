/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_VERDICT_H
#define MPATHISCSI_VERDICT_H

/*
 * Evidence about one path in, one verdict with its reason out. Pure: no I/O, no clock, no
 * statics. The plugin judges with it, the daemon shows with it.
 *
 * The rule above all others: first do no harm. Where the evidence does not suffice, the
 * verdict is what stock multipathd's tur checker would say, or "keep the state".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checker/sense.h"
#include "common/board.h"
#include "common/identity.h"

/* A probe's record refreshed longer ago than this is no evidence. */
#define VERDICT_RECORD_MAX_MS 2000
/* A test unanswered for this long supports a probe that failed; alone it means nothing. */
#define VERDICT_TEST_LATE_MS 300
/* Looks at the I/O counters this close together count as "now". */
#define VERDICT_LOOK_NOW_MS 2000
/* Looks farther apart say nothing. */
#define VERDICT_LOOK_MAX_MS 60000
/* How long a LUN that was well is taken to be, while its portal answers and nothing fails. Shorter
 * than multipathd's usual polling_interval of 5 s, so that only hosts that look more often test
 * less often than they look. */
#define VERDICT_QUIET_MS 4500
/* And how long at most if it was doing I/O then, or while other LUNs of its session are tested
 * meanwhile and found to be as before. Shorter than the 20 s (max_polling_interval) between stock's
 * own looks at a path that has been up for long. Less up to VERDICT_SPREAD_MS, another share for
 * each LUN, so that the tests of many LUNs do not come all at once. */
#define VERDICT_QUIET_FAR_MS 18000
#define VERDICT_SPREAD_MS    4000
/* This many tests in a row lost with their connection make a path down (tur: 5 tries). */
#define VERDICT_DISRUPTED_MAX 5

/* The test of the LUN: TEST UNIT READY, or one READ behind it. */
enum test_state {
	TEST_NOT_ASKED,
	TEST_RUNNING,
	TEST_ENDED,
	TEST_UNABLE, /* could not be sent: no memory, thread or descriptor */
};

/* Does another path of the same map, over a portal that is not in order, hold I/O? Asked
 * only when verdict_wants_legs() says so. */
enum legs_state { LEGS_UNKNOWN, LEGS_FREE, LEGS_HOLD };

/* Is the path kept out of use, whatever its health? By somebody's wish, because it comes and
 * goes, or because I/O hung on it: this last bar falls as soon as a READ brings data. */
enum barred {
	BARRED_NO,
	BARRED_BY_POLICY,
	BARRED_BY_OPERATOR,
	BARRED_BY_DAMPING,
	BARRED_BY_HANG,
	BARRED_MAX
};

struct evidence {
	bool is_iscsi;
	struct portal portal; /* for the text */
	enum device_state device;
	enum session_state session;
	enum barred barred;
	uint32_t penalty; /* BARRED_BY_DAMPING: for the text */
	struct {
		enum board_trust trust;
		enum probe_state state; /* PROBE_NONE unless the record is to be trusted */
		uint64_t trouble_ms;	/* how long the portal has not answered; 0 unknown */
		int error;		/* negative errno of its connect, 0 none */
	} probe;
	struct {
		bool known;	    /* counters were read now and at the look before */
		bool moved;	    /* reads or writes completed between the two looks */
		bool failed;	    /* and some command failed */
		bool doubted;	    /* and the daemon has come to doubt the connection, see board.h */
		uint64_t look_ms;   /* time between the two looks */
		bool count_known;   /* in_flight can be relied on */
		uint64_t in_flight; /* reads and writes at the device now */
	} io;
	struct {
		bool known;    /* the LUN was found to be well, see verdict_is_proof() */
		bool failed;   /* a command has failed on the device since, or may have, or its access
				* state has become another */
		bool doubted;  /* the daemon has come to doubt the connection since */
		bool moved;    /* it was doing I/O then */
		uint64_t ago_ms; /* since then */
		uint64_t spread_ms; /* its share of VERDICT_SPREAD_MS */
	} well;
	struct {
		bool odd;	 /* one of them has been found to be other than before, since this was well */
		bool known;	 /* one of them has answered a test well */
		uint64_t ago_ms; /* since it was sent */
	} mates;		 /* the LUNs over this session, see mates.h */
	enum legs_state legs;
	struct {
		enum test_state state;
		bool read;		 /* the answer missing or given is that of the READ */
		enum scsi_result result; /* TEST_ENDED */
		unsigned int disrupted;	 /* tests in a row lost with the connection */
		uint64_t age_ms;	 /* TEST_RUNNING: since it was sent */
		uint64_t timeout_ms;
		int error;		 /* negative errno: TEST_UNABLE, SCSI_NO_DEVICE */
	} test;
};

enum verdict_state {
	VERDICT_DOWN,
	VERDICT_UP,
	VERDICT_GHOST,
	VERDICT_PENDING, /* no change: keep what you thought */
	VERDICT_TIMEOUT,
	VERDICT_STATE_MAX
};

enum reason {
	REASON_NONE, /* never a verdict's */
#define REASON(name, state, voice, code, message, sentence) REASON_##name,
#include "checker/reasons.def"
#undef REASON
	REASON_MAX
};

enum voice { VOICE_QUIET, VOICE_NORMAL, VOICE_LOUD };

struct reason_row {
	enum verdict_state state;
	enum voice voice;
	const char *code;
	const char *message;
	const char *sentence;
};

struct verdict {
	enum verdict_state state;
	enum reason reason;
};

/*
 * Put the daemon's word into 'e': the probe's state counts only if 'trust' is BOARD_FRESH
 * and the record was refreshed within VERDICT_RECORD_MAX_MS; otherwise it is as if the
 * portal were not probed. 'record' is read for BOARD_FRESH only.
 */
void evidence_set_board(struct evidence *e, enum board_trust trust,
			const struct board_session *record, uint64_t now_ns);

/*
 * Put the plan's word on the path into 'e'. The record counts with BOARD_FRESH and
 * BOARD_STALE (what was decided holds while the daemon is away; board_read_path() wrote it)
 * and if it is about the LUN that the device is now ('wwid' as sysfs shows it; "" unknown:
 * nothing to contradict). In no other case is a path barred. BOARD_PATH_HELD counts with
 * BOARD_FRESH only: without the daemon nobody would forgive the path, nor see that it has
 * become the last one. The graver bar wins: operator, policy, damping, hang.
 */
void evidence_set_plan(struct evidence *e, enum board_trust trust,
		       const struct board_path *record, const char *wwid);

/*
 * Judge. Order: the kernel's word on the device; a barred path is down, and never tested;
 * the kernel's word on the session; a path on which I/O hung is down until a READ brings
 * data, and is tested whatever else is known (the test must end with that READ); the answer
 * of the LUN; completing I/O; what the silence of LUN and portal together mean.
 *
 * A path is called down ahead of the kernel's and the test's own timers only if the portal's
 * probe fails, the LUN owes an answer, nothing is in flight on the device and on no other
 * suspect path of its map: being down may make multipathd (0.9.6 and later, failback
 * immediate) reload the map, and a reload waits, with multipathd's lock held, for every I/O
 * in flight. For the same reason a path on which I/O hung stays "pending" (as it was) for as
 * long as something is in flight on it.
 */
struct verdict verdict_judge(const struct evidence *e);

/* Does the verdict show the LUN to be well: an answer without fault, or completing I/O? */
bool verdict_is_proof(const struct verdict *verdict);

/*
 * Has nothing happened since the LUN was last found to be well? The portal answers, nothing bars the
 * path, the device ran and its session was logged in then, no command has failed since, and the
 * kernel knows of no other access state (ALUA) than then: I/O that it refuses for that fails the path
 * in dm and counts as no failure. Nor has the
 * daemon come to doubt the connection: it fails paths in dm of which neither probe nor counters
 * tell anything bad yet (a link that is lost with nothing in flight), and they must not come back
 * before the LUN has answered anew. (A session that is lost blocks its devices; multipathd looks at
 * that itself before it asks any checker.) Nor has another LUN over this session been found to be
 * other than it was: most of what becomes of a target shows at each of its LUNs. What becomes of one
 * LUN alone that is doing nothing is found by its own next test. Ask with e->well, e->mates
 * and the board's part filled. Then a test is all that may be needed, no look at the device.
 */
bool verdict_is_calm(const struct evidence *e);

/* And was that so lately that not even a test is needed? VERDICT_QUIET_MS; or, where it was doing I/O
 * then, or other LUNs of the session are tested meanwhile and speak for it, VERDICT_QUIET_FAR_MS. */
bool verdict_is_quiet(const struct evidence *e);

/* Can only a test of the LUN decide? (To be asked while test.state is TEST_NOT_ASKED.) */
bool verdict_wants_test(const struct evidence *e);

/* Does the verdict hang on what other paths of the map hold? Fill e->legs and judge again. */
bool verdict_wants_legs(const struct evidence *e);

/* Row of a reason; of REASON_NONE and anything out of range: NULL. */
const struct reason_row *reason_row(enum reason reason);
const char *verdict_state_name(enum verdict_state state); /* "up", "down", "ghost" … */

/* Is going from 'before' (REASON_NONE: nothing said yet) to 'now' worth a line in a log? */
bool verdict_worth_saying(enum reason before, enum reason now);

/* One sentence without a full stop, cut to 'size' (VERDICT_TEXT_MAX is enough). Returns
 * 'buffer'. */
#define VERDICT_TEXT_MAX 320
const char *verdict_text(const struct evidence *e, const struct verdict *verdict, char *buffer,
			 size_t size);

#endif
