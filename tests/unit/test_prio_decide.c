/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "prioritizers/prio_decide.h"
#include "prioritizers/prio_memory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A path about which everything is known: each test takes something away. */
static struct prio_facts all_known(void)
{
	return (struct prio_facts){
		.is_iscsi = true,
		.trust = BOARD_FRESH,
		.same_lun = true,
		.role = ROLE_STANDBY,
		.board_priority = 998,
		.session_on_board = true,
		.remembered = true,
		.remembered_priority = 997,
		.siblings_on_board = false,
		.has_args_plan = true,
		.args_priority = 996,
		.has_access_state = true,
		.access_state = "active/optimized",
	};
}

static void expect(const struct prio_facts *facts, enum prio_source source, int priority)
{
	struct prio_answer answer = prio_decide(facts);

	assert_string_equal(prio_source_text(answer.source), prio_source_text(source));
	assert_int_equal(answer.priority, priority);
}

static void board_comes_first(void **state)
{
	struct prio_facts facts = all_known();

	(void)state;
	expect(&facts, PRIO_BY_BOARD, 998);
	facts.trust = BOARD_STALE; /* the daemon is dead: its plan stays */
	expect(&facts, PRIO_BY_BOARD, 998);
	facts.role = ROLE_EXCLUDED;
	facts.board_priority = PRIORITY_LOWEST;
	expect(&facts, PRIO_BY_BOARD, PRIORITY_LOWEST);
	assert_false(prio_policy_withdrawn(&facts));
}

static void unreadable_board_changes_nothing(void **state)
{
	static const enum board_trust unreadable[] = { BOARD_ABSENT, BOARD_FOREIGN,
						       BOARD_VERSION_MISMATCH, BOARD_DAMAGED };
	struct prio_facts facts = all_known();

	(void)state;
	for (size_t i = 0; i < COUNT(unreadable); i++) {
		facts.trust = unreadable[i];
		assert_false(prio_policy_withdrawn(&facts));
		expect(&facts, PRIO_BY_LAST_PLAN, 997);
	}
	/* a new, still empty board; the session is not on it either */
	facts.trust = BOARD_NO_RECORD;
	facts.session_on_board = false;
	assert_false(prio_policy_withdrawn(&facts));
	expect(&facts, PRIO_BY_LAST_PLAN, 997);
	/* a record about another LUN, or with a priority that no plan gives */
	facts = all_known();
	facts.same_lun = false;
	expect(&facts, PRIO_BY_LAST_PLAN, 997);
	facts = all_known();
	facts.board_priority = PRIORITY_BEST + 1;
	expect(&facts, PRIO_BY_LAST_PLAN, 997);
	facts.board_priority = 0;
	expect(&facts, PRIO_BY_LAST_PLAN, 997);
}

static void withdrawn_policy(void **state)
{
	struct prio_facts facts = all_known();

	(void)state;
	/* a live daemon that knows the session, and has no place for the path */
	facts.trust = BOARD_NO_RECORD;
	assert_true(prio_policy_withdrawn(&facts));
	expect(&facts, PRIO_BY_ARGS, 996);
	facts = all_known();
	facts.role = ROLE_NONE;
	assert_true(prio_policy_withdrawn(&facts));
	expect(&facts, PRIO_BY_ARGS, 996);
	facts.same_lun = false;
	assert_false(prio_policy_withdrawn(&facts));
}

static void later_paths_wait(void **state)
{
	struct prio_facts facts = all_known();

	(void)state;
	facts.trust = BOARD_NO_RECORD;
	facts.remembered = false;
	facts.siblings_on_board = true;
	expect(&facts, PRIO_BY_DAEMON_LATER, PRIORITY_LOWEST);
}

static void without_policy(void **state)
{
	struct prio_facts facts = all_known();

	(void)state;
	facts.trust = BOARD_ABSENT;
	facts.remembered = false;
	expect(&facts, PRIO_BY_ARGS, 996);
	facts.has_args_plan = false;
	expect(&facts, PRIO_BY_ACCESS_STATE, 50);
	facts.has_access_state = false;
	expect(&facts, PRIO_BY_DEFAULT, PRIORITY_WITHOUT_POLICY);
}

static void not_iscsi(void **state)
{
	struct prio_facts facts = all_known();

	(void)state;
	facts.is_iscsi = false;
	assert_false(prio_policy_withdrawn(&facts));
	expect(&facts, PRIO_BY_ACCESS_STATE, 50);
	facts.has_access_state = false;
	expect(&facts, PRIO_BY_DEFAULT, PRIORITY_WITHOUT_POLICY);
}

/* The numbers of multipath-tools' own prioritizer "sysfs". */
static void access_states(void **state)
{
	static const struct {
		const char *text;
		int plain, preferred;
	} cases[] = {
		{ "active/optimized", 50, 50 }, { "active/non-optimized", 10, 90 },
		{ "lba-dependent", 5, 85 },	{ "standby", 1, 81 },
		{ "unavailable", 0, 80 },	{ "offline", 0, 80 },
		{ "transitioning", 0, 80 },	{ "", 0, 80 },
		{ "active/optimizedx", 0, 80 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(prio_of_access_state(cases[i].text, false), cases[i].plain);
		assert_int_equal(prio_of_access_state(cases[i].text, true), cases[i].preferred);
	}
}

/* Never negative, never better than a plan without being one, and always with a source. */
static void any_facts(void **state)
{
	static const int priorities[] = { -2147483647 - 1, -1, 0, 1, 998, 1000, 1001, 2147483647 };

	(void)state;
	for (unsigned int bits = 0; bits < 1U << 13; bits++)
		for (unsigned int trust = 0; trust < BOARD_TRUST_MAX; trust++) {
			struct prio_facts facts = {
				.is_iscsi = bits & 1,
				.trust = (enum board_trust)trust,
				.same_lun = bits & 2,
				.session_on_board = bits & 4,
				.remembered = bits & 8,
				.remembered_priority = 997,
				.siblings_on_board = bits & 16,
				.has_args_plan = bits & 32,
				.args_priority = 996,
				.has_access_state = bits & 64,
				.access_state = "standby",
				.preferred = bits & 128,
				.role = (enum role)(bits >> 8 & 3),
				.board_priority = priorities[bits >> 10 & 7],
			};
			struct prio_answer answer = prio_decide(&facts);

			assert_true(answer.source > PRIO_BY_NOTHING);
			assert_true(answer.source < PRIO_SOURCE_MAX);
			assert_in_range(answer.priority, 0, PRIORITY_BEST);
			if (!facts.is_iscsi)
				assert_true(answer.source >= PRIO_BY_ACCESS_STATE);
			if (answer.source == PRIO_BY_BOARD)
				assert_true(trust == BOARD_FRESH || trust == BOARD_STALE);
			if (answer.source == PRIO_BY_LAST_PLAN)
				assert_true(facts.remembered && !prio_policy_withdrawn(&facts));
		}
}

static void texts(void **state)
{
	(void)state;
	for (int i = 0; i < PRIO_SOURCE_MAX; i++)
		assert_non_null(prio_source_text((enum prio_source)i));
	assert_string_equal(prio_source_text(PRIO_SOURCE_MAX), "unknown");
}

/* ---- the memory ---- */

static struct prio_memory memory;

static struct prio_key plan_key(uint32_t sid, uint64_t lun)
{
	return (struct prio_key){ .kind = PRIO_KIND_PLAN, .sid = sid, .lun = lun, .hash = 77 };
}

static void memory_keeps(void **state)
{
	struct prio_key key = plan_key(1, 2), other = plan_key(1, 2);

	(void)state;
	memory = (struct prio_memory){ .uses = 0 };
	assert_null(prio_memory_find(&memory, &key));
	prio_memory_add(&memory, &key)->answer.priority = 5;
	assert_int_equal(prio_memory_find(&memory, &key)->answer.priority, 5);
	assert_int_equal(prio_memory_add(&memory, &key)->answer.priority, 5);
	other.kind = PRIO_KIND_DEVICE;
	assert_null(prio_memory_find(&memory, &other));
	other = key;
	other.hash++;
	assert_null(prio_memory_find(&memory, &other));
	other = plan_key(1, 1ULL << 40 | 2);
	assert_null(prio_memory_find(&memory, &other));
	prio_memory_forget(&memory, &key);
	prio_memory_forget(&memory, &key);
	assert_null(prio_memory_find(&memory, &key));
	assert_int_equal(prio_memory_add(&memory, &key)->answer.priority, 0);
}

/* 800 paths (200 LUNs over 4 sessions) with two entries each are all kept. */
static void memory_size(void **state)
{
	(void)state;
	memory = (struct prio_memory){ .uses = 0 };
	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 800; i++) {
			struct prio_key key = plan_key(i % 4, i / 4);

			prio_memory_add(&memory, &key)->answer.priority = (int)i + 1;
			key.kind = PRIO_KIND_DEVICE;
			prio_memory_add(&memory, &key)->answer.priority = (int)i + 2;
		}
	for (uint32_t i = 0; i < 800; i++) {
		struct prio_key key = plan_key(i % 4, i / 4);

		assert_non_null(prio_memory_find(&memory, &key));
		assert_int_equal(prio_memory_find(&memory, &key)->answer.priority, i + 1);
	}
}

/* Overfilled: what is in use stays, nothing is ever another's. */
static void memory_overflow(void **state)
{
	struct prio_key used = plan_key(1, 1);

	(void)state;
	memory = (struct prio_memory){ .uses = 0 };
	prio_memory_add(&memory, &used)->answer.priority = 4711;
	for (uint32_t i = 2; i < 5 * PRIO_MEMORY_SLOTS; i++) {
		struct prio_key key = plan_key(i, i);
		struct prio_entry *entry;

		assert_int_equal(prio_memory_add(&memory, &key)->answer.priority, 0);
		prio_memory_add(&memory, &key)->answer.priority = (int)i;
		key = plan_key(i / 2, i / 2);
		entry = prio_memory_find(&memory, &key);
		if (entry && i / 2 > 1)
			assert_int_equal(entry->answer.priority, i / 2);
		entry = prio_memory_find(&memory, &used);
		assert_non_null(entry);
		assert_int_equal(entry->answer.priority, 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(board_comes_first),
		cmocka_unit_test(unreadable_board_changes_nothing),
		cmocka_unit_test(withdrawn_policy),
		cmocka_unit_test(later_paths_wait),
		cmocka_unit_test(without_policy),
		cmocka_unit_test(not_iscsi),
		cmocka_unit_test(access_states),
		cmocka_unit_test(any_facts),
		cmocka_unit_test(texts),
		cmocka_unit_test(memory_keeps),
		cmocka_unit_test(memory_size),
		cmocka_unit_test(memory_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
