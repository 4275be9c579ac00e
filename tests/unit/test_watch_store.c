/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies file as the daemon follows it: what is in force, and the complaint that status
 * shows. On a host without paths. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/watch.h"

#define GOOD  "[default]\npolicy = failover-only\n"
#define OTHER "[default]\npolicy = round-robin\n"
#define WRONG "[default]\npolicy = fastest\n"

struct scene {
	char folder[32], path[64], board[64];
	struct watch watch;
};

static void put(const struct scene *s, const char *text)
{
	FILE *file = fopen(s->path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The file has changed; then this policy is in force, and the complaint says so ("": none). */
static void expect(struct scene *s, const char *policy, const char *says)
{
	watch_reload_changed(&s->watch);
	assert_int_equal(s->watch.store.n, *policy ? 1 : 0);
	if (*policy)
		assert_string_equal(s->watch.store.entries[0].setting->policy->name, policy);
	if (!strstr(s->watch.store_message, says) || (!*says && *s->watch.store_message))
		fail_msg("\"%s\" instead of \"%s\"", s->watch.store_message, says);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->folder, sizeof(s->folder), "/tmp/watch_store.XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/policies.conf", s->folder);
	snprintf(s->board, sizeof(s->board), "%s/board", s->folder);
	s->watch.options = (struct watch_options){
		.sysfs = "/nowhere", .board_path = s->board, .store_path = s->path};
	assert_int_equal(board_new(s->board, (unsigned int)-1, &s->watch.board), 0);
	put(s, GOOD);
	expect(s, "failover-only", "");
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	watch_stop(&s->watch);
	unlink(s->path);
	unlink(s->board);
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
	return 0;
}

/* Whatever was in its place: with the same good text there is nothing to complain of any more. */
static void complaint_ends(void **state)
{
	struct scene *s = *state;

	put(s, WRONG);
	expect(s, "failover-only", "\"fastest\" is no policy");
	put(s, GOOD);
	expect(s, "failover-only", "");
	assert_int_equal(unlink(s->path), 0);
	expect(s, "failover-only", "the file is missing");
	put(s, GOOD);
	expect(s, "failover-only", "");
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(mkfifo(s->path, 0600), 0);
	expect(s, "failover-only", "it is no regular file");
	assert_int_equal(unlink(s->path), 0);
	put(s, GOOD);
	expect(s, "failover-only", "");
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(symlink("none", s->path), 0);
	expect(s, "failover-only", "a link that leads to no file");
	assert_int_equal(unlink(s->path), 0);
	expect(s, "failover-only", "the file is missing");
	put(s, OTHER);
	expect(s, "round-robin", "");
}

/* A file that could not be read at first has nothing in force to hold on to. */
static void broken_at_first(void **state)
{
	struct scene *s = *state;

	store_free(&s->watch.store);
	s->watch.store = (struct store){.n = 0};
	s->watch.store_loaded = false;
	s->watch.store_hash = 0;
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(watch_reload(&s->watch), -EINVAL);
	assert_int_equal(unlink(s->path), 0);
	put(s, "");
	expect(s, "", "");
	assert_true(s->watch.store_loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(complaint_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_at_first, setup, teardown),
	};

	return cmocka_run_group_tests_name("watch_store", tests, NULL, NULL);
}
