/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host whose dlog() is of another form, as before 0.8.6: it must not be called. (That it
 * is there, and libmp_verbosity is not, is how such a host is told.)
 */
#include "tests/hosts/prio_host.h"

void dlog(int sink, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

void dlog(int sink, int level, const char *format, ...)
{
	(void)sink;
	(void)level;
	(void)format;
	abort();
}

int main(int argc, char **argv)
{
	return prio_host_main(argc, argv);
}
