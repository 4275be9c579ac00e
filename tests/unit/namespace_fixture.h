/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_NAMESPACE_FIXTURE_H
#define MPATHISCSI_TEST_NAMESPACE_FIXTURE_H

/* A network namespace of the test's own, and ip(8) in it. Include behind <cmocka.h>, with
 * _GNU_SOURCE. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* `ip -batch -` with these lines. */
static inline void ip(const char *lines)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		execlp("ip", "ip", "-batch", "-", NULL);
		_exit(127);
	}
	close(ends[0]);
	assert_int_equal(write(ends[1], lines, strlen(lines)), (ssize_t)strlen(lines));
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Go there, with this in it. False: this user may not. */
static inline bool own_network(const char *lines)
{
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("no network namespace of our own: %s\n", strerror(errno));
		return false;
	}
	ip("link set lo up\n");
	ip(lines);
	return true;
}

#endif
