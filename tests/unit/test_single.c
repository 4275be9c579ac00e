/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/single.h"

static void one_at_a_time(void **state)
{
	char top[] = "/tmp/single.XXXXXX", board[64], lock[64], folder[64];
	int first, second;

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(folder, sizeof(folder), "%s/run", top);
	snprintf(board, sizeof(board), "%s/run/board", top);
	snprintf(lock, sizeof(lock), "%s/run/board.lock", top);
	first = single_lock(board);
	assert_true(first >= 0);
	assert_int_equal(single_lock(board), -EBUSY);
	assert_true(single_held(board));
	close(first);
	assert_false(single_held(board));
	second = single_lock(board);
	assert_true(second >= 0);
	close(second);
	/* a link in its place is not followed */
	unlink(lock);
	assert_int_equal(symlink("/nowhere", lock), 0);
	assert_int_equal(single_lock(board), -ELOOP);
	unlink(lock);
	rmdir(folder);
	assert_int_equal(rmdir(top), 0);
	assert_false(single_held("/nonexistent/run/board"));
	assert_int_equal(single_lock("/nonexistent/run/board"), -ENOENT);
}

static void safe_folder(void **state)
{
	char top[] = "/tmp/single.XXXXXX", board[64];

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(board, sizeof(board), "%s/board", top);
	assert_true(single_folder_safe(board));
	assert_int_equal(chmod(top, 0775), 0);
	assert_false(single_folder_safe(board));
	assert_int_equal(chmod(top, 0757), 0);
	assert_false(single_folder_safe(board));
	assert_int_equal(chmod(top, 01777), 0);
	assert_true(single_folder_safe(board));
	assert_int_equal(chmod(top, 0755), 0);
	assert_true(single_folder_safe(board));
	if (geteuid() == 0 && chown(top, 12345, 0) == 0)
		assert_false(single_folder_safe(board));
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_at_a_time),
					   cmocka_unit_test(safe_folder)};

	return cmocka_run_group_tests_name("single", tests, NULL, NULL);
}
