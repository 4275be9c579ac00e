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

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "tests/unit/sysfs/tree.h"

#define PLUGIN	    TEST_BUILD_DIR "/libcheckiscsi.so"
#define HOST	    TEST_BUILD_DIR "/tests/hosts/checker_threads"
#define ROUNDS	    "100"
#define DEADLINE_MS 120000
#define DISKS	    4
#define NEW_BOARD   16 /* changes, after which the board is another file */

static const char *const names[DISKS] = { "sdb", "sdc", "sdd", "sde" };

static const struct tree_disk like = {
	.major = 8, .host = 3, .parent = "platform", .transport = "iscsi_tcp",
	.vendor = "LIO-ORG ", .model = "VIRTUAL-DISK    ", .wwid = "naa.1", .state = "running",
	.session = 2, .tpgt = "1", .iface = "default", .netdev = "(null)",
	.target = "iqn.2026-01.example:array", .address = "10.0.1.2", .port = "3260",
	.local_port = "40122", .persistent_address = "10.0.1.2", .persistent_port = "3260",
	.initiator = "iqn.2026-01.example:me", .source = "10.0.1.100",
	.session_state = "LOGGED_IN", .connection_state = "up", .recovery_tmo = "120",
	.header_digest = "0", .data_digest = "0",
};

struct scene {
	struct tree tree;
	char directory[128], board[160];
	struct board *writer;
	struct board_session record;
	unsigned int changes;
};

#define BLOCK "devices/platform/host3/session2/target3:0:0/3:0:0:%u/block/%s"

static void add_disk(const struct tree *tree, unsigned int i)
{
	static const char *const files[][2] = {
		{ "queue/iostats", "1" },	  { "queue/logical_block_size", "512" },
		{ "stat", "1 0 8 1 2 0 16 1 0 2 2" }, { "inflight", "       0        0" },
		{ "device/ioerr_cnt", "0x2" },
	};
	struct tree_disk disk = like;
	char path[192];

	disk.device = names[i];
	disk.minor = 16 * (i + 1);
	disk.lun = i + 1;
	tree_add_disk(tree, &disk);
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		snprintf(path, sizeof(path), BLOCK "/%s", i + 1, names[i], files[f][0]);
		tree_file(tree, path, files[f][1]);
	}
	snprintf(path, sizeof(path), BLOCK "/holders", i + 1, names[i]);
	tree_dir(tree, path);
}

static void publish(struct scene *scene)
{
	struct board_content content = { .sessions = &scene->record, .n_sessions = 1 };

	scene->record.updated_ns = clock_now_ns();
	assert_int_equal(board_publish(scene->writer, &content, clock_now_ns(), NULL), 0);
}

static void open_board(struct scene *scene)
{
	assert_int_equal(board_new(scene->board, (unsigned int)-1, &scene->writer), 0);
	publish(scene);
}

/* Another word of the probe, of the kernel, and now and then another file. */
static void change(struct scene *scene)
{
	static const enum probe_state words[] = { PROBE_UP, PROBE_SILENT, PROBE_REFUSED,
						  PROBE_LOGIN_FAILED };
	unsigned int n = scene->changes++;
	char path[192];

	scene->record.state = (uint32_t)words[n % 4];
	scene->record.silent_since_ns = n % 4 == 1 ? clock_now_ns() - 812 * NS_PER_MS : 0;
	tree_file(&scene->tree, "class/iscsi_session/session2/state",
		  n % 3 ? "LOGGED_IN" : "FAILED");
	snprintf(path, sizeof(path), BLOCK "/device/state", n % DISKS + 1, names[n % DISKS]);
	tree_file(&scene->tree, path, n % 5 ? "running" : "transport-offline");
	snprintf(path, sizeof(path), BLOCK "/inflight", n % DISKS + 1, names[n % DISKS]);
	tree_file(&scene->tree, path, n % 2 ? "       1        0" : "       0        0");
	if (n % NEW_BOARD == 0) {
		board_free(scene->writer);
		unlink(scene->board);
		open_board(scene);
		return;
	}
	publish(scene);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	const char *tmp = getenv("TMPDIR");
	struct iscsi_identity id;

	assert_non_null(scene);
	tree_new(&scene->tree);
	for (unsigned int i = 0; i < DISKS; i++)
		add_disk(&scene->tree, i);
	snprintf(scene->directory, sizeof(scene->directory), "%s/board.XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(scene->directory));
	snprintf(scene->board, sizeof(scene->board), "%s/board", scene->directory);
	assert_int_equal(identity_by_name(scene->tree.root, "sdb", &id), 0);
	scene->record = (struct board_session){ .sid = id.sid,
						.name_hash = path_name_hash(&id.name) };
	open_board(scene);
	setenv("MPATHISCSI_SYSFS", scene->tree.root, 1);
	setenv("MPATHISCSI_BOARD", scene->board, 1);
	*state = scene;
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

static pid_t start(const char *mode, int *ret_output)
{
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		execl(HOST, HOST, PLUGIN, mode, ROUNDS, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	*ret_output = pipes[0];
	return pid;
}

/* Until the host has ended: its output, of which the beginning is kept. */
static bool watch(struct scene *scene, int output, char *text, size_t size)
{
	uint64_t deadline = clock_now_ns() + DEADLINE_MS * NS_PER_MS;
	char rest[4096];
	size_t used = 0;

	while (clock_now_ns() < deadline) {
		struct pollfd p = { .fd = output, .events = POLLIN };
		bool full = used + 1 == size;
		ssize_t n;

		change(scene);
		if (poll(&p, 1, 2) <= 0)
			continue;
		n = read(output, full ? rest : text + used,
			 full ? sizeof(rest) : size - 1 - used);
		if (n <= 0)
			break;
		used += full ? 0 : (size_t)n;
	}
	text[used] = '\0';
	return clock_now_ns() < deadline;
}

static void run(struct scene *scene, const char *mode)
{
	char text[16384];
	int output, status;
	pid_t pid = start(mode, &output);
	bool ended = watch(scene, output, text, sizeof(text));

	if (!ended)
		kill(pid, SIGKILL);
	close(output);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s: status %x%s: %s", mode, (unsigned int)status,
			 ended ? "" : ", killed", text);
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
		cmocka_unit_test_setup_teardown(test_async, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inline, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
