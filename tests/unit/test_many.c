/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of some of many LUNs: as a plain list would have it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/array_fixture.h"

#define ROUNDS 40

/* --- LUNs whose new order has to wait --- */

struct order {
	bool wanted, told; /* the first two paths the other way round */
	bool blocked;	   /* a session of it is being recovered */
};

static void want(struct array *a, size_t l, const struct order *order)
{
	struct lun_path *paths = &a->paths[l * PATHS];

	for (size_t p = 0; p < PATHS; p++)
		paths[p].plan.priority = 1000 - (int)p;
	if (order->wanted) {
		paths[0].plan.priority = 999;
		paths[1].plan.priority = 1000;
	}
	a->ids[l * PATHS].session_state = order->blocked ? SESSION_FAILED : SESSION_LOGGED_IN;
}

static void test_held(void **state)
{
	struct array *a = *state;
	static struct order orders[LUNS];
	unsigned int seed = 1;

	for (size_t l = 0; l < LUNS; l++)
		want(a, l, &orders[l]);
	watch_publish(&a->watch);
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = 0;

		for (size_t l = 0; l < LUNS; l++) {
			struct order *order = &orders[l];

			order->wanted ^= rand_r(&seed) % 4 == 0;
			order->blocked ^= rand_r(&seed) % 4 == 0;
			want(a, l, order);
			if (!order->blocked)
				order->told = order->wanted;
			n += order->wanted != order->told;
		}
		watch_publish(&a->watch);
		assert_int_equal(a->watch.n_held, n);
		for (size_t i = 1; i < n; i++)
			assert_true(a->watch.held[i - 1] < a->watch.held[i]);
		for (size_t l = 0; l < LUNS; l++)
			assert_int_equal(publish_waits_for(&a->watch, &a->luns[l],
							   clock_now_ns()) != NULL,
					 orders[l].wanted != orders[l].told);
	}
	free(a->watch.held);
}

/* --- maps whose queueing is borrowed --- */

static bool is_borrowed(const struct array *a, size_t l)
{
	for (size_t i = 0; i < a->quick.n_borrowed; i++)
		if (!strcmp(a->quick.borrowed[i].name, a->maps[l].name))
			return true;
	return false;
}

/* All sessions but the last have ended with quick I/O on them: a LUN without a path over that
 * one needs its map to queue, and what is on already is not borrowed. */
static void test_borrowed(void **state)
{
	struct array *a = *state;
	static bool borrowed[LUNS];
	unsigned int seed = 1;

	for (size_t p = 0; p < PATHS - 1; p++) {
		a->sessions[p].healthy = false;
		a->sessions[p].logged_in_ns = 0;
		a->sessions[p].lost_quick = true;
		a->sessions[p].lost_ns = a->now_ns;
	}
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = 0;

		for (size_t l = 0; l < LUNS; l++) {
			bool other = rand_r(&seed) % 2, queues = rand_r(&seed) % 2;

			a->maps[l].paths[PATHS - 1].active = other;
			a->maps[l].queues = queues;
			borrowed[l] = !other && (borrowed[l] || !queues);
			n += borrowed[l];
		}
		quick_borrow_queueing(&a->quick, a->now_ns + NS_PER_S);
		assert_int_equal(a->quick.n_borrowed, n);
		for (size_t l = 0; l < LUNS; l++)
			assert_int_equal(is_borrowed(a, l), borrowed[l]);
	}
	a->quick.switched.by = SWITCH_OFF_FILE;
	quick_borrow_queueing(&a->quick, a->now_ns + NS_PER_S);
	assert_int_equal(a->quick.n_borrowed, 0);
	quick_give_back_queueing(&a->quick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARRAY(test_held),
		WITH_ARRAY(test_borrowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
