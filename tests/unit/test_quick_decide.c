/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/quick/decide.h"

#define LUNS 4

static const struct decide_limits limits = { .stable_ms = 3000 };

/* A session that may be quick and may be given up; rows change what they are about. */
struct scene {
	struct decide_session session;
	struct decide_lun luns[LUNS];
};

static void set_up(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	for (size_t i = 0; i < LUNS; i++)
		scene->luns[i] = (struct decide_lun){
			.in_map = true,
			.live_queues = true,
			.queueing = QUEUEING_COUNT,
			.queueing_ms = 60000,
			.this_usable = true,
			.others = 3,
			.others_since = 2,
			.others_other_portal = true,
		};
	scene->session = (struct decide_session){
		.enabled = true,
		.software = true,
		.arm = true,
		.release = true,
		.logged_in = true,
		.logged_in_ms = 3000,
		.socket_known = true,
		.stock_ms = 15000,
		.luns = scene->luns,
		.n_luns = LUNS,
	};
}

static void switched_off(struct scene *s) { s->session.enabled = false; }
static void not_wanted(struct scene *s) { s->session.arm = s->session.release = false; }
static void only_armed(struct scene *s) { s->session.release = false; }
static void only_released(struct scene *s) { s->session.arm = false; }
static void hardware(struct scene *s) { s->session.software = false; }
static void logged_out(struct scene *s) { s->session.logged_in = false; }
static void settling(struct scene *s) { s->session.logged_in_ms = 2999; }
static void no_socket(struct scene *s) { s->session.socket_known = false; }
static void no_disk(struct scene *s) { s->session.n_luns = 0; }
static void one_not_in_map(struct scene *s) { s->luns[2] = (struct decide_lun){ 0 }; }
static void one_used_alone(struct scene *s)
{
	s->luns[2] = (struct decide_lun){ .used_alone = true };
}
static void none_in_map(struct scene *s) { memset(s->luns, 0, sizeof(s->luns)); }
static void one_used_raw(struct scene *s)
{
	s->luns[2] = (struct decide_lun){ .used_raw = true };
}

static void only_used_alone(struct scene *s)
{
	none_in_map(s);
	s->luns[2].used_alone = true;
}
static void last_path(struct scene *s) { s->luns[2].others = s->luns[2].others_since = 0; }
static void no_path_at_all(struct scene *s)
{
	last_path(s);
	s->luns[2].this_usable = false;
}
static void failed_already(struct scene *s) { s->luns[2].this_usable = false; }
static void table_queues_not(struct scene *s) { s->luns[2].live_queues = false; }
static void queues_always(struct scene *s)
{
	s->luns[2].queueing = QUEUEING_ALWAYS;
	s->luns[2].queueing_ms = 0;
}
static void always_but_live(struct scene *s)
{
	queues_always(s);
	s->luns[2].live_queues = false;
}
static void queueing_off(struct scene *s) { s->luns[2].queueing = QUEUEING_OFF; }
static void queueing_unknown(struct scene *s) { s->luns[2].queueing = QUEUEING_UNKNOWN; }
static void queueing_short(struct scene *s) { s->luns[2].queueing_ms = 14999; }
static void queueing_just(struct scene *s) { s->luns[2].queueing_ms = 15000; }
static void stock_unknown(struct scene *s) { s->session.stock_ms = 0; }
static void unproven(struct scene *s) { s->luns[2].others_since = 0; }
static void same_portal(struct scene *s) { s->luns[2].others_other_portal = false; }
/* The link is lost: other paths go by another one, over the same portal or not. */
static void link_lost(struct scene *s)
{
	s->session.link_lost = true;
	for (size_t i = 0; i < LUNS; i++)
		s->luns[i].others_other_link = true;
}
static void link_lost_same_portal(struct scene *s)
{
	link_lost(s);
	same_portal(s);
}
static void link_lost_same_link(struct scene *s)
{
	link_lost(s);
	s->luns[2].others_other_link = false;
}
static void link_lost_unproven(struct scene *s)
{
	link_lost_same_link(s);
	unproven(s);
}
static void all_links_lost(struct scene *s)
{
	link_lost_same_link(s);
	last_path(s);
}
static void link_lost_no_queueing(struct scene *s)
{
	link_lost(s);
	table_queues_not(s);
}
static void link_lost_not_wanted(struct scene *s)
{
	link_lost(s);
	only_armed(s);
}
static void link_lost_one_not_in_map(struct scene *s)
{
	link_lost(s);
	one_not_in_map(s);
}
static void link_lost_one_used_alone(struct scene *s)
{
	link_lost(s);
	one_used_alone(s);
}

#define ROW(change, quick, release, lun) { #change, change, QUICK_##quick, QUICK_##release, lun }
static const struct {
	const char *name;
	void (*change)(struct scene *scene);
	enum quick_reason quick, release;
	size_t lun;
} rows[] = {
	ROW(queues_always, YES, YES, 0),
	ROW(switched_off, SWITCHED_OFF, SWITCHED_OFF, 0),
	ROW(not_wanted, NOT_WANTED, NOT_WANTED, 0),
	ROW(only_armed, YES, NOT_WANTED, 0),
	ROW(only_released, YES, YES, 0),
	ROW(hardware, HARDWARE, HARDWARE, 0),
	ROW(logged_out, NOT_LOGGED_IN, NOT_LOGGED_IN, 0),
	ROW(settling, SETTLING, SETTLING, 0),
	ROW(no_socket, NO_SOCKET, NO_SOCKET, 0),
	ROW(no_disk, NO_LUN, NO_LUN, 0),
	ROW(none_in_map, NO_LUN, NO_LUN, 0),
	ROW(only_used_alone, NO_LUN, NO_LUN, 0),
	ROW(one_not_in_map, YES, YES, 0),
	ROW(one_used_alone, USED_ALONE, USED_ALONE, 2),
	ROW(one_used_raw, USED_RAW, USED_RAW, 2),
	ROW(last_path, LAST_PATH, LAST_PATH, 2),
	ROW(no_path_at_all, LAST_PATH, LAST_PATH, 2),
	ROW(failed_already, YES, YES, 0),
	ROW(table_queues_not, NO_QUEUEING, NO_QUEUEING, 2),
	ROW(always_but_live, NO_QUEUEING, NO_QUEUEING, 2),
	ROW(queueing_off, NO_QUEUEING, NO_QUEUEING, 2),
	ROW(queueing_unknown, QUEUEING_UNKNOWN, QUEUEING_UNKNOWN, 2),
	ROW(queueing_short, QUEUEING_SHORT, QUEUEING_SHORT, 2),
	ROW(queueing_just, YES, YES, 0),
	ROW(stock_unknown, QUEUEING_SHORT, QUEUEING_SHORT, 0),
	ROW(unproven, YES, OTHERS_UNPROVEN, 2),
	ROW(same_portal, YES, SAME_PORTAL, 2),
	ROW(link_lost, YES, YES, 0),
	ROW(link_lost_same_portal, YES, YES, 0),
	ROW(link_lost_same_link, YES, SAME_LINK, 2),
	ROW(link_lost_unproven, YES, OTHERS_UNPROVEN, 2),
	ROW(all_links_lost, LAST_PATH, LAST_PATH, 2),
	ROW(link_lost_no_queueing, NO_QUEUEING, NO_QUEUEING, 2),
	ROW(link_lost_not_wanted, YES, NOT_WANTED, 0),
	ROW(link_lost_one_not_in_map, YES, YES, 0),
	ROW(link_lost_one_used_alone, USED_ALONE, USED_ALONE, 2),
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void check(const char *name, struct quick_decision d, enum quick_reason reason, size_t lun)
{
	if (d.reason != reason)
		fail_msg("%s: \"%s\" instead of \"%s\"", name, quick_reason_text(d.reason),
			 quick_reason_text(reason));
	if (quick_reason_of_lun(reason) && d.lun != lun)
		fail_msg("%s: LUN %zu instead of %zu", name, d.lun, lun);
}

static void test_rows(void **state)
{
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		set_up(&scene);
		rows[i].change(&scene);
		check(rows[i].name, decide_quick(&scene.session, &limits), rows[i].quick,
		      rows[i].lun);
		check(rows[i].name, decide_release(&scene.session, &limits), rows[i].release,
		      rows[i].lun);
	}
}

/* Every reason is some row's, and has words of its own. */
static void test_reasons(void **state)
{
	(void)state;
	for (int r = 0; r < QUICK_REASON_MAX; r++) {
		bool seen = false;

		for (size_t i = 0; i < N_ROWS; i++)
			seen |= rows[i].quick == (enum quick_reason)r ||
				rows[i].release == (enum quick_reason)r;
		if (!seen)
			fail_msg("no row leads to \"%s\"", quick_reason_text((enum quick_reason)r));
		for (int q = 0; q < r; q++)
			assert_string_not_equal(quick_reason_text((enum quick_reason)q),
						quick_reason_text((enum quick_reason)r));
	}
	assert_string_equal(quick_reason_text(QUICK_REASON_MAX), "unknown");
	assert_false(quick_reason_of_lun(QUICK_YES));
	assert_false(quick_reason_of_lun(QUICK_NO_LUN));
	assert_false(quick_reason_of_lun(QUICK_REASON_MAX));
}

/* Two things in the way: what is asked first is answered. */
static void test_pairs(void **state)
{
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		for (size_t k = 0; k < N_ROWS; k++) {
			struct quick_decision d;

			set_up(&scene);
			rows[i].change(&scene);
			rows[k].change(&scene);
			d = decide_release(&scene.session, &limits);
			if (rows[i].quick != QUICK_YES && rows[i].quick < QUICK_NO_LUN &&
			    rows[i].change != no_disk)
				assert_true(d.reason <= rows[i].quick &&
					    d.reason != QUICK_YES);
		}
	}
}

/* Several LUNs stand in the way: the gravest reason, and the first LUN that has it. */
static void test_gravest(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene);
	scene.luns[0].others_other_portal = false;
	scene.luns[1].queueing = QUEUEING_OFF;
	check("two", decide_release(&scene.session, &limits), QUICK_NO_QUEUEING, 1);
	scene.luns[2].others = 0;
	scene.luns[3].others = 0;
	check("four", decide_release(&scene.session, &limits), QUICK_LAST_PATH, 2);
	check("four", decide_quick(&scene.session, &limits), QUICK_LAST_PATH, 2);
}

/* ---- properties over seeded random sessions ---- */

static unsigned int seed;

static uint64_t any(uint64_t n)
{
	return (uint64_t)rand_r(&seed) % n;
}

static bool often(void)
{
	return any(8) != 0;
}

static void any_lun(struct decide_lun *lun)
{
	lun->in_map = often();
	lun->used_alone = !lun->in_map && any(4) == 0;
	lun->used_raw = !lun->in_map && any(4) == 0;
	lun->live_queues = often();
	lun->queueing = often() ? QUEUEING_ALWAYS : (enum map_queueing)any(4);
	lun->queueing_ms = (uint32_t)any(30000);
	lun->this_usable = any(2);
	lun->others = often() ? (unsigned int)any(4) : 0;
	lun->others_since = lun->others ? (unsigned int)any(lun->others + 1) : 0;
	lun->others_other_portal = lun->others_since && often();
}

static void any_scene(struct scene *scene)
{
	set_up(scene);
	scene->session.enabled = often();
	scene->session.software = often();
	scene->session.arm = any(2);
	scene->session.release = any(4) != 0;
	scene->session.logged_in = often();
	scene->session.logged_in_ms = often() ? 3000 : any(3000);
	scene->session.socket_known = often();
	scene->session.stock_ms = (uint32_t)any(20000);
	scene->session.n_luns = any(LUNS + 1);
	for (size_t i = 0; i < LUNS; i++)
		if (any(2))
			any_lun(&scene->luns[i]);
}

#define RUNS 300000

static void test_any_release_is_quick(void **state)
{
	unsigned int yes = 0, quick = 0;
	struct scene s;

	(void)state;
	seed = 1;
	for (int run = 0; run < RUNS; run++) {
		struct quick_decision q, r;

		any_scene(&s);
		q = decide_quick(&s.session, &limits);
		r = decide_release(&s.session, &limits);
		if (r.reason == QUICK_YES)
			assert_int_equal(q.reason, QUICK_YES);
		if (q.reason != QUICK_YES)
			assert_int_equal(q.reason, r.reason);
		yes += r.reason == QUICK_YES;
		quick += q.reason == QUICK_YES;
	}
	assert_true(yes > 1000 && quick > yes + 1000);
}

/* Nothing is allowed that could cost a LUN its last path or an I/O error. */
static void test_any_yes_is_safe(void **state)
{
	struct scene s;

	(void)state;
	seed = 2;
	for (int run = 0; run < RUNS; run++) {
		bool quick, release;
		size_t mapped = 0;

		any_scene(&s);
		quick = decide_quick(&s.session, &limits).reason == QUICK_YES;
		release = decide_release(&s.session, &limits).reason == QUICK_YES;
		if (!quick)
			continue;
		assert_true(s.session.enabled && s.session.software && s.session.logged_in);
		assert_true(s.session.logged_in_ms >= limits.stable_ms && s.session.socket_known);
		assert_true(s.session.arm || s.session.release);
		assert_true(!release || s.session.release);
		for (size_t i = 0; i < s.session.n_luns; i++) {
			const struct decide_lun *lun = &s.luns[i];

			mapped += lun->in_map;
			assert_true(lun->in_map || !(lun->used_alone || lun->used_raw));
			if (!lun->in_map)
				continue;
			assert_true(lun->others > 0 && lun->live_queues);
			assert_true(lun->queueing == QUEUEING_ALWAYS ||
				    (lun->queueing == QUEUEING_COUNT && s.session.stock_ms &&
				     lun->queueing_ms >= s.session.stock_ms));
			if (release)
				assert_true(lun->others_since > 0 && lun->others_other_portal);
		}
		assert_true(mapped > 0);
	}
}

/* LUNs in another order: the same reason, and a LUN that has it. */
static void test_any_order(void **state)
{
	struct scene s, turned;

	(void)state;
	seed = 3;
	for (int run = 0; run < RUNS; run++) {
		struct quick_decision a, b;
		size_t n, by;

		any_scene(&s);
		n = s.session.n_luns;
		by = n ? any(n) : 0;
		turned = s;
		turned.session.luns = turned.luns;
		for (size_t i = 0; i < n; i++) /* turned, and half of them mirrored */
			turned.luns[run % 2 ? n - 1 - (i + by) % n : (i + by) % n] = s.luns[i];
		a = decide_release(&s.session, &limits);
		b = decide_release(&turned.session, &limits);
		assert_int_equal(a.reason, b.reason);
		assert_int_equal(decide_quick(&s.session, &limits).reason,
				 decide_quick(&turned.session, &limits).reason);
		if (!quick_reason_of_lun(a.reason))
			continue;
		/* the LUN named is one of those that have this reason, alone as well */
		turned.session.n_luns = 1;
		turned.session.luns = &turned.luns[b.lun];
		if (turned.luns[b.lun].in_map)
			assert_int_equal(decide_release(&turned.session, &limits).reason,
					 a.reason);
	}
}

/* ---- the budget ---- */

static void test_budget(void **state)
{
	struct release_budget budget = { 0 };
	uint64_t now = 5 * NS_PER_S;

	(void)state;
	assert_false(release_budget_take(&budget, 0, now));
	for (int i = 0; i < 4; i++)
		assert_true(release_budget_take(&budget, 4, now));
	assert_false(release_budget_take(&budget, 4, now));
	assert_false(release_budget_take(&budget, 4, now + 60 * NS_PER_S - 1));
	assert_true(release_budget_take(&budget, 4, now + 60 * NS_PER_S));
	/* a limit that is lowered or raised holds at once */
	assert_false(release_budget_take(&budget, 1, now + 61 * NS_PER_S));
	assert_true(release_budget_take(&budget, 2, now + 61 * NS_PER_S));
	/* a clock that went back takes none */
	assert_false(release_budget_take(&budget, 600, now + 60 * NS_PER_S));
}

static void test_budget_limit(void **state)
{
	struct release_budget budget = { 0 };
	unsigned int taken = 0;

	(void)state;
	for (uint64_t i = 0; i < 3000; i++)
		taken += release_budget_take(&budget, UINT32_MAX, NS_PER_S + i);
	assert_int_equal(taken, RELEASE_BUDGET_MAX);
}

/* Never more than N in any 60 s, and no fewer than that are to be had. */
static void test_any_budget(void **state)
{
	static uint64_t taken[20000];

	(void)state;
	seed = 4;
	for (int life = 0; life < 40; life++) {
		uint32_t per_minute = (uint32_t)(1 + any(life % 4 ? 10 : 600));
		struct release_budget budget = { 0 };
		uint64_t now = NS_PER_S;
		size_t n = 0;

		for (int i = 0; i < 20000; i++) {
			bool full = n >= per_minute && now - taken[n - per_minute] <
							       60 * NS_PER_S;
			bool took = release_budget_take(&budget, per_minute, now);

			assert_true(took == !full);
			if (took)
				taken[n++] = now;
			now += any(50) ? any(NS_PER_S / per_minute * 20) : any(90 * NS_PER_S);
		}
		assert_true(n > per_minute);
		for (size_t i = per_minute; i < n; i++)
			assert_true(taken[i] - taken[i - per_minute] >= 60 * NS_PER_S);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_gravest),
		cmocka_unit_test(test_any_release_is_quick),
		cmocka_unit_test(test_any_yes_is_safe),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_limit),
		cmocka_unit_test(test_any_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
