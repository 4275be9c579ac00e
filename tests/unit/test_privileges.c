/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root can and cannot do any more with what our programs keep. Each try is made by a process of
 * its own, really; needs root, and says so without it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/privileges.h"

#define SOMEBODY     12345
#define PIDFD_OPEN   434
#define PIDFD_GETFD  438
#define NOT_DROPPED  99

static pid_t other, nobody; /* a process of root with all it can have; one of another user */
static char file[] = "/tmp/privileges.XXXXXX"; /* another user's, mode 0600 */

/* As iscsid's sockets are taken. */
static bool take_descriptor(void)
{
	int pidfd = (int)syscall(PIDFD_OPEN, other, 0);

	return pidfd >= 0 && syscall(PIDFD_GETFD, pidfd, 0, 0) >= 0;
}

static bool look_at_descriptors(void)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)other);
	return readlink(path, text, sizeof(text)) > 0;
}

static bool signal_another_users(void)
{
	return kill(nobody, 0) == 0;
}

static bool become_another(void)
{
	return setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0;
}

static bool join_group(void)
{
	const gid_t gid = SOMEBODY;

	return syscall(SYS_setgroups, 1, &gid) == 0;
}

/* NET_ADMIN, without doing anything. */
static bool change_network(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), mark = 0;

	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
}

static bool read_anothers_file(void)
{
	return open(file, O_RDONLY) >= 0;
}

static bool give_away_file(void)
{
	char mine[] = "/tmp/privileges.own.XXXXXX";
	int fd = mkstemp(mine);
	bool given = fd >= 0 && fchown(fd, SOMEBODY, (gid_t)-1) == 0;

	unlink(mine);
	return given;
}

static bool raw_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	return fd >= 0;
}

static bool make_device(void)
{
	bool made = mknod("/tmp/privileges.device", S_IFBLK | 0600, 0x100) == 0;

	unlink("/tmp/privileges.device");
	return made;
}

static bool better_priority(void)
{
	return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 1) == 0; /* SYS_NICE */
}

static bool gain_by_bounds(void)
{
	return prctl(PR_CAPBSET_READ, 1 /* CAP_DAC_OVERRIDE */, 0, 0, 0) == 1;
}

static bool dumps(void)
{
	struct rlimit core;

	getrlimit(RLIMIT_CORE, &core);
	return prctl(PR_GET_DUMPABLE) != 0 || core.rlim_max > 0 ||
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static const struct {
	const char *name;
	bool (*run)(void);
	bool daemon, disarm; /* expected */
} tries[] = {
	{"take a descriptor of a process with more rights", take_descriptor, true, true},
	{"look at its descriptors", look_at_descriptors, true, true},
	{"change the network", change_network, true, true},
	{"signal a process of another user", signal_another_users, true, false},
	{"become another user", become_another, true, false},
	{"join a group", join_group, true, false},
	{"read another user's file", read_anothers_file, false, false},
	{"give a file away", give_away_file, false, false},
	{"a raw socket", raw_socket, false, false},
	{"make a device", make_device, false, false},
	{"a better priority", better_priority, false, false},
	{"a wider bounding set", gain_by_bounds, false, false},
	{"a core dump, or new privileges", dumps, false, false},
};

static int result_of(const struct privileges *privileges, bool (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(privileges_keep(privileges) < 0 ? NOT_DROPPED : run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : NOT_DROPPED;
}

static void one_by_one(void **state)
{
	bool wrong = false;

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int daemon = result_of(&privileges_daemon, tries[i].run);
		int disarm = result_of(&privileges_disarm, tries[i].run);

		if (daemon == tries[i].daemon && disarm == tries[i].disarm)
			continue;
		print_error("%s: daemon %d, disarm %d\n", tries[i].name, daemon, disarm);
		wrong = true;
	}
	assert_false(wrong);
}

static pid_t sleeper(uid_t uid)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (uid && (setgid(uid) || setuid(uid)))
		_exit(1);
	for (;;)
		pause();
}

static int start(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	other = sleeper(0);
	nobody = sleeper(SOMEBODY);
	return fd < 0 || fchown(fd, SOMEBODY, SOMEBODY) || close(fd) || other < 0 || nobody < 0;
}

static int stop(void **state)
{
	(void)state;
	kill(other, SIGKILL);
	kill(nobody, SIGKILL);
	waitpid(other, NULL, 0);
	waitpid(nobody, NULL, 0);
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_by_one)};

	if (geteuid() != 0) {
		puts("needs root: nothing to give up");
		return 0;
	}
	return cmocka_run_group_tests_name("privileges", tests, start, stop);
}
