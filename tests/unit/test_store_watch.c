/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static void no_folder(void **state)
{
	struct scene *s = *state;
	struct store_watch *watch;

	assert_int_equal(store_watch_new(s->event, "/nowhere/policies.conf", changed, s, &watch),
			 -ENOENT);
	store_watch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells, setup, teardown),
		cmocka_unit_test_setup_teardown(gathers, setup, teardown),
		cmocka_unit_test_setup_teardown(no_folder, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
