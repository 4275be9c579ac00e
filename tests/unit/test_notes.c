/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/notes.h"
#include "tests/unit/memory_fixture.h"

static void kept_in_order(void **state)
{
	struct notes notes = { .n = 0 };
	char expected[32];

	(void)state;
	for (int i = 0; i < 100; i++)
		notes_add(&notes, i % 2 ? NOTE_WARNING : NOTE_INFO, "note %d", i);
	assert_int_equal(notes.n, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(expected, sizeof(expected), "note %d", i);
		assert_string_equal(notes.list[i].text, expected);
		assert_string_equal(note_level_name(notes.list[i].level),
				    i % 2 ? "warning" : "info");
	}
	assert_string_equal(note_level_name(NOTE_REFUSED), "refused");
	assert_false(notes.lost);
	notes_free(&notes);
	assert_null(notes.list);
}

/* Who prints them is told that one is missing. */
static void lost(void **state)
{
	struct notes notes = { .n = 0 };
	struct memory memory;

	(void)state;
	if (!memory_can_be_taken())
		skip();
	notes_add(&notes, NOTE_INFO, "first");
	memory_take(&memory);
	notes_add(&notes, NOTE_REFUSED, "second");
	memory_give_back(&memory);
	assert_true(notes.lost);
	assert_int_equal(notes.n, 1);
	assert_string_equal(notes.list[0].text, "first");
	notes_free(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_in_order),
		cmocka_unit_test(lost),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
