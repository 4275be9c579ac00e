/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many LUNs of one array hang at once: what is done at one look, and how often. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "common/board_format.h"
#include "tests/unit/array_fixture.h"

/* How often the board was written: each time it beats. */
static uint64_t beats(const struct array *a)
{
	struct board_beat beat;
	int fd = open(a->board, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &beat, sizeof(beat), BOARD_BEAT_OFFSET), sizeof(beat));
	close(fd);
	return beat.sequence;
}

/* One look, so much later; all portals have answered until then. */
static void look(struct array *a, uint64_t ms)
{
	a->now_ns += ms * NS_PER_MS;
	for (size_t p = 0; p < PATHS; p++)
		a->sessions[p].answered_ns = a->now_ns;
	quick_hang(&a->quick, a->now_ns);
}

/* I/O gets stuck on path p of the LUN, … */
static void get_stuck(struct array *a, size_t l, size_t p)
{
	a->loads[l * PATHS + p].in_flight = 2;
}

/* … and is noticed, but it is not time yet to do anything. */
static void wait_for_it(struct array *a)
{
	const uint64_t limit_ms = a->quick.settings.timing.lun_dead_ms;

	assert_true(limit_ms > 2000);
	look(a, 1000);
	for (uint64_t ms = 0; ms + 200 < limit_ms; ms += 200)
		look(a, 200);
	assert_int_equal(a->quick.hangs->n, 0);
}

static size_t n_hung(const struct array *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->quick.hangs->n; i++)
		n += a->quick.hangs->table[i].is;
	return n;
}

/* A controller hangs for all LUNs: each look writes the board once, and none begins with all. */
static void test_published_once(void **state)
{
	struct array *a = *state;
	size_t looks = 0;

	for (size_t i = 0; i < LUNS * PATHS; i++)
		if (i % PATHS < PATHS / 2)
			get_stuck(a, i / PATHS, i % PATHS);
	wait_for_it(a);
	for (uint64_t ms = 200; n_hung(a) < LUNS * PATHS / 2; ms = 1) {
		size_t hung_before = n_hung(a);
		uint64_t before = beats(a);

		look(a, ms);
		assert_int_equal(beats(a), before + 1);
		assert_true(n_hung(a) > hung_before);
		assert_int_equal(a->quick.hangs->n_asked, 0); /* of one LUN alone */
		assert_true(++looks < 10);
	}
	assert_true(looks > 1);
	assert_int_equal(a->quick.hangs->n_hangs, LUNS);
	assert_int_equal(a->quick.hangs->n_refusals, 0);
	for (int i = 0; i < 3; i++) { /* no news: nothing to be written */
		uint64_t before = beats(a);

		look(a, 200);
		assert_int_equal(beats(a), before);
	}
}

/* One LUN has no other path than those that hang: nothing is done to any, and it is found once. */
static void test_refused_once(void **state)
{
	struct array *a = *state;

	for (size_t i = 0; i < LUNS * PATHS; i++)
		if (i % PATHS < PATHS / 2)
			get_stuck(a, i / PATHS, i % PATHS);
	for (size_t p = PATHS / 2; p < PATHS; p++)
		a->paths[7 * PATHS + p].plan.role = ROLE_EXCLUDED;
	wait_for_it(a);
	look(a, 200);
	assert_int_equal(a->quick.hangs->n_asked, 1);
	assert_int_equal(a->quick.hangs->n_hangs, 0);
	assert_int_equal(a->quick.hangs->n_refusals, LUNS);
}

/* The same where each LUN hangs on other paths: a few are asked for at each look, but each has
 * its turn. */
static void test_turns(void **state)
{
	struct array *a = *state;
	size_t looks = 0, before;

	for (size_t l = 0; l < LUNS; l++)
		for (size_t p = 0; p < PATHS / 2; p++)
			if ((l % 15 + 1) >> p & 1)
				get_stuck(a, l, p);
	for (size_t p = PATHS / 2; p < PATHS; p++)
		a->paths[LUNS * PATHS - PATHS + p].plan.role = ROLE_EXCLUDED;
	wait_for_it(a);
	do {
		before = n_hung(a) + a->quick.hangs->n_refusals;
		look(a, 200);
		assert_true(a->quick.hangs->n_asked * LUNS * PATHS <= HANG_PATHS_A_LOOK);
	} while (++looks < 1000 && n_hung(a) + a->quick.hangs->n_refusals > before);
	for (size_t l = 0; l < LUNS; l++) {
		bool noted = false;
		char text[HANG_TEXT_MAX] = "";

		for (size_t p = 0; p < PATHS; p++)
			noted |= hang_find(a->quick.hangs, &a->luns[l], &a->luns[l].paths[p]) !=
				 NULL;
		look(a, 1000); /* a refusal is told once it has lasted */
		for (size_t p = 0; p < PATHS && !*text; p++)
			quick_hang_text(&a->quick, &a->luns[l], &a->luns[l].paths[p], a->now_ns,
					text, sizeof(text));
		if (!noted && !*text)
			fail_msg("LUN %zu never had its turn", l);
	}
}

static const char *said_of(const struct array *a, size_t l, size_t p)
{
	static char text[HANG_TEXT_MAX];

	return quick_hang_text(&a->quick, &a->luns[l], &a->luns[l].paths[p], a->now_ns, text,
			       sizeof(text));
}

/* The first LUN hangs on a path, the second on the other one of its two, the third as the first:
 * once the second is turned away from its path the one that the first hangs on is its last. */
static void test_in_the_way(void **state)
{
	struct array *a = *state;
	const uint64_t limit_ms = a->quick.settings.timing.lun_dead_ms;

	get_stuck(a, 0, 1);
	get_stuck(a, 1, 4);
	get_stuck(a, 2, 1);
	for (size_t p = 0; p < PATHS; p++)
		if (p != 1 && p != 4)
			a->paths[PATHS + p].plan.role = ROLE_EXCLUDED;
	look(a, 1000);
	for (uint64_t ms = 0; ms < limit_ms + 1400; ms += 200) {
		for (size_t p = 0; p < PATHS; p++) /* elsewhere in that port group it flows */
			if (p != 1)
				a->loads[p].completed++, a->loads[2 * PATHS + p].completed++;
		look(a, 200);
	}
	assert_int_equal(a->quick.hangs->n_hangs, 2);
	assert_non_null(strstr(said_of(a, 0, 1), "new I/O goes elsewhere"));
	assert_non_null(strstr(said_of(a, 1, 4), "new I/O goes elsewhere"));
	assert_non_null(strstr(said_of(a, 2, 1), quick_reason_text(QUICK_LAST_PATH)));
}

/* Wherever all that hangs may be given up together, so may what each LUN hangs on alone. */
static void test_together(void **state)
{
	struct array *a = *state;
	struct quick *quick = &a->quick;
	struct hang_case *cases = calloc(LUNS, sizeof(*cases));
	unsigned int seed = 1;
	size_t n_together = 0, n_alone = 0;

	assert_non_null(cases);
	a->watch.luns.n = quick->n_maps = 12; /* enough to be in each other's way */
	for (int round = 0; round < 2000; round++) {
		for (size_t p = 0; p < PATHS; p++)
			a->sessions[p].answered_ns = a->now_ns - (uint64_t)rand_r(&seed) % 3000;
		hang_doom_begin(quick);
		for (size_t l = 0; l < a->watch.luns.n; l++) {
			struct hang_case *c = &cases[l];

			c->lun = &a->luns[l];
			c->now_ns = a->now_ns;
			for (size_t p = 0; p < PATHS; p++) {
				c->hung[p] = p < PATHS / 2 && rand_r(&seed) % 12 == 0;
				c->paths[p].io.since_ns =
					a->now_ns - 1000 - (uint64_t)rand_r(&seed) % 2000;
				a->maps[l].paths[p].active = rand_r(&seed) % 8 < 7;
			}
			hang_doom_add(quick, c);
		}
		hang_doom_decide(quick, a->now_ns);
		for (size_t l = 0; l < a->watch.luns.n; l++) {
			bool together = hang_doom_together(quick, &cases[l]), may_go[PATHS];
			const char *why = "";

			if (!hang_any_stuck(quick, &cases[l]))
				continue;
			for (size_t p = 0; p < PATHS; p++) {
				may_go[p] = a->sessions[p].may_go;
				a->sessions[p].may_go = false;
			}
			quick->hangs->n_answers = quick->hangs->n_asked = 0;
			if (hang_doom_ask(quick, &cases[l], &why) == HANG_MAY)
				n_alone++;
			else if (together)
				fail_msg("round %d, LUN %zu: \"%s\"", round, l, why);
			n_together += together;
			for (size_t p = 0; p < PATHS; p++)
				a->sessions[p].may_go = may_go[p];
		}
	}
	assert_true(n_together > 100 && n_alone > n_together); /* both were seen */
	free(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARRAY(test_published_once),
		WITH_ARRAY(test_refused_once),
		WITH_ARRAY(test_turns),
		WITH_ARRAY(test_in_the_way),
		WITH_ARRAY(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
