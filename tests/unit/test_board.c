/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board as a reader sees it: trust, lookups, damage of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/board.h"
#include "tests/unit/board_fixture.h"

#define NOW	 (1000 * NS_PER_S)
#define SESSIONS 20
#define PATHS	 120

struct fixture {
	struct place *place;
	struct board *board;
	struct records records;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *place = NULL;

	assert_non_null(f);
	place_new(&place);
	f->place = place;
	f->records = records_make(1, SESSIONS, PATHS, 7);
	assert_int_equal(board_new(f->place->path, (unsigned int)-1, &f->board), 0);
	assert_int_equal(board_publish(f->board, &f->records.content, NOW, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *place = f->place;

	board_free(f->board);
	records_free(&f->records);
	place_free(&place);
	free(f);
	return 0;
}

/* Trust in session 1 now; the record must be the published one, or untouched. */
static enum board_trust trust_at(const struct fixture *f, uint64_t now)
{
	struct board_session session, untouched;
	enum board_trust trust;

	memset(&untouched, 0x5a, sizeof(untouched));
	session = untouched;
	trust = read_session(f->place, 1, now, &session);
	if (trust == BOARD_FRESH || trust == BOARD_STALE)
		assert_memory_equal(&session, &f->records.sessions[0], sizeof(session));
	else
		assert_memory_equal(&session, &untouched, sizeof(session));
	return trust;
}

static void test_lookup(void **state)
{
	struct fixture *f = *state;
	struct board_session session;
	struct board_path path;

	assert_board(f->place, &f->records, NOW, BOARD_FRESH);
	/* A session number or LUN that is another path's now. */
	assert_int_equal(board_read_session(f->place->path, 1, 12345, NOW, &session),
			 BOARD_NO_RECORD);
	assert_int_equal(board_read_path(f->place->path, 1, 0, 12345, NOW, &path),
			 BOARD_NO_RECORD);
	assert_int_equal(board_read_path(f->place->path, 1, UINT64_MAX, 1, NOW, &path),
			 BOARD_NO_RECORD);
}

static void test_heartbeat_age(void **state)
{
	const uint64_t limit = BOARD_STALE_MS * NS_PER_MS;
	struct fixture *f = *state;

	assert_int_equal(trust_at(f, NOW), BOARD_FRESH);
	assert_int_equal(trust_at(f, NOW + limit), BOARD_FRESH);
	assert_int_equal(trust_at(f, NOW + limit + 1), BOARD_STALE);
	/* The reader took its time just before the beat. */
	assert_int_equal(trust_at(f, NOW - 1), BOARD_FRESH);
	assert_int_equal(trust_at(f, NOW - limit - 1), BOARD_STALE);
	assert_int_equal(trust_at(f, 0), BOARD_STALE);
	assert_int_equal(trust_at(f, UINT64_MAX), BOARD_STALE);

	assert_int_equal(board_heartbeat(f->board, NOW + 10 * limit), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_STALE);
	assert_int_equal(trust_at(f, NOW + 10 * limit), BOARD_FRESH);
}

static void test_absent(void **state)
{
	struct fixture *f = *state;
	struct board_session session;

	assert_int_equal(unlink(f->place->path), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_ABSENT);
	assert_int_equal(board_read_session("/nonexistent/board", 1, 1, NOW, &session),
			 BOARD_ABSENT);
	assert_int_equal(board_read_session("/dev/null/board", 1, 1, NOW, &session),
			 BOARD_ABSENT);
}

static void test_foreign_file(void **state)
{
	static const mode_t modes[] = {0660, 0642, 0666, 0620};
	struct fixture *f = *state;
	const char *path = f->place->path;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_int_equal(trust_at(f, NOW), BOARD_FOREIGN);
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_FRESH);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_int_equal(trust_at(f, NOW), BOARD_FOREIGN);
	}
	assert_int_equal(rename(path, f->place->temporary), 0);
	assert_int_equal(symlink(f->place->temporary, path), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_FOREIGN);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_FOREIGN);
	assert_int_equal(rmdir(path), 0);
	/* Nobody ever writes to it: a reader must not wait. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_FOREIGN);
}

/* Change the header by 'change' and make its check sum right again. */
static void patch_header(const struct fixture *f, void (*change)(struct board_header *))
{
	struct board_header header;
	size_t size;
	uint8_t *bytes = slurp(f->place->path, &size);

	memcpy(&header, bytes, sizeof(header));
	free(bytes);
	change(&header);
	header.checksum = board_header_checksum(&header);
	scribble(f->place->path, 0, &header, sizeof(header));
}

static void change_magic(struct board_header *header)
{
	header->magic[7] ^= 1;
}

static void change_order(struct board_header *header)
{
	header->byte_order = 0x04030201;
}

static void change_boot(struct board_header *header)
{
	header->boot_id[0] = header->boot_id[0] == '0' ? '1' : '0';
}

static void change_to_newer(struct board_header *header)
{
	header->version = BOARD_VERSION + 1;
	header->header_size = 4096; /* newer ones may change all the rest */
	header->session_size = 200;
}

static void change_to_older(struct board_header *header)
{
	header->version = BOARD_VERSION - 1;
}

static void change_size(struct board_header *header)
{
	header->session_size += 8;
}

static void change_capacity(struct board_header *header)
{
	header->path_capacity = 0;
}

static void change_capacity_odd(struct board_header *header)
{
	header->session_capacity--;
}

static void change_capacity_huge(struct board_header *header)
{
	header->path_capacity = 1U << 31;
}

static void test_header(void **state)
{
	static const struct {
		void (*change)(struct board_header *);
		enum board_trust trust;
	} cases[] = {
		{change_magic, BOARD_FOREIGN},
		{change_order, BOARD_FOREIGN},
		{change_boot, BOARD_FOREIGN},
		{change_to_newer, BOARD_VERSION_MISMATCH},
		{change_to_older, BOARD_VERSION_MISMATCH},
		{change_size, BOARD_DAMAGED},
		{change_capacity, BOARD_DAMAGED},
		{change_capacity_odd, BOARD_DAMAGED},
		{change_capacity_huge, BOARD_DAMAGED},
	};
	struct fixture *f = *state;
	size_t i, size;
	uint8_t *good = slurp(f->place->path, &size);

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		patch_header(f, cases[i].change);
		assert_int_equal(trust_at(f, NOW), cases[i].trust);
		scribble(f->place->path, 0, good, size);
		assert_int_equal(trust_at(f, NOW), BOARD_FRESH);
	}
	free(good);
}

/* Every single byte of header and heartbeat matters. */
static void test_front_bytes(void **state)
{
	struct fixture *f = *state;
	enum board_trust trust;
	size_t size, i;
	uint8_t *good = slurp(f->place->path, &size), byte;

	for (i = 0; i < sizeof(struct board_front); i++) {
		if (i >= sizeof(struct board_header) && i < BOARD_BEAT_OFFSET)
			continue;
		byte = good[i] ^ 0x10;
		scribble(f->place->path, i, &byte, 1);
		trust = trust_at(f, NOW);
		if (trust != BOARD_DAMAGED && trust != BOARD_FOREIGN &&
		    trust != BOARD_VERSION_MISMATCH)
			fail_msg("byte %zu: %s", i, board_trust_text(trust));
		scribble(f->place->path, i, &good[i], 1);
	}
	free(good);
}

static void test_truncation(void **state)
{
	struct fixture *f = *state;
	size_t size = size_of(f->place->path), cut;
	uint8_t *good = slurp(f->place->path, &size);

	for (cut = 0; cut < size; cut += 64) {
		assert_int_equal(truncate(f->place->path, (off_t)cut), 0);
		assert_int_equal(trust_at(f, NOW), BOARD_DAMAGED);
		scribble(f->place->path, 0, good, size);
	}
	/* Cut and grown again: the end is a hole. Only what is still whole is believed.
	 */
	for (cut = 0; cut < size; cut += 64) {
		assert_int_equal(truncate(f->place->path, (off_t)cut), 0);
		assert_int_equal(truncate(f->place->path, (off_t)size), 0);
		assert_true(trust_at(f, NOW) != BOARD_STALE);
		scribble(f->place->path, 0, good, size);
	}
	assert_int_equal(truncate(f->place->path, (off_t)size + 64), 0);
	assert_int_equal(trust_at(f, NOW), BOARD_DAMAGED);
	free(good);
}

/* A random record: what comes back is what was published, or no evidence. */
static enum board_trust read_one(const struct fixture *f, uint32_t pick)
{
	struct board_session session;
	struct board_path path;
	enum board_trust trust;
	uint32_t i;

	if (pick % 2 == 0) {
		i = pick / 2 % (SESSIONS + 3);
		trust = read_session(f->place, i + 1, NOW, &session);
		if (trust != BOARD_FRESH && trust != BOARD_STALE)
			return trust;
		assert_true(i < SESSIONS);
		assert_memory_equal(&session, &f->records.sessions[i], sizeof(session));
	} else {
		i = pick / 2 % (PATHS + 3);
		trust = read_path(f->place, i, NOW, &path);
		if (trust != BOARD_FRESH && trust != BOARD_STALE)
			return trust;
		assert_true(i < PATHS);
		assert_memory_equal(&path, &f->records.paths[i], sizeof(path));
	}
	return trust;
}

/* Garbage of one of four kinds for a region. */
static void make_garbage(uint8_t *bytes, size_t size, const uint8_t *good,
			 size_t good_size, unsigned int kind)
{
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = kind == 0 ? (uint8_t)random() : kind == 1 ? 0 : 0xff;
	if (kind == 3) /* parts of the board itself, elsewhere */
		memcpy(bytes, good + (size_t)random() % (good_size - size + 1), size);
}

static void test_garbage(void **state)
{
	unsigned int round, seen[BOARD_TRUST_MAX] = {0}, i;
	struct fixture *f = *state;
	size_t size, offset, length;
	uint8_t *good = slurp(f->place->path, &size), *bytes = malloc(size);
	int fd = open(f->place->path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_non_null(bytes);
	srandom(3);
	for (round = 0; round < 10000; round++) {
		offset = (size_t)random() % size;
		length = 1 + (size_t)random() % (round % 2 ? 100 : size);
		if (length > size - offset)
			length = size - offset;
		make_garbage(bytes, length, good, size, round % 4);
		assert_int_equal(pwrite(fd, bytes, length, (off_t)offset),
				 (ssize_t)length);
		seen[read_one(f, (uint32_t)random())]++;
		assert_int_equal(pwrite(fd, good + offset, length, (off_t)offset),
				 (ssize_t)length);
	}
	for (i = 0; i < BOARD_TRUST_MAX; i++)
		print_message("%6u %s\n", seen[i], board_trust_text((enum board_trust)i));
	/* The test did damage, and also left some records alone. */
	assert_true(seen[BOARD_FRESH] > 1000);
	assert_true(seen[BOARD_DAMAGED] + seen[BOARD_FOREIGN] > 1000);
	assert_board(f->place, &f->records, NOW, BOARD_FRESH);
	close(fd);
	free(bytes);
	free(good);
}

/* A table without an empty slot: the search ends all the same. */
static void test_endless_chain(void **state)
{
	struct fixture *f = *state;
	struct board_header header;
	struct board_table table;
	struct board_session_slot slot;
	struct board_session session;
	size_t size;
	uint8_t *good = slurp(f->place->path, &size);
	uint32_t i;

	memcpy(&header, good, sizeof(header));
	table = board_table_of(&header, BOARD_SESSIONS);
	for (i = 0; i < table.capacity; i++) {
		memset(&slot, 0, sizeof(slot));
		slot.slot.use = BOARD_SLOT_TOMBSTONE;
		slot.slot.checksum = board_slot_checksum(&table, i, &slot);
		scribble(f->place->path, table.offset + i * table.slot_size, &slot,
			 sizeof(slot));
	}
	assert_int_equal(read_session(f->place, 1, NOW, &session), BOARD_DAMAGED);
	free(good);
}

/* A whole record in a place that is not its own is garbage. */
static void test_misplaced(void **state)
{
	struct fixture *f = *state;
	struct board_header header;
	struct board_table table;
	size_t size, from;
	uint8_t *good = slurp(f->place->path, &size);
	uint32_t start, i;

	memcpy(&header, good, sizeof(header));
	table = board_table_of(&header, BOARD_SESSIONS);
	start = board_session_start(1, table.capacity);
	for (i = 0; i < table.capacity; i++) {
		from = table.offset + i * table.slot_size;
		if (i == start ||
		    board_slot_use(&table, i, good + from) != BOARD_SLOT_USED)
			continue;
		assert_int_equal(board_slot_use(&table, start, good + from), -EBADMSG);
		scribble(f->place->path, table.offset + start * table.slot_size,
			 good + from, table.slot_size);
		assert_int_equal(trust_at(f, NOW), BOARD_DAMAGED);
	}
	free(good);
}

static void test_texts(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < BOARD_TRUST_MAX; i++)
		assert_true(strlen(board_trust_text((enum board_trust)i)) > 4);
	for (i = 0; i < PROBE_STATE_MAX; i++)
		assert_true(strlen(probe_state_name((enum probe_state)i)) > 1);
	assert_string_equal(board_trust_text((enum board_trust)99), "unknown");
	assert_string_equal(probe_state_name((enum probe_state)99), "unknown");
}

/* No assertion on the figure: a slow machine is no bug. */
static void test_cost(void **state)
{
	struct fixture *f = *state;
	struct board_session session;
	const unsigned int rounds = 20000;
	uint64_t start = clock_now_ns();
	unsigned int i;

	for (i = 0; i < rounds; i++)
		assert_int_equal(read_session(f->place, 1 + i % SESSIONS, NOW, &session),
				 BOARD_FRESH);
	print_message("board_read_session: %llu ns\n",
		      (unsigned long long)(clock_now_ns() - start) / rounds);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lookup),	      T(test_heartbeat_age), T(test_absent),
		T(test_foreign_file), T(test_header),	     T(test_front_bytes),
		T(test_truncation),   T(test_garbage),	     T(test_endless_chain),
		T(test_misplaced),    T(test_texts),	     T(test_cost),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
