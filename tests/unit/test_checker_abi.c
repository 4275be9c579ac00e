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

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "tests/unit/sysfs/tree.h"

#define PLUGIN	    TEST_BUILD_DIR "/libcheckiscsi.so"
#define HOST(name)  TEST_BUILD_DIR "/tests/hosts/checker_host_" name
#define DEADLINE_MS 60000
#define BEAT_MS	    200

static const char *const layouts[] = { HOST("a"), HOST("b"), HOST("c") };

static const struct tree_disk disk = {
	.device = "sdb", .major = 8, .minor = 16, .host = 3, .lun = 1, .parent = "platform",
	.transport = "iscsi_tcp", .vendor = "IET     ", .model = "VIRTUAL-DISK    ",
	.wwid = "naa.1", .state = "running", .session = 2, .tpgt = "1", .iface = "default",
	.netdev = "(null)", .target = "iqn.2026-01.example:array", .address = "10.0.1.2",
	.port = "3260", .local_port = "40122", .persistent_address = "10.0.1.2",
	.persistent_port = "3260", .initiator = "iqn.2026-01.example:me",
	.source = "10.0.1.100", .session_state = "LOGGED_IN", .connection_state = "up",
	.recovery_tmo = "120", .header_digest = "0", .data_digest = "0",
};

struct scene {
	struct tree tree;
	char directory[128], board[160];
	struct board *writer;
	struct board_session record;
};

static pid_t start(char *const argv[], int *ret_output)
{
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	close(pipes[1]);
	*ret_output = pipes[0];
	return pid;
}

/* Let the board's writer live, as the daemon does, if there is one. */
static void beat(struct scene *scene)
{
	struct board_content content = { .sessions = &scene->record, .n_sessions = 1 };

	if (!scene->writer)
		return;
	scene->record.updated_ns = clock_now_ns();
	scene->record.silent_since_ns = clock_now_ns() - 812 * NS_PER_MS;
	assert_int_equal(board_publish(scene->writer, &content, clock_now_ns(), NULL), 0);
}

/* Read until end of file, with a deadline; true: there was one. */
static bool collect(struct scene *scene, int output, char *text, size_t size)
{
	uint64_t deadline = clock_now_ns() + DEADLINE_MS * NS_PER_MS;
	size_t used = 0;
	ssize_t n;

	while (clock_now_ns() < deadline) {
		struct pollfd p = { .fd = output, .events = POLLIN };

		beat(scene);
		if (poll(&p, 1, BEAT_MS) <= 0)
			continue;
		n = read(output, text + used, size - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	return clock_now_ns() < deadline;
}

static void run(struct scene *scene, char *const argv[])
{
	char text[4096];
	int output, status;
	pid_t pid = start(argv, &output);
	bool ended = collect(scene, output, text, sizeof(text));

	if (!ended)
		kill(pid, SIGKILL);
	close(output);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s %s %s: status %x%s: %s", argv[0], argv[2], argv[2] ? argv[3] : "",
			 (unsigned int)status, ended ? "" : ", killed", text);
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
	char *argv[] = { (char[]){ HOST("none") }, (char[]){ PLUGIN }, NULL, NULL };

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

#define BLOCK "devices/platform/host3/session2/target3:0:0/3:0:0:1/block/sdb"

static void lay_out(struct scene *scene)
{
	tree_add_disk(&scene->tree, &disk);
	tree_file(&scene->tree, BLOCK "/queue/iostats", "1");
	tree_file(&scene->tree, BLOCK "/queue/logical_block_size", "512");
	tree_file(&scene->tree, BLOCK "/stat", "1 0 8 1 2 0 16 1 0 2 2");
	tree_file(&scene->tree, BLOCK "/inflight", "       0        0");
	tree_file(&scene->tree, BLOCK "/device/ioerr_cnt", "0x2");
	tree_dir(&scene->tree, BLOCK "/holders");
}

/* Nothing is known of the disk but its number. */
static int setup_plain(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(scene);
	tree_new(&scene->tree);
	snprintf(scene->directory, sizeof(scene->directory), "%s/board.XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(scene->directory));
	snprintf(scene->board, sizeof(scene->board), "%s/board", scene->directory);
	setenv("MPATHISCSI_SYSFS", scene->tree.root, 1);
	setenv("MPATHISCSI_BOARD", scene->board, 1);
	unsetenv("FAKE_HANG");
	*state = scene;
	return 0;
}

static int setup(void **state)
{
	setup_plain(state);
	lay_out(*state);
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	board_free(scene->writer);
	unlink(scene->board);
	rmdir(scene->directory);
	tree_free(&scene->tree);
	free(scene);
	return 0;
}

static void open_board(struct scene *scene, enum probe_state state)
{
	struct iscsi_identity id;

	assert_int_equal(identity_by_name(scene->tree.root, "sdb", &id), 0);
	assert_int_equal(board_new(scene->board, (unsigned int)-1, &scene->writer), 0);
	scene->record = (struct board_session){
		.sid = id.sid,
		.state = (uint32_t)state,
		.name_hash = path_name_hash(&id.name),
	};
	beat(scene);
}

static void test_no_board(void **state)
{
	expect(*state, UP, "sdb: iscsi checker: up: TUR answered (no board");
}

static void test_board_up(void **state)
{
	open_board(*state, PROBE_UP);
	expect(*state, UP, "sdb: iscsi checker: up: TUR answered\n");
}

static void test_conflict(void **state)
{
	open_board(*state, PROBE_SILENT);
	expect(*state, UP, "but the data path works (TUR answered)");
}

static void test_silent(void **state)
{
	open_board(*state, PROBE_SILENT);
	setenv("FAKE_HANG", "1", 1);
	expect(*state, DOWN, "sdb: iscsi checker: down: portal 10.0.1.2:3260 silent for ");
}

static void test_in_flight(void **state)
{
	struct scene *scene = *state;

	open_board(scene, PROBE_REFUSED);
	tree_file(&scene->tree, BLOCK "/inflight", "       1        4");
	setenv("FAKE_HANG", "1", 1);
	expect(scene, PENDING, "held until the 5 I/Os in flight end");
}

static void test_session_failed(void **state)
{
	struct scene *scene = *state;

	tree_file(&scene->tree, "class/iscsi_session/session2/state", "FAILED");
	expect(scene, PENDING, "session failed, the kernel is recovering it");
}

static void test_offline(void **state)
{
	struct scene *scene = *state;

	tree_file(&scene->tree, BLOCK "/device/state", "transport-offline");
	expect(scene, DOWN, "transport-offline");
}

#define PLAIN(test)	 cmocka_unit_test_setup_teardown(test, setup_plain, teardown)
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
