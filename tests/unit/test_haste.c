/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes the daemon look and ask in haste (daemon/quick/haste.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/quick_fixture.h"

static struct pace_facts facts_of(const struct scene *s)
{
	return quick_sessions_pace(&s->quick, NOW);
}

static void all_is_well(void **state)
{
	struct pace_facts facts = facts_of(*state);

	assert_false(facts.trouble);
	assert_false(facts.unanswered);
	assert_true(facts.now_ns == NOW && facts.moved_ns == 0);
}

static void on_its_way(void **state)
{
	struct scene *s = *state;

	s->sessions[1].tcp.unacked = 1;
	s->sessions[1].suspicion.unacked_ns = NOW; /* first seen at this look */
	assert_true(facts_of(s).unanswered);
	assert_false(facts_of(s).trouble);
	s->sessions[1].suspicion.unacked_ns = NOW - 1; /* nor at the look before */
	assert_true(facts_of(s).trouble);
	s->sessions[1].present = false;
	assert_false(facts_of(s).trouble || facts_of(s).unanswered);
}

/* One at a time. */
static void troubles(void **state)
{
	struct scene *s = *state;
	struct quick_session *one = &s->sessions[2];
	const struct quick_session well = *one;

	one->logged_in_ns = 0;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->odd = true;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->given_up = true;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->draining = true;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->link.debounce.since_ns = NOW;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->verdict = SUSPICION_IDLE;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->suspicion.since_ns = NOW;
	assert_true(facts_of(s).trouble);
	*one = well;
	one->fence = FENCE_ASKED;
	assert_true(facts_of(s).trouble);
	*one = well;
	assert_false(facts_of(s).trouble);
}

static void io_moves(void **state)
{
	struct scene *s = *state;
	struct disk_load load = {.devt = 1};

	s->sessions[0].completed = 7;
	quick_note_moves(&s->quick, NOW); /* nothing was read */
	assert_true(s->quick.moved_ns == 0);
	s->quick.loads = (struct disk_loads){.disks = &load, .n = 1};
	quick_note_moves(&s->quick, NOW);
	assert_true(s->quick.moved_ns == NOW);
	quick_note_moves(&s->quick, NOW + 1); /* as it was */
	assert_true(s->quick.moved_ns == NOW);
	s->sessions[1].in_flight = 1; /* none ends, but one is there */
	quick_note_moves(&s->quick, NOW + 2);
	assert_true(s->quick.moved_ns == NOW + 2);
	s->sessions[1].in_flight = 0;
	s->sessions[2].completed++;
	quick_note_moves(&s->quick, NOW + 3);
	assert_true(s->quick.moved_ns == NOW + 3);
	assert_true(facts_of(s).moved_ns == NOW + 3);
}

/* Once a second, or when it is wanted. */
static void counters_are_read(void **state)
{
	struct scene *s = *state;

	quick_read_loads(&s->quick, false, NOW);
	assert_true(s->quick.loads_ns == NOW);
	quick_read_loads(&s->quick, false, NOW + NS_PER_S - 1);
	assert_true(s->quick.loads_ns == NOW && s->quick.loads.n == 0);
	s->quick.loads_cost_us = 0; /* whatever this host needs */
	quick_read_loads(&s->quick, true, NOW + 1);
	assert_true(s->quick.loads_ns == NOW + 1);
	s->quick.loads_cost_us = 0;
	quick_read_loads(&s->quick, false, NOW + 1 + NS_PER_S);
	assert_true(s->quick.loads_ns == NOW + 1 + NS_PER_S);
	/* where it is dear: less often, wanted or not */
	s->quick.loads_cost_us = 100000;
	quick_read_loads(&s->quick, true, NOW + 1 + NS_PER_S + 399 * NS_PER_MS);
	quick_read_loads(&s->quick, false, NOW + 1 + 10 * NS_PER_S);
	assert_true(s->quick.loads_ns == NOW + 1 + NS_PER_S);
	quick_read_loads(&s->quick, true, NOW + 1 + NS_PER_S + 400 * NS_PER_MS);
	assert_true(s->quick.loads_ns == NOW + 1 + NS_PER_S + 400 * NS_PER_MS);
	disk_loads_free(&s->quick.loads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCENE(all_is_well), WITH_SCENE(on_its_way),	WITH_SCENE(troubles),
		WITH_SCENE(io_moves),	 WITH_SCENE(counters_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
