/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/store.h"
#include "daemon/store_watch.h"

#define DEADLINE_MS 5000
#define QUIET_MS    600 /* three times what events are gathered for */

struct scene {
	char folder[32], path[64], other[64];
	sd_event *event;
	struct store_watch *watch;
	unsigned int told;
};

static void changed(void *arg)
{
	struct scene *s = arg;

	s->told++;
}

/* Let the loop run until it has told 'n' times, then for as long as nothing comes. */
static void run_until(struct scene *s, unsigned int n)
{
	uint64_t deadline = clock_now_ns() + DEADLINE_MS * NS_PER_MS;

	while (s->told < n && clock_now_ns() < deadline)
		assert_true(sd_event_run(s->event, 50000) >= 0);
	deadline = clock_now_ns() + QUIET_MS * NS_PER_MS;
	while (clock_now_ns() < deadline)
		assert_true(sd_event_run(s->event, 50000) >= 0);
	assert_int_equal(s->told, n);
}

static void write_in_place(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->folder, sizeof(s->folder), "/tmp/store_watch.XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/policies.conf", s->folder);
	snprintf(s->other, sizeof(s->other), "%s/policies.conf~", s->folder);
	assert_true(sd_event_new(&s->event) >= 0);
	assert_int_equal(store_watch_new(s->event, s->path, changed, s, &s->watch), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	store_watch_free(s->watch);
	sd_event_unref(s->event);
	unlink(s->path);
	unlink(s->other);
	rmdir(s->folder);
	free(s);
	return 0;
}

/* Created, written in place, replaced by our own writer, moved away and back, removed. */
static void tells(void **state)
{
	struct scene *s = *state;

	write_in_place(s->path, "one");
	run_until(s, 1);
	write_in_place(s->path, "two");
	run_until(s, 2);
	assert_int_equal(store_write_file(s->path, "three"), 0);
	run_until(s, 3);
	assert_int_equal(rename(s->path, s->other), 0);
	run_until(s, 4);
	assert_int_equal(rename(s->other, s->path), 0);
	run_until(s, 5);
	assert_int_equal(unlink(s->path), 0);
	run_until(s, 6);
}

/* A shower is told once; other files are not told of. */
static void gathers(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 50; i++)
		write_in_place(s->path, "again");
	run_until(s, 1);
	write_in_place(s->other, "a backup");
	run_until(s, 1);
}

/* Links to links: the file at the end counts, and each link; a file left behind does not. */
static void links(void **state)
{
	struct scene *s = *state;
	char folder[] = "/tmp/store_watch.XXXXXX", first[64], second[64], middle[64], fresh[64];

	assert_non_null(mkdtemp(folder));
	snprintf(first, sizeof(first), "%s/first", folder);
	snprintf(second, sizeof(second), "%s/second", folder);
	snprintf(middle, sizeof(middle), "%s/middle", folder);
	snprintf(fresh, sizeof(fresh), "%s/fresh", folder);
	write_in_place(first, "one");
	write_in_place(second, "two");
	assert_int_equal(symlink("first", middle), 0);
	assert_int_equal(symlink(middle, s->other), 0);
	assert_int_equal(rename(s->other, s->path), 0);
	run_until(s, 1);
	write_in_place(first, "in place");
	run_until(s, 2);
	assert_int_equal(store_write_file(s->path, "replaced"), 0);
	run_until(s, 3);
	write_in_place(second, "not ours");
	run_until(s, 3);
	assert_int_equal(symlink("second", fresh), 0); /* the link between leads elsewhere */
	assert_int_equal(rename(fresh, middle), 0);
	run_until(s, 4);
	write_in_place(second, "ours now");
	run_until(s, 5);
	write_in_place(first, "not any more");
	run_until(s, 5);
	/* there from the start */
	store_watch_free(s->watch);
	assert_int_equal(store_watch_new(s->event, s->path, changed, s, &s->watch), 0);
	write_in_place(second, "again");
	run_until(s, 6);
	unlink(first);
	unlink(second);
	run_until(s, 7);
	unlink(middle);
	assert_int_equal(rmdir(folder), 0);
}

/* Moved away, with another in its place at once; moved away with none; removed and made anew:
 * the file in the next folder of that name counts, one in the old folder does not. */
static void next_folder(void **state)
{
	struct scene *s = *state;
	char away[64], left[96];

	snprintf(away, sizeof(away), "%s.away", s->folder);
	snprintf(left, sizeof(left), "%s/policies.conf", away);
	write_in_place(s->path, "one");
	run_until(s, 1);
	assert_int_equal(rename(s->folder, away), 0);
	assert_int_equal(mkdir(s->folder, 0755), 0);
	run_until(s, 2);
	write_in_place(s->path, "two");
	run_until(s, 3);
	write_in_place(left, "not ours");
	run_until(s, 3);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(rmdir(s->folder), 0);
	run_until(s, 4);
	assert_int_equal(rename(away, s->folder), 0);
	run_until(s, 5);
	write_in_place(s->path, "three");
	run_until(s, 6);
}

/* There is none at first: told when there is, and of what happens in it. */
static void no_folder(void **state)
{
	struct scene *s = *state;

	store_watch_free(s->watch);
	assert_int_equal(rmdir(s->folder), 0);
	assert_int_equal(store_watch_new(s->event, s->path, changed, s, &s->watch), 0);
	run_until(s, 0);
	assert_int_equal(mkdir(s->folder, 0755), 0);
	run_until(s, 1);
	write_in_place(s->path, "one");
	run_until(s, 2);
	store_watch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells, setup, teardown),
		cmocka_unit_test_setup_teardown(gathers, setup, teardown),
		cmocka_unit_test_setup_teardown(links, setup, teardown),
		cmocka_unit_test_setup_teardown(next_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(no_folder, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
