/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the daemon's tables to what decide.h asks, and who is held out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/board.h"
#include "tests/unit/quick_fixture.h"

#define MS(n) ((n) * NS_PER_MS)

/* What decide.h is told of session i; it has one LUN. */
static struct decide_lun fact(struct scene *s, size_t i, struct decide_session *ret)
{
	struct quick_facts facts;
	struct decide_session session;
	struct decide_lun lun;

	assert_int_equal(quick_facts_make(&s->quick, &facts), 0);
	session = quick_facts_of(&s->quick, &facts, i, NOW);
	assert_int_equal(session.n_luns, 1);
	assert_ptr_equal(facts.which[facts.first[i]], &s->lun);
	lun = session.luns[0];
	session.luns = NULL;
	if (ret)
		*ret = session;
	quick_facts_free(&facts);
	assert_null(facts.luns);
	return lun;
}

static void test_in_order(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < PATHS; i++) {
		struct decide_lun lun = fact(s, i, NULL);

		assert_true(lun.in_map && lun.this_usable && lun.live_queues);
		assert_false(lun.used_alone);
		assert_int_equal(lun.queueing, QUEUEING_ALWAYS);
		assert_int_equal(lun.others, PATHS - 1);
		assert_int_equal(lun.others_since, PATHS - 1);
		assert_true(lun.others_other_portal);
	}
}

static void unusable(struct scene *s, void (*how)(struct scene *s), const char *what)
{
	struct scene before = *s;
	struct decide_lun lun;

	how(s);
	lun = fact(s, 0, NULL);
	if (lun.others != PATHS - 2)
		fail_msg("%s: %u others", what, lun.others);
	lun = fact(s, 1, NULL);
	if (lun.this_usable)
		fail_msg("%s: usable", what);
	*s = before;
}

static void dm_failed(struct scene *s) { s->map.paths[1].active = false; }
static void excluded(struct scene *s) { s->paths[1].plan.role = ROLE_EXCLUDED; }
static void unwell(struct scene *s) { s->sessions[1].healthy = false; }
static void offline(struct scene *s) { s->ids[1].device_state = DEVICE_OFFLINE; }
static void hangs(struct scene *s)
{
	hang_begin(&s->quick, hang_add(s->quick.hangs, &s->lun, &s->paths[1]),
		   &(struct silence){ .since_ns = NOW }, NOW);
}

/* Each of these alone takes a path out of the count of those that would do. */
static void test_unusable(void **state)
{
	struct scene *s = *state;

	unusable(s, dm_failed, "failed in dm");
	unusable(s, excluded, "excluded by policy");
	unusable(s, unwell, "session not healthy");
	unusable(s, offline, "disk offline");
	unusable(s, hangs, "the LUN hangs there");
}

/* Who has not answered since the trouble began proves nothing. */
static void test_since(void **state)
{
	struct scene *s = *state;
	struct decide_lun lun;

	s->sessions[0].suspicion.since_ns = NOW - NS_PER_S;
	s->sessions[1].answered_ns = NOW - NS_PER_S;
	lun = fact(s, 0, NULL);
	assert_int_equal(lun.others, PATHS - 1);
	assert_int_equal(lun.others_since, PATHS - 2);
	s->sessions[2].answered_ns = NOW - 2 * NS_PER_S;
	lun = fact(s, 0, NULL);
	assert_int_equal(lun.others_since, 0);
	assert_false(lun.others_other_portal);
	/* a LUN that hangs: its own time counts */
	s->sessions[0].doomed_since_ns = NOW - 3 * NS_PER_S;
	assert_int_equal(fact(s, 0, NULL).others_since, PATHS - 1);
	/* one that is to be given up as well is no help */
	s->sessions[1].doomed_since_ns = NOW - 3 * NS_PER_S;
	assert_int_equal(fact(s, 0, NULL).others, PATHS - 2);
}

/* Data unacknowledged: the others must have answered since, or they may be gone, too. */
static void test_unproven(void **state)
{
	struct scene *s = *state;
	struct quick_session *session = &s->sessions[0];

	assert_int_equal(quick_unproven_since(session, NOW), 0);
	session->suspicion.unacked_ns = NOW - MS(299);
	assert_int_equal(quick_unproven_since(session, NOW), 0);
	session->suspicion.unacked_ns = NOW - MS(300);
	assert_int_equal(quick_unproven_since(session, NOW), NOW - MS(300));
	assert_int_equal(quick_unproven_since(session, NOW - MS(400)), 0); /* a clock of old */
	session->suspicion.unacked_ns = LONG_AGO; /* the table is made by the real clock */
	for (size_t i = 1; i < PATHS; i++)
		s->sessions[i].answered_ns = LONG_AGO;
	if (clock_now_ns() < LONG_AGO + MS(300))
		skip();
	assert_int_equal(fact(s, 0, NULL).others, 0);
	s->sessions[2].answered_ns = LONG_AGO + 1;
	assert_int_equal(fact(s, 0, NULL).others, 1);
}

static void test_one_portal(void **state)
{
	struct scene *s = *state;

	s->ids[1].name.portal = s->ids[2].name.portal = s->ids[0].name.portal;
	assert_false(fact(s, 0, NULL).others_other_portal);
}

/* Two disks of a LUN over one session are no other path. */
static void test_same_session(void **state)
{
	struct scene *s = *state;
	struct quick_facts facts;

	s->ids[1].sid = 1;
	assert_int_equal(quick_facts_make(&s->quick, &facts), 0);
	assert_int_equal(facts.first[1] - facts.first[0], 2);
	assert_int_equal(facts.luns[0].others, 1);
	quick_facts_free(&facts);
}

static void test_unknown_session(void **state)
{
	struct scene *s = *state;
	struct quick_facts facts;

	s->ids[1].sid = 99;
	assert_int_equal(quick_facts_make(&s->quick, &facts), 0);
	assert_int_equal(facts.first[PATHS], PATHS - 1); /* behind those of all sessions */
	assert_int_equal(facts.luns[0].others, 1);
	assert_int_equal(facts.luns[PATHS - 1].others, 2);
	quick_facts_free(&facts);
}

/* Nothing of it can be looked at: then it counts as used. */
static void test_no_map(void **state)
{
	struct scene *s = *state;
	struct decide_lun lun;

	for (size_t i = 0; i < PATHS; i++)
		s->paths[i].dm = NULL;
	s->lun.map = NULL;
	lun = fact(s, 0, NULL);
	assert_false(lun.in_map || lun.this_usable || lun.live_queues);
	assert_true(lun.used_alone);
}

static void test_session(void **state)
{
	struct scene *s = *state;
	struct decide_session session;

	fact(s, 0, &session);
	assert_true(session.enabled && session.logged_in && session.socket_known);
	assert_true(session.software);
	assert_int_equal(session.logged_in_ms, (NOW - LONG_AGO) / NS_PER_MS);
	assert_int_equal(session.stock_ms, 15000);
	strcpy(s->ids[0].transport, "bnx2i");
	s->sessions[0].logged_in_ns = 0;
	s->quick.switched.by = SWITCH_OFF_FILE;
	fact(s, 0, &session);
	assert_false(session.logged_in || session.enabled || session.software);
	assert_int_equal(session.logged_in_ms, 0);
	s->watch.n_sessions = 0; /* what is not known of it is not assumed */
	strcpy(s->ids[0].transport, "iscsi_tcp");
	fact(s, 0, &session);
	assert_false(session.software);
}

/* ---- who is held out ---- */

static void test_rising(void **state)
{
	struct scene *s = *state;
	struct quick_session *session = &s->sessions[0];

	s->quick.settings.rise_ms = 2000;
	session->was_lost = true;
	session->logged_in_ns = NOW;
	quick_hold_out(&s->quick, NOW + MS(1999));
	assert_true(session->rising && session->held);
	quick_hold_out(&s->quick, NOW + MS(2000));
	assert_false(session->rising || session->held);
	session->was_lost = false; /* at the start of all */
	session->logged_in_ns = NOW + MS(2000);
	quick_hold_out(&s->quick, NOW + MS(2001));
	assert_false(session->held);
}

static void test_flapping(void **state)
{
	struct scene *s = *state;
	struct quick_session *session = &s->sessions[0];
	uint64_t now_ns = NOW;

	s->quick.settings.flap_half_life_s = 60;
	s->quick.settings.flap_hold = 2500;
	s->quick.settings.flap_reuse = 1000;
	for (int i = 0; i < 3; i++) {
		session->healthy = true;
		quick_hold_out(&s->quick, now_ns += MS(100));
		assert_false(session->held);
		session->healthy = false;
		quick_hold_out(&s->quick, now_ns += MS(100));
	}
	assert_true(session->held && session->damping.held);
	session->healthy = true;
	quick_hold_out(&s->quick, now_ns + 60 * NS_PER_S);
	assert_true(session->held);
	s->quick.switched.by = SWITCH_OFF_FILE; /* counted still, but nobody is held out */
	quick_hold_out(&s->quick, now_ns + 61 * NS_PER_S);
	assert_false(session->held);
	s->quick.switched.by = SWITCH_ON;
	quick_hold_out(&s->quick, now_ns + 150 * NS_PER_S);
	assert_false(session->held || session->damping.held);
}

/* Only one that dm does not use already, and only while another path serves. */
static void test_path_flags(void **state)
{
	struct scene *s = *state;
	const struct lun_path *path = &s->paths[0];

	assert_int_equal(quick_path_flags(NULL, &s->lun, path), 0);
	s->sessions[0].held = true;
	assert_int_equal(quick_path_flags(&s->quick, &s->lun, path), 0);
	s->map.paths[0].active = false;
	assert_int_equal(quick_path_flags(&s->quick, &s->lun, path), BOARD_PATH_HELD);
	s->sessions[1].held = true;
	assert_int_equal(quick_path_flags(&s->quick, &s->lun, path), BOARD_PATH_HELD);
	s->map.paths[2].active = false; /* the last one is never held out */
	assert_int_equal(quick_path_flags(&s->quick, &s->lun, path), 0);
	s->sessions[1].held = false;
	assert_int_equal(quick_path_flags(&s->quick, &s->lun, path), BOARD_PATH_HELD);
	s->paths[1].plan.role = ROLE_EXCLUDED;
	assert_int_equal(quick_path_flags(&s->quick, &s->lun, path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(test_in_order),
		WITH_SCENE(test_unusable),
		WITH_SCENE(test_since),
		WITH_SCENE(test_unproven),
		WITH_SCENE(test_one_portal),
		WITH_SCENE(test_same_session),
		WITH_SCENE(test_unknown_session),
		WITH_SCENE(test_no_map),
		WITH_SCENE(test_session),
		WITH_SCENE(test_rising),
		WITH_SCENE(test_flapping),
		WITH_SCENE(test_path_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
