/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered, refused and said of LUNs that hang on some paths. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/board.h"
#include "tests/unit/quick_fixture.h"

#define MS(n) ((n) * NS_PER_MS)

/* The disk of path i: I/O in flight since then without an end; the last that ended, when. */
static void io_of(struct scene *s, size_t i, uint64_t since_ns, uint64_t moved_ns)
{
	struct hangs *hangs = s->quick.hangs;

	assert_int_equal(hang_sync_disks(hangs, &s->watch.inventory), 0);
	for (size_t d = 0; d < hangs->n_disks; d++)
		if (hangs->disks[d].devt == s->ids[i].devt)
			hangs->disks[d].io = (struct silence){ .known = true,
							       .in_flight = since_ns ? 3 : 0,
							       .moved_ns = moved_ns,
							       .since_ns = since_ns };
}

/* Path i hangs since a second before 'now_ns', and dm was told so. */
static struct hang *hung(struct scene *s, size_t i, uint64_t now_ns)
{
	struct hang *hang = hang_add(s->quick.hangs, &s->lun, &s->paths[i]);

	assert_non_null(hang);
	io_of(s, i, now_ns - NS_PER_S, 0);
	hang_begin(&s->quick, hang, hang_silence(s->quick.hangs, s->ids[i].devt), now_ns);
	return hang;
}

static void test_table(void **state)
{
	struct scene *s = *state;
	struct hang *hang;

	assert_null(hang_find(NULL, &s->lun, &s->paths[0]));
	assert_null(hang_find(s->quick.hangs, &s->lun, &s->paths[0]));
	assert_false(hangs_any(NULL));
	hang = hang_add(s->quick.hangs, &s->lun, &s->paths[0]);
	assert_non_null(hang);
	assert_false(hangs_any(s->quick.hangs)); /* known is not hung */
	assert_ptr_equal(hang_add(s->quick.hangs, &s->lun, &s->paths[0]), hang);
	assert_null(hang_find(s->quick.hangs, &s->lun, &s->paths[1]));
	assert_non_null(hang_add(s->quick.hangs, &s->lun, &s->paths[1]));
	assert_int_equal(s->quick.hangs->n, 2);
	/* by name: a new login has another number, and is the same path */
	s->ids[0].sid = 77;
	assert_ptr_equal(hang_find(s->quick.hangs, &s->lun, &s->paths[0]),
			 &s->quick.hangs->table[0]);
	strcpy(s->lun.wwid, "36001"); /* another LUN over it is another thing */
	assert_null(hang_find(s->quick.hangs, &s->lun, &s->paths[0]));
	hangs_free(NULL);
}

static void test_disks_follow(void **state)
{
	struct scene *s = *state;
	struct hangs *hangs = s->quick.hangs;

	assert_null(hang_silence(NULL, s->ids[0].devt));
	assert_null(hang_silence(hangs, s->ids[0].devt));
	io_of(s, 1, NOW, NOW - NS_PER_S);
	assert_int_equal(hang_silence(hangs, s->ids[1].devt)->since_ns, NOW);
	assert_int_equal(hang_silence(hangs, s->ids[0].devt)->since_ns, 0);
	/* the first disk goes, and the numbers are in another order: each keeps what is its */
	s->ids[0] = s->ids[2];
	s->watch.inventory.n_disks = 2;
	s->watch.inventory.generation = 2;
	assert_int_equal(hang_sync_disks(hangs, &s->watch.inventory), 0);
	assert_int_equal(hangs->n_disks, 2);
	assert_int_equal(hang_silence(hangs, s->ids[1].devt)->since_ns, NOW);
	assert_null(hang_silence(hangs, makedev(8, 16)));
}

/* Used again only if dm has it active, after it was seen failed or for long, and its I/O moves. */
static void test_over(void **state)
{
	struct scene *s = *state;
	struct hang *hang = hung(s, 0, NOW);

	assert_true(hangs_any(s->quick.hangs));
	assert_true(hang->was_stuck);
	assert_int_equal(hang->since_ns, NOW - NS_PER_S);
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(10))); /* dm has not taken it yet */
	s->map.paths[0].active = false;
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(20)));
	assert_true(hang->seen_failed);
	s->map.paths[0].active = true; /* brought back, by hand say, and stuck as before */
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(30)));
	assert_true(hang->is);
	io_of(s, 0, 0, NOW + MS(35));
	assert_true(hang_look(&s->quick, &s->lun, NOW + MS(40)));
	assert_false(hang->is);
	assert_int_equal(hang->ended_ns, NOW + MS(40));
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(50)));
}

/* dm never showed it as failed: then time decides. */
static void test_over_unseen(void **state)
{
	struct scene *s = *state;
	struct hang *hang = hung(s, 0, NOW);

	io_of(s, 0, 0, NOW + MS(1));
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(5000)));
	assert_true(hang_look(&s->quick, &s->lun, NOW + MS(5001)));
	assert_false(hang->is);
}

static void test_no_disk_is_not_over(void **state)
{
	struct scene *s = *state;
	struct hang *hang = hang_add(s->quick.hangs, &s->lun, &s->paths[0]);
	const struct silence unknown = { .known = false };

	hang_begin(&s->quick, hang, &unknown, NOW);
	assert_false(hang->was_stuck);
	assert_int_equal(hang->since_ns, NOW);
	hang->seen_failed = true;
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(60000))); /* nothing is counted */
	s->paths[0].dm = NULL;
	io_of(s, 0, 0, NOW + MS(1));
	assert_false(hang_look(&s->quick, &s->lun, NOW + MS(60000))); /* not in the map */
	assert_true(hang->is);
}

static void test_forgotten(void **state)
{
	struct scene *s = *state;

	hung(s, 0, NOW);
	hung(s, 1, NOW + NS_PER_S);
	hangs_tidy(s->quick.hangs, NOW + 600 * NS_PER_S - 1);
	assert_int_equal(s->quick.hangs->n, 2);
	hangs_tidy(s->quick.hangs, NOW + 600 * NS_PER_S);
	assert_int_equal(s->quick.hangs->n, 1);
	assert_null(hang_find(s->quick.hangs, &s->lun, &s->paths[0]));
	assert_non_null(hang_find(s->quick.hangs, &s->lun, &s->paths[1]));
}

/* The board says "hung"; held out only after many times, and never when it is the last. */
static void test_flags(void **state)
{
	struct scene *s = *state;
	struct quick *quick = &s->quick;
	struct hang *hang;

	assert_int_equal(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW), 0);
	hang = hung(s, 0, NOW);
	assert_int_equal(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW), BOARD_PATH_HUNG);
	hang->damping.held = true;
	assert_true(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW) & BOARD_PATH_HELD);
	s->map.paths[1].active = false;
	s->paths[2].plan.role = ROLE_EXCLUDED;
	assert_int_equal(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW), BOARD_PATH_HUNG);
	s->paths[2].plan.role = ROLE_STANDBY;
	assert_true(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW) & BOARD_PATH_HELD);
	s->sessions[2].healthy = false;
	assert_int_equal(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW), BOARD_PATH_HUNG);
	s->sessions[2].healthy = true;
	hung(s, 2, NOW);
	hang = hang_find(quick->hangs, &s->lun, &s->paths[0]);
	assert_int_equal(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW), BOARD_PATH_HUNG);
	hang->is = false;
	assert_int_equal(quick_hang_flags(quick, &s->lun, &s->paths[0], NOW), 0);
}

static void test_forgiven(void **state)
{
	struct scene *s = *state;
	struct hang *hang = hung(s, 0, NOW);

	hang->damping.held = true;
	quick_hang_forgive(&s->quick, &s->lun, &s->paths[1]); /* another one */
	assert_true(hang->damping.held);
	quick_hang_forgive(&s->quick, &s->lun, &s->paths[0]);
	assert_false(hang->damping.held);
}

/* Said once, when it has lasted for a second; another reason is another matter. */
static void test_refused(void **state)
{
	struct scene *s = *state;
	struct hangs *hangs = s->quick.hangs;

	hang_refused(&s->quick, &s->lun, "", NOW);
	assert_int_equal(hangs->n_refusals, 0);
	hang_refused(&s->quick, &s->lun, "first", NOW);
	hang_refused(&s->quick, &s->lun, "first", NOW + MS(999));
	assert_int_equal(hangs->n_refused, 0);
	hang_refused(&s->quick, &s->lun, "first", NOW + MS(1000));
	hang_refused(&s->quick, &s->lun, "first", NOW + MS(2000));
	assert_int_equal(hangs->n_refused, 1);
	hang_refused(&s->quick, &s->lun, "second", NOW + MS(2000));
	assert_int_equal(hangs->n_refused, 1);
	hang_refused(&s->quick, &s->lun, "second", NOW + MS(3000));
	assert_int_equal(hangs->n_refused, 2);
	assert_int_equal(hangs->n_refusals, 1);
	hang_refused(&s->quick, &s->lun, "", NOW + MS(3000));
	assert_int_equal(hangs->n_refusals, 0);
}

/* Path 0 hangs since a second: why its session may not be given up; NULL: it may. */
static const char *refusal(struct scene *s)
{
	struct hang_case c = { .lun = &s->lun, .now_ns = NOW };
	const char *why = NULL;

	c.hung[0] = true;
	c.paths[0].io.since_ns = NOW - NS_PER_S;
	assert_true(hang_is_stuck(&s->quick, &c, 0));
	hang_doom_begin(&s->quick);
	assert_int_not_equal(hang_doom_ask(&s->quick, &c, &why), HANG_LATER);
	return why;
}

static void test_refusals(void **state)
{
	struct scene *s = *state;
	struct quick *quick = &s->quick;

	s->sessions[1].answered_ns = s->sessions[2].answered_ns = NOW;
	assert_null(refusal(s));
	quick->settings.timing.fence = true;
	assert_non_null(strstr(refusal(s), "fence = reinstate"));
	quick->settings.timing.fence = false;
	s->sessions[0].levers.quick = false;
	assert_string_equal(refusal(s), "its session is not quick");
	s->sessions[0].levers.quick = true;
	/* nobody else has answered since it hangs */
	s->sessions[1].answered_ns = s->sessions[2].answered_ns = NOW - 2 * NS_PER_S;
	assert_string_equal(refusal(s), quick_reason_text(QUICK_OTHERS_UNPROVEN));
	s->map.paths[1].active = s->map.paths[2].active = false;
	assert_string_equal(refusal(s), quick_reason_text(QUICK_LAST_PATH));
}

/* The table as a plain list would have it, over random deeds. */
static void test_table_random(void **state)
{
	struct scene *s = *state;
	struct hangs *hangs = s->quick.hangs;
	struct lun lun = s->lun;
	struct lun_path path = s->paths[0];
	unsigned int seed = 1;

	for (int deed = 0; deed < 20000; deed++) {
		const struct hang *listed = NULL;
		struct hang *found;

		snprintf(lun.wwid, sizeof(lun.wwid), "3600%d", rand_r(&seed) % 40);
		path.name_hash = 1 + (uint64_t)(rand_r(&seed) % 10);
		for (size_t i = 0; i < hangs->n; i++)
			if (hangs->table[i].wwid_hash == hang_lun_hash(&lun) &&
			    hangs->table[i].name_hash == path.name_hash)
				listed = &hangs->table[i];
		assert_ptr_equal(hang_find(hangs, &lun, &path), listed);
		if (rand_r(&seed) % 4)
			continue;
		found = hang_add(hangs, &lun, &path);
		assert_ptr_equal(hang_find(hangs, &lun, &path), found);
		found->ended_ns = rand_r(&seed) % 3 ? NOW : NOW - 600 * NS_PER_S;
		if (rand_r(&seed) % 20 == 0)
			hangs_tidy(hangs, NOW);
		assert_int_equal(hangs->by_path.n, hangs->n);
	}
}

/* LUNs begin and cease to be refused in any order: each keeps its own. */
static void test_refused_random(void **state)
{
	struct scene *s = *state;
	char why[50][16] = { "" }, text[HANG_TEXT_MAX], expected[64];
	struct lun lun = s->lun;
	unsigned int seed = 1;

	io_of(s, 0, NOW, 0);
	for (int deed = 0; deed < 5000; deed++) {
		size_t i = (size_t)rand_r(&seed) % 50, n = 0;

		snprintf(lun.wwid, sizeof(lun.wwid), "3600%zu", i);
		*why[i] = '\0';
		if (rand_r(&seed) % 3)
			snprintf(why[i], sizeof(why[i]), "reason %d", rand_r(&seed) % 10);
		hang_refused(&s->quick, &lun, why[i], NOW);
		hang_refused(&s->quick, &lun, why[i], NOW + NS_PER_S);
		for (size_t j = 0; j < 50; j++)
			n += *why[j] != '\0';
		assert_int_equal(s->quick.hangs->n_refusals, n);
		i = (size_t)rand_r(&seed) % 50;
		snprintf(lun.wwid, sizeof(lun.wwid), "3600%zu", i);
		snprintf(expected, sizeof(expected), "nothing is done: %s", why[i]);
		quick_hang_text(&s->quick, &lun, &s->paths[0], NOW, text, sizeof(text));
		assert_int_equal(strstr(text, expected) != NULL, *why[i] != '\0');
	}
}

static void test_text(void **state)
{
	struct scene *s = *state;
	struct quick *quick = &s->quick;
	char text[HANG_TEXT_MAX];
	struct hang *hang;

	assert_string_equal(quick_hang_text(quick, &s->lun, &s->paths[0], NOW, text,
					    sizeof(text)), "");
	hang = hung(s, 0, NOW);
	quick_hang_text(quick, &s->lun, &s->paths[0], NOW + 11 * NS_PER_S, text, sizeof(text));
	assert_string_equal(text,
			    "I/O of this LUN hangs here since 12 s; new I/O goes elsewhere");
	io_of(s, 0, 0, NOW);
	quick_hang_text(quick, &s->lun, &s->paths[0], NOW, text, sizeof(text));
	assert_non_null(strstr(text, "not used until a READ is answered"));
	hang->freed = true;
	hang->was_stuck = false;
	quick_hang_text(quick, &s->lun, &s->paths[0], NOW, text, sizeof(text));
	assert_non_null(strstr(text, "hangs on this port group"));
	assert_non_null(strstr(text, "its session was given up"));
	hang->is = false;
	io_of(s, 0, NOW, 0);
	hang_refused(quick, &s->lun, "no other path", NOW);
	assert_string_equal(quick_hang_text(quick, &s->lun, &s->paths[0], NOW, text,
					    sizeof(text)), "");
	hang_refused(quick, &s->lun, "no other path", NOW + NS_PER_S);
	quick_hang_text(quick, &s->lun, &s->paths[0], NOW + 2 * NS_PER_S, text, sizeof(text));
	assert_string_equal(text, "I/O of this LUN hangs here since 2 s, but nothing is done: "
				  "no other path");
}

/* Looked for only where a time is set, and no longer than that. */
static void test_on_and_off(void **state)
{
	struct scene *s = *state;
	struct quick *quick = &s->quick;

	hangs_free(quick->hangs);
	quick->hangs = NULL;
	quick->settings.timing.lun_dead_ms = 0;
	quick_hang(quick, NOW);
	assert_null(quick->hangs);
	quick->settings.n_targets = 1;
	quick->settings.targets[0].timing.lun_dead_ms = 8000;
	quick_hang(quick, NOW);
	assert_non_null(quick->hangs);
	assert_int_equal(quick->hangs->looked_ns, NOW);
	assert_int_equal(quick->hangs->n_disks, PATHS);
	quick_hang(quick, NOW + MS(999)); /* not yet */
	assert_int_equal(quick->hangs->looked_ns, NOW);
	quick_hang(quick, NOW + MS(1000));
	assert_int_equal(quick->hangs->looked_ns, NOW + MS(1000));
	quick->hangs->silent = true;
	quick_hang(quick, NOW + MS(1200));
	assert_int_equal(quick->hangs->looked_ns, NOW + MS(1200));
	quick->switched.by = SWITCH_OFF_FILE;
	quick_hang(quick, NOW + MS(9000));
	assert_null(quick->hangs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(test_table),
		WITH_SCENE(test_disks_follow),
		WITH_SCENE(test_over),
		WITH_SCENE(test_over_unseen),
		WITH_SCENE(test_no_disk_is_not_over),
		WITH_SCENE(test_forgotten),
		WITH_SCENE(test_flags),
		WITH_SCENE(test_forgiven),
		WITH_SCENE(test_refused),
		WITH_SCENE(test_refusals),
		WITH_SCENE(test_table_random),
		WITH_SCENE(test_refused_random),
		WITH_SCENE(test_text),
		WITH_SCENE(test_on_and_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
