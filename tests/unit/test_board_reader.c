/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reader that keeps the file open sees what one sees that opens it each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/board_reader.h"
#include "tests/unit/board_fixture.h"
#include "tests/unit/descriptors.h"

#define NOW   (1000 * NS_PER_S)
#define STALE (BOARD_STALE_MS * NS_PER_MS + 1)
#define PATHS 40

struct fixture {
	struct place *place;
	struct board *board;
	struct records records;
	struct board_reader reader;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *place = NULL;

	assert_non_null(f);
	place_new(&place);
	f->place = place;
	f->reader = (struct board_reader)BOARD_READER_INIT;
	f->reader.path = f->place->path;
	f->records = records_make(1, 1, PATHS, 7);
	assert_int_equal(board_new(f->place->path, (unsigned int)-1, &f->board), 0);
	assert_int_equal(board_publish(f->board, &f->records.content, NOW, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *place = f->place;

	board_reader_close(&f->reader);
	board_free(f->board);
	records_free(&f->records);
	place_free(&place);
	free(f);
	return 0;
}

/* Trust in path 0 and its session, which are as they were published or untouched. */
static enum board_trust look(struct fixture *f, uint64_t now)
{
	static const struct board_view none;
	struct board_view view;

	board_reader_look(&f->reader, 1, 0, 1, now, &view);
	if (view.path_trust == BOARD_FRESH || view.path_trust == BOARD_STALE)
		assert_memory_equal(&view.path, &f->records.paths[0], sizeof(view.path));
	else
		assert_memory_equal(&view.path, &none.path, sizeof(view.path));
	board_reader_look(&f->reader, 1, 0, 78, now, &view);
	assert_int_equal(view.path_trust == BOARD_FRESH, 0);
	if (view.session_trust == BOARD_FRESH || view.session_trust == BOARD_STALE)
		assert_memory_equal(&view.session, &f->records.sessions[0], sizeof(view.session));
	return view.session_trust;
}

static void republish(struct fixture *f, uint32_t n_paths, uint64_t round, uint64_t now)
{
	records_free(&f->records);
	f->records = records_make(1, 1, n_paths, round);
	assert_int_equal(board_publish(f->board, &f->records.content, now, NULL), 0);
}

static void test_changes(void **state)
{
	struct fixture *f = *state;
	unsigned int files;

	assert_int_equal(look(f, NOW), BOARD_FRESH);
	files = open_descriptors();
	for (uint64_t i = 1; i < 200; i++) {
		republish(f, PATHS, i, NOW + i);
		assert_int_equal(look(f, NOW + i), BOARD_FRESH);
	}
	assert_int_equal(open_descriptors(), files);
}

/* Who looks at all paths in one go reads the beat once: what is written meanwhile is seen by the next
 * round. The beat's age counts all the same. */
static void test_round(void **state)
{
	struct fixture *f = *state;
	struct board_view view;

	f->reader.share_ns = 1000;
	assert_int_equal(look(f, NOW), BOARD_FRESH);
	assert_int_equal(board_heartbeat(f->board, NOW + 5), 0);
	board_reader_look(&f->reader, 1, 0, 1, NOW + 999, &view);
	assert_int_equal(f->reader.front.beat.beat_ns, NOW);
	board_reader_look(&f->reader, 1, 0, 1, NOW + 1000, &view);
	assert_int_equal(f->reader.front.beat.beat_ns, NOW + 5);
	assert_int_equal(look(f, NOW + 1000 + STALE), BOARD_STALE);
}

/* A file of which no copy is made. */
static void test_large(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 1; i < 10; i++) {
		republish(f, 8000, i, NOW + i);
		assert_int_equal(look(f, NOW + i), BOARD_FRESH);
		assert_null(f->reader.copy);
	}
	republish(f, PATHS, 10, NOW + 10);
	assert_int_equal(look(f, NOW + 10), BOARD_FRESH);
}

/* The first look after a new file has taken the place of the old one is at the new one. */
static void test_replaced(void **state)
{
	struct fixture *f = *state;
	ino_t before;
	unsigned int files;

	assert_int_equal(look(f, NOW), BOARD_FRESH);
	before = inode_of(f->place->path);
	files = open_descriptors();
	republish(f, 50 * PATHS, 8, NOW + 1);
	assert_int_not_equal(inode_of(f->place->path), before);
	assert_int_equal(look(f, NOW + 1), BOARD_FRESH);
	/* removed by somebody, and made anew by the writer */
	for (uint64_t i = 2; i < 20; i++) {
		assert_int_equal(unlink(f->place->path), 0);
		republish(f, PATHS, 8 + i, NOW + i);
		assert_int_equal(look(f, NOW + i), BOARD_FRESH);
	}
	assert_int_equal(open_descriptors(), files);
}

static void test_writer_gone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, NOW), BOARD_FRESH);
	assert_int_equal(look(f, NOW + STALE), BOARD_STALE);
	assert_int_equal(look(f, NOW), BOARD_FRESH);
	board_free(f->board);
	f->board = NULL;
	assert_int_equal(unlink(f->place->path), 0);
	assert_int_equal(look(f, NOW + STALE), BOARD_ABSENT);
	assert_int_equal(board_new(f->place->path, (unsigned int)-1, &f->board), 0);
	republish(f, PATHS, 9, NOW + STALE);
	assert_int_equal(look(f, NOW + STALE), BOARD_FRESH);
}

/* What is seen only when the file is opened is seen within a minute. */
static void test_owner_and_mode(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, NOW), BOARD_FRESH);
	assert_int_equal(chmod(f->place->path, 0666), 0);
	assert_int_equal(board_heartbeat(f->board, NOW + 61 * NS_PER_S), -ESTALE);
	assert_int_equal(look(f, NOW + 61 * NS_PER_S), BOARD_FOREIGN);
	assert_int_equal(look(f, NOW + 62 * NS_PER_S), BOARD_FOREIGN);
}

/* Damage is found as it is by one who opens the file each time, at the next beat. */
static void test_damage(void **state)
{
	struct fixture *f = *state;
	size_t size = size_of(f->place->path);
	uint8_t garbage[64];

	memset(garbage, 0xa5, sizeof(garbage));
	assert_int_equal(look(f, NOW), BOARD_FRESH);
	for (size_t at = BOARD_BEAT_OFFSET; at < size; at += sizeof(garbage)) {
		size_t n = size - at < sizeof(garbage) ? size - at : sizeof(garbage);
		struct board_view kept, plain;

		scribble(f->place->path, at, garbage, n);
		board_heartbeat(f->board, NOW);
		board_reader_look(&f->reader, 1, 0, 1, NOW, &kept);
		board_read_both(f->place->path, 1, 0, 1, NOW, &plain);
		assert_memory_equal(&kept, &plain, sizeof(kept));
		assert_int_equal(board_publish(f->board, &f->records.content, NOW, NULL), 0);
		assert_int_equal(look(f, NOW), BOARD_FRESH);
	}
	assert_int_equal(truncate(f->place->path, BOARD_BEAT_OFFSET), 0);
	assert_int_equal(look(f, NOW), BOARD_DAMAGED);
}

static void test_closed(void **state)
{
	struct fixture *f = *state;
	unsigned int files = open_descriptors();

	assert_int_equal(look(f, NOW), BOARD_FRESH);
	board_reader_close(&f->reader);
	assert_int_equal(look(f, NOW), BOARD_FRESH);
	assert_int_equal(open_descriptors(), files);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_changes),	T(test_round), T(test_large),	  T(test_replaced), T(test_writer_gone),
		T(test_owner_and_mode), T(test_damage),	  T(test_closed),
	};

	return cmocka_run_group_tests_name("board reader", tests, NULL, NULL);
}
