/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths that come and go are held out, but never the last one; and are forgiven. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "common/board.h"
#include "tests/unit/quick_fixture.h"

static unsigned int flags_of(const struct scene *s, size_t i)
{
	return quick_path_flags(&s->quick, &s->lun, &s->paths[i]);
}

/* Session i goes down and comes back so often, once a second. Returns when that is over. */
static uint64_t flap(struct scene *s, size_t i, unsigned int times, uint64_t now_ns)
{
	for (; times; times--) {
		s->sessions[i].healthy = true;
		quick_hold_out(&s->quick, now_ns);
		s->sessions[i].healthy = false;
		quick_hold_out(&s->quick, now_ns += NS_PER_S);
	}
	s->sessions[i].healthy = true;
	quick_hold_out(&s->quick, now_ns);
	return now_ns;
}

/* Held out when it has come and gone too often, and used again when that is long ago. */
static void flapping(void **state)
{
	struct scene *s = *state;
	struct quick_session *session = &s->sessions[0];
	uint64_t now_ns = flap(s, 0, 2, NOW);

	assert_false(session->held);
	now_ns = flap(s, 0, 4, now_ns);
	assert_true(session->held);
	assert_false(s->sessions[1].held);
	assert_int_equal(flags_of(s, 0), 0); /* it is in use: nobody takes it out */
	s->map.paths[0].active = false;
	assert_int_equal(flags_of(s, 0), BOARD_PATH_HELD);
	quick_hold_out(&s->quick, now_ns + 30 * NS_PER_S);
	assert_true(session->held);
	quick_hold_out(&s->quick, now_ns + 3600 * NS_PER_S);
	assert_false(session->held);
	assert_int_equal(flags_of(s, 0), 0);
}

/* A new login has to last for a moment; the first one there ever was does not. */
static void rising(void **state)
{
	struct scene *s = *state;
	struct quick_session *session = &s->sessions[1];
	uint64_t rise_ns = s->quick.settings.rise_ms * NS_PER_MS;

	assert_true(rise_ns > 0);
	session->logged_in_ns = NOW;
	quick_hold_out(&s->quick, NOW + rise_ns - 1);
	assert_false(session->held);
	session->was_lost = true;
	quick_hold_out(&s->quick, NOW + rise_ns - 1);
	assert_true(session->held && session->rising);
	quick_hold_out(&s->quick, NOW + rise_ns);
	assert_false(session->held);
	session->logged_in_ns = 0;
	quick_hold_out(&s->quick, NOW + rise_ns);
	assert_false(session->held);
}

/* What is switched off holds nothing out, and goes on counting; what is gone is left alone. */
static void switched_off(void **state)
{
	struct scene *s = *state;

	s->sessions[2].present = false;
	s->sessions[2].held = true;
	s->quick.switched.by = SWITCH_OFF_FILE;
	flap(s, 0, 6, NOW);
	assert_true(s->sessions[0].damping.held);
	assert_false(s->sessions[0].held);
	assert_false(s->sessions[2].damping.known);
	assert_true(s->sessions[2].held);
}

/* Only while another path of the LUN could carry its I/O. */
static void another_serves(void **state)
{
	struct scene *s = *state;

	assert_int_equal(quick_path_flags(NULL, &s->lun, &s->paths[0]), 0);
	s->sessions[0].held = true;
	s->map.paths[0].active = false;
	s->map.paths[2].active = false;
	assert_int_equal(flags_of(s, 0), BOARD_PATH_HELD);
	s->map.paths[1].active = false;
	assert_int_equal(flags_of(s, 0), 0);
	s->map.paths[1].active = true;
	s->paths[1].plan.role = ROLE_EXCLUDED;
	assert_int_equal(flags_of(s, 0), 0);
	s->paths[1].plan.role = ROLE_STANDBY;
	assert_int_equal(flags_of(s, 0), BOARD_PATH_HELD);
	s->sessions[1].healthy = false;
	assert_int_equal(flags_of(s, 0), 0);
	s->sessions[1].healthy = true;
	s->sessions[1].held = true;
	assert_int_equal(flags_of(s, 0), 0);
	s->sessions[1].held = false;
	s->sessions[1].sid = 77; /* not known */
	assert_int_equal(flags_of(s, 0), 0);
	s->sessions[1].sid = 2;
	assert_int_equal(failed_add(&s->watch.failed, s->lun.wwid, &s->ids[1].name), 0);
	assert_int_equal(flags_of(s, 0), 0);
	failed_free(&s->watch.failed);
	s->paths[1].dm = NULL;
	assert_int_equal(flags_of(s, 0), 0);
	s->paths[1].dm = &s->map.paths[1];
	assert_int_equal(flags_of(s, 0), BOARD_PATH_HELD);
	/* one that dm does not have, or whose session nobody knows, is not held out */
	s->paths[0].dm = NULL;
	assert_int_equal(flags_of(s, 0), 0);
	s->paths[0].dm = &s->map.paths[0];
	s->sessions[0].sid = 77;
	assert_int_equal(flags_of(s, 0), 0);
}

/* However things are: if one is held out, another one is in use and is not. */
static void never_the_last(void **state)
{
	static const enum role roles[] = { ROLE_ACTIVE, ROLE_STANDBY, ROLE_EXCLUDED, ROLE_NONE };
	struct scene *s = *state;
	unsigned int seed = 4711, held = 0;

	for (unsigned int round = 0; round < 20000; round++) {
		bool any_held = false, any_serves = false;

		for (size_t i = 0; i < PATHS; i++) {
			int dice = rand_r(&seed);

			s->map.paths[i].active = dice & 1;
			s->sessions[i].healthy = dice & 2;
			s->sessions[i].held = dice & 4;
			s->sessions[i].present = dice & 0x18;
			s->paths[i].plan.role = roles[(dice >> 5) % 4];
		}
		for (size_t i = 0; i < PATHS; i++) {
			any_held |= flags_of(s, i) & BOARD_PATH_HELD;
			any_serves |= s->map.paths[i].active && !flags_of(s, i) &&
				      s->sessions[i].healthy &&
				      s->paths[i].plan.role != ROLE_EXCLUDED;
		}
		held += any_held;
		if (any_held && !any_serves)
			fail_msg("round %u: held out, and nothing else serves", round);
	}
	assert_true(held > 1000);
}

/* A path that hangs is told as such, held out or not. */
static void with_a_hang(void **state)
{
	struct scene *s = *state;
	struct hang *hang = hang_add(s->quick.hangs, &s->lun, &s->paths[0]);

	hang->is = true;
	assert_int_equal(flags_of(s, 0), BOARD_PATH_HUNG);
	s->map.paths[0].active = false;
	s->sessions[0].held = true;
	assert_int_equal(flags_of(s, 0), BOARD_PATH_HUNG | BOARD_PATH_HELD);
}

/* What `forgive` answers: the number of paths, or the name of the error. */
static const char *forgive(struct scene *s, const char *lun, const char *expression)
{
	struct json_object *request = json_object_new_object(), *reply;
	static char text[64];

	if (lun)
		json_object_object_add(request, "lun", json_object_new_string(lun));
	if (expression)
		json_object_object_add(request, "expression", json_object_new_string(expression));
	reply = quick_forgive(&s->watch, request);
	if (json_object_get_boolean(json_object_object_get(reply, "ok")))
		snprintf(text, sizeof(text), "%s",
			 json_object_get_string(json_object_object_get(reply, "paths")));
	else
		snprintf(text, sizeof(text), "%s",
			 json_object_get_string(json_object_object_get(reply, "error")));
	json_object_put(reply);
	json_object_put(request);
	return text;
}

static void hold_all_but_the_last(struct scene *s)
{
	for (size_t i = 0; i + 1 < PATHS; i++) {
		flap(s, i, 6, NOW);
		s->sessions[i].was_lost = true;
		s->map.paths[i].active = false;
		assert_true(s->sessions[i].held);
	}
	watch_publish(&s->watch);
	assert_int_equal(scene_told(s, 0), BOARD_PATH_HELD);
	assert_int_equal(scene_told(s, 1), BOARD_PATH_HELD);
	assert_int_equal(scene_told(s, 2), 0);
}

/* The checker hears at once of what is forgiven, and of nothing else. */
static void forgiven(void **state)
{
	struct scene *s = *state;

	scene_open_board(s);
	hold_all_but_the_last(s);
	assert_string_equal(forgive(s, "lun0", "portal=10.0.1.2"), "1");
	assert_false(s->sessions[0].held || s->sessions[0].was_lost);
	assert_int_equal(scene_told(s, 0), 0);
	assert_true(s->sessions[1].held);
	assert_int_equal(scene_told(s, 1), BOARD_PATH_HELD);
	/* it starts over: once more is nothing */
	flap(s, 0, 1, NOW + 10 * NS_PER_S);
	assert_false(s->sessions[0].held);
	assert_string_equal(forgive(s, s->lun.wwid, NULL), "3");
	assert_int_equal(scene_told(s, 1), 0);
	assert_string_equal(forgive(s, "all", NULL), "3");
	assert_string_equal(forgive(s, NULL, "portal=10.0.2.2"), "1");
}

static void not_forgiven(void **state)
{
	struct scene *s = *state;

	scene_open_board(s);
	hold_all_but_the_last(s);
	assert_string_equal(forgive(s, "mpathz", NULL), "ISDSC_VOLUME_NOT_FOUND");
	assert_string_equal(forgive(s, "lun0", "portal="), "ISDSC_INVALID_PARAMETER");
	assert_string_equal(forgive(s, "lun0", "portal=10.0.9.2"), "ISDSC_INVALID_PATH_ID");
	s->watch.luns.n = 0;
	assert_string_equal(forgive(s, NULL, NULL), "ISDSC_INVALID_PATH_ID");
	s->watch.luns.n = 1;
	for (size_t i = 0; i < PATHS; i++)
		s->sessions[i].present = false;
	assert_string_equal(forgive(s, NULL, NULL), "ISDSC_INVALID_PATH_ID");
	assert_true(s->sessions[0].held && s->sessions[1].held);
	assert_int_equal(scene_told(s, 0), BOARD_PATH_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(flapping),	    WITH_SCENE(rising),	     WITH_SCENE(switched_off),
		WITH_SCENE(another_serves), WITH_SCENE(never_the_last), WITH_SCENE(with_a_hang),
		WITH_SCENE(forgiven),	    WITH_SCENE(not_forgiven),
	};

	return cmocka_run_group_tests_name("holdout", tests, NULL, NULL);
}
