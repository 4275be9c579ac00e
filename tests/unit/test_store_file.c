/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text files that are read whole and replaced whole: whatever goes wrong, the old one stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/memory_fixture.h"

#define OLD    "[default]\npolicy = failover-only\n"
#define NEW    "[default]\npolicy = round-robin\n"
#define NOBODY 65534

struct place {
	char folder[32], path[64], temporary[72];
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	strcpy(place->folder, "/tmp/store_file.XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/policies.conf", place->folder);
	snprintf(place->temporary, sizeof(place->temporary), "%s.new", place->path);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	assert_int_equal(rmdir(place->folder), 0); /* fails if anything else is left */
	free(place);
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *path, const char *expected)
{
	char *text = NULL;

	assert_int_equal(store_read_file(path, &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

/* Writing fails with 'error', and it is as if nobody had tried. */
static void assert_stays(const struct place *place, const char *text, int error)
{
	unsigned int open_before = open_descriptors();

	assert_int_equal(store_write_file(place->path, text), error);
	assert_int_equal(open_descriptors(), open_before);
	assert_holds(place->path, OLD);
	assert_int_equal(access(place->temporary, F_OK), -1);
}

static char *text_of(size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = i % 80 == 79 ? '\n' : (char)('a' + (i * 7 + size) % 26);
	text[size] = '\0';
	return text;
}

/* What is written is what is read, around every size at which the buffer grows, up to the limit. */
static void every_size(void **state)
{
	struct place *place = *state;
	char *text, *again;

	for (size_t size = 4096; size <= STORE_FILE_MAX; size *= 2)
		for (size_t n = size - 1; n <= size + 1; n++) {
			text = text_of(n);
			assert_int_equal(store_write_file(place->path, text), 0);
			if (n > STORE_FILE_MAX) {
				assert_int_equal(store_read_file(place->path, &again), -EFBIG);
			} else {
				assert_int_equal(store_read_file(place->path, &again), 0);
				assert_int_equal(strlen(again), n);
				assert_memory_equal(again, text, n);
				free(again);
			}
			free(text);
		}
}

/* A reader finds one or the other, whole, however often it looks. */
static void never_half(void **state)
{
	struct place *place = *state;
	char *texts[2] = { text_of(100), text_of(300000) }, *found;
	size_t rounds = 0;
	int status = 0;
	pid_t pid;

	assert_int_equal(store_write_file(place->path, texts[0]), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int r = 0;

		for (size_t i = 0; i < 200 && r == 0; i++)
			r = store_write_file(place->path, texts[i % 2]);
		_exit(r != 0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		assert_int_equal(store_read_file(place->path, &found), 0);
		assert_string_equal(found, texts[strlen(found) != 100]);
		free(found);
		rounds++;
	}
	assert_true(rounds > 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(texts[0]);
	free(texts[1]);
}

/* What a power cut left goes; what is no file of ours by that name does not. */
static void left_over(void **state)
{
	struct place *place = *state;

	put(place->path, OLD);
	put(place->temporary, "half a line");
	assert_int_equal(store_write_file(place->path, NEW), 0);
	assert_holds(place->path, NEW);
	assert_int_equal(access(place->temporary, F_OK), -1);
	put(place->path, OLD);
	assert_int_equal(mkdir(place->temporary, 0700), 0);
	assert_int_equal(store_write_file(place->path, NEW), -EISDIR);
	assert_holds(place->path, OLD);
	assert_int_equal(rmdir(place->temporary), 0);
}

/* The room ends in the middle of the text. */
static void no_room(void **state)
{
	struct place *place = *state;
	struct rlimit before, tight;

	put(place->path, OLD);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_stays(place, NEW, -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(store_write_file(place->path, NEW), 0);
	assert_holds(place->path, NEW);
}

/* As another user, who may do less; back as it was. */
static void as_nobody(const struct place *place, void (*fn)(const struct place *))
{
	if (geteuid() != 0) {
		print_message("not root: skipped\n");
		skip();
	}
	assert_int_equal(chown(place->folder, NOBODY, (gid_t)-1), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	fn(place);
	assert_int_equal(seteuid(0), 0);
}

static void write_a_strangers(const struct place *place)
{
	assert_stays(place, NEW, -EPERM);
}

/* A file that could only come back with another owner is not replaced. */
static void owner_stays(void **state)
{
	struct place *place = *state;
	struct stat info;

	put(place->path, OLD);
	as_nobody(place, write_a_strangers);
	assert_int_equal(stat(place->path, &info), 0);
	assert_int_equal(info.st_uid, 0);
}

/* Replaced, but whether it would outlive a power cut is not known: that is no success. */
static void write_unsynced(const struct place *place)
{
	assert_int_equal(store_write_file(place->path, NEW), -EACCES);
}

static void folder_not_synced(void **state)
{
	struct place *place = *state;

	put(place->path, OLD);
	if (geteuid() == 0) {
		assert_int_equal(chown(place->path, NOBODY, (gid_t)-1), 0);
		assert_int_equal(chown(place->path, (uid_t)-1, getegid()), 0);
		assert_int_equal(chmod(place->folder, 0300), 0);
	}
	as_nobody(place, write_unsynced);
	assert_holds(place->path, NEW);
}

/* Where nothing can be replaced at all. */
static void no_such_place(void **state)
{
	struct place *place = *state;

	assert_int_equal(store_write_file(place->folder, NEW), -EISDIR);
	snprintf(place->temporary, sizeof(place->temporary), "%s.new", place->folder);
	assert_int_equal(access(place->temporary, F_OK), -1);
	assert_int_equal(symlink(place->path, place->path), 0);
	assert_int_equal(store_write_file(place->path, NEW), -ELOOP);
	assert_int_equal(store_write_file("/dev/null/policies.conf", NEW), -ENOTDIR);
}

static void unreadable(void **state)
{
	struct place *place = *state;
	char *text = NULL;

	assert_int_equal(symlink(place->path, place->path), 0);
	assert_int_equal(store_read_file(place->path, &text), -ELOOP);
	assert_false(store_is_missing(place->path));
	assert_false(store_is_missing("/dev/null/policies.conf"));
	assert_int_equal(store_read_file("/dev/null/policies.conf", &text), -ENOTDIR);
	/* a regular file of which no byte can be read */
	assert_int_equal(store_read_file("/proc/self/mem", &text), -EIO);
	assert_null(text);
}

static void in_words(void **state)
{
	(void)state;
	assert_string_equal(store_read_error(-EINVAL), "it is no regular file");
	assert_string_equal(store_read_error(-EFBIG), "it is too large");
	assert_string_equal(store_read_error(-EACCES), strerror(EACCES));
}

/* Without memory nothing is taken for an empty store. */
static void no_memory(void **state)
{
	struct place *place = *state;
	struct memory memory;
	char *text = NULL, *large, *some;
	int missing, small, grown;

	if (!memory_can_be_taken())
		skip();
	memory_take(&memory);
	missing = store_read_file(place->path, &text);
	memory_give_back(&memory);
	put(place->path, OLD);
	memory_take(&memory);
	small = store_read_file(place->path, &text);
	memory_give_back(&memory);
	assert_int_equal(missing, -ENOMEM);
	assert_int_equal(small, -ENOMEM);
	/* there is some, but not enough */
	large = text_of(1000000);
	assert_int_equal(store_write_file(place->path, large), 0);
	some = malloc(6000);
	memory_take(&memory);
	free(some);
	grown = store_read_file(place->path, &text);
	memory_give_back(&memory);
	assert_int_equal(grown, -ENOMEM);
	assert_null(text);
	free(large);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(every_size),  IN_PLACE(never_half),	    IN_PLACE(left_over),
		IN_PLACE(no_room),     IN_PLACE(owner_stays),	    IN_PLACE(folder_not_synced),
		IN_PLACE(no_such_place), IN_PLACE(unreadable),	    IN_PLACE(in_words),
		IN_PLACE(no_memory),
	};

	return cmocka_run_group_tests_name("store_file", tests, NULL, NULL);
}
