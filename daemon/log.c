/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

static int max_level = LOG_INFO;

void log_set_level(int level)
{
	max_level = level;
}

void log_line(int level, const char *format, ...)
{
	char text[1024];
	uint64_t now_ms;
	va_list args;

	if (level > max_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (getenv("JOURNAL_STREAM")) {
		fprintf(stderr, "<%d>%s\n", level, text);
		return;
	}
	now_ms = clock_now_ns() / NS_PER_MS;
	fprintf(stderr, "%llu.%03llu mpathiscsid: %s\n", (unsigned long long)(now_ms / 1000),
		(unsigned long long)(now_ms % 1000), text);
}
