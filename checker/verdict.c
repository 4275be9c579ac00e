/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/verdict.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "policies/policy.h"

static const struct reason_row rows[] = {
#define REASON(name, state, voice, code, message, sentence) \
	[REASON_##name] = { VERDICT_##state, VOICE_##voice, code, message, sentence },
#include "checker/reasons.def"
#undef REASON
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) == REASON_MAX, "one row a reason");

/* What a LUN's answer means over iSCSI. Everything not listed is unknown: see below. */
static const enum reason result_reason[] = {
	[SCSI_GOOD] = REASON_GOOD,
	[SCSI_RECOVERED] = REASON_RECOVERED,
	[SCSI_RESERVATION_CONFLICT] = REASON_RESERVED,
	[SCSI_BUSY] = REASON_BUSY,
	[SCSI_STANDBY] = REASON_STANDBY,
	[SCSI_TRANSITION] = REASON_TRANSITION,
	[SCSI_UNAVAILABLE] = REASON_UNAVAILABLE,
	[SCSI_BECOMING_READY] = REASON_BECOMING_READY,
	[SCSI_NEEDS_START] = REASON_NEEDS_START,
	[SCSI_NOT_READY] = REASON_NOT_READY,
	[SCSI_UNIT_ATTENTION] = REASON_ATTENTION,
	[SCSI_LUN_GONE] = REASON_LUN_GONE,
	[SCSI_ILLEGAL_REQUEST] = REASON_ILLEGAL,
	[SCSI_MEDIUM_ERROR] = REASON_MEDIUM,
	[SCSI_HARDWARE_ERROR] = REASON_HARDWARE,
	[SCSI_ABORTED] = REASON_ABORTED,
	[SCSI_CHECK] = REASON_CHECK,
	[SCSI_STATUS] = REASON_STATUS,
	[SCSI_NO_CONNECT] = REASON_NO_CONNECT,
	[SCSI_FAILFAST] = REASON_FAILFAST,
	[SCSI_DISRUPTED] = REASON_DISRUPTED,
	[SCSI_HOST_TIMEOUT] = REASON_HOST_TIMEOUT,
	[SCSI_HOST_RETRY] = REASON_HOST_ERROR,
	[SCSI_HOST_ERROR] = REASON_HOST_ERROR,
	[SCSI_NO_DEVICE] = REASON_NO_DEVICE,
	[SCSI_UNSUPPORTED] = REASON_UNSUPPORTED,
};
_Static_assert(sizeof(result_reason) / sizeof(result_reason[0]) == SCSI_RESULT_MAX,
	       "every answer has a meaning");

static bool probe_is_bad(const struct evidence *e)
{
	switch (e->probe.state) {
	case PROBE_SILENT:
	case PROBE_LOST:
	case PROBE_REFUSED:
	case PROBE_UNREACHABLE:
		return e->is_iscsi;
	default:
		return false;
	}
}

static bool probe_is_good(const struct evidence *e)
{
	return e->is_iscsi && e->probe.state == PROBE_UP;
}

/* The kernel's word on the device needs no other evidence. */
static enum reason judge_device(const struct evidence *e)
{
	switch (e->device) {
	case DEVICE_GONE:
		return REASON_GONE;
	case DEVICE_OFFLINE:
		return REASON_OFFLINE;
	case DEVICE_TRANSPORT_OFFLINE:
		return REASON_TRANSPORT_OFFLINE;
	case DEVICE_BLOCKED:
		return REASON_BLOCKED;
	default:
		return REASON_NONE;
	}
}

/*
 * A failed session whose device still runs is about to be blocked; what was in flight has
 * been handed back to the queue, where it is stuck but no longer counted as in flight.
 * So nothing may be concluded from a zero there: hold, until the session is logged in
 * again or the kernel gives it up. The connection's state is no evidence: offload drivers
 * leave it "down" for ever.
 */
static enum reason judge_session(const struct evidence *e)
{
	if (!e->is_iscsi)
		return REASON_NONE;
	if (e->session == SESSION_FREE)
		return REASON_SESSION_FREE;
	if (e->session == SESSION_FAILED)
		return REASON_SESSION_FAILED;
	return REASON_NONE;
}

static enum reason judge_barred(const struct evidence *e)
{
	if (!e->is_iscsi)
		return REASON_NONE;
	switch (e->barred) {
	case BARRED_BY_POLICY:
		return REASON_EXCLUDED;
	case BARRED_BY_OPERATOR:
		return REASON_OPERATOR;
	case BARRED_BY_DAMPING:
		return REASON_HELD;
	default:
		return REASON_NONE;
	}
}

static bool is_hung(const struct evidence *e)
{
	return e->is_iscsi && e->barred == BARRED_BY_HANG;
}

/* Did a READ come back from the medium? TEST UNIT READY does not show it, nor does an answer
 * that the target gives without looking there (busy, reservation conflict). */
static bool read_came_back(const struct evidence *e)
{
	return e->test.state == TEST_ENDED && e->test.read &&
	       (e->test.result == SCSI_GOOD || e->test.result == SCSI_RECOVERED ||
		e->test.result == SCSI_MEDIUM_ERROR);
}

static enum reason judge_hung(const struct evidence *e)
{
	if (!is_hung(e) || read_came_back(e))
		return REASON_NONE;
	return e->io.count_known && !e->io.in_flight ? REASON_HUNG : REASON_HUNG_IN_FLIGHT;
}

/* Stock's tur knows neither "busy" nor "recovered": off iSCSI we are stock. */
static enum reason judge_stock_answer(enum scsi_result result)
{
	if (result == SCSI_BUSY || result == SCSI_RECOVERED)
		return REASON_NOT_SERVED;
	return result_reason[result];
}

static enum reason judge_answer(const struct evidence *e)
{
	enum scsi_result result = e->test.result;

	if ((unsigned int)result >= SCSI_RESULT_MAX)
		return REASON_CHECK;
	if (result == SCSI_DISRUPTED && e->test.disrupted >= VERDICT_DISRUPTED_MAX)
		return REASON_DISRUPTED_AGAIN;
	if (!e->is_iscsi)
		return judge_stock_answer(result);
	if (result == SCSI_GOOD && probe_is_bad(e))
		return REASON_CONFLICT;
	if (result == SCSI_MEDIUM_ERROR && e->test.read)
		return REASON_READ_MEDIUM;
	return result_reason[result];
}

/*
 * Completed I/O proves the data path for the time between the looks. With a failing probe
 * that time must lie within the trouble; with a good one it must be recent, or nothing may
 * be waiting for an answer now. Without a probe it does not replace a test, nor where the daemon
 * has come to doubt the connection meanwhile: it may have been completed before.
 */
static enum reason judge_progress(const struct evidence *e)
{
	if (!e->io.known || !e->io.moved || e->io.failed || e->io.doubted ||
	    e->io.look_ms > VERDICT_LOOK_MAX_MS)
		return REASON_NONE;
	if (probe_is_bad(e))
		return e->io.look_ms <= e->probe.trouble_ms ? REASON_PROGRESS_CONFLICT :
							      REASON_NONE;
	if (!probe_is_good(e))
		return REASON_NONE;
	if (e->io.look_ms <= VERDICT_LOOK_NOW_MS)
		return REASON_PROGRESS;
	return e->io.count_known && e->io.in_flight == 0 ? REASON_PROGRESS : REASON_NONE;
}

/* Portal and LUN both owe an answer. Is it safe to say so? */
static enum reason judge_silence(const struct evidence *e)
{
	if (e->test.age_ms < VERDICT_TEST_LATE_MS)
		return REASON_SUSPECT;
	if (!e->io.count_known)
		return REASON_SUSPECT_UNKNOWN;
	if (e->io.in_flight)
		return REASON_SUSPECT_IN_FLIGHT;
	if (e->legs == LEGS_UNKNOWN)
		return REASON_SUSPECT_UNKNOWN;
	if (e->legs == LEGS_HOLD)
		return REASON_SUSPECT_LEGS;
	switch (e->probe.state) {
	case PROBE_LOST:
		return REASON_LOST;
	case PROBE_REFUSED:
		return REASON_REFUSED;
	case PROBE_UNREACHABLE:
		return REASON_UNREACHABLE;
	default:
		return REASON_SILENT;
	}
}

static enum reason judge_waiting(const struct evidence *e)
{
	if (e->test.age_ms >= e->test.timeout_ms)
		return REASON_TIMEOUT;
	return probe_is_bad(e) ? judge_silence(e) : REASON_TESTING;
}

static enum reason judge_untested(const struct evidence *e)
{
	if (probe_is_bad(e))
		return REASON_SUSPECT_UNTESTED;
	return probe_is_good(e) ? REASON_NOP : REASON_UNTESTED;
}

static enum reason judge_test(const struct evidence *e)
{
	switch (e->test.state) {
	case TEST_RUNNING:
		return judge_waiting(e);
	case TEST_UNABLE:
		return REASON_UNABLE;
	default:
		return judge_untested(e);
	}
}

struct verdict verdict_judge(const struct evidence *e)
{
	enum reason reason = judge_device(e);

	if (reason == REASON_NONE)
		reason = judge_barred(e);
	if (reason == REASON_NONE)
		reason = judge_session(e);
	if (reason == REASON_NONE)
		reason = judge_hung(e);
	if (reason == REASON_NONE && e->test.state == TEST_ENDED)
		reason = judge_answer(e);
	if (reason == REASON_NONE)
		reason = judge_progress(e);
	if (reason == REASON_NONE)
		reason = judge_test(e);
	return (struct verdict){ rows[reason].state, reason };
}

bool verdict_is_proof(const struct verdict *verdict)
{
	return verdict->state == VERDICT_UP &&
	       (verdict->reason == REASON_GOOD || verdict->reason == REASON_RECOVERED ||
		verdict->reason == REASON_PROGRESS);
}

/* For how long may what has shown the LUN to be well be relied on? */
static uint64_t quiet_ms(const struct evidence *e)
{
	bool witness = e->mates.known && e->mates.ago_ms < VERDICT_QUIET_MS;

	if (!witness && !e->well.moved)
		return VERDICT_QUIET_MS;
	return VERDICT_QUIET_FAR_MS - e->well.spread_ms;
}

bool verdict_is_calm(const struct evidence *e)
{
	return probe_is_good(e) && e->barred == BARRED_NO && e->device == DEVICE_RUNNING &&
	       e->session == SESSION_LOGGED_IN && e->well.known && !e->well.failed &&
	       !e->well.doubted && !e->mates.odd;
}

bool verdict_is_quiet(const struct evidence *e)
{
	return verdict_is_calm(e) && e->well.ago_ms < quiet_ms(e);
}

bool verdict_wants_test(const struct evidence *e)
{
	return e->test.state == TEST_NOT_ASKED && judge_device(e) == REASON_NONE &&
	       judge_barred(e) == REASON_NONE && judge_session(e) == REASON_NONE &&
	       (is_hung(e) || judge_progress(e) == REASON_NONE);
}

bool verdict_wants_legs(const struct evidence *e)
{
	return e->legs == LEGS_UNKNOWN && e->io.count_known && !e->io.in_flight &&
	       verdict_judge(e).reason == REASON_SUSPECT_UNKNOWN;
}

static uint64_t ms_since(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns && now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

void evidence_set_board(struct evidence *e, enum board_trust trust,
			const struct board_session *record, uint64_t now_ns)
{
	uint64_t since;

	e->probe.trust = trust;
	e->probe.state = PROBE_NONE;
	e->probe.trouble_ms = 0;
	e->probe.error = 0;
	if (trust != BOARD_FRESH)
		return;
	if (!record->updated_ns || record->state >= PROBE_STATE_MAX ||
	    ms_since(record->updated_ns, now_ns) > VERDICT_RECORD_MAX_MS)
		return;
	since = record->silent_since_ns ? record->silent_since_ns : record->last_good_ns;
	e->probe.state = (enum probe_state)record->state;
	/* The host takes connections and its target answers no login: a hung process, which the
	 * probe has tried to reach afresh. As silent as one that answers no NOP. */
	if (record->state == PROBE_LOGIN_FAILED && !record->login_status &&
	    record->error == -ETIMEDOUT)
		e->probe.state = PROBE_SILENT;
	e->probe.trouble_ms = ms_since(since, now_ns);
	e->probe.error = record->error;
}

static enum barred barred_by(const struct board_path *record, enum board_trust trust)
{
	if (record->flags & BOARD_PATH_FAILED)
		return BARRED_BY_OPERATOR;
	if (record->role == ROLE_EXCLUDED)
		return BARRED_BY_POLICY;
	if ((record->flags & BOARD_PATH_HELD) && trust == BOARD_FRESH)
		return BARRED_BY_DAMPING;
	return record->flags & BOARD_PATH_HUNG ? BARRED_BY_HANG : BARRED_NO;
}

void evidence_set_plan(struct evidence *e, enum board_trust trust,
		       const struct board_path *record, const char *wwid)
{
	e->barred = BARRED_NO;
	e->penalty = 0;
	if (trust != BOARD_FRESH && trust != BOARD_STALE)
		return;
	if (*wwid && fnv1a(FNV1A_START, wwid, strlen(wwid)) != record->wwid_hash)
		return;
	e->barred = barred_by(record, trust);
	if (e->barred == BARRED_BY_DAMPING)
		e->penalty = board_penalty(record->flags);
}

const struct reason_row *reason_row(enum reason reason)
{
	if (reason <= REASON_NONE || reason >= REASON_MAX)
		return NULL;
	return &rows[reason];
}

const char *verdict_state_name(enum verdict_state state)
{
	static const char *const names[] = {
		[VERDICT_DOWN] = "down",       [VERDICT_UP] = "up",
		[VERDICT_GHOST] = "ghost",     [VERDICT_PENDING] = "pending",
		[VERDICT_TIMEOUT] = "timeout",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == VERDICT_STATE_MAX, "all named");
	return (unsigned int)state < VERDICT_STATE_MAX ? names[state] : "unknown";
}

bool verdict_worth_saying(enum reason before, enum reason now)
{
	const struct reason_row *b = reason_row(before), *n = reason_row(now);

	if (!n || n->voice == VOICE_QUIET || before == now)
		return false;
	return !(b && b->voice == VOICE_NORMAL && n->voice == VOICE_NORMAL);
}
