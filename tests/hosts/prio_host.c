/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that logs as multipath-tools from 0.8.6 on: a line "log LEVEL TEXT" each. */
#include <stdarg.h>

#include "tests/hosts/prio_host.h"

int libmp_verbosity = 3;
void dlog(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void dlog(int level, const char *format, ...)
{
	va_list args;

	printf("log %d ", level);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

int main(int argc, char **argv)
{
	return prio_host_main(argc, argv);
}
