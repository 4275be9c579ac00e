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

/*
 * Between us and the child: its socket, what reports a failed exec, its stderr. Each has two ends
 * of which the child has its own alone, never a descriptor that we use.
 */
enum { SOCKET, START, WORDS, CHANNELS };
enum { OURS, ITS };

void probe_process_init(struct probe_process *process)
{
	*process = (struct probe_process){.pidfd = -1, .socket = -1, .start = -1, .words = -1};
}

int probe_user_find(const char *name, struct probe_user *ret)
{
	const struct passwd *entry;
	bool shared = false;

	*ret = (struct probe_user){.change = false};
	if (geteuid())
		return 0;
	entry = getpwnam(name ? name : "_mpathiscsi");
	if (!entry && !name) {
		entry = getpwnam("nobody");
		shared = true;
	}
	if (!entry)
		return -ENOENT;
	*ret = (struct probe_user){
		.change = true, .shared = shared, .uid = entry->pw_uid, .gid = entry->pw_gid};
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

static int arrange_descriptors(int fds[][2])
{
	int null;

	/* Out of the way first, so that none lands on another. */
	for (int i = 0; i < CHANNELS; i++) {
		fds[i][ITS] = fcntl(fds[i][ITS], F_DUPFD_CLOEXEC, SPARE_FD);
		if (fds[i][ITS] < 0)
			return -errno;
	}
	if (dup3(fds[START][ITS], ERROR_FD, O_CLOEXEC) < 0 ||
	    dup2(fds[SOCKET][ITS], PROBE_WIRE_FD) < 0 || dup2(fds[WORDS][ITS], 2) < 0)
		return -errno;
	fds[START][ITS] = ERROR_FD;
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

static int become(const struct probe_user *user, pid_t parent)
{
	int failed;

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

static _Noreturn void child_run(const char *path, int fds[][2],
				const struct probe_user *user, pid_t parent)
{
	char name[] = "mpathiscsi-probe";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {NULL};
	int failed = arrange_descriptors(fds);

	if (!failed)
		failed = become(user, parent);
	if (!failed) {
		execve(path, arguments, environment);
		failed = -errno;
	}
	if (write(fds[START][ITS], &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

static int open_channels(int fds[][2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       fds[SOCKET]) ||
	    pipe2(fds[START], O_CLOEXEC | O_NONBLOCK) ||
	    pipe2(fds[WORDS], O_CLOEXEC | O_NONBLOCK))
		return -errno;
	return 0;
}

/* The one place that closes them: a number closed twice may be another thread's by then. */
static void close_ends(int fds[][2], int which)
{
	for (int i = 0; i < CHANNELS; i++)
		if (fds[i][which] >= 0)
			close(fds[i][which]);
}

int probe_spawn(const char *path, const struct probe_user *user,
		struct probe_process *ret)
{
	int fds[CHANNELS][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	int failed = open_channels(fds);
	pid_t parent = getpid(), pid = 0;

	probe_process_init(ret);
	if (!failed) {
		pid = fork();
		failed = pid < 0 ? -errno : 0;
	}
	if (!failed && !pid)
		child_run(path, fds, user, parent);
	close_ends(fds, ITS);
	if (failed) {
		close_ends(fds, OURS);
		return failed;
	}
	ret->pid = pid;
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by default */
	ret->socket = fds[SOCKET][OURS];
	ret->start = fds[START][OURS];
	ret->words = fds[WORDS][OURS];
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool probe_process_started(struct probe_process *process)
{
	int failed = 0;
	ssize_t n;

	if (process->start < 0)
		return true;
	n = read(process->start, &failed, sizeof(failed));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == (ssize_t)sizeof(failed))
		process->failed = failed;
	close_fd(&process->start);
	return true;
}

void probe_process_kill(struct probe_process *process)
{
	if (!process->pid)
		return;
	kill(process->pid, SIGKILL); /* ours until reaped: the number is not used again */
	close_fd(&process->socket);
}

bool probe_process_ended(const struct probe_process *process)
{
	siginfo_t info = {0};

	if (!process->pid)
		return false;
	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT))
		return errno != EINTR;
	return info.si_pid != 0;
}

void probe_process_finish(struct probe_process *process, int wait_ms)
{
	struct pollfd end = {.fd = process->pidfd, .events = POLLIN};

	if (!process->pid || poll(&end, 1, wait_ms) > 0)
		return;
	probe_process_kill(process);
	poll(&end, 1, PROBE_KILL_MS);
}

static void say_end(const struct probe_process *process, const siginfo_t *info, char *text,
		    size_t size)
{
	if (process->failed)
		snprintf(text, size, "cannot start it: %s", strerror(-process->failed));
	else if (!info->si_pid)
		snprintf(text, size, "not there to be reaped");
	else if (info->si_code == CLD_EXITED)
		snprintf(text, size, "exited with status %d", info->si_status);
	else
		snprintf(text, size, "killed by signal %d", info->si_status);
}

static void close_all(struct probe_process *process)
{
	close_fd(&process->socket);
	close_fd(&process->start);
	close_fd(&process->words);
	close_fd(&process->pidfd);
	probe_process_init(process);
}

void probe_process_reap(struct probe_process *process, char *text, size_t size)
{
	siginfo_t info = {0};

	if (!process->pid)
		return;
	probe_process_started(process);
	waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG);
	say_end(process, &info, text, size);
	close_all(process);
}
