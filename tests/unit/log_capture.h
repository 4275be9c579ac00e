/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_LOG_CAPTURE_H
#define MPATHISCSI_TEST_LOG_CAPTURE_H

/* What is written to stderr between begin() and end(), the log, as a text. Include behind <cmocka.h>. */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[131072];
static int log_fd, stderr_fd;

static inline void begin(void)
{
	log_fd = memfd_create("log", 0);
	assert_true(log_fd >= 0);
	stderr_fd = dup(2);
	assert_int_equal(dup2(log_fd, 2), 2);
}

/* The number of lines since begin(); they are in 'text', too. */
static inline unsigned int end(void)
{
	unsigned int lines = 0;
	ssize_t n;

	dup2(stderr_fd, 2);
	close(stderr_fd);
	n = pread(log_fd, text, sizeof(text) - 1, 0);
	close(log_fd);
	assert_true(n >= 0);
	text[n] = 0;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	return lines;
}

#endif
