/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcheckiscsi.so used by many threads at once (tests/hosts/checker_threads.c), while what it
 * reads changes under it. Of most use with FLAVOUR=tsan, where a race ends the host with a status
 * of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/checker_fixture.h"

#define ROUNDS	  "100"
#define DISKS	  4
#define NEW_BOARD 16 /* changes, after which the board is another file */

/* Another word of the probe, of the kernel, and now and then another file. */
static void change(struct scene *scene)
{
	static const enum probe_state words[] = { PROBE_UP, PROBE_SILENT, PROBE_REFUSED,
						  PROBE_LOGIN_FAILED };
	unsigned int n = scene->changes++;

	scene->record.state = (uint32_t)words[n % 4];
	scene->record.silent_since_ns = n % 4 == 1 ? clock_now_ns() - 812 * NS_PER_MS : 0;
	tree_file(&scene->tree, SESSION_STATE, n % 3 ? "LOGGED_IN" : "FAILED");
	disk_file(&scene->tree, n % DISKS, "device/state", n % 5 ? "running" : "transport-offline");
	disk_file(&scene->tree, n % DISKS, "inflight",
		  n % 2 ? "       1        0" : "       0        0");
	if (n % NEW_BOARD) {
		publish(scene);
		return;
	}
	board_free(scene->writer);
	unlink(scene->board);
	open_board(scene);
}

static int setup(void **state)
{
	struct scene *scene = scene_new();

	for (unsigned int i = 0; i < DISKS; i++)
		add_disk(&scene->tree, i, "LIO-ORG ");
	open_board(scene);
	*state = scene;
	return 0;
}

static void run(struct scene *scene, const char *name)
{
	static const struct host_care care = { .look = change, .every_ms = 2, .limit_ms = 120000 };
	char text[16384], mode[16];
	char *argv[] = { (char[]){ HOST("checker_threads") }, (char[]){ PLUGIN }, mode,
			 (char[]){ ROUNDS }, NULL };

	snprintf(mode, sizeof(mode), "%s", name);
	host_run(scene, &care, argv, text, sizeof(text));
	print_message("%s: %u changes, %s", mode, scene->changes, text);
	assert_true(scene->changes > NEW_BOARD);
}

static void test_async(void **state)
{
	run(*state, "async");
}

static void test_inline(void **state)
{
	run(*state, "inline");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_async, setup, scene_free),
		cmocka_unit_test_setup_teardown(test_inline, setup, scene_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
