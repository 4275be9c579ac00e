/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcheckiscsi.so in the hands of the three generations of multipath-tools: programs of
 * tests/hosts, one process a scenario, as the functions a host exports decide the layout.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/checker_fixture.h"

static const char *const layouts[] = { HOST("checker_host_a"), HOST("checker_host_b"),
				       HOST("checker_host_c") };

/* Let the board's writer live, as the daemon does, if there is one. */
static void beat(struct scene *scene)
{
	if (!scene->writer)
		return;
	scene->record.silent_since_ns = clock_now_ns() - 812 * NS_PER_MS;
	publish(scene);
}

static void run(struct scene *scene, char *const argv[])
{
	static const struct host_care care = { .look = beat, .every_ms = 200, .limit_ms = 60000 };
	char text[4096];

	host_run(scene, &care, argv, text, sizeof(text));
}

static void scenario(void **state, const char *name)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		char host[256], word[32];
		char *argv[] = { host, (char[]){ PLUGIN }, word, NULL, NULL };

		snprintf(host, sizeof(host), "%s", layouts[i]);
		snprintf(word, sizeof(word), "%s", name);
		run(*state, argv);
	}
}

static void test_life(void **state)
{
	scenario(state, "life");
}

static void test_async(void **state)
{
	scenario(state, "async");
}

static void test_answers(void **state)
{
	scenario(state, "answers");
}

static void test_hang(void **state)
{
	scenario(state, "hang");
}

static void test_unload(void **state)
{
	scenario(state, "unload");
}

static void test_lives(void **state)
{
	scenario(state, "lives");
}

static void test_file(void **state)
{
	scenario(state, "file");
}

static void test_mismatch(void **state)
{
	scenario(state, "mismatch");
}

static void test_unknown_host(void **state)
{
	char *argv[] = { (char[]){ HOST("checker_host_none") }, (char[]){ PLUGIN }, NULL, NULL };

	run(*state, argv);
}

/* ---- with a disk over iSCSI and a board ---- */

enum { DOWN = 2, UP = 3, PENDING = 6 };

static void expect(struct scene *scene, int state, const char *text)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		char host[256], number[16], words[128];
		char *argv[] = { host,	 (char[]){ PLUGIN }, (char[]){ "expect" },
				 number, words,		     NULL };

		snprintf(host, sizeof(host), "%s", layouts[i]);
		snprintf(number, sizeof(number), "%d", state);
		snprintf(words, sizeof(words), "%s", text);
		run(scene, argv);
	}
}

/* Nothing is known of the disk but its number. */
static int setup_plain(void **state)
{
	*state = scene_new();
	unsetenv("FAKE_HANG");
	return 0;
}

static int setup(void **state)
{
	struct scene *scene;

	setup_plain(state);
	scene = *state;
	add_disk(&scene->tree, 0, "IET     ");
	return 0;
}

static void probe_says(struct scene *scene, enum probe_state state)
{
	scene->record.state = (uint32_t)state;
	scene->record.silent_since_ns = clock_now_ns() - 812 * NS_PER_MS;
	open_board(scene);
}

static void test_no_board(void **state)
{
	expect(*state, UP, "sdb: iscsi checker: up: TUR answered (no board");
}

static void test_board_up(void **state)
{
	probe_says(*state, PROBE_UP);
	expect(*state, UP, "sdb: iscsi checker: up: TUR answered\n");
}

static void test_conflict(void **state)
{
	probe_says(*state, PROBE_SILENT);
	expect(*state, UP, "but the data path works (TUR answered)");
}

static void test_silent(void **state)
{
	probe_says(*state, PROBE_SILENT);
	setenv("FAKE_HANG", "1", 1);
	expect(*state, DOWN, "sdb: iscsi checker: down: portal 10.0.1.2:3260 silent for ");
}

static void test_in_flight(void **state)
{
	struct scene *scene = *state;

	probe_says(scene, PROBE_REFUSED);
	disk_file(&scene->tree, 0, "inflight", "       1        4");
	setenv("FAKE_HANG", "1", 1);
	expect(scene, PENDING, "held until the 5 I/Os in flight end");
}

static void test_session_failed(void **state)
{
	struct scene *scene = *state;

	tree_file(&scene->tree, SESSION_STATE, "FAILED");
	expect(scene, PENDING, "session failed, the kernel is recovering it");
}

static void test_offline(void **state)
{
	struct scene *scene = *state;

	disk_file(&scene->tree, 0, "device/state", "transport-offline");
	expect(scene, DOWN, "transport-offline");
}

#define PLAIN(test)	 cmocka_unit_test_setup_teardown(test, setup_plain, scene_free)
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, scene_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(test_unknown_host),
		PLAIN(test_life),
		PLAIN(test_async),
		PLAIN(test_answers),
		PLAIN(test_hang),
		PLAIN(test_unload),
		PLAIN(test_lives),
		PLAIN(test_file),
		PLAIN(test_mismatch),
		WITH_SCENE(test_no_board),
		WITH_SCENE(test_board_up),
		WITH_SCENE(test_conflict),
		WITH_SCENE(test_silent),
		WITH_SCENE(test_in_flight),
		WITH_SCENE(test_session_failed),
		WITH_SCENE(test_offline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
