/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board as its writer sees it: taking over, repairing, growing, running out of room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/board.h"
#include "tests/unit/board_fixture.h"

#define NOW	 (1000 * NS_PER_S)
#define NO_GROUP ((unsigned int)-1)

static struct board *board_at(const struct place *place)
{
	struct board *board = NULL;

	assert_int_equal(board_new(place->path, NO_GROUP, &board), 0);
	return board;
}

/* Publish; returns whether that was a repair. */
static bool publish(struct board *board, const struct records *records, uint64_t now)
{
	bool repaired = false;

	assert_int_equal(board_publish(board, &records->content, now, &repaired), 0);
	return repaired;
}

static void test_new_file(void **state)
{
	struct records none = records_make(1, 0, 0, 0);
	struct place *place = *state;
	struct board *board;
	struct stat st;
	char deep[200];

	umask(077);
	board = board_at(place);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(access(place->temporary, F_OK), -1);
	/* Nothing was published yet: a heartbeat would vouch for nothing. */
	assert_int_equal(board_heartbeat(board, NOW), -ESTALE);
	assert_false(publish(board, &none, NOW));
	assert_int_equal(board_heartbeat(board, NOW), 0);
	assert_board(place, &none, NOW, BOARD_FRESH);
	board_free(board);
	board_free(NULL);
	records_free(&none);

	/* The directory is made, whatever the umask; its parents are not. */
	snprintf(deep, sizeof(deep), "%s/run", place->directory);
	strcat(deep, "/board");
	assert_int_equal(board_new(deep, NO_GROUP, &board), 0);
	board_free(board);
	assert_int_equal(unlink(deep), 0);
	*strrchr(deep, '/') = '\0';
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(rmdir(deep), 0);
	strcat(deep, "/a/board");
	assert_int_equal(board_new(deep, NO_GROUP, &board), -ENOENT);
	umask(022);
}

static void test_group(void **state)
{
	struct place *place = *state;
	struct board *board;
	struct stat st;

	if (geteuid() != 0) {
		print_message("not root: skipped\n");
		return;
	}
	assert_int_equal(board_new(place->path, 12345, &board), 0);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_gid, 12345);
	board_free(board);
	/* Also for a file that is taken over. */
	assert_int_equal(board_new(place->path, 54321, &board), 0);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_gid, 54321);
	board_free(board);
}

/* Only what changed is written, in place; what is gone is gone. */
static void test_in_place(void **state)
{
	struct records all = records_make(1, 20, 100, 1),
		       fewer = records_make(1, 19, 60, 1);
	struct place *place = *state;
	struct board *board = board_at(place);
	ino_t inode = inode_of(place->path);
	uint8_t *before, *after;
	size_t size;

	assert_false(publish(board, &all, NOW));
	before = slurp(place->path, &size);
	assert_false(publish(board, &all, NOW + 5));
	after = slurp(place->path, &size);
	assert_memory_equal(before, after, BOARD_BEAT_OFFSET);
	assert_memory_equal(before + BOARD_TABLE_OFFSET, after + BOARD_TABLE_OFFSET,
			    size - BOARD_TABLE_OFFSET);
	free(before);
	free(after);

	all.sessions[3].misses = 99;
	assert_false(publish(board, &all, NOW));
	assert_board(place, &all, NOW, BOARD_FRESH);
	assert_false(publish(board, &fewer, NOW));
	assert_board(place, &fewer, NOW, BOARD_FRESH);
	assert_int_equal(read_session(place, 20, NOW, &all.sessions[0]), BOARD_NO_RECORD);
	all.sessions[0] = session_of(1, 1);
	assert_false(publish(board, &all, NOW));
	assert_board(place, &all, NOW, BOARD_FRESH);
	assert_true(inode_of(place->path) == inode);
	board_free(board);
	records_free(&all);
	records_free(&fewer);
}

/* A reader finds each key while others come and go, for a long time. */
static void test_churn(void **state)
{
	struct place *place = *state;
	struct board *board = board_at(place);
	struct records records;
	uint32_t round;

	for (round = 1; round <= 2000; round++) {
		records =
			records_make(round * 7, 10 + round % 23, 50 + round % 70, round);
		assert_false(publish(board, &records, NOW));
		if (round % 20 == 0)
			assert_board(place, &records, NOW, BOARD_FRESH);
		records_free(&records);
	}
	/* Tombstones do not pile up. */
	assert_true(size_of(place->path) < 64 * 1024);
	board_free(board);
}

static void test_duplicates(void **state)
{
	struct records records = records_make(1, 5, 5, 1);
	struct place *place = *state;
	struct board *board = board_at(place);
	bool repaired = true;

	assert_false(publish(board, &records, NOW));
	records.sessions[4].sid = 1;
	assert_int_equal(board_publish(board, &records.content, NOW, &repaired), -EINVAL);
	records.sessions[4] = session_of(5, 1);
	records.paths[2] = records.paths[1];
	assert_int_equal(board_publish(board, &records.content, NOW, &repaired), -EINVAL);
	/* The board does not say what its daemon wants: it must grow stale. */
	assert_int_equal(board_heartbeat(board, NOW), -ESTALE);
	records.paths[2] = path_of(2, 1);
	/* No damage from outside: not told as a repair. */
	assert_false(publish(board, &records, NOW));
	assert_board(place, &records, NOW, BOARD_FRESH);
	board_free(board);
	records_free(&records);
}

static void test_growth(void **state)
{
	struct records many = records_make(1, 40, 20000, 3),
		       few = records_make(1, 2, 10, 4);
	struct place *place = *state;
	struct board *board = board_at(place);
	struct board_path path;
	uint64_t start, took;
	uint32_t n;

	/* Step by step, each step found. */
	for (n = 1; n < 20000; n = n * 3 + 1) {
		many.content.n_paths = n;
		assert_false(publish(board, &many, NOW));
		assert_int_equal(read_path(place, n - 1, NOW, &path), BOARD_FRESH);
	}
	many.content.n_paths = 20000;
	assert_false(publish(board, &many, NOW));
	assert_board(place, &many, NOW, BOARD_FRESH);
	start = clock_now_ns();
	assert_false(publish(board, &many, NOW));
	took = clock_now_ns() - start;
	print_message("20000 paths: file of %zu KiB, publish without change %llu us\n",
		      size_of(place->path) / 1024,
		      (unsigned long long)(took / NS_PER_US));
	assert_false(publish(board, &few, NOW));
	assert_board(place, &few, NOW, BOARD_FRESH);
	assert_int_equal(read_path(place, 19999, NOW, &path), BOARD_NO_RECORD);
	board_free(board);
	records_free(&many);
	records_free(&few);
}

/* LUN numbers whose search would begin in the first 'span' slots of the smallest table.
 */
static void clustered_paths(struct board_path *paths, size_t n, uint32_t span)
{
	uint64_t lun = 0;
	size_t i;

	for (i = 0; i < n; i++, lun++) {
		while (board_path_start(1, lun, 256) >= span)
			lun++;
		paths[i] = path_of(0, 1);
		paths[i].lun = lun;
	}
}

/* Keys that crowd in one place: found, and what is not there is soon known not to be. */
static void test_clusters(void **state)
{
	static const struct {
		size_t n;
		uint32_t span;
	} cases[] = {{80, 40}, {63, 1}, {64, 1}, {100, 1}, {150, 100}};
	struct board_path paths[150], found;
	struct board_content content = {.paths = paths};
	struct place *place = *state;
	struct board *board = board_at(place);
	size_t i, j;
	uint64_t lun;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		content.n_paths = cases[i].n;
		clustered_paths(paths, cases[i].n, cases[i].span);
		assert_int_equal(board_publish(board, &content, NOW, NULL), 0);
		for (j = 0; j < cases[i].n; j++)
			assert_int_equal(board_read_path(place->path, 1, paths[j].lun,
							 paths[j].name_hash, NOW, &found),
					 BOARD_FRESH);
		lun = paths[cases[i].n - 1].lun;
		for (j = 1; j < 1000; j++)
			assert_int_equal(
				board_read_path(place->path, 1, lun + j, 1, NOW, &found),
				BOARD_NO_RECORD);
		/* From an empty board each time. */
		content.n_paths = 0;
		assert_int_equal(unlink(place->path), 0);
		assert_int_equal(board_publish(board, &content, NOW, NULL), 0);
	}
	board_free(board);
}

static void damage_truncate(const struct place *place)
{
	assert_int_equal(truncate(place->path, 777), 0);
}

static void damage_empty(const struct place *place)
{
	assert_int_equal(truncate(place->path, 0), 0);
}

static void damage_longer(const struct place *place)
{
	assert_int_equal(truncate(place->path, (off_t)size_of(place->path) + 1), 0);
}

static void damage_front(const struct place *place)
{
	scribble(place->path, 8, "garbage", 7);
}

static void damage_beat(const struct place *place)
{
	scribble(place->path, BOARD_BEAT_OFFSET, "garbage", 7);
}

static void damage_gap(const struct place *place)
{
	scribble(place->path, BOARD_TABLE_OFFSET - 1, "g", 1);
}

static void damage_unlink(const struct place *place)
{
	assert_int_equal(unlink(place->path), 0);
}

/* The same bytes, but not the file we write. */
static void damage_replace(const struct place *place)
{
	size_t size;
	uint8_t *bytes = slurp(place->path, &size);
	int fd = open(place->temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	free(bytes);
	assert_int_equal(rename(place->temporary, place->path), 0);
}

static void damage_symlink(const struct place *place)
{
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("/dev/zero", place->path), 0);
}

static void damage_mode(const struct place *place)
{
	assert_int_equal(chmod(place->path, 0666), 0);
}

static void damage_directory(const struct place *place)
{
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(rmdir(place->directory), 0);
}

static void test_repair_seen_by_heartbeat(void **state)
{
	static void (*const damages[])(const struct place *) = {
		damage_truncate, damage_empty, damage_longer,	 damage_front,
		damage_beat,	 damage_gap,   damage_unlink,	 damage_replace,
		damage_symlink,	 damage_mode,  damage_directory,
	};
	struct records records = records_make(1, 10, 50, 1);
	struct place *place = *state;
	struct board *board = board_at(place);
	size_t i;

	assert_false(publish(board, &records, NOW));
	for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		damages[i](place);
		assert_int_equal(board_heartbeat(board, NOW), -ESTALE);
		assert_true(publish(board, &records, NOW));
		assert_board(place, &records, NOW, BOARD_FRESH);
		assert_int_equal(board_heartbeat(board, NOW), 0);
		assert_false(publish(board, &records, NOW));
	}
	board_free(board);
	records_free(&records);
}

/* Damage anywhere, every 61st byte, is found by the next publish. */
static void test_repair_records(void **state)
{
	struct records records = records_make(1, 10, 50, 1);
	struct place *place = *state;
	struct board *board = board_at(place);
	size_t size, offset;
	uint8_t *bytes;

	assert_false(publish(board, &records, NOW));
	bytes = slurp(place->path, &size);
	for (offset = 0; offset < size; offset += 61) {
		bytes[offset] ^= 0x40;
		scribble(place->path, offset, &bytes[offset], 1);
		bytes[offset] ^= 0x40;
		assert_true(publish(board, &records, NOW));
	}
	assert_board(place, &records, NOW, BOARD_FRESH);
	free(bytes);
	board_free(board);
	records_free(&records);
}

/* A large file is looked through in slices: found after some publishes. */
static void test_repair_large(void **state)
{
	struct records records = records_make(1, 40, 20000, 1);
	struct place *place = *state;
	struct board *board = board_at(place);
	unsigned int rounds, limit;

	assert_false(publish(board, &records, NOW));
	scribble(place->path, size_of(place->path) / 3 * 2, "some garbage", 12);
	limit = (unsigned int)(size_of(place->path) / (256 * 1024)) + 2;
	for (rounds = 1; !publish(board, &records, NOW); rounds++)
		assert_true(rounds < limit);
	assert_board(place, &records, NOW, BOARD_FRESH);
	board_free(board);
	records_free(&records);
}

/* Another daemon's life and sudden end. Returns when it is dead. */
static void writer_dies(const struct place *place, const struct records *records)
{
	struct board *board;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (board_new(place->path, NO_GROUP, &board) == 0 &&
		    board_publish(board, &records->content, NOW, NULL) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_take_over(void **state)
{
	struct records old = records_make(1, 10, 50, 1), new = records_make(5, 10, 70, 2);
	const uint64_t later = NOW + 60 * NS_PER_S;
	struct place *place = *state;
	struct board *board;
	ino_t inode;

	writer_dies(place, &old);
	inode = inode_of(place->path);
	assert_board(place, &old, NOW + NS_PER_S, BOARD_FRESH);
	assert_board(place, &old, later, BOARD_STALE);
	board = board_at(place);
	assert_true(inode_of(place->path) == inode);
	/* Still the last plan of a dead daemon, not vouched for by the new one. */
	assert_board(place, &old, later, BOARD_STALE);
	assert_int_equal(board_heartbeat(board, later), -ESTALE);
	assert_board(place, &old, later, BOARD_STALE);
	assert_false(publish(board, &new, later));
	assert_true(inode_of(place->path) == inode);
	assert_board(place, &new, later, BOARD_FRESH);
	board_free(board);
	/* It stays when the writer goes. */
	assert_board(place, &new, later, BOARD_FRESH);
	records_free(&old);
	records_free(&new);
}

/* What cannot be taken over is replaced by an empty board at once. */
static void test_take_over_damaged(void **state)
{
	static void (*const damages[])(const struct place *) = {
		damage_truncate, damage_empty, damage_front,  damage_beat,
		damage_symlink,	 damage_mode,  damage_unlink,
	};
	struct records records = records_make(1, 10, 50, 1),
		       none = records_make(1, 0, 0, 0);
	struct place *place = *state;
	struct board *board;
	size_t i;

	for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		writer_dies(place, &records);
		damages[i](place);
		board = board_at(place);
		assert_board(place, &none, NOW, BOARD_NO_RECORD);
		assert_false(publish(board, &records, NOW));
		assert_board(place, &records, NOW, BOARD_FRESH);
		board_free(board);
	}
	/* One bad record among good ones. */
	scribble(place->path, size_of(place->path) - 1, "x", 1);
	board = board_at(place);
	assert_board(place, &none, NOW, BOARD_NO_RECORD);
	board_free(board);
	records_free(&records);
	records_free(&none);
}

static void test_cannot_write(void **state)
{
	struct place *place = *state;
	struct board *board = NULL;

	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_int_equal(board_new(place->path, NO_GROUP, &board), -EISDIR);
	assert_null(board);
	assert_int_equal(access(place->temporary, F_OK), -1);
	assert_int_equal(board_new("/dev/null/board", NO_GROUP, &board), -ENOTDIR);
}

/* No room for a larger file: old records stay until there is. 'full': what is returned.
 */
static void run_out_of_room(const struct place *place, int full,
			    void (*make_room)(void *), void *arg)
{
	struct records small = records_make(1, 5, 20, 1),
		       large = records_make(1, 5, 2000, 2);
	struct board *board = board_at(place);
	bool repaired = false;

	assert_false(publish(board, &small, NOW));
	assert_int_equal(board_publish(board, &large.content, NOW, &repaired), full);
	assert_int_equal(access(place->temporary, F_OK), -1);
	assert_board(place, &small, NOW, BOARD_FRESH);
	assert_int_equal(board_heartbeat(board, NOW), -ESTALE);
	assert_board(place, &small, NOW + 3 * NS_PER_S, BOARD_STALE);
	assert_int_equal(board_publish(board, &large.content, NOW, &repaired), full);
	/* What fits is still published. */
	assert_false(publish(board, &small, NOW));
	assert_int_equal(board_heartbeat(board, NOW), 0);
	make_room(arg);
	assert_false(publish(board, &large, NOW));
	assert_board(place, &large, NOW, BOARD_FRESH);
	board_free(board);
	records_free(&small);
	records_free(&large);
}

static void lift_limit(void *arg)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, arg), 0);
}

static void test_file_size_limit(void **state)
{
	struct rlimit before, tight;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 64 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	run_out_of_room(*state, -EFBIG, lift_limit, &before);
	signal(SIGXFSZ, SIG_DFL);
}

static void enlarge_tmpfs(void *arg)
{
	assert_int_equal(mount("none", arg, "none", MS_REMOUNT, "size=4m"), 0);
}

static void test_no_space(void **state)
{
	struct place *place = *state;

	/* A name space of our own: the mount ends with this process at the latest. */
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", place->directory, "tmpfs", 0, "size=64k") < 0) {
		print_message("no mount (%s): skipped\n", strerror(errno));
		return;
	}
	run_out_of_room(place, -ENOSPC, enlarge_tmpfs, place->directory);
	assert_int_equal(umount(place->directory), 0);
}

/* Publish round after round, with sessions coming and going, until killed. */
static void write_for_ever(const struct place *place)
{
	struct records records;
	struct board *board;
	uint64_t round;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
	if (board_new(place->path, NO_GROUP, &board) < 0)
		_exit(1);
	for (round = 1;; round++) {
		/* Now and then too large for the file: a new one is renamed over it. */
		records = records_make(
			1 + (uint32_t)(round % 3), 20,
			round % 500 == 0 ? 1000 : 50 + (uint32_t)(round % 5), round);
		if (board_publish(board, &records.content, clock_now_ns(), NULL) < 0)
			_exit(2);
		records_free(&records);
	}
}

/* A record whose parts belong together, not older than any seen before. */
static void check_session(const struct board_session *session, uint32_t sid,
			  uint64_t *latest)
{
	struct board_session expected = session_of(sid, session->updated_ns);

	assert_memory_equal(session, &expected, sizeof(expected));
	assert_true(session->updated_ns >= *latest);
	*latest = session->updated_ns;
}

static void read_against_writer(const struct place *place, unsigned int *seen)
{
	uint64_t end = clock_now_ns() + NS_PER_S, latest = 0, latest_path = 0, now;
	struct board_session session;
	struct board_path path, expected;
	enum board_trust trust;

	while ((now = clock_now_ns()) < end) {
		trust = read_session(place, 10, now, &session);
		seen[trust]++;
		if (trust == BOARD_FRESH || trust == BOARD_STALE)
			check_session(&session, 10, &latest);
		trust = read_path(place, 33, now, &path);
		seen[trust]++;
		if (trust != BOARD_FRESH && trust != BOARD_STALE)
			continue;
		expected = path_of(33, path.plan_ns);
		assert_memory_equal(&path, &expected, sizeof(path));
		assert_true(path.plan_ns >= latest_path);
		latest_path = path.plan_ns;
	}
	print_message("last round seen: %llu\n", (unsigned long long)latest);
	assert_true(latest > 100);
}

/* Wait until the writer has published first. */
static void wait_for_record(const struct place *place)
{
	uint64_t end = clock_now_ns() + 10 * NS_PER_S, now;
	struct board_session session;

	do {
		now = clock_now_ns();
		assert_true(now < end);
		sched_yield();
	} while (read_session(place, 10, now, &session) != BOARD_FRESH);
}

static void test_torn_reads(void **state)
{
	unsigned int seen[BOARD_TRUST_MAX] = {0}, i, total = 0;
	struct records records = records_make(1, 20, 50, 1);
	struct place *place = *state;
	struct board *board;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		write_for_ever(place);
	wait_for_record(place);
	read_against_writer(place, seen);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (i = 0; i < BOARD_TRUST_MAX; i++) {
		total += seen[i];
		if (seen[i])
			print_message("%8u %s\n", seen[i],
				      board_trust_text((enum board_trust)i));
	}
	/* Records that are always there were found, but for tears three times in a row.
	 */
	assert_int_equal(seen[BOARD_FRESH] + seen[BOARD_DAMAGED], total);
	assert_true(seen[BOARD_DAMAGED] <= total / 100);

	/* Killed wherever it was: the next one goes on. */
	board = board_at(place);
	publish(board, &records, NOW);
	assert_board(place, &records, NOW, BOARD_FRESH);
	board_free(board);
	records_free(&records);
}

#define T(test) cmocka_unit_test_setup_teardown(test, place_new, place_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_file),	T(test_group),
		T(test_in_place),	T(test_churn),
		T(test_duplicates),	T(test_clusters),
		T(test_growth),		T(test_repair_seen_by_heartbeat),
		T(test_repair_records), T(test_repair_large),
		T(test_take_over),	T(test_take_over_damaged),
		T(test_cannot_write),	T(test_file_size_limit),
		T(test_torn_reads),	T(test_no_space),
	};

	return cmocka_run_group_tests_name("board writer", tests, NULL, NULL);
}
