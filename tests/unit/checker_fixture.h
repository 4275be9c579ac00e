/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_CHECKER_FIXTURE_H
#define MPATHISCSI_TEST_CHECKER_FIXTURE_H

/*
 * What libcheckiscsi.so looks at in the hands of a host (tests/hosts): disks of one session in a
 * sysfs tree, 8:16 and on, LUN 1 and on, and a board. And the host: a process of its own, whose
 * output is read until it ends. Include behind <cmocka.h>.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "tests/unit/sysfs/tree.h"

#define PLUGIN	   TEST_BUILD_DIR "/libcheckiscsi.so"
#define HOST(name) TEST_BUILD_DIR "/tests/hosts/" name

/* Below it, of the i-th disk. */
#define SESSION_STATE "class/iscsi_session/session2/state"
#define DISK_FILE     "devices/platform/host3/session2/target3:0:0/3:0:0:%u/block/sd%c/%s"

struct scene {
	struct tree tree;
	char directory[128], board[160];
	struct board *writer; /* NULL: there is no board */
	struct board_session record;
	unsigned int changes;
};

/* File 'name' below the i-th disk's block device, from 0. */
static inline void disk_file(const struct tree *tree, unsigned int i, const char *name,
			     const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), DISK_FILE, i + 1, 'b' + (int)i, name);
	tree_file(tree, path, text);
}

static inline void add_disk(const struct tree *tree, unsigned int i, const char *vendor)
{
	static const char *const files[][2] = {
		{ "queue/iostats", "1" },	  { "queue/logical_block_size", "512" },
		{ "stat", "1 0 8 1 2 0 16 1 0 2 2" }, { "inflight", "       0        0" },
		{ "device/ioerr_cnt", "0x2" },
	};
	const char device[] = { 's', 'd', (char)('b' + i), '\0' };
	const struct tree_disk disk = {
		.device = device, .major = 8, .minor = 16 * (i + 1), .host = 3, .lun = i + 1,
		.parent = "platform", .transport = "iscsi_tcp", .vendor = vendor,
		.model = "VIRTUAL-DISK    ", .wwid = "naa.1", .state = "running", .session = 2,
		.tpgt = "1", .iface = "default", .netdev = "(null)",
		.target = "iqn.2026-01.example:array", .address = "10.0.1.2", .port = "3260",
		.local_port = "40122", .persistent_address = "10.0.1.2",
		.persistent_port = "3260", .initiator = "iqn.2026-01.example:me",
		.source = "10.0.1.100", .session_state = "LOGGED_IN", .connection_state = "up",
		.recovery_tmo = "120", .header_digest = "0", .data_digest = "0",
	};
	char path[192];

	tree_add_disk(tree, &disk);
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++)
		disk_file(tree, i, files[f][0], files[f][1]);
	snprintf(path, sizeof(path), DISK_FILE, i + 1, 'b' + (int)i, "holders");
	tree_dir(tree, path);
}

/* A tree without a disk, no board, and a host that is told where they are. */
static inline struct scene *scene_new(void)
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
	return scene;
}

static inline int scene_free(void **state)
{
	struct scene *scene = *state;

	board_free(scene->writer);
	unlink(scene->board);
	rmdir(scene->directory);
	tree_free(&scene->tree);
	free(scene);
	return 0;
}

static inline void publish(struct scene *scene)
{
	struct board_content content = { .sessions = &scene->record, .n_sessions = 1 };

	scene->record.updated_ns = clock_now_ns();
	assert_int_equal(board_publish(scene->writer, &content, clock_now_ns(), NULL), 0);
}

/* A board that knows the session of the disks, in the state that scene->record has. */
static inline void open_board(struct scene *scene)
{
	struct iscsi_identity id;

	assert_int_equal(identity_by_name(scene->tree.root, "sdb", &id), 0);
	scene->record.sid = id.sid;
	scene->record.name_hash = path_name_hash(&id.name);
	assert_int_equal(board_new(scene->board, (unsigned int)-1, &scene->writer), 0);
	publish(scene);
}

static inline pid_t host_start(char *const argv[], int *ret_output)
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

/* How a host is lived with: between two looks at its output. */
struct host_care {
	void (*look)(struct scene *scene); /* what happens meanwhile */
	int every_ms;
	uint64_t limit_ms;
};

/* Until it has ended: its output, of which the beginning is kept. False: it has not in time. */
static inline bool host_watch(struct scene *scene, const struct host_care *care, int output,
			      char *text, size_t size)
{
	uint64_t deadline = clock_now_ns() + care->limit_ms * NS_PER_MS;
	char rest[4096];
	size_t used = 0;

	while (clock_now_ns() < deadline) {
		struct pollfd p = { .fd = output, .events = POLLIN };
		bool full = used + 1 == size;
		ssize_t n;

		care->look(scene);
		if (poll(&p, 1, care->every_ms) <= 0)
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

/* From its start to its end, which must be a good one. 'text': what it has said. */
static inline void host_run(struct scene *scene, const struct host_care *care, char *const argv[],
			    char *text, size_t size)
{
	int output, status;
	pid_t pid = host_start(argv, &output);
	bool ended = host_watch(scene, care, output, text, size);

	if (!ended)
		kill(pid, SIGKILL);
	close(output);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s %s %s: status %x%s: %s", argv[0], argv[2], argv[2] ? argv[3] : "",
			 (unsigned int)status, ended ? "" : ", killed", text);
}

#endif
