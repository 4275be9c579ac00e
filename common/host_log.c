/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/host_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES	 500
#define LEVEL_WITHOUT_HOST 2

/*
 * Weak and without a version, so that one binary loads everywhere. Before 0.8.6 dlog() had
 * another form, and libmp_verbosity did not exist: without the latter the former is not ours
 * to call.
 */
extern int libmp_verbosity __attribute__((weak, visibility("default")));
extern void dlog(int level, const char *format, ...)
	__attribute__((weak, visibility("default"), format(printf, 2, 3)));

static bool host_has_log(void)
{
	return &libmp_verbosity && dlog;
}

bool host_log_wanted(int level)
{
	return level <= (host_has_log() ? libmp_verbosity : LEVEL_WITHOUT_HOST);
}

void host_log(int level, const char *format, ...)
{
	int saved = errno;
	char line[LINE_MAX_BYTES];
	va_list args;

	if (!host_log_wanted(level))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (host_has_log())
		dlog(level, "%s\n", line);
	else
		dprintf(STDERR_FILENO, "%s\n", line);
	errno = saved;
}
