/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon under test: start, stop, what it logs and what it takes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/scale/scale.h"

void scale_daemon_start(struct scale_daemon *daemon, const char *build)
{
	char program[256], preload[256], probe[256];
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		scale_die("pipe: %s", strerror(errno));
	*daemon = (struct scale_daemon){.log = pipes[0]};
	snprintf(program, sizeof(program), "%s/mpathiscsid", build);
	snprintf(preload, sizeof(preload), "%s/tests/bench/dm_kernel.so", build);
	snprintf(probe, sizeof(probe), "--probe=%s/mpathiscsi-probe", build);
	daemon->pid = fork();
	if (daemon->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], STDERR_FILENO);
		setenv("LD_PRELOAD", preload, 1);
		execl(program, program, probe, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	fcntl(daemon->log, F_SETFL, O_NONBLOCK);
}

void scale_daemon_listen(struct scale_daemon *daemon, int timeout_ms)
{
	struct pollfd pollfd = {.fd = daemon->log, .events = POLLIN};
	size_t size = sizeof(daemon->text) - 1;
	ssize_t n;

	if (poll(&pollfd, 1, timeout_ms) <= 0)
		return;
	if (daemon->length > size / 2) {
		daemon->length -= size / 2;
		memmove(daemon->text, daemon->text + size / 2, daemon->length);
	}
	n = read(daemon->log, daemon->text + daemon->length, size - daemon->length);
	if (n > 0) {
		if (getenv("SCALE_VERBOSE"))
			fwrite(daemon->text + daemon->length, 1, (size_t)n, stderr);
		daemon->length += (size_t)n;
	}
	daemon->text[daemon->length] = '\0';
}

void scale_daemon_stop(struct scale_daemon *daemon)
{
	int status;

	kill(daemon->pid, SIGTERM);
	while (waitpid(daemon->pid, &status, WNOHANG) == 0)
		scale_daemon_listen(daemon, 10);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		scale_die("the daemon ended with status %#x:\n%s", (unsigned int)status,
			  daemon->text);
	close(daemon->log);
}

void scale_daemon_kill(struct scale_daemon *daemon)
{
	scale_end(daemon->pid);
	close(daemon->log);
}

/* The number behind "KEY:" in a file of /proc/PID; -1: none. */
static long long proc_number(pid_t pid, const char *file, const char *key)
{
	char path[64], line[256];
	long long value = -1;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		if (!strncmp(line, key, strlen(key)))
			value = strtoll(line + strlen(key), NULL, 10);
	if (in)
		fclose(in);
	return value;
}

/* Call fn for the process and its children, and sum up. */
static double sum(pid_t pid, double (*fn)(pid_t pid))
{
	double total = fn(pid);
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t other = (pid_t)strtol(entry->d_name, NULL, 10);

		if (other > 0 && proc_number(other, "status", "PPid:") == pid)
			total += fn(other);
	}
	if (proc)
		closedir(proc);
	return total;
}

static double rss_mib(pid_t pid)
{
	return (double)proc_number(pid, "status", "VmRSS:") / 1024;
}

static double cpu_s(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double scale_daemon_rss_mib(const struct scale_daemon *daemon)
{
	return sum(daemon->pid, rss_mib);
}

double scale_daemon_peak_mib(const struct scale_daemon *daemon)
{
	return (double)proc_number(daemon->pid, "status", "VmHWM:") / 1024;
}

double scale_daemon_cpu_s(const struct scale_daemon *daemon)
{
	return sum(daemon->pid, cpu_s);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Until the process has ended: the daemon that it waits for may be waiting for us to take in what
 * it logs. */
static void listen_until_end(struct scale_daemon *daemon, pid_t pid)
{
	struct pollfd fds[] = {{.fd = pidfd_open(pid, 0), .events = POLLIN},
			       {.fd = daemon->log, .events = POLLIN}};

	if (fds[0].fd < 0)
		scale_die("pidfd_open: %s", strerror(errno));
	while (!fds[0].revents) {
		poll(fds, 2, -1);
		if (fds[1].revents & POLLIN)
			scale_daemon_listen(daemon, 0);
		else if (fds[1].revents)
			fds[1].fd = -1;
	}
	close(fds[0].fd);
}

double scale_command(struct scale_daemon *daemon, const char *build, const char *const *argv,
		     double *ret_cpu_s)
{
	uint64_t begin_ns = clock_now_ns();
	struct rusage usage;
	char program[256];
	int status;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/mpathiscsi", build);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/run/scale/out", "w", stdout) ||
		    !freopen(SCALE_COMMAND_ERRORS, "w", stderr))
			_exit(126);
		execv(program, (char *const *)(const void *)argv);
		_exit(127);
	}
	listen_until_end(daemon, pid);
	if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status))
		return -1;
	*ret_cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	return (double)(clock_now_ns() - begin_ns) / 1e6;
}
