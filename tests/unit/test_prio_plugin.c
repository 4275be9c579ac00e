/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libprioiscsi.so as multipath-tools uses it: loaded by a program that is not ours to link
 * with, over a made sysfs tree and a board written by the daemon's own code.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "common/parse.h"
#include "policies/policy.h"
#include "tests/unit/sysfs/tree.h"

#define DEADLINE_MS 20000
#define PLUGIN	    TEST_BUILD_DIR "/libprioiscsi.so"
#define WWID	    "naa.60014051111111111111111111111111"

#define PATH_OF(letter, number, port_address)                                                   \
	{                                                                                       \
		.device = "sd" letter, .major = 8, .minor = 16 * number, .host = 2 + number,    \
		.lun = 3, .parent = "platform", .transport = "iscsi_tcp", .vendor = "LIO-ORG ", \
		.model = "disk0           ", .wwid = WWID, .state = "running",                  \
		.session = 11 + number, .target = "iqn.2026-01.example:array", .tpgt = "1",     \
		.iface = "default", .netdev = "(null)", .initiator = "iqn.2026-01.example:me",  \
		.source = "10.0." #number ".100", .address = port_address, .port = "3260",      \
		.local_port = "40122", .persistent_address = port_address,                      \
		.persistent_port = "3260", .session_state = "LOGGED_IN",                        \
		.connection_state = "up", .recovery_tmo = "120", .header_digest = "0",          \
		.data_digest = "0",                                                             \
	}

/* Three paths of one LUN, the first letter not on the first portal. */
static const struct tree_disk disks[] = {
	PATH_OF("a", 1, "10.0.2.2"),
	PATH_OF("b", 2, "10.0.1.2"),
	PATH_OF("c", 3, "10.0.3.2"),
};
static const struct tree_disk late_disk = PATH_OF("d", 4, "10.0.0.2");
#define N_DISKS 3

static const struct tree_disk other_disk = {
	.device = "sdx", .major = 65, .minor = 112, .host = 20, .lun = 0, .parent = "pci0000:00",
	.transport = "virtio_scsi", .vendor = "QEMU    ", .model = "QEMU HARDDISK   ",
	.wwid = "t10.QEMU", .state = "running",
};

struct host {
	pid_t pid;
	int to, from;
	char log[64 * 1024]; /* what it has logged since the last question */
	char rest[4096];
};

struct scene {
	struct tree tree;
	char board[160];
	struct board *writer;
	bool built_in; /* no policy is set: what the board says is the product's own */
	struct host host;
};

/* ---- the host program ---- */

static void host_start_as(struct scene *scene, const char *program, const char *arguments)
{
	struct host *host = &scene->host;
	int to[2], from[2];

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	host->pid = fork();
	assert_true(host->pid >= 0);
	if (host->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		dup2(from[1], 2);
		setenv("MPATHISCSI_SYSFS", scene->tree.root, 1);
		setenv("MPATHISCSI_BOARD", scene->board, 1);
		execl(program, program, PLUGIN, arguments, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	host->to = to[1];
	host->from = from[0];
	host->rest[0] = host->log[0] = '\0';
}

static void host_start(struct scene *scene)
{
	host_start_as(scene, TEST_BUILD_DIR "/tests/hosts/prio_host", "2");
}

static void host_stop(struct host *host)
{
	int status;

	if (host->pid <= 0)
		return;
	close(host->to);
	close(host->from);
	assert_int_equal(waitpid(host->pid, &status, 0), host->pid);
	host->pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The next line of the host, without its newline. */
static void host_line(struct host *host, char *line, size_t size)
{
	uint64_t deadline = clock_now_ns() + DEADLINE_MS * NS_PER_MS;
	struct pollfd poll_fd = { .fd = host->from, .events = POLLIN };
	size_t length = strlen(host->rest);
	char *end;

	while (!(end = strchr(host->rest, '\n'))) {
		ssize_t n;

		if (clock_now_ns() > deadline || poll(&poll_fd, 1, 100) < 0)
			fail_msg("the host does not answer; it said: %s%s", host->log, host->rest);
		if (!poll_fd.revents)
			continue;
		n = read(host->from, host->rest + length, sizeof(host->rest) - 1 - length);
		if (n <= 0)
			fail_msg("the host has ended; it said: %s%s", host->log, host->rest);
		length += (size_t)n;
		host->rest[length] = '\0';
	}
	*end = '\0';
	assert_true(strlen(host->rest) < size);
	strcpy(line, host->rest);
	memmove(host->rest, end + 1, strlen(end + 1) + 1);
}

/* The priority of a disk; what was logged meanwhile is in host->log. */
static int ask(struct scene *scene, const char *device, const char *args)
{
	struct host *host = &scene->host;
	char text[4096], line[2048];
	int n = snprintf(text, sizeof(text), "%s\t%s\n", device, args);

	assert_int_equal(write(host->to, text, (size_t)n), n);
	host->log[0] = '\0';
	for (;;) {
		host_line(host, line, sizeof(line));
		if (line[0] == '=')
			return atoi(line + 1);
		assert_true(strlen(host->log) + strlen(line) + 2 < sizeof(host->log));
		strcat(strcat(host->log, line), "\n");
	}
}

static void logged(const struct scene *scene, const char *text)
{
	if (!strstr(scene->host.log, text))
		fail_msg("not logged: \"%s\", but: %s", text, scene->host.log);
}

static void not_logged(const struct scene *scene, const char *text)
{
	if (strstr(scene->host.log, text))
		fail_msg("logged: %s", scene->host.log);
}

/* ---- the board ---- */

/* Sessions of all disks, and paths with these priorities (0: none, -1: without a policy). */
static void publish(struct scene *scene, const int *priorities, uint64_t now_ns)
{
	struct board_session sessions[N_DISKS];
	struct board_path paths[N_DISKS];
	struct board_content content = { sessions, N_DISKS, paths, 0 };

	memset(sessions, 0, sizeof(sessions));
	memset(paths, 0, sizeof(paths));
	for (size_t i = 0; i < N_DISKS; i++) {
		struct iscsi_identity id;

		assert_int_equal(identity_by_name(scene->tree.root, disks[i].device, &id), 0);
		sessions[i] = (struct board_session){
			.sid = id.sid,
			.state = PROBE_UP,
			.name_hash = path_name_hash(&id.name),
			.updated_ns = now_ns,
		};
		if (priorities[i] == 0)
			continue;
		paths[content.n_paths++] = (struct board_path){
			.sid = id.sid,
			.role = priorities[i] < 0 ? ROLE_NONE : ROLE_ACTIVE,
			.lun = id.lun,
			.name_hash = path_name_hash(&id.name),
			.wwid_hash = fnv1a(FNV1A_START, id.wwid, strlen(id.wwid)),
			.priority = priorities[i] < 0 ? PRIORITY_BEST : priorities[i],
			.plan_ns = now_ns,
			.flags = scene->built_in ? BOARD_PATH_BUILT_IN : 0,
		};
	}
	if (!scene->writer)
		assert_int_equal(board_new(scene->board, (unsigned int)-1, &scene->writer), 0);
	assert_int_equal(board_publish(scene->writer, &content, now_ns, NULL), 0);
}

static void garble(const struct scene *scene)
{
	char garbage[4096];
	struct stat st;
	int fd = open(scene->board, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	memset(garbage, 0x5a, sizeof(garbage));
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(garbage))
		assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at), sizeof(garbage));
	close(fd);
}

/* ---- set-up ---- */

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	signal(SIGPIPE, SIG_IGN);
	tree_new(&scene->tree);
	for (size_t i = 0; i < N_DISKS; i++)
		tree_add_disk(&scene->tree, &disks[i]);
	tree_add_disk(&scene->tree, &other_disk);
	snprintf(scene->board, sizeof(scene->board), "%s/board", scene->tree.root);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	if (scene->host.pid > 0) { /* of a test that failed */
		kill(scene->host.pid, SIGKILL);
		waitpid(scene->host.pid, NULL, 0);
	}
	board_free(scene->writer);
	tree_free(&scene->tree);
	free(scene);
	return 0;
}

static void expect_all(struct scene *scene, const char *args, int a, int b, int c)
{
	assert_int_equal(ask(scene, "sda", args), a);
	assert_int_equal(ask(scene, "sdb", args), b);
	assert_int_equal(ask(scene, "sdc", args), c);
}

#define WP "weighted-path portal=10.0.1.2:10 portal=10.0.2.2:20"
#define FOO "failover-only active portal=10.0.3.2"

/* ---- tests ---- */

static void args_without_daemon(void **state)
{
	struct scene *scene = *state;

	host_start(scene);
	expect_all(scene, WP, 999, 1000, 998);
	logged(scene, "policy in prio_args");
	expect_all(scene, FOO, 998, 999, 1000);
	/* by what the kernel knows, and no matter which is asked first */
	expect_all(scene, "failover-only active source=10.0.1.0/24", 1000, 999, 998);
	expect_all(scene, "weighted-path exclude portal=10.0.0.0/16", 1, 1, 1);
	expect_all(scene, "round-robin", 1000, 1000, 1000);
	expect_all(scene, "least-queue-depth", 1000, 1000, 1000);
	expect_all(scene,
		   "round-robin-with-subset active portal=10.0.1.2 portal=10.0.3.2 standby "
		   "portal=10.0.2.2",
		   999, 1000, 1000);
	host_stop(&scene->host);
}

/* The product's own plan gives way to a policy in prio_args, whichever is known first, and also
 * when the board cannot be read any more. */
static void args_win_over_built_in(void **state)
{
	struct scene *scene = *state;

	host_start(scene);
	scene->built_in = true;
	publish(scene, (int[]){ 1000, 1000, 999 }, clock_now_ns());
	expect_all(scene, "", 1000, 1000, 999);
	logged(scene, "plan of the daemon");
	expect_all(scene, WP, 999, 1000, 998);
	publish(scene, (int[]){ 0, 1000, 999 }, clock_now_ns());
	expect_all(scene, WP, 999, 1000, 998);
	garble(scene);
	expect_all(scene, WP, 999, 1000, 998);
	assert_int_equal(ask(scene, "sdc", ""), 999);
	/* what is wrong with them is no policy */
	publish(scene, (int[]){ 1000, 1000, 999 }, clock_now_ns());
	expect_all(scene, "no-policy", 1000, 1000, 999);
	/* set by somebody it does not */
	scene->built_in = false;
	publish(scene, (int[]){ 1000, 1000, 999 }, clock_now_ns());
	expect_all(scene, WP, 1000, 1000, 999);
	host_stop(&scene->host);
}

/* A priority cannot exclude: said once for each prio_args. */
static void args_exclude(void **state)
{
	struct scene *scene = *state;

	host_start(scene);
	assert_int_equal(ask(scene, "sda", "round-robin exclude portal=10.0.2.2"), 1);
	logged(scene, "log 1 sda: iscsi prioritizer: prio_args excludes this path");
	assert_int_equal(ask(scene, "sda", "round-robin exclude portal=10.0.2.2"), 1);
	not_logged(scene, "log 1");
	assert_int_equal(ask(scene, "sdb", "round-robin exclude portal=10.0.2.2"), 1000);
	not_logged(scene, "log 1");
	assert_int_equal(ask(scene, "sda", "weighted-path portal=10.0.2.2:never"), 1);
	logged(scene, "log 1 sda: iscsi prioritizer: prio_args excludes this path");
	host_stop(&scene->host);
}

/* Roles that no `policy set` would take: the best is made of them, and said once. */
static void args_roles(void **state)
{
	const char *all = "failover-only standby portal=10.0.3.2 portal=10.0.0.0/16";
	const char *two = "failover-only active portal=10.0.3.2 portal=10.0.2.2";
	struct scene *scene = *state;

	host_start(scene);
	/* a standby waits behind what is not named */
	expect_all(scene, "failover-only standby portal=10.0.1.2", 1000, 998, 999);
	not_logged(scene, "log 1");
	assert_int_equal(ask(scene, "sdc", all), 1000);
	logged(scene, "log 1 sdc: iscsi prioritizer: warning: every path in use is named as a "
		      "standby");
	assert_int_equal(ask(scene, "sda", all), 998);
	not_logged(scene, "log 1");
	assert_int_equal(ask(scene, "sda", two), 999);
	logged(scene, "warning: failover-only has one active path, and the path to 10.0.2.2:3260");
	assert_int_equal(ask(scene, "sdc", two), 1000);
	not_logged(scene, "log 1");
	host_stop(&scene->host);
}

/* What the target prefers, and the one thing that changes a plan at run time. */
static void args_and_access(void **state)
{
	const char *subset = "round-robin-with-subset";
	struct scene *scene = *state;

	tree_file(&scene->tree, "block/sda/device/access_state", "active/non-optimized");
	tree_file(&scene->tree, "block/sdb/device/access_state", "active/optimized");
	tree_file(&scene->tree, "block/sdc/device/access_state", "active/optimized");
	host_start(scene);
	expect_all(scene, subset, 999, 1000, 1000);
	not_logged(scene, "log 1");
	/* never balanced over both, though it says so */
	assert_int_equal(ask(scene, "sda", "round-robin"), 999);
	logged(scene, "warning: round-robin keeps to the paths in the best access state: the path "
		      "to 10.0.2.2:3260 is active/non-optimized");
	assert_int_equal(ask(scene, "sdb", "round-robin"), 1000);
	not_logged(scene, "log 1");
	/* the administrator is followed, with a warning */
	assert_int_equal(ask(scene, "sda", "failover-only active portal=10.0.2.2"), 1000);
	logged(scene, "warning: the path to 10.0.2.2:3260 is to carry I/O and is "
		      "active/non-optimized");
	tree_file(&scene->tree, "block/sda/device/access_state", "active/optimized");
	tree_file(&scene->tree, "block/sdb/device/access_state", "active/non-optimized");
	expect_all(scene, subset, 1000, 999, 1000);
	tree_file(&scene->tree, "block/sdb/device/access_state", "active/optimized");
	expect_all(scene, subset, 1000, 1000, 1000);
	host_stop(&scene->host);
}

/* Failed sessions have no source address, blocked devices: no priority may move. */
static void failure_changes_nothing(void **state)
{
	const char *args = "failover-only active source=10.0.1.100 standby source=10.0.3.100";
	struct scene *scene = *state;

	host_start(scene);
	expect_all(scene, args, 1000, 998, 999);
	tree_remove(&scene->tree, "class/iscsi_host/host3/ipaddress");
	tree_remove(&scene->tree, "class/iscsi_connection/connection12:0/address");
	tree_file(&scene->tree, "class/iscsi_session/session12/state", "FAILED");
	tree_file(&scene->tree, "block/sda/device/state", "blocked");
	expect_all(scene, args, 1000, 998, 999);
	host_stop(&scene->host);
}

/* A portal configured by name is known by its address only while there is a connection. */
static void portal_by_name(void **state)
{
	const char *args = "failover-only active portal=10.0.3.2 standby portal=10.0.2.2";
	const char *attribute = "class/iscsi_connection/connection14:0/persistent_address";
	struct scene *scene = *state;

	tree_file(&scene->tree, attribute, "storage.example.com");
	host_start(scene);
	expect_all(scene, args, 999, 998, 1000);
	tree_remove(&scene->tree, "class/iscsi_connection/connection14:0/address");
	tree_file(&scene->tree, "class/iscsi_session/session14/state", "FAILED");
	expect_all(scene, args, 999, 998, 1000);
	host_stop(&scene->host);
}

/* More paths than nearly every LUN has. */
static void many_paths(void **state)
{
	static char names[30][8], portals[30][16];
	struct scene *scene = *state;

	for (unsigned int i = 0; i < 30; i++) {
		struct tree_disk disk = disks[0];

		snprintf(names[i], sizeof(names[i]), "sda%c", 'a' + (int)i % 26);
		if (i >= 26)
			names[i][2] = 'b';
		snprintf(portals[i], sizeof(portals[i]), "10.1.0.%u", i + 1);
		disk.device = names[i];
		disk.major = 66;
		disk.minor = i;
		disk.host = 100 + i;
		disk.session = 100 + i;
		disk.address = disk.persistent_address = portals[i];
		tree_add_disk(&scene->tree, &disk);
	}
	host_start(scene);
	expect_all(scene, FOO, 998, 999, 1000);
	assert_int_equal(ask(scene, names[0], FOO), 997);
	assert_int_equal(ask(scene, names[29], FOO), 997 - 29);
	not_logged(scene, "log 1");
	host_stop(&scene->host);
}

static void board_wins_over_args(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	host_start(scene);
	expect_all(scene, WP, 998, 999, 1000);
	logged(scene, "plan of the daemon");
	expect_all(scene, "", 998, 999, 1000);
	publish(scene, (int[]){ 1000, 999, 998 }, clock_now_ns());
	expect_all(scene, "", 1000, 999, 998);
	logged(scene, "log 2 sdc: iscsi prioritizer: 998 (plan of the daemon), was 1000");
	assert_int_equal(ask(scene, "sdc", ""), 998);
	not_logged(scene, "log 2");
	host_stop(&scene->host);
}

static void dead_daemon(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns() - 3600 * NS_PER_S);
	host_start(scene);
	expect_all(scene, WP, 998, 999, 1000);
	logged(scene, board_trust_text(BOARD_STALE));
	host_stop(&scene->host);
}

static void damaged_and_removed_board(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	host_start(scene);
	expect_all(scene, WP, 998, 999, 1000);
	garble(scene);
	expect_all(scene, WP, 998, 999, 1000);
	logged(scene, "log 2 sdc: iscsi prioritizer: 1000 (last plan of the daemon");
	assert_int_equal(unlink(scene->board), 0);
	expect_all(scene, WP, 998, 999, 1000);
	logged(scene, "last plan of the daemon");
	/* the daemon is started again: first an empty board, then its plan */
	board_free(scene->writer);
	assert_int_equal(board_new(scene->board, (unsigned int)-1, &scene->writer), 0);
	expect_all(scene, WP, 998, 999, 1000);
	publish(scene, (int[]){ 1000, 999, 998 }, clock_now_ns());
	expect_all(scene, WP, 1000, 999, 998);
	host_stop(&scene->host);
}

/* A host that never saw a good board does not make one up. */
static void damaged_from_the_start(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	garble(scene);
	host_start(scene);
	expect_all(scene, "", 1, 1, 1);
	expect_all(scene, WP, 999, 1000, 998);
	host_stop(&scene->host);
}

static void policy_cleared(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	host_start(scene);
	expect_all(scene, WP, 998, 999, 1000);
	publish(scene, (int[]){ 0, 0, 0 }, clock_now_ns());
	expect_all(scene, WP, 999, 1000, 998);
	expect_all(scene, "", 1, 1, 1);
	publish(scene, (int[]){ -1, -1, -1 }, clock_now_ns());
	expect_all(scene, WP, 999, 1000, 998);
	host_stop(&scene->host);
}

/* A new session, by name the first of all: it waits until the daemon has given it a place. */
static void late_path(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	host_start(scene);
	tree_add_disk(&scene->tree, &late_disk);
	assert_int_equal(ask(scene, "sdd", "failover-only"), PRIORITY_LOWEST);
	logged(scene, "not yet in the daemon's plan");
	expect_all(scene, "failover-only", 998, 999, 1000);
	/* the same with the board gone meanwhile */
	assert_int_equal(unlink(scene->board), 0);
	assert_int_equal(ask(scene, "sdd", "failover-only"), PRIORITY_LOWEST);
	host_stop(&scene->host);
}

/* The LUN was mapped to another volume: neither board nor memory are about it. */
static void remapped_lun(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	host_start(scene);
	expect_all(scene, "", 998, 999, 1000);
	for (size_t i = 0; i < N_DISKS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "block/%s/device/wwid", disks[i].device);
		tree_file(&scene->tree, path, "naa.6001405ffffffffffffffffffffffff");
	}
	expect_all(scene, "", 1, 1, 1);
	expect_all(scene, WP, 999, 1000, 998);
	host_stop(&scene->host);
}

static void access_state(void **state)
{
	struct scene *scene = *state;

	host_start(scene);
	expect_all(scene, "", 1, 1, 1);
	assert_int_equal(ask(scene, "sdx", ""), 1);
	assert_int_equal(ask(scene, "sdx", WP), 1);
	tree_file(&scene->tree, "block/sdx/device/access_state", "active/optimized");
	assert_int_equal(ask(scene, "sdx", WP), 50);
	logged(scene, "log 2 sdx: iscsi prioritizer: 50 (no policy: access state), was 1");
	tree_file(&scene->tree, "block/sda/device/access_state", "active/non-optimized");
	tree_file(&scene->tree, "block/sdb/device/access_state", "active/optimized");
	tree_file(&scene->tree, "block/sdc/device/access_state", "active/non-optimized");
	tree_file(&scene->tree, "block/sdc/device/preferred_path", "1");
	expect_all(scene, "", 10, 50, 90);
	expect_all(scene, WP, 999, 1000, 998);
	host_stop(&scene->host);
}

static void bad_args(void **state)
{
	struct scene *scene = *state;

	host_start(scene);
	assert_int_equal(ask(scene, "sda", "weighted-path portal=10.0.1.7/24:10"), 1);
	logged(scene, "log 1 sda: iscsi prioritizer: prio_args has no effect: ");
	logged(scene, "\"10.0.1.7/24\" has host bits set; the network is 10.0.1.0/24");
	assert_int_equal(ask(scene, "sdb", "weighted-path portal=10.0.1.7/24:10"), 1);
	not_logged(scene, "log 1");
	assert_int_equal(ask(scene, "sda", "round-robbin"), 1);
	logged(scene, "\"round-robbin\" is no policy; allowed are failover-only, weighted-path");
	host_stop(&scene->host);
}

/* 'text' and blanks or digits behind it up to 'length'. */
static void pad(char *buffer, const char *text, char filler, size_t length)
{
	strcpy(buffer, text);
	memset(buffer + strlen(text), filler, length - strlen(text));
	buffer[length] = '\0';
}

static void cut_args(void **state)
{
	struct scene *scene = *state;
	char args[300];

	host_start(scene);
	pad(args, FOO " standby iface=", 'x', 254);
	assert_int_equal(ask(scene, "sdc", args), 1);
	logged(scene, "prio_args is 254 characters long: multipathd cuts it there");
	logged(scene, "prio_args has no effect");
	assert_int_equal(ask(scene, "sdc", args), 1);
	not_logged(scene, "log 1");
	/* what still reads as a policy counts */
	pad(args, FOO, ' ', 254);
	assert_int_equal(ask(scene, "sdc", args), 1000);
	logged(scene, "prio_args is 254 characters long");
	pad(args, FOO, ' ', 253);
	assert_int_equal(ask(scene, "sdc", args), 1000);
	not_logged(scene, "log 1");
	host_stop(&scene->host);
}

static void vanished(void **state)
{
	struct scene *scene = *state;

	host_start(scene);
	assert_int_equal(ask(scene, "sdzz", WP), -1);
	logged(scene, "sdzz: iscsi prioritizer: no priority");
	assert_int_equal(ask(scene, "", WP), -1);
	assert_int_equal(ask(scene, "../etc", WP), -1);
	host_stop(&scene->host);
}

/* A host before 0.8.6: three arguments, another dlog(). Errors go to stderr. */
static void old_host(void **state)
{
	struct scene *scene = *state;

	publish(scene, (int[]){ 998, 999, 1000 }, clock_now_ns());
	host_start_as(scene, TEST_BUILD_DIR "/tests/hosts/prio_host_bare", "3");
	expect_all(scene, "", 998, 999, 1000);
	assert_string_equal(scene->host.log, "");
	assert_int_equal(ask(scene, "sdx", "x"), 1);
	assert_int_equal(unlink(scene->board), 0);
	expect_all(scene, "", 998, 999, 1000);
	logged(scene, "sdc: iscsi prioritizer: 1000 (last plan of the daemon");
	host_stop(&scene->host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(args_without_daemon, set_up, tear_down),
		cmocka_unit_test_setup_teardown(args_exclude, set_up, tear_down),
		cmocka_unit_test_setup_teardown(args_roles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(args_and_access, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failure_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(portal_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(board_wins_over_args, set_up, tear_down),
		cmocka_unit_test_setup_teardown(args_win_over_built_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dead_daemon, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_and_removed_board, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_from_the_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(policy_cleared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(late_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(remapped_lun, set_up, tear_down),
		cmocka_unit_test_setup_teardown(access_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_args, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_args, set_up, tear_down),
		cmocka_unit_test_setup_teardown(vanished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_host, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
