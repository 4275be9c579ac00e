/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/probe_wire.h"

/* The child's descriptors: the socket, then the one that reports a failed exec. */
#define ERROR_FD (PROBE_WIRE_FD + 1)
#define SPARE_FD 16

int probe_user_find(const char *name, struct probe_user *ret)
{
	const struct passwd *entry;

	*ret = (struct probe_user){.change = false};
	if (geteuid())
		return 0;
	entry = getpwnam(name ? name : "_mpathiscsi");
	if (!entry && !name)
		entry = getpwnam("nobody");
	if (!entry)
		return -ENOENT;
	*ret = (struct probe_user){
		.change = true, .uid = entry->pw_uid, .gid = entry->pw_gid};
	return 0;
}

/* From here to child_run(): in the new process, nothing that takes locks or allocates. */
static void close_from(int first)
{
	struct rlimit limit;

#ifdef SYS_close_range
	if (!syscall(SYS_close_range, first, ~0U, 0))
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &limit))
		limit.rlim_cur = 1024;
	for (int fd = first; (rlim_t)fd < limit.rlim_cur; fd++)
		close(fd);
}

static int arrange_descriptors(int socket, int error)
{
	int null;

	/* Out of the way first, so that neither lands on the other. */
	socket = fcntl(socket, F_DUPFD_CLOEXEC, SPARE_FD);
	error = fcntl(error, F_DUPFD_CLOEXEC, SPARE_FD);
	if (socket < 0 || error < 0 || dup3(error, ERROR_FD, O_CLOEXEC) < 0 ||
	    dup2(socket, PROBE_WIRE_FD) < 0)
		return -errno;
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -errno;
	close_from(ERROR_FD + 1);
	return 0;
}

static void reset_signals(void)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL); /* KILL and STOP refuse: fine */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int change_user(const struct probe_user *user)
{
	if (!user->change)
		return 0;
	if (setgroups(0, NULL) || setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	return 0;
}

static int become(int socket, int error, const struct probe_user *user, pid_t parent)
{
	int failed = arrange_descriptors(socket, error);

	if (failed)
		return failed;
	reset_signals();
	umask(077);
	if (setsid() < 0 || chdir("/"))
		return -errno;
	failed = change_user(user);
	if (failed)
		return failed;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

static _Noreturn void child_run(const char *path, int socket, int error,
				const struct probe_user *user, pid_t parent)
{
	char name[] = "mpathiscsi-probe";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {NULL};
	int failed = become(socket, error, user, parent);

	if (!failed) {
		execve(path, arguments, environment);
		failed = -errno;
		error = ERROR_FD;
	}
	if (write(error, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

/* 0: the program runs. The pipe closes with exec, or carries the error. */
static int exec_result(int fd)
{
	int failed = 0;
	ssize_t n;

	do
		n = read(fd, &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(failed) ? failed : 0;
}

static int run(const char *path, const struct probe_user *user, const int sockets[2],
	       const int errors[2], struct probe_process *ret)
{
	pid_t parent = getpid(), pid = fork();
	int pidfd, failed;

	if (pid < 0)
		return -errno;
	if (!pid)
		child_run(path, sockets[1], errors[1], user, parent);
	close(errors[1]);
	failed = exec_result(errors[0]);
	pidfd = failed ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (!failed && pidfd < 0)
		failed = -errno;
	if (failed) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return failed;
	}
	fcntl(pidfd, F_SETFD, FD_CLOEXEC); /* it is by default */
	*ret = (struct probe_process){.pid = pid, .pidfd = pidfd, .socket = sockets[0]};
	return 0;
}

int probe_spawn(const char *path, const struct probe_user *user,
		struct probe_process *ret)
{
	int sockets[2], errors[2], failed;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       sockets))
		return -errno;
	if (pipe2(errors, O_CLOEXEC)) {
		failed = -errno;
		close(sockets[0]);
		close(sockets[1]);
		return failed;
	}
	failed = run(path, user, sockets, errors, ret);
	if (failed)
		close(sockets[0]);
	if (failed == -EAGAIN || failed == -ENOMEM)
		close(errors[1]); /* fork failed, nobody has closed it */
	close(errors[0]);
	close(sockets[1]);
	return failed;
}

void probe_process_kill(struct probe_process *process)
{
	if (!process->pid)
		return;
	kill(process->pid, SIGKILL); /* ours until reaped: the number is not used again */
	if (process->socket >= 0)
		close(process->socket);
	process->socket = -1;
}

static void say_end(const siginfo_t *info, char *text, size_t size)
{
	if (info->si_code == CLD_EXITED)
		snprintf(text, size, "exited with status %d", info->si_status);
	else
		snprintf(text, size, "killed by signal %d", info->si_status);
}

void probe_process_reap(struct probe_process *process, int wait_ms, char *text,
			size_t size)
{
	struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
	siginfo_t info = {0};
	int n;

	if (!process->pid)
		return;
	n = poll(&end, 1, wait_ms);
	if (n <= 0)
		probe_process_kill(process);
	do
		n = waitid(P_PID, (id_t)process->pid, &info, WEXITED);
	while (n && errno == EINTR);
	if (n)
		snprintf(text, size, "reaped by somebody else");
	else
		say_end(&info, text, size);
	if (process->socket >= 0)
		close(process->socket);
	close(process->pidfd);
	*process = (struct probe_process){.pidfd = -1, .socket = -1};
}
