/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the board says of a connection that is found lost or dead, before its paths are failed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "common/board.h"
#include "daemon/publish.h"
#include "tests/unit/quick_fixture.h"

static int set_up(void **state)
{
	struct scene *s;

	scene_set_up(state);
	s = *state;
	scene_open_board(s);
	watch_publish(&s->watch);
	return 0;
}

/* What a checker reads of session i now. */
static uint32_t told(const struct scene *s, unsigned int i)
{
	struct board_session record;

	assert_int_equal(board_read_session(s->board, s->ids[i].sid,
					    path_name_hash(&s->ids[i].name), clock_now_ns(),
					    &record),
			 BOARD_FRESH);
	return record.doubted;
}

/* A link that is lost: told at once, once, of the sessions over it. */
static void test_link(void **state)
{
	struct scene *s = *state;
	uint32_t first;

	quick_doubt(&s->quick);
	assert_int_equal(told(s, 0), 0);
	s->sessions[0].link.debounce.lost = true;
	quick_doubt(&s->quick);
	first = told(s, 0);
	assert_int_not_equal(first, 0);
	assert_int_equal(told(s, 1), 0);
	quick_doubt(&s->quick);
	assert_int_equal(told(s, 0), first);
	/* the link is back: what was known before the loss stays doubtful */
	s->sessions[0].link.debounce.lost = false;
	quick_doubt(&s->quick);
	assert_int_equal(told(s, 0), first);
	s->sessions[0].link.debounce.lost = true;
	quick_doubt(&s->quick);
	assert_int_not_equal(told(s, 0), first);
}

static void dead(struct quick_session *session) { session->verdict = SUSPICION_CONNECTION; }
static void target_dead(struct quick_session *session) { session->verdict = SUSPICION_TARGET; }
static void gone(struct quick_session *session) { session->tcp_gone = true; }

static void logged_out(struct quick_session *session)
{
	session->was_lost = true;
	session->logged_in_ns = 0;
}

static void given_up(struct quick_session *session)
{
	dead(session);
	session->given_up = true;
}

static void absent(struct quick_session *session)
{
	dead(session);
	session->present = false;
}

static void test_reasons(void **state)
{
	static const struct {
		void (*what)(struct quick_session *session);
		bool doubted;
	} rows[] = {
		{ dead, true },	      { target_dead, true }, { gone, true },
		{ logged_out, true }, { given_up, false },   { absent, false },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t before = told(s, 1);

		s->sessions[1] = (struct quick_session){ .sid = s->ids[1].sid,
							 .present = true,
							 .logged_in_ns = LONG_AGO,
							 .doubted = before };
		rows[i].what(&s->sessions[1]);
		quick_doubt(&s->quick);
		if ((told(s, 1) != before) != rows[i].doubted)
			fail_msg("row %zu: %u, before %u", i, told(s, 1), before);
	}
}

/* The number of a daemon that starts is another than those of the one before, even without a doubt:
 * what that one came to doubt in its last moment stays so. */
static void test_restart(void **state)
{
	struct scene *s = *state;
	uint32_t last;

	s->quick.doubt_start = quick_doubt_start(NOW);
	s->sessions[0].link.debounce.lost = true;
	quick_doubt(&s->quick);
	last = told(s, 0);
	assert_int_equal(last, (NOW / NS_PER_MS | 1) + 1);
	s->sessions[0].doubted = 0;
	s->quick.doubt_start = quick_doubt_start(NOW + NS_PER_S);
	watch_publish_sessions(&s->watch);
	assert_int_not_equal(told(s, 0), last);
	assert_int_not_equal(told(s, 0), last - 1);
	assert_int_equal(quick_doubted(NULL, s->ids[0].sid), 0);
	assert_int_equal(quick_doubted(&s->quick, 77), 0);
}

/* One whose I/O hangs is ended though nothing is wrong with its connection. */
static void test_ended(void **state)
{
	struct scene *s = *state;
	uint32_t before = told(s, 1), after;

	quick_doubt_session(&s->quick, &s->sessions[1]);
	after = told(s, 1);
	assert_int_not_equal(after, before);
	dead(&s->sessions[1]);
	quick_doubt(&s->quick);
	before = told(s, 1);
	assert_int_not_equal(before, after);
	/* and is told once only of one that is doubtful already */
	quick_doubt_session(&s->quick, &s->sessions[1]);
	assert_int_equal(told(s, 1), before);
}

#define WITH_BOARD(test) cmocka_unit_test_setup_teardown(test, set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BOARD(test_link),
		WITH_BOARD(test_reasons),
		WITH_BOARD(test_restart),
		WITH_BOARD(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
