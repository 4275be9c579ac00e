/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checker/counters.h"
#include "checker/verdict.h"
#include "common/clock.h"
#include "common/parse.h"
#include "policies/policy.h"

#define TIMEOUT_MS 30000

/* A healthy idle iSCSI path, never tested, with a fresh board on which the portal answers.
 * Rows change what they are about. */
static struct evidence healthy(void)
{
	struct evidence e = {
		.is_iscsi = true,
		.device = DEVICE_RUNNING,
		.session = SESSION_LOGGED_IN,
		.probe = { .trust = BOARD_FRESH, .state = PROBE_UP },
		.io = { .known = true, .look_ms = 5000, .count_known = true },
		.test = { .timeout_ms = TIMEOUT_MS },
	};

	assert_int_equal(portal_parse("10.0.1.2:3260", 3260, &e.portal), 0);
	return e;
}

/* The mini language of the golden table: one letter group a change, so that a row can be
 * read. */
struct row {
	const char *evidence; /* words, see apply() */
	enum verdict_state state;
	enum reason reason;
	bool wants_test;
};

static const struct {
	const char *word;
	enum scsi_result result;
} answers[] = {
	{ "good", SCSI_GOOD },
	{ "recovered", SCSI_RECOVERED },
	{ "conflict", SCSI_RESERVATION_CONFLICT },
	{ "busy", SCSI_BUSY },
	{ "standby", SCSI_STANDBY },
	{ "transition", SCSI_TRANSITION },
	{ "unavailable", SCSI_UNAVAILABLE },
	{ "becoming", SCSI_BECOMING_READY },
	{ "start", SCSI_NEEDS_START },
	{ "notready", SCSI_NOT_READY },
	{ "attention", SCSI_UNIT_ATTENTION },
	{ "lungone", SCSI_LUN_GONE },
	{ "illegal", SCSI_ILLEGAL_REQUEST },
	{ "medium", SCSI_MEDIUM_ERROR },
	{ "hardware", SCSI_HARDWARE_ERROR },
	{ "aborted", SCSI_ABORTED },
	{ "check", SCSI_CHECK },
	{ "status", SCSI_STATUS },
	{ "noconnect", SCSI_NO_CONNECT },
	{ "failfast", SCSI_FAILFAST },
	{ "disrupted", SCSI_DISRUPTED },
	{ "hosttimeout", SCSI_HOST_TIMEOUT },
	{ "hostretry", SCSI_HOST_RETRY },
	{ "hosterror", SCSI_HOST_ERROR },
	{ "nodevice", SCSI_NO_DEVICE },
	{ "unsupported", SCSI_UNSUPPORTED },
};

static bool apply_answer(struct evidence *e, const char *word)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (!strcmp(word, answers[i].word)) {
			e->test.state = TEST_ENDED;
			e->test.result = answers[i].result;
			return true;
		}
	}
	return false;
}

static bool apply_probe(struct evidence *e, const char *word)
{
	for (int s = 0; s < PROBE_STATE_MAX; s++) {
		if (!strcmp(word, probe_state_name((enum probe_state)s))) {
			e->probe.state = (enum probe_state)s;
			e->probe.trouble_ms = 812;
			return true;
		}
	}
	return false;
}

static bool apply_kernel(struct evidence *e, const char *word)
{
	for (int s = DEVICE_BLOCKED; s <= DEVICE_GONE; s++) {
		if (!strcmp(word, device_state_name((enum device_state)s))) {
			e->device = (enum device_state)s;
			return true;
		}
	}
	if (!strcmp(word, "FAILED"))
		e->session = SESSION_FAILED;
	else if (!strcmp(word, "FREE"))
		e->session = SESSION_FREE;
	else if (!strcmp(word, "disk"))
		e->is_iscsi = false;
	else if (!strcmp(word, "noboard"))
		e->probe.trust = BOARD_ABSENT, e->probe.state = PROBE_NONE;
	else
		return false;
	return true;
}

static bool apply_number(struct evidence *e, const char *word)
{
	unsigned long long n;
	char end;

	if (sscanf(word, "run%llu%c", &n, &end) == 1) {
		e->test.state = TEST_RUNNING;
		e->test.age_ms = n;
	} else if (sscanf(word, "look%llu%c", &n, &end) == 1) {
		e->io.look_ms = n;
	} else if (sscanf(word, "flight%llu%c", &n, &end) == 1) {
		e->io.in_flight = n;
	} else if (sscanf(word, "lost%llu%c", &n, &end) == 1) {
		e->test.disrupted = (unsigned int)n;
	} else {
		return false;
	}
	return true;
}

static void apply(struct evidence *e, const char *word)
{
	if (!strcmp(word, "moved"))
		e->io.moved = true;
	else if (!strcmp(word, "failing"))
		e->io.failed = true;
	else if (!strcmp(word, "nocounters"))
		memset(&e->io, 0, sizeof(e->io));
	else if (!strcmp(word, "free"))
		e->legs = LEGS_FREE;
	else if (!strcmp(word, "hold"))
		e->legs = LEGS_HOLD;
	else if (!strcmp(word, "read"))
		e->test.read = true;
	else if (!strcmp(word, "unable"))
		e->test.state = TEST_UNABLE;
	else if (!strcmp(word, "excluded"))
		e->barred = BARRED_BY_POLICY;
	else if (!strcmp(word, "operator"))
		e->barred = BARRED_BY_OPERATOR;
	else if (!strcmp(word, "held"))
		e->barred = BARRED_BY_DAMPING, e->penalty = 2800;
	else if (!strcmp(word, "hung"))
		e->barred = BARRED_BY_HANG;
	else if (!apply_kernel(e, word) && !apply_probe(e, word) && !apply_number(e, word) &&
		 !apply_answer(e, word))
		fail_msg("the table's word '%s' means nothing", word);
}

static struct evidence evidence_of(const char *words)
{
	struct evidence e = healthy();
	char copy[128], *save, *word;

	assert_true(strlen(words) < sizeof(copy));
	strcpy(copy, words);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		apply(&e, word);
	return e;
}

#define ROW(words, s, r) { words, VERDICT_##s, REASON_##r, false }
#define ASK(words, s, r) { words, VERDICT_##s, REASON_##r, true }

static const struct row golden[] = {
	/* Barred: down without a test; only the kernel's word on the device comes before. */
	ROW("excluded", DOWN, EXCLUDED),
	ROW("operator", DOWN, OPERATOR),
	ROW("excluded good", DOWN, EXCLUDED),
	ROW("excluded moved look1000", DOWN, EXCLUDED),
	ROW("excluded silent run400 free", DOWN, EXCLUDED),
	ROW("excluded silent run400 flight3", DOWN, EXCLUDED),
	ROW("excluded FAILED", DOWN, EXCLUDED),
	ROW("excluded FREE", DOWN, EXCLUDED),
	ROW("excluded noboard", DOWN, EXCLUDED),
	ROW("excluded gone", DOWN, GONE),
	ROW("excluded offline", DOWN, OFFLINE),
	ROW("excluded transport-offline", DOWN, TRANSPORT_OFFLINE),
	ROW("excluded blocked", PENDING, BLOCKED),
	ROW("operator run30000", DOWN, OPERATOR),
	ROW("operator offline", DOWN, OFFLINE),
	ASK("disk excluded", UP, UNTESTED),
	ROW("disk operator good", UP, GOOD),
	ROW("held", DOWN, HELD),
	ROW("held good read", DOWN, HELD),
	ROW("held moved look1000", DOWN, HELD),
	ROW("held FAILED", DOWN, HELD),
	ROW("held blocked", PENDING, BLOCKED),
	ROW("disk held good", UP, GOOD),

	/* I/O hung: down until a READ comes back, and always tested; pending while I/O is stuck */
	ASK("hung", DOWN, HUNG),
	ASK("hung moved look1000", DOWN, HUNG),
	ASK("hung flight3", PENDING, HUNG_IN_FLIGHT),
	ASK("hung nocounters", PENDING, HUNG_IN_FLIGHT),
	ASK("hung noboard", DOWN, HUNG),
	ROW("hung run100 read", DOWN, HUNG),
	ROW("hung run40000 read", DOWN, HUNG),
	ROW("hung run100 read flight1", PENDING, HUNG_IN_FLIGHT),
	ROW("hung silent run400 free", DOWN, HUNG),
	ROW("hung good", DOWN, HUNG),
	ROW("hung conflict read", DOWN, HUNG),
	ROW("hung busy read", DOWN, HUNG),
	ROW("hung medium", DOWN, HUNG),
	ROW("hung notready", DOWN, HUNG),
	ROW("hung aborted read", DOWN, HUNG),
	ROW("hung hosttimeout read", DOWN, HUNG),
	ROW("hung unable", DOWN, HUNG),
	ROW("hung good read", UP, GOOD),
	ROW("hung good read flight9", UP, GOOD),
	ROW("hung silent good read", UP, CONFLICT),
	ROW("hung recovered read", UP, RECOVERED),
	ROW("hung medium read", UP, READ_MEDIUM),
	ROW("hung gone", DOWN, GONE),
	ROW("hung blocked", PENDING, BLOCKED),
	ROW("hung FREE", DOWN, SESSION_FREE),
	ROW("hung FAILED good read", PENDING, SESSION_FAILED),
	ASK("disk hung", UP, UNTESTED),
	ROW("disk hung good", UP, GOOD),

	/* the kernel's word comes first, whatever else is known */
	ROW("gone", DOWN, GONE),
	ROW("gone good", DOWN, GONE),
	ROW("offline", DOWN, OFFLINE),
	ROW("offline moved look100", DOWN, OFFLINE),
	ROW("transport-offline", DOWN, TRANSPORT_OFFLINE),
	ROW("transport-offline FREE silent", DOWN, TRANSPORT_OFFLINE),
	ROW("blocked", PENDING, BLOCKED),
	ROW("blocked FAILED silent run40000", PENDING, BLOCKED),
	ROW("blocked FREE", PENDING, BLOCKED),
	ROW("FREE", DOWN, SESSION_FREE),
	ROW("FREE good", DOWN, SESSION_FREE),
	ROW("FAILED", PENDING, SESSION_FAILED),
	/* requeued I/O is stuck though nothing is in flight */
	ROW("FAILED silent run5000 free", PENDING, SESSION_FAILED),
	ROW("FAILED refused noconnect", PENDING, SESSION_FAILED),
	/* the LUN's answer, with an answering portal */
	ROW("good", UP, GOOD),
	ROW("good read", UP, GOOD),
	ROW("recovered", UP, RECOVERED),
	ROW("conflict", UP, RESERVED),
	ROW("busy", UP, BUSY),
	ROW("standby", GHOST, STANDBY),
	ROW("transition", PENDING, TRANSITION),
	ROW("unavailable", DOWN, UNAVAILABLE),
	ROW("becoming", DOWN, BECOMING_READY),
	ROW("start", DOWN, NEEDS_START),
	ROW("notready", DOWN, NOT_READY),
	ROW("attention", DOWN, ATTENTION),
	ROW("lungone", DOWN, LUN_GONE),
	ROW("illegal", DOWN, ILLEGAL),
	ROW("medium", DOWN, MEDIUM),
	ROW("medium read", UP, READ_MEDIUM),
	ROW("hardware", DOWN, HARDWARE),
	ROW("hardware read", DOWN, HARDWARE),
	ROW("aborted", DOWN, ABORTED),
	ROW("aborted read", DOWN, ABORTED),
	ROW("check", DOWN, CHECK),
	ROW("status", DOWN, STATUS),
	ROW("noconnect", DOWN, NO_CONNECT),
	ROW("failfast", DOWN, FAILFAST),
	ROW("disrupted lost1", PENDING, DISRUPTED),
	ROW("disrupted lost4", PENDING, DISRUPTED),
	ROW("disrupted lost5", DOWN, DISRUPTED_AGAIN),
	ROW("hosttimeout", DOWN, HOST_TIMEOUT),
	ROW("hostretry", DOWN, HOST_ERROR),
	ROW("hosterror", DOWN, HOST_ERROR),
	ROW("nodevice", DOWN, NO_DEVICE),
	ROW("unsupported", PENDING, UNSUPPORTED),
	/* a LUN's no is a no, though other I/O completes */
	ROW("notready moved look500", DOWN, NOT_READY),
	/* the probe fails, the LUN answers: the data path decides */
	ROW("silent good", UP, CONFLICT),
	ROW("lost good", UP, CONFLICT),
	ROW("refused good", UP, CONFLICT),
	ROW("unreachable good read", UP, CONFLICT),
	ROW("silent standby", GHOST, STANDBY),
	ROW("silent conflict", UP, RESERVED),
	ROW("silent notready", DOWN, NOT_READY),
	/* no opinion of the probe is none against the path */
	ROW("none good", UP, GOOD),
	ROW("connecting good", UP, GOOD),
	ROW("late good", UP, GOOD),
	ROW("login-failed good", UP, GOOD),
	ROW("redirected good", UP, GOOD),
	ROW("tcp-only good", UP, GOOD),
	ROW("local good", UP, GOOD),
	ROW("noboard good", UP, GOOD),
	/* completing I/O instead of a test */
	ROW("moved look1000", UP, PROGRESS),
	ROW("moved look1000 flight9", UP, PROGRESS),
	ROW("moved look2000 flight9", UP, PROGRESS),
	ROW("moved look20000", UP, PROGRESS),
	ROW("moved look1000 run500 flight1", UP, PROGRESS),
	ROW("moved look1000 run40000 flight1", UP, PROGRESS),
	ASK("moved look2001 flight9", UP, NOP),
	ASK("moved look60001", UP, NOP),
	ASK("moved look1000 failing", UP, NOP),
	ASK("", UP, NOP),
	ASK("noboard moved look1000", UP, UNTESTED),
	ASK("late moved look1000", UP, UNTESTED),
	ASK("nocounters", UP, NOP),
	/* within the trouble only: 812 ms */
	ROW("silent moved look812 flight3", UP, PROGRESS_CONFLICT),
	ASK("silent moved look813", PENDING, SUSPECT_UNTESTED),
	ROW("silent moved look500 run400", UP, PROGRESS_CONFLICT),
	ASK("silent moved look500 failing", PENDING, SUSPECT_UNTESTED),
	/* waiting for the LUN, portal fine or not known: stock's patience */
	ROW("run0", PENDING, TESTING),
	ROW("run29999", PENDING, TESTING),
	ROW("run30000", TIMEOUT, TIMEOUT),
	ROW("noboard run29999", PENDING, TESTING),
	ROW("noboard run30000", TIMEOUT, TIMEOUT),
	ROW("noboard run30000 moved look500", TIMEOUT, TIMEOUT),
	ROW("login-failed run5000", PENDING, TESTING),
	ROW("tcp-only run5000", PENDING, TESTING),
	ROW("redirected run5000", PENDING, TESTING),
	ROW("local run5000", PENDING, TESTING),
	ROW("connecting run5000", PENDING, TESTING),
	ROW("late run5000 free", PENDING, TESTING),
	/* both silent */
	ROW("silent run299 free", PENDING, SUSPECT),
	ROW("silent run300 free", DOWN, SILENT),
	ROW("lost run1000 free", DOWN, LOST),
	ROW("refused run1000 free", DOWN, REFUSED),
	ROW("unreachable run1000 free", DOWN, UNREACHABLE),
	ROW("silent run300 free flight1", PENDING, SUSPECT_IN_FLIGHT),
	ROW("refused run20000 free flight1", PENDING, SUSPECT_IN_FLIGHT),
	ROW("silent run300", PENDING, SUSPECT_UNKNOWN),
	ROW("silent run300 hold", PENDING, SUSPECT_LEGS),
	ROW("silent run300 nocounters free", PENDING, SUSPECT_UNKNOWN),
	ROW("silent run30000 flight1", TIMEOUT, TIMEOUT),
	ROW("silent run30000 free", TIMEOUT, TIMEOUT),
	ROW("silent run30000 hold", TIMEOUT, TIMEOUT),
	/* no test possible */
	ROW("unable", PENDING, UNABLE),
	ROW("unable silent free", PENDING, UNABLE),
	ROW("unable moved look1000", UP, PROGRESS),
	/* nobody tested (the daemon's view) */
	ASK("silent", PENDING, SUSPECT_UNTESTED),
	ASK("unreachable free", PENDING, SUSPECT_UNTESTED),
	ASK("noboard", UP, UNTESTED),
	ASK("tcp-only", UP, UNTESTED),
	/* not iSCSI: stock's tur */
	ROW("disk good", UP, GOOD),
	ROW("disk silent good", UP, GOOD),
	ROW("disk conflict", UP, RESERVED),
	ROW("disk standby", GHOST, STANDBY),
	ROW("disk transition", PENDING, TRANSITION),
	ROW("disk busy", DOWN, NOT_SERVED),
	ROW("disk recovered", DOWN, NOT_SERVED),
	ROW("disk notready", DOWN, NOT_READY),
	ROW("disk attention", DOWN, ATTENTION),
	ROW("disk noconnect", DOWN, NO_CONNECT),
	ROW("disk nodevice", DOWN, NO_DEVICE),
	ROW("disk run1000 silent free", PENDING, TESTING),
	ROW("disk run30000", TIMEOUT, TIMEOUT),
	ROW("disk unsupported", PENDING, UNSUPPORTED),
	ROW("disk FREE good", UP, GOOD),
	ROW("disk offline", DOWN, OFFLINE),
	ASK("disk moved look100", UP, UNTESTED),
};
_Static_assert(sizeof(golden) / sizeof(golden[0]) >= 60, "a golden table worth its name");

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		struct evidence e = evidence_of(golden[i].evidence);
		struct verdict v = verdict_judge(&e);
		bool wants = verdict_wants_test(&e);

		if (v.state != golden[i].state || v.reason != golden[i].reason)
			fail_msg("\"%s\": %s %s instead of %s %s", golden[i].evidence,
				 verdict_state_name(v.state), reason_row(v.reason)->code,
				 verdict_state_name(golden[i].state),
				 reason_row(golden[i].reason)->code);
		if (wants != golden[i].wants_test)
			fail_msg("\"%s\": wants a test: %d", golden[i].evidence, wants);
	}
}

/* Every reason is reached by some row: none is dead, none untested. */
static void test_golden_covers(void **state)
{
	(void)state;
	for (int r = 1; r < REASON_MAX; r++) {
		size_t i, n = sizeof(golden) / sizeof(golden[0]);

		for (i = 0; i < n && golden[i].reason != (enum reason)r; i++)
			;
		if (i == n)
			fail_msg("no row leads to %s", reason_row((enum reason)r)->code);
	}
}

static void test_legs_asked_only_when_needed(void **state)
{
	static const struct {
		const char *evidence;
		bool wants;
	} rows[] = {
		{ "silent run300", true },	   { "silent run300 free", false },
		{ "silent run300 hold", false },   { "silent run300 flight1", false },
		{ "silent run299", false },	   { "silent good", false },
		{ "run300", false },		   { "silent run300 nocounters", false },
		{ "silent run30000", false },	   { "FAILED silent run300", false },
		{ "disk silent run300", false },   { "noboard run300", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evidence e = evidence_of(rows[i].evidence);

		if (verdict_wants_legs(&e) != rows[i].wants)
			fail_msg("\"%s\"", rows[i].evidence);
	}
}

/* Sentences as a person gets to read them. */
static void test_sentences(void **state)
{
	static const struct {
		const char *evidence, *text;
	} rows[] = {
		{ "FAILED silent", "portal 10.0.1.2:3260 silent for 812 ms (NOP), session failed,"
				   " the kernel is recovering it" },
		{ "silent run400 free",
		  "portal 10.0.1.2:3260 silent for 812 ms (NOP), TUR not answered for 400 ms" },
		{ "refused run400 free flight7",
		  "portal 10.0.1.2:3260 refuses connections, TUR not answered for 400 ms; held "
		  "until the 7 I/Os in flight end" },
		{ "silent good", "portal 10.0.1.2:3260 silent for 812 ms (NOP), but the data path"
				 " works (TUR answered)" },
		{ "notready", "portal 10.0.1.2:3260 answers, but TUR: not ready" },
		{ "good read", "READ answered" },
		{ "noboard good", "TUR answered (no board: daemon never ran)" },
		{ "disk good", "TUR answered" },
		{ "excluded good", "excluded by the LUN's policy" },
		{ "operator silent", "failed by operator (mpathiscsi fail)" },
		{ "held good", "held out: comes and goes, penalty 2800" },
		{ "hung good", "I/O of this LUN hung here; held out until a READ answers" },
		{ "hung flight2", "I/O of this LUN hung here and may still be in flight; held out"
				  " until a READ answers" },
		{ "tcp-only good", "TUR answered (probe of the portal: tcp-only)" },
		{ "moved look1000", "portal 10.0.1.2:3260 answers and I/O completes" },
		{ "run30000 read", "portal 10.0.1.2:3260 answers, but READ not answered within 30 s" },
		{ "lost run300 hold",
		  "portal 10.0.1.2:3260 closed the probe's connection, TUR not answered for 300 "
		  "ms; held until I/O on another suspect path ends" },
	};
	char text[VERDICT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evidence e = evidence_of(rows[i].evidence);
		struct verdict v = verdict_judge(&e);

		assert_string_equal(verdict_text(&e, &v, text, sizeof(text)), rows[i].text);
	}
}

static void test_sentence_with_errno(void **state)
{
	struct evidence e = evidence_of("unreachable run400 free");
	struct verdict v = verdict_judge(&e);
	char text[VERDICT_TEXT_MAX], small[8];

	(void)state;
	e.probe.error = -113; /* EHOSTUNREACH */
	verdict_text(&e, &v, text, sizeof(text));
	assert_string_equal(text, "portal 10.0.1.2:3260 unreachable (No route to host), TUR not "
				  "answered for 400 ms");
	verdict_text(&e, &v, small, sizeof(small));
	assert_string_equal(small, "portal ");
	small[0] = 'x';
	verdict_text(&e, &v, small, 0);
	assert_int_equal(small[0], 'x');
	v.reason = REASON_NONE;
	assert_string_equal(verdict_text(&e, &v, text, sizeof(text)), "no verdict");
}

/* ---- properties over seeded random evidence ---- */

static unsigned int seed;

static uint64_t any(uint64_t n)
{
	return (uint64_t)rand_r(&seed) % n;
}

/* Durations around every limit there is. */
static uint64_t any_ms(void)
{
	static const uint64_t at[] = { 0, 1, 299, 300, 301, 812, 1000, 1999, 2000, 2001, 29999,
				       30000, 60000, 60001, UINT64_MAX };

	return at[any(sizeof(at) / sizeof(at[0]))];
}

static struct evidence any_evidence(void)
{
	struct evidence e = healthy();

	e.is_iscsi = any(4) != 0;
	e.device = any(3) ? DEVICE_RUNNING : (enum device_state)any(DEVICE_GONE + 1);
	e.session = any(3) ? SESSION_LOGGED_IN : (enum session_state)any(SESSION_FREE + 1);
	e.barred = any(3) ? BARRED_NO : (enum barred)any(BARRED_MAX);
	e.penalty = (uint32_t)any(20000);
	e.probe.trust = any(2) ? BOARD_FRESH : (enum board_trust)any(BOARD_TRUST_MAX);
	e.probe.state = e.probe.trust == BOARD_FRESH ? (enum probe_state)any(PROBE_STATE_MAX) :
						       PROBE_NONE;
	e.probe.trouble_ms = any_ms();
	e.probe.error = -(int)any(140);
	e.io.known = any(4) != 0;
	e.io.moved = any(2);
	e.io.failed = any(4) == 0;
	e.io.doubted = any(4) == 0;
	e.io.look_ms = any_ms();
	e.io.count_known = any(4) != 0;
	e.io.in_flight = any(3) ? 0 : any(100);
	e.legs = (enum legs_state)any(3);
	e.test.state = (enum test_state)any(4);
	e.test.read = any(2);
	e.test.result = (enum scsi_result)any(SCSI_RESULT_MAX);
	e.test.disrupted = (unsigned int)any(8);
	e.test.age_ms = any_ms();
	e.test.error = -(int)any(140);
	if (any(8) == 0)
		memset(&e.portal, 0, sizeof(e.portal));
	return e;
}

#define RUNS 200000

#define FOR_ANY(e, v)                                                                           \
	for (int run_ = (seed = 4711, 0); run_ < RUNS; run_++)                                  \
		for (struct evidence e = any_evidence(), *once_ = &e; once_; once_ = NULL)      \
			for (struct verdict v = verdict_judge(&e), *o2_ = &v; o2_; o2_ = NULL)

static void test_any_has_reason_and_text(void **state)
{
	char text[VERDICT_TEXT_MAX];

	(void)state;
	FOR_ANY(e, v) {
		const struct reason_row *row = reason_row(v.reason);

		assert_non_null(row);
		assert_true(v.state == row->state);
		assert_in_range(v.state, VERDICT_DOWN, VERDICT_TIMEOUT);
		verdict_text(&e, &v, text, sizeof(text));
		assert_true(strlen(text) > 10);
		assert_true(strlen(text) < sizeof(text) - 1); /* nothing was cut */
		assert_null(strpbrk(text, "{}\n%"));
	}
}

static void test_any_disk_ignores_iscsi(void **state)
{
	(void)state;
	FOR_ANY(e, v) {
		struct evidence plain = e;
		struct verdict w;

		if (e.is_iscsi)
			continue;
		plain.probe.state = PROBE_NONE;
		plain.session = SESSION_UNKNOWN;
		plain.barred = BARRED_NO;
		memset(&plain.io, 0, sizeof(plain.io));
		plain.legs = LEGS_UNKNOWN;
		w = verdict_judge(&plain);
		assert_true(v.state == w.state && v.reason == w.reason);
	}
}

/* A barred path is never up and never tested, and says why unless the device itself is gone. */
static void test_any_barred_stays_out(void **state)
{
	static const enum reason reasons[] = {
		[BARRED_BY_POLICY] = REASON_EXCLUDED,
		[BARRED_BY_OPERATOR] = REASON_OPERATOR,
		[BARRED_BY_DAMPING] = REASON_HELD,
	};
	unsigned int seen = 0;

	(void)state;
	FOR_ANY(e, v) {
		struct evidence healthier = e;

		if (!e.is_iscsi || !e.barred || e.barred == BARRED_BY_HANG)
			continue;
		seen++;
		assert_true(v.state == VERDICT_DOWN || v.reason == REASON_BLOCKED);
		assert_false(verdict_wants_test(&e));
		assert_false(verdict_wants_legs(&e));
		healthier.device = DEVICE_RUNNING;
		assert_int_equal(verdict_judge(&healthier).reason, reasons[e.barred]);
	}
	assert_true(seen > 1000);
}

/* Where I/O hung: up only on a READ that came back, tested as long as the kernel lets it, and
 * called down only when nothing can make a reload wait. */
static void test_any_hung_waits_for_read(void **state)
{
	unsigned int ups = 0, downs = 0;

	(void)state;
	FOR_ANY(e, v) {
		bool kernel_says = e.device > DEVICE_RUNNING || e.session > SESSION_LOGGED_IN ||
				   e.device == DEVICE_BLOCKED;

		if (!e.is_iscsi || e.barred != BARRED_BY_HANG)
			continue;
		if (v.state == VERDICT_UP || v.state == VERDICT_GHOST) {
			assert_true(e.test.state == TEST_ENDED && e.test.read);
			assert_true(e.test.result == SCSI_GOOD ||
				    e.test.result == SCSI_RECOVERED ||
				    e.test.result == SCSI_MEDIUM_ERROR);
			ups++;
		}
		if (v.reason == REASON_HUNG) {
			assert_true(e.io.count_known && !e.io.in_flight);
			downs++;
		}
		if (e.test.state == TEST_NOT_ASKED && !kernel_says)
			assert_true(verdict_wants_test(&e));
		assert_false(verdict_wants_legs(&e) && v.reason == REASON_HUNG);
	}
	assert_true(ups > 10 && downs > 1000);
}

/* What on the board bars a path. */
static void test_plan(void **state)
{
	static const char wwid[] = "naa.6001";
	const uint64_t hash = fnv1a(FNV1A_START, wwid, strlen(wwid));
	static const struct {
		enum board_trust trust;
		uint32_t role;
		uint16_t flags;
		const char *wwid;
		enum barred barred;
	} rows[] = {
		{ BOARD_FRESH, ROLE_EXCLUDED, 0, wwid, BARRED_BY_POLICY },
		{ BOARD_STALE, ROLE_EXCLUDED, 0, wwid, BARRED_BY_POLICY },
		{ BOARD_FRESH, ROLE_EXCLUDED, 0, "", BARRED_BY_POLICY },
		{ BOARD_FRESH, ROLE_EXCLUDED, 0, "naa.6002", BARRED_NO },
		{ BOARD_FRESH, ROLE_ACTIVE, 0, wwid, BARRED_NO },
		{ BOARD_FRESH, ROLE_STANDBY, 0, wwid, BARRED_NO },
		{ BOARD_FRESH, ROLE_NONE, 0, wwid, BARRED_NO },
		{ BOARD_FRESH, ROLE_NONE, BOARD_PATH_FAILED, wwid, BARRED_BY_OPERATOR },
		{ BOARD_STALE, ROLE_ACTIVE, BOARD_PATH_FAILED, wwid, BARRED_BY_OPERATOR },
		{ BOARD_FRESH, ROLE_EXCLUDED, BOARD_PATH_FAILED, wwid, BARRED_BY_OPERATOR },
		{ BOARD_FRESH, ROLE_ACTIVE, BOARD_PATH_FAILED, "naa.6002", BARRED_NO },
		{ BOARD_FRESH, 77, 0x80, wwid, BARRED_NO },
		{ BOARD_FRESH, ROLE_ACTIVE, BOARD_PATH_HELD, wwid, BARRED_BY_DAMPING },
		{ BOARD_STALE, ROLE_ACTIVE, BOARD_PATH_HELD, wwid, BARRED_NO },
		{ BOARD_FRESH, ROLE_NONE, BOARD_PATH_HUNG, wwid, BARRED_BY_HANG },
		{ BOARD_STALE, ROLE_NONE, BOARD_PATH_HUNG, wwid, BARRED_BY_HANG },
		{ BOARD_FRESH, ROLE_NONE, BOARD_PATH_HELD | BOARD_PATH_HUNG, wwid,
		  BARRED_BY_DAMPING },
		{ BOARD_STALE, ROLE_NONE, BOARD_PATH_HELD | BOARD_PATH_HUNG, wwid,
		  BARRED_BY_HANG },
		{ BOARD_FRESH, ROLE_ACTIVE, BOARD_PATH_FAILED | BOARD_PATH_HELD, wwid,
		  BARRED_BY_OPERATOR },
		{ BOARD_FRESH, ROLE_EXCLUDED, BOARD_PATH_HELD | BOARD_PATH_HUNG, wwid,
		  BARRED_BY_POLICY },
		{ BOARD_FRESH, ROLE_ACTIVE, BOARD_PATH_HELD, "naa.6002", BARRED_NO },
		/* a penalty alone bars nothing */
		{ BOARD_FRESH, ROLE_ACTIVE, 0xff00, wwid, BARRED_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct board_path record = { .role = rows[i].role,
					     .flags = rows[i].flags,
					     .wwid_hash = hash };
		struct evidence e = healthy();

		evidence_set_plan(&e, rows[i].trust, &record, rows[i].wwid);
		assert_int_equal(e.barred, rows[i].barred);
	}
	for (int t = 0; t < BOARD_TRUST_MAX; t++) {
		struct board_path record = { .role = ROLE_EXCLUDED, .wwid_hash = hash };
		struct evidence e = healthy();

		e.barred = BARRED_BY_OPERATOR; /* of an earlier look */
		evidence_set_plan(&e, (enum board_trust)t, &record, wwid);
		assert_int_equal(e.barred, t == BOARD_FRESH || t == BOARD_STALE ? BARRED_BY_POLICY
										: BARRED_NO);
	}
}

/* The penalty travels in the flags, rounded down, and does not run over. */
static void test_penalty(void **state)
{
	static const struct {
		uint32_t penalty, read;
	} rows[] = {
		{ 0, 0 },	    { 99, 0 },		{ 100, 100 },
		{ 2850, 2800 },	    { 25500, 25500 },	{ 25599, 25500 },
		{ 25600, 25500 },   { UINT32_MAX, 25500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct board_path record = {
			.flags = (uint16_t)(BOARD_PATH_HELD | board_penalty_flags(rows[i].penalty)),
		};
		struct evidence e = healthy();

		assert_int_equal(board_penalty_flags(rows[i].penalty) & 0xff, 0);
		evidence_set_plan(&e, BOARD_FRESH, &record, "");
		assert_int_equal(e.barred, BARRED_BY_DAMPING);
		assert_int_equal(e.penalty, rows[i].read);
	}
}

/* Never down while the kernel is content and either the LUN says good, or I/O completes
 * without error right now and the LUN has said nothing. */
static void test_any_harmless(void **state)
{
	(void)state;
	FOR_ANY(e, v) {
		bool content = e.device <= DEVICE_RUNNING &&
			       (!e.is_iscsi || e.session <= SESSION_LOGGED_IN);
		bool progress = e.io.known && e.io.moved && !e.io.failed && !e.io.doubted &&
				e.io.look_ms <= e.probe.trouble_ms && e.io.look_ms <= 2000;

		if (!content || (e.is_iscsi && e.barred))
			continue;
		if (e.test.state == TEST_ENDED && e.test.result == SCSI_GOOD)
			assert_true(v.state == VERDICT_UP);
		if (e.is_iscsi && progress && e.test.state != TEST_ENDED &&
		    (e.probe.state == PROBE_UP || e.probe.state == PROBE_SILENT ||
		     e.probe.state == PROBE_LOST))
			assert_true(v.state == VERDICT_UP);
	}
}

/* Down ahead of every timer only if nothing anywhere can make a reload wait. */
static void test_any_early_down_is_safe(void **state)
{
	unsigned int seen = 0;

	(void)state;
	FOR_ANY(e, v) {
		if (v.reason != REASON_SILENT && v.reason != REASON_LOST &&
		    v.reason != REASON_REFUSED && v.reason != REASON_UNREACHABLE)
			continue;
		seen++;
		assert_true(e.is_iscsi && e.probe.trust == BOARD_FRESH);
		assert_true(e.io.count_known && e.io.in_flight == 0 && e.legs == LEGS_FREE);
		assert_true(e.test.state == TEST_RUNNING && e.test.age_ms >= 300);
		assert_true(e.session != SESSION_FAILED && e.device != DEVICE_BLOCKED);
	}
	assert_true(seen > 100);
}

/* Nothing but an answer of the LUN will do where the daemon has come to doubt the connection. */
static void test_any_doubted_is_tested(void **state)
{
	unsigned int seen = 0;

	(void)state;
	FOR_ANY(e, v) {
		if (!e.io.doubted || !e.is_iscsi)
			continue;
		if (e.test.state == TEST_NOT_ASKED && e.device == DEVICE_RUNNING &&
		    e.session <= SESSION_LOGGED_IN && e.barred == BARRED_NO)
			assert_true(verdict_wants_test(&e) && ++seen);
		if (v.state == VERDICT_UP)
			assert_int_not_equal(v.reason, REASON_PROGRESS);
	}
	assert_true(seen > 100);
}

/* Each thing that must be so for the board to be enough. */
static void test_quiet(void **state)
{
	struct evidence quiet = healthy(), e;

	(void)state;
	quiet.well.known = true;
	quiet.well.ago_ms = VERDICT_QUIET_MS - 1;
	assert_true(verdict_is_quiet(&quiet));
#define NOT_QUIET(change)                                                                        \
	do {                                                                                     \
		e = quiet;                                                                       \
		e.change;                                                                        \
		assert_false(verdict_is_quiet(&e));                                              \
	} while (0)
	NOT_QUIET(is_iscsi = false);
	NOT_QUIET(probe.state = PROBE_NONE);
	NOT_QUIET(probe.state = PROBE_LATE);
	NOT_QUIET(probe.state = PROBE_TCP_ONLY);
	NOT_QUIET(barred = BARRED_BY_HANG);
	NOT_QUIET(device = DEVICE_BLOCKED);
	NOT_QUIET(session = SESSION_FAILED);
	NOT_QUIET(session = SESSION_UNKNOWN);
	NOT_QUIET(well.known = false);
	NOT_QUIET(well.failed = true);
	NOT_QUIET(well.doubted = true);
	NOT_QUIET(well.ago_ms = VERDICT_QUIET_MS);
	NOT_QUIET(mates.odd = true);

	/* other LUNs of the session that are tested meanwhile, or I/O at the time, carry farther */
	for (int moved = 0; moved <= 1; moved++) {
		e = quiet;
		e.well.moved = moved;
		e.mates.known = !moved;
		e.mates.ago_ms = VERDICT_QUIET_MS - 1;
		e.well.ago_ms = VERDICT_QUIET_FAR_MS - 1;
		assert_true(verdict_is_quiet(&e));
		e.well.spread_ms = 1;
		assert_false(verdict_is_quiet(&e));
		e.well.ago_ms--;
		assert_true(verdict_is_quiet(&e));
		e.mates.odd = true;
		assert_false(verdict_is_quiet(&e));
		e.mates.odd = false;
		e.mates.ago_ms = VERDICT_QUIET_MS;
		assert_int_equal(verdict_is_quiet(&e), moved);
	}
#undef NOT_QUIET
}

/* Without a probe's opinion: what the kernel and the test say, no more, no less. */
static void test_any_no_opinion_is_stock(void **state)
{
	(void)state;
	FOR_ANY(e, v) {
		struct evidence bare = e;
		struct verdict w;

		if (e.probe.state != PROBE_NONE && e.probe.state != PROBE_CONNECTING &&
		    e.probe.state != PROBE_LATE && e.probe.state != PROBE_LOGIN_FAILED &&
		    e.probe.state != PROBE_REDIRECTED && e.probe.state != PROBE_TCP_ONLY &&
		    e.probe.state != PROBE_LOCAL)
			continue;
		if (e.is_iscsi && e.barred == BARRED_BY_HANG)
			continue; /* what is in flight matters there */
		bare.probe.trust = BOARD_ABSENT;
		bare.probe.state = PROBE_NONE;
		memset(&bare.io, 0, sizeof(bare.io));
		w = verdict_judge(&bare);
		assert_true(v.state == w.state && v.reason == w.reason);
	}
}

static void test_any_pure(void **state)
{
	(void)state;
	FOR_ANY(e, v) {
		struct evidence copy = e;
		struct verdict w = verdict_judge(&e);

		assert_true(v.state == w.state && v.reason == w.reason);
		verdict_wants_test(&e);
		verdict_wants_legs(&e);
		assert_memory_equal(&e, &copy, sizeof(e));
	}
}

/* ---- filling in evidence ---- */

#define NOW (100 * NS_PER_S)

static struct board_session any_record(void)
{
	struct board_session record = {
		.state = (uint32_t)any(PROBE_STATE_MAX + 2),
		.updated_ns = NOW - any(4) * NS_PER_S,
		.last_good_ns = any(2) ? NOW - any(10) * NS_PER_S : 0,
		.silent_since_ns = any(2) ? NOW - any(10) * NS_PER_S : 0,
		.error = -(int)any(100),
	};

	return record;
}

/* Stale, foreign, damaged … and absent: all the same verdict, whatever the record says. */
static void test_board_untrusted_is_absent(void **state)
{
	(void)state;
	seed = 99;
	for (int i = 0; i < 20000; i++) {
		struct evidence e = any_evidence(), absent;
		struct board_session record = any_record();
		struct verdict v, w;

		absent = e;
		evidence_set_board(&absent, BOARD_ABSENT, NULL, NOW);
		w = verdict_judge(&absent);
		for (int t = 0; t < BOARD_TRUST_MAX; t++) {
			if (t == BOARD_FRESH)
				continue;
			evidence_set_board(&e, (enum board_trust)t, &record, NOW);
			v = verdict_judge(&e);
			assert_true(v.state == w.state && v.reason == w.reason);
		}
	}
}

static void test_board_record_age(void **state)
{
	struct board_session record = {
		.state = PROBE_SILENT,
		.last_good_ns = NOW - 3 * NS_PER_S,
		.silent_since_ns = NOW - 812 * NS_PER_MS,
	};
	struct evidence e = healthy();

	(void)state;
	record.updated_ns = NOW - 2000 * NS_PER_MS;
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_SILENT);
	assert_int_equal(e.probe.trouble_ms, 812);
	record.updated_ns = NOW - 2001 * NS_PER_MS;
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_NONE);
	record.updated_ns = NOW + NS_PER_S; /* a clock read just before ours */
	record.silent_since_ns = 0;
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_SILENT);
	assert_int_equal(e.probe.trouble_ms, 3000);
	record.updated_ns = 0; /* never refreshed */
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_NONE);
	record.updated_ns = NOW;
	/* a login that is not answered is silence, one that is refused is not */
	record.state = PROBE_LOGIN_FAILED;
	record.error = -ETIMEDOUT;
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_SILENT);
	record.login_status = 0x0201;
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_LOGIN_FAILED);
	record.state = PROBE_STATE_MAX; /* of a later version */
	evidence_set_board(&e, BOARD_FRESH, &record, NOW);
	assert_int_equal(e.probe.state, PROBE_NONE);
}

static void test_io(void **state)
{
	struct counters a = { true, NOW, 100, 7, 2 }, b = a;
	struct evidence e = healthy();

	(void)state;
	b.at_ns += 1500 * NS_PER_MS;
	b.in_flight = 5;
	evidence_set_io(&e, &a, &b);
	assert_true(e.io.known && e.io.count_known && !e.io.moved && !e.io.failed);
	assert_int_equal(e.io.look_ms, 1500);
	assert_int_equal(e.io.in_flight, 5);
	b.completed++;
	evidence_set_io(&e, &a, &b);
	assert_true(e.io.moved && !e.io.failed);
	b.errors++;
	evidence_set_io(&e, &a, &b);
	assert_true(e.io.moved && e.io.failed);
	b.completed = 99; /* counters of another disk */
	evidence_set_io(&e, &a, &b);
	assert_false(e.io.moved);
	a.valid = false;
	evidence_set_io(&e, &a, &b);
	assert_true(!e.io.known && e.io.count_known);
	b.valid = false;
	evidence_set_io(&e, &a, &b);
	assert_true(!e.io.known && !e.io.count_known && !e.io.moved);
}

static void test_sum(void **state)
{
	uint64_t n = 42;

	(void)state;
	assert_int_equal(counters_sum("      12       30", 0, 1, &n), 0);
	assert_int_equal(n, 42);
	assert_int_equal(counters_sum(" 1 2 3 4 10 6 7 8 9 10 11\n", 0, 4, &n), 0);
	assert_int_equal(n, 11);
	assert_int_equal(counters_sum("512", 0, 0, &n), 0);
	assert_int_equal(n, 512);
	assert_true(counters_sum("", 0, 1, &n) < 0);
	assert_true(counters_sum("12", 0, 1, &n) < 0);
	assert_true(counters_sum("12 x", 0, 1, &n) < 0);
	assert_true(counters_sum("-1 2", 0, 1, &n) < 0);
	assert_true(counters_sum("1a 2", 0, 1, &n) < 0);
	assert_true(counters_sum("99999999999999999999999 1", 0, 1, &n) < 0);
	assert_int_equal(n, 512);
}

static void test_rows(void **state)
{
	(void)state;
	assert_null(reason_row(REASON_NONE));
	assert_null(reason_row(REASON_MAX));
	for (int r = 1; r < REASON_MAX; r++) {
		const struct reason_row *row = reason_row((enum reason)r);

		assert_true(row->message[0] == ':' && row->message[1] == ' ');
		assert_true(strlen(row->message) < 100);
		for (int q = 1; q < r; q++) {
			assert_string_not_equal(row->code, reason_row((enum reason)q)->code);
			assert_string_not_equal(row->message,
						reason_row((enum reason)q)->message);
		}
	}
}

static void test_saying(void **state)
{
	(void)state;
	assert_true(verdict_worth_saying(REASON_NONE, REASON_GOOD));
	assert_false(verdict_worth_saying(REASON_GOOD, REASON_GOOD));
	assert_false(verdict_worth_saying(REASON_GOOD, REASON_PROGRESS));
	assert_false(verdict_worth_saying(REASON_GOOD, REASON_TESTING));
	assert_false(verdict_worth_saying(REASON_NONE, REASON_NONE));
	assert_true(verdict_worth_saying(REASON_GOOD, REASON_SUSPECT_IN_FLIGHT));
	assert_true(verdict_worth_saying(REASON_SUSPECT_IN_FLIGHT, REASON_GOOD));
	assert_true(verdict_worth_saying(REASON_SILENT, REASON_REFUSED));
	assert_false(verdict_worth_saying(REASON_SILENT, REASON_SILENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_covers),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_any_barred_stays_out),
		cmocka_unit_test(test_any_hung_waits_for_read),
		cmocka_unit_test(test_penalty),
		cmocka_unit_test(test_legs_asked_only_when_needed),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_sentence_with_errno),
		cmocka_unit_test(test_any_has_reason_and_text),
		cmocka_unit_test(test_any_disk_ignores_iscsi),
		cmocka_unit_test(test_any_harmless),
		cmocka_unit_test(test_any_early_down_is_safe),
		cmocka_unit_test(test_any_doubted_is_tested),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_any_no_opinion_is_stock),
		cmocka_unit_test(test_any_pure),
		cmocka_unit_test(test_board_untrusted_is_absent),
		cmocka_unit_test(test_board_record_age),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_saying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
