/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The levers on a sysfs tree of ours and a real socket that a real process named iscsid holds:
 * what is changed, what is written down first, what is put back and what is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "daemon/quick/levers.h"
#include "tests/unit/sysfs/tree.h"

#define RECOVERY "class/iscsi_session/session1/recovery_tmo"
#define PORT	 "class/iscsi_connection/connection1:0/local_port"
#define RECORD	 "run/quick"

struct lab {
	struct tree tree;
	char record[192];
	struct levers *levers;
	int listener, client, server; /* 'client' as a witness: the same socket as iscsid's */
	pid_t iscsid;
	struct connection_name name;
	uint32_t inode;
};

static const char *const both[] = {"sdb", "sdc"};

static void add_disk(const struct lab *lab, const char *device, unsigned int lun,
		     const char *retries)
{
	char path[256], to[256];

	snprintf(path, sizeof(path), "block/%s", device);
	snprintf(to, sizeof(to), "devices/platform/host2/session1/target2:0:0/2:0:0:%u/block/%s",
		 lun, device);
	tree_link(&lab->tree, to, path);
	snprintf(path, sizeof(path), "class/scsi_disk/2:0:0:%u/max_retries", lun);
	tree_file(&lab->tree, path, retries);
}

static void check_file(const struct lab *lab, const char *path, const char *expected)
{
	char full[TREE_PATH], text[4096] = "";
	FILE *file;

	tree_path(&lab->tree, path, full);
	file = fopen(full, "re");
	if (!expected) {
		assert_null(file);
		return;
	}
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, expected);
}

static void check_retries(const struct lab *lab, const char *first, const char *second)
{
	check_file(lab, "class/scsi_disk/2:0:0:1/max_retries", first);
	check_file(lab, "class/scsi_disk/2:0:0:2/max_retries", second);
}

static bool recorded(const struct lab *lab, const char *line)
{
	char text[4096] = "";
	FILE *file = fopen(lab->record, "re");

	if (!file)
		return false;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return strstr(text, line) != NULL;
}

static unsigned int timeout_of(int fd)
{
	unsigned int ms = UINT_MAX;
	socklen_t size = sizeof(ms);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size), 0);
	return ms;
}

static void set_timeout(int fd, unsigned int ms)
{
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)), 0);
}

/* A process of that name that has our socket open, at another number. */
static pid_t start_holder_of(uid_t uid, const char *name, int fd)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (uid != geteuid() && setresuid(uid, uid, uid) < 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1); /* else its files in /proc are root's */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (dup2(fd, 77) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static pid_t start_holder(const char *name, int fd)
{
	return start_holder_of(geteuid(), name, fd);
}

static void end_holder(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static void connect_pair(struct lab *lab)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct stat st;

	lab->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	lab->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(lab->listener, (void *)&address, size), 0);
	assert_int_equal(listen(lab->listener, 1), 0);
	assert_int_equal(getsockname(lab->listener, (void *)&address, &size), 0);
	assert_int_equal(connect(lab->client, (void *)&address, size), 0);
	lab->server = accept(lab->listener, NULL, NULL);
	assert_int_equal(connection_of_socket(lab->client, &lab->name), 0);
	assert_int_equal(fstat(lab->client, &st), 0);
	lab->inode = (uint32_t)st.st_ino;
}

static void renew(struct lab *lab)
{
	levers_free(lab->levers);
	assert_int_equal(levers_new(lab->tree.root, lab->record, &lab->levers), 0);
}

static int start(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	char port[16];

	tree_new(&lab->tree);
	snprintf(lab->record, sizeof(lab->record), "%s/" RECORD, lab->tree.root);
	add_disk(lab, "sdb", 1, "5");
	add_disk(lab, "sdc", 2, "4");
	tree_file(&lab->tree, RECOVERY, "5");
	connect_pair(lab);
	snprintf(port, sizeof(port), "%u", lab->name.local_port);
	tree_file(&lab->tree, PORT, port);
	lab->iscsid = start_holder("iscsid", lab->client);
	renew(lab);
	*state = lab;
	return 0;
}

static int stop(void **state)
{
	struct lab *lab = *state;

	levers_free(lab->levers);
	end_holder(&lab->iscsid);
	close(lab->client);
	close(lab->server);
	close(lab->listener);
	tree_free(&lab->tree);
	free(lab);
	return 0;
}

static struct lever_wish wish_of(const struct lab *lab, uint32_t timeout_ms, int recovery)
{
	return (struct lever_wish){.sid = 1,
				   .connection = lab->name,
				   .inode = lab->inode,
				   .user_timeout_ms = timeout_ms,
				   .recovery_tmo_s = recovery,
				   .devices = both,
				   .n_devices = 2};
}

static struct lever_state set(struct lab *lab, uint32_t timeout_ms, int recovery)
{
	struct lever_wish wish = wish_of(lab, timeout_ms, recovery);
	struct lever_state state;

	assert_int_equal(levers_set(lab->levers, &wish, &state), 0);
	return state;
}

static void armed_and_back(void **state)
{
	struct lab *lab = *state;
	struct lever_state found = set(lab, 500, 15);
	unsigned int sids[4];

	assert_true(found.quick);
	assert_int_equal(found.socket, SOCKET_ARMED);
	assert_int_equal(found.user_timeout_ms, 500);
	assert_int_equal(found.error, 0);
	assert_int_equal(timeout_of(lab->client), 500);
	check_retries(lab, "0", "0");
	check_file(lab, RECOVERY, "15");
	assert_true(recorded(lab, "disk 1 2:0:0:1 5\n"));
	assert_true(recorded(lab, "disk 1 2:0:0:2 4\n"));
	assert_true(recorded(lab, "recovery 1 5 15\n"));
	assert_true(recorded(lab, "socket 1 "));
	assert_int_equal(levers_list(lab->levers, sids, 4), 1);
	assert_int_equal(sids[0], 1);
	assert_int_equal(levers_recovery_before(lab->levers, 1), 5);

	assert_int_equal(levers_clear(lab->levers, 1), 0);
	assert_int_equal(timeout_of(lab->client), 0);
	check_retries(lab, "5", "4");
	check_file(lab, RECOVERY, "5");
	check_file(lab, RECORD, NULL);
	assert_int_equal(levers_list(lab->levers, sids, 4), 0);
	assert_int_equal(levers_recovery_before(lab->levers, 1), INT_MIN);
	assert_int_equal(levers_clear(lab->levers, 1), 0);
}

/* The value that was there comes back, not the system's default. */
static void value_before_comes_back(void **state)
{
	struct lab *lab = *state;

	set_timeout(lab->client, 1234);
	set(lab, 500, -1);
	set(lab, 700, -1);
	assert_int_equal(timeout_of(lab->client), 700);
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	assert_int_equal(timeout_of(lab->client), 1234);
	check_file(lab, RECOVERY, "5");
}

static void successor_takes_over(void **state)
{
	struct lab *lab = *state;

	set_timeout(lab->client, 1234);
	set(lab, 500, 15);
	renew(lab);
	set(lab, 600, 20);
	assert_int_equal(timeout_of(lab->client), 600);
	renew(lab);
	assert_int_equal(levers_recovery_before(lab->levers, 1), 5);
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	assert_int_equal(timeout_of(lab->client), 1234);
	check_retries(lab, "5", "4");
	check_file(lab, RECOVERY, "5");
}

/* multipathd writes recovery_tmo anew, an administrator max_retries: that is "before" now. */
static void others_write(void **state)
{
	struct lab *lab = *state;

	set(lab, 500, 15);
	tree_file(&lab->tree, RECOVERY, "7");
	tree_file(&lab->tree, "class/scsi_disk/2:0:0:1/max_retries", "3");
	set(lab, 500, 15);
	check_retries(lab, "0", "0");
	check_file(lab, RECOVERY, "15");
	assert_true(recorded(lab, "recovery 1 7 15\n"));
	/* and what they write last, nobody takes away */
	tree_file(&lab->tree, "class/scsi_disk/2:0:0:2/max_retries", "2");
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	check_retries(lab, "3", "2");
	check_file(lab, RECOVERY, "7");
	set(lab, 500, 15);
	tree_file(&lab->tree, RECOVERY, "9");
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	check_file(lab, RECOVERY, "9");
}

static void single_wishes_taken_back(void **state)
{
	struct lab *lab = *state;
	struct lever_wish wish = wish_of(lab, 500, 15);
	struct lever_state found;

	set(lab, 500, 15);
	found = set(lab, 0, 15);
	assert_int_equal(found.socket, SOCKET_OFF);
	assert_int_equal(timeout_of(lab->client), 0);
	assert_false(recorded(lab, "socket"));
	set(lab, 0, -1);
	check_file(lab, RECOVERY, "5");
	assert_false(recorded(lab, "recovery"));
	wish.n_devices = 1;
	assert_int_equal(levers_set(lab->levers, &wish, &found), 0);
	check_retries(lab, "0", "4");
	assert_false(recorded(lab, "2:0:0:2"));
}

static void zero_before_is_left(void **state)
{
	struct lab *lab = *state;

	tree_file(&lab->tree, "class/scsi_disk/2:0:0:1/max_retries", "0");
	tree_file(&lab->tree, RECOVERY, "15");
	assert_true(set(lab, 0, 15).quick);
	assert_false(recorded(lab, "2:0:0:1"));
	assert_false(recorded(lab, "recovery"));
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	check_retries(lab, "0", "4");
	check_file(lab, RECOVERY, "15");
}

/* Record before deed: no record, no deed. */
static void no_record_no_deed(void **state)
{
	struct lab *lab = *state;
	struct lever_wish wish = wish_of(lab, 500, 15);
	struct lever_state found;

	tree_dir(&lab->tree, RECORD);
	tree_file(&lab->tree, RECORD "/in-the-way", "x");
	assert_true(levers_set(lab->levers, &wish, &found) < 0);
	assert_int_equal(timeout_of(lab->client), 0);
	check_retries(lab, "5", "4");
	check_file(lab, RECOVERY, "5");
	tree_remove(&lab->tree, RECORD);
	assert_int_equal(levers_set(lab->levers, &wish, &found), 0);
	assert_int_equal(timeout_of(lab->client), 500);
}

/* The helper has put all back behind our back and removed the record. */
static void helper_was_here(void **state)
{
	struct lab *lab = *state;
	struct levers *helper;

	set(lab, 500, 15);
	assert_int_equal(levers_new(lab->tree.root, lab->record, &helper), 0);
	assert_int_equal(levers_clear(helper, 1), 0);
	levers_free(helper);
	assert_int_equal(timeout_of(lab->client), 0);
	check_file(lab, RECORD, NULL);
	assert_int_equal(set(lab, 500, 15).socket, SOCKET_ARMED);
	assert_int_equal(timeout_of(lab->client), 500);
	check_retries(lab, "0", "0");
	assert_true(recorded(lab, "disk 1 2:0:0:1 5\n"));
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	check_retries(lab, "5", "4");
}

static void iscsid_is_gone(void **state)
{
	struct lab *lab = *state;
	struct lever_state found;

	set(lab, 500, 15);
	end_holder(&lab->iscsid);
	assert_int_equal(levers_clear(lab->levers, 1), -EAGAIN);
	check_retries(lab, "5", "4");
	check_file(lab, RECOVERY, "5");
	assert_int_equal(timeout_of(lab->client), 500);
	assert_int_equal(levers_state(lab->levers, 1, &found), 0);
	assert_int_equal(found.socket, SOCKET_NOT_HELD);
	assert_true(recorded(lab, "socket 1 "));
	/* asked for anew: quick, not armed, and it says why */
	found = set(lab, 800, 15);
	assert_true(found.quick);
	assert_int_equal(found.socket, SOCKET_NOT_HELD);
	assert_int_equal(found.user_timeout_ms, 0);
	assert_int_equal(levers_clear(lab->levers, 1), -EAGAIN);
	/* a new login has another socket: nothing is left of the old one */
	tree_file(&lab->tree, PORT, "1");
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	assert_int_equal(levers_state(lab->levers, 1, &found), -ENOENT);
	check_file(lab, RECORD, NULL);
}

static void new_socket_is_armed_anew(void **state)
{
	struct lab *lab = *state;
	int old_listener = lab->listener, old = lab->client, old_server = lab->server;
	char line[64];

	set(lab, 500, 15);
	connect_pair(lab);
	end_holder(&lab->iscsid);
	lab->iscsid = start_holder("iscsid", lab->client);
	assert_int_equal(set(lab, 500, 15).socket, SOCKET_ARMED);
	assert_int_equal(timeout_of(lab->client), 500);
	assert_int_equal(timeout_of(old), 500); /* it is not ours any more */
	snprintf(line, sizeof(line), "socket 1 %u ", lab->inode);
	assert_true(recorded(lab, line));
	close(old);
	close(old_listener);
	close(old_server);
}

/* Neither a process of another name, nor a socket with other ends than the session's. */
static void only_the_very_socket(void **state)
{
	struct lab *lab = *state;
	struct lever_wish wish = wish_of(lab, 500, -1);
	struct lever_state found;

	wish.connection.local_port ^= 1;
	assert_int_equal(levers_set(lab->levers, &wish, &found), 0);
	assert_int_equal(found.socket, SOCKET_NOT_HELD);
	renew(lab);
	wish = wish_of(lab, 500, -1);
	wish.inode++;
	assert_int_equal(levers_set(lab->levers, &wish, &found), 0);
	assert_int_equal(found.socket, SOCKET_NOT_HELD);
	renew(lab);
	end_holder(&lab->iscsid);
	lab->iscsid = start_holder("iscsidx", lab->client);
	assert_int_equal(set(lab, 500, -1).socket, SOCKET_NOT_HELD);
	assert_int_equal(timeout_of(lab->client), 0);
}

/* Whoever is not root may call himself what he likes. */
static void only_roots_iscsid(void **state)
{
	struct lab *lab = *state;

	if (geteuid() != 0)
		skip();
	end_holder(&lab->iscsid);
	lab->iscsid = start_holder_of(65534, "iscsid", lab->client);
	assert_int_equal(set(lab, 500, -1).socket, SOCKET_NOT_HELD);
	assert_int_equal(timeout_of(lab->client), 0);
}

static void session_or_disk_is_gone(void **state)
{
	struct lab *lab = *state;
	struct lever_wish wish = wish_of(lab, 500, 15);
	struct lever_state found;

	set(lab, 500, 15);
	tree_remove(&lab->tree, "class/scsi_disk/2:0:0:2");
	tree_remove(&lab->tree, "block/sdc");
	found = set(lab, 500, 15);
	assert_false(found.quick);
	assert_int_equal(found.error, -ENODEV);
	assert_false(recorded(lab, "2:0:0:2"));
	tree_remove(&lab->tree, "class/iscsi_session");
	levers_forget_gone(lab->levers);
	assert_int_equal(levers_list(lab->levers, NULL, 0), 0);
	check_file(lab, RECORD, NULL);
	assert_int_equal(levers_set(lab->levers, &wish, &found), -ENODEV);
	check_file(lab, "class/scsi_disk/2:0:0:1/max_retries", "0");
}

/* A disk of another session is not ours to change. */
static void foreign_disk(void **state)
{
	struct lab *lab = *state;
	struct lever_wish wish = wish_of(lab, 0, -1);
	const char *devices[] = {"sdb", "sdx"};
	struct lever_state found;

	tree_link(&lab->tree, "devices/platform/host3/session9/target3:0:0/3:0:0:1/block/sdx",
		  "block/sdx");
	tree_file(&lab->tree, "class/scsi_disk/3:0:0:1/max_retries", "5");
	wish.devices = devices;
	assert_int_equal(levers_set(lab->levers, &wish, &found), 0);
	assert_false(found.quick);
	check_file(lab, "class/scsi_disk/3:0:0:1/max_retries", "5");
	check_file(lab, "class/scsi_disk/2:0:0:1/max_retries", "0");
}

/* Not the kernel's value, not our file: neither believed nor followed. */
static void odd_records(void **state)
{
	struct lab *lab = *state;
	char path[256];

	tree_file(&lab->tree, "elsewhere", "disk 1 2:0:0:1 3");
	snprintf(path, sizeof(path), "%s/run", lab->tree.root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/elsewhere", lab->tree.root);
	assert_int_equal(symlink(path, lab->record), 0);
	renew(lab);
	assert_int_equal(levers_list(lab->levers, NULL, 0), 0);
	set(lab, 500, 15);
	check_file(lab, "elsewhere", "disk 1 2:0:0:1 3");
	assert_true(recorded(lab, "disk 1 2:0:0:1 5\n"));
	assert_int_equal(levers_clear(lab->levers, 1), 0);
	tree_bytes(&lab->tree, RECORD, "disk 1 2:0:0:1 3\ngarbage\n", 25);
	renew(lab);
	assert_int_equal(levers_list(lab->levers, NULL, 0), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(armed_and_back),
		CASE(value_before_comes_back),
		CASE(successor_takes_over),
		CASE(others_write),
		CASE(single_wishes_taken_back),
		CASE(zero_before_is_left),
		CASE(no_record_no_deed),
		CASE(helper_was_here),
		CASE(iscsid_is_gone),
		CASE(new_socket_is_armed_anew),
		CASE(only_the_very_socket),
		CASE(only_roots_iscsid),
		CASE(session_or_disk_is_gone),
		CASE(foreign_disk),
		CASE(odd_records),
	};

	return cmocka_run_group_tests_name("levers", tests, NULL, NULL);
}
