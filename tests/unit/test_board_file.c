/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board's file work: whatever goes wrong, the old board stays and nothing else is left. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>

#include "common/board_file.h"
#include "tests/unit/board_fixture.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/memory_fixture.h"

#define NO_GROUP ((gid_t)-1)
#define NOBODY	 65534
#define STRANGER 4711 /* a group of which nobody here is a member */
#define SIZE	 (2 * BOARD_TABLE_OFFSET)

static uint8_t old_bytes[SIZE], new_bytes[SIZE];

static int fill(void **state)
{
	(void)state;
	memset(old_bytes, 'o', sizeof(old_bytes));
	memset(new_bytes, 'n', sizeof(new_bytes));
	return 0;
}

static struct board_place board_place(const char *path, gid_t gid)
{
	struct board_place ret;

	assert_int_equal(board_place_new(path, gid, &ret), 0);
	return ret;
}

static int replace(const char *path, gid_t gid, const uint8_t *bytes)
{
	struct board_place place = board_place(path, gid);
	int fd = board_file_replace(&place, bytes, SIZE);

	board_place_free(&place);
	return fd;
}

static void assert_holds(const char *path, const uint8_t *expected)
{
	uint8_t bytes[SIZE + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(board_file_read(fd, bytes, sizeof(bytes), 0), SIZE);
	assert_memory_equal(bytes, expected, SIZE);
	close(fd);
}

/* Replacing fails with 'error', and it is as if nobody had tried. */
static void assert_stays(const struct place *place, gid_t gid, int error)
{
	unsigned int open_before = open_descriptors();

	assert_int_equal(replace(place->path, gid, new_bytes), error);
	assert_int_equal(open_descriptors(), open_before);
	assert_holds(place->path, old_bytes);
	assert_int_equal(access(place->temporary, F_OK), -1);
}

static void put_old(const struct place *place)
{
	int fd = replace(place->path, NO_GROUP, old_bytes);

	assert_true(fd >= 0);
	close(fd);
}

/* What is opened is what was made; its descriptor reads and writes. */
static void made_and_opened(void **state)
{
	struct place *place = *state;
	struct board_place at = board_place(place->path, NO_GROUP);
	uint8_t *bytes = NULL;
	size_t size = 0;
	int fd;

	assert_int_equal(board_file_open(&at, &bytes, &size), -ENOENT);
	put_old(place);
	fd = board_file_open(&at, &bytes, &size);
	assert_true(fd >= 0);
	assert_int_equal(size, SIZE);
	assert_memory_equal(bytes, old_bytes, SIZE);
	free(bytes);
	assert_int_equal(board_file_write(fd, new_bytes, SIZE, 0), 0);
	close(fd);
	assert_holds(place->path, new_bytes);
	board_place_free(&at);
}

static void whole_or_error(void **state)
{
	struct place *place = *state;
	uint8_t bytes[8];
	int fd;

	put_old(place);
	fd = open(place->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(board_file_write(fd, new_bytes, 1, 0), -EBADF);
	assert_int_equal(board_file_read(fd, bytes, sizeof(bytes), SIZE - 3), 3);
	assert_int_equal(board_file_read(fd, bytes, sizeof(bytes), SIZE + 3), 0);
	close(fd);
	fd = open(place->directory, O_RDONLY | O_CLOEXEC);
	assert_int_equal(board_file_read(fd, bytes, sizeof(bytes), 0), -EISDIR);
	close(fd);
	assert_int_equal(board_file_write(-1, new_bytes, 0, 0), 0); /* nothing to do */
	assert_holds(place->path, old_bytes);
}

/* Files that no reader would trust, or that somebody else could write. */
static void whose(void **state)
{
	const struct stat ours = { .st_mode = S_IFREG | 0640, .st_uid = geteuid(), .st_nlink = 1 };
	static const struct {
		mode_t mode;
		bool ours;
	} modes[] = {
		{ S_IFREG | 0600, true },  { S_IFREG | 0444, true },  { S_IFREG | 0660, false },
		{ S_IFREG | 0642, false }, { S_IFREG | 0240, false }, { S_IFDIR | 0750, false },
		{ S_IFIFO | 0640, false }, { S_IFLNK | 0777, false },
	};
	struct stat st = ours;

	(void)state;
	assert_true(board_file_is_ours(&st));
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		st.st_mode = modes[i].mode;
		assert_int_equal(board_file_is_ours(&st), modes[i].ours);
	}
	st = ours;
	st.st_uid++;
	assert_false(board_file_is_ours(&st));
	st = ours;
	st.st_nlink = 2;
	assert_false(board_file_is_ours(&st));
}

static void open_untrusted(const struct place *place, int error)
{
	struct board_place at = board_place(place->path, NO_GROUP);
	unsigned int open_before = open_descriptors();
	uint8_t *bytes = NULL;
	size_t size = 0;

	assert_int_equal(board_file_open(&at, &bytes, &size), error);
	assert_null(bytes);
	assert_int_equal(open_descriptors(), open_before);
	board_place_free(&at);
}

static void untrusted(void **state)
{
	struct place *place = *state;

	put_old(place);
	assert_int_equal(truncate(place->path, BOARD_TABLE_OFFSET - 1), 0);
	open_untrusted(place, -EBADMSG);
	assert_int_equal(truncate(place->path, ((off_t)1 << 30) + 1), 0); /* without blocks */
	open_untrusted(place, -EBADMSG);
	assert_int_equal(truncate(place->path, SIZE), 0);
	assert_int_equal(link(place->path, place->temporary), 0);
	open_untrusted(place, -EBADMSG);
	assert_int_equal(unlink(place->temporary), 0);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkfifo(place->path, 0640), 0); /* nobody waits for its other end */
	open_untrusted(place, -EBADMSG);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("/dev/zero", place->path), 0);
	open_untrusted(place, -ENOENT);
}

/* The room ends in the middle of it. */
static void no_room(void **state)
{
	struct place *place = *state;
	struct rlimit before, tight;

	put_old(place);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = SIZE - 1;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_stays(place, NO_GROUP, -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/* What is by the temporary's name, and cannot go. */
static void name_taken(void **state)
{
	struct place *place = *state;

	put_old(place);
	assert_int_equal(mkdir(place->temporary, 0700), 0);
	assert_int_equal(replace(place->path, NO_GROUP, new_bytes), -EISDIR);
	assert_int_equal(rmdir(place->temporary), 0);
	assert_holds(place->path, old_bytes);
}

/* A user of no rights, who is not in the group that shall read. */
static void group_refused(void **state)
{
	struct place *place = *state;
	struct board_place at = board_place(place->path, STRANGER);
	uint8_t *bytes = NULL;
	size_t size = 0;
	int r;

	if (geteuid() != 0) {
		board_place_free(&at);
		print_message("not root: skipped\n");
		skip();
	}
	put_old(place);
	assert_int_equal(chown(place->directory, NOBODY, NO_GROUP), 0);
	assert_int_equal(chown(place->path, NOBODY, NO_GROUP), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	assert_stays(place, STRANGER, -EPERM);
	r = board_file_open(&at, &bytes, &size);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -EPERM);
	assert_null(bytes);
	board_place_free(&at);
}

/* The folder is made, one level of it; where it cannot be, that is the error. */
static void folders(void **state)
{
	struct place *place = *state;
	char path[sizeof(place->path) + 16], before[200];

	assert_int_equal(symlink("nowhere", place->path), 0);
	snprintf(path, sizeof(path), "%s/board", place->path);
	assert_int_equal(replace(path, NO_GROUP, new_bytes), -ENOENT);
	assert_int_equal(unlink(place->path), 0);
	/* a name without a folder, where the folder has gone */
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_int_equal(chdir(place->path), 0);
	assert_int_equal(rmdir(place->path), 0);
	assert_int_equal(replace("board", NO_GROUP, new_bytes), -ENOENT);
	assert_int_equal(chdir(before), 0);
}

static void no_memory(void **state)
{
	struct place *place = *state;
	struct board_place at = board_place(place->path, NO_GROUP), none;
	char deep[sizeof(place->path) + 16];
	uint8_t *bytes = NULL;
	struct memory memory;
	size_t size = 0;
	int named, opened, made;

	if (!memory_can_be_taken()) {
		board_place_free(&at);
		skip();
	}
	put_old(place);
	memory_take(&memory);
	named = board_place_new(place->path, NO_GROUP, &none);
	board_place_free(&none);
	opened = board_file_open(&at, &bytes, &size);
	memory_give_back(&memory);
	assert_int_equal(named, -ENOMEM);
	assert_int_equal(opened, -ENOMEM);
	assert_null(bytes);
	board_place_free(&at);
	/* not even for the folder's name */
	snprintf(deep, sizeof(deep), "%s/run/board", place->directory);
	at = board_place(deep, NO_GROUP);
	memory_take(&memory);
	made = board_file_replace(&at, new_bytes, SIZE);
	memory_give_back(&memory);
	assert_int_equal(made, -ENOMEM);
	board_place_free(&at);
	assert_holds(place->path, old_bytes);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_new, place_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(made_and_opened), IN_PLACE(whole_or_error), cmocka_unit_test(whose),
		IN_PLACE(untrusted),	   IN_PLACE(no_room),	     IN_PLACE(name_taken),
		IN_PLACE(group_refused),   IN_PLACE(folders),	     IN_PLACE(no_memory),
	};

	return cmocka_run_group_tests_name("board_file", tests, fill, NULL);
}
