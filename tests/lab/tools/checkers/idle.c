/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcheckidle.so: path_checker "idle" for multipathd, which calls every path good and
 * does nothing: what is left of multipathd's CPU time is its own. For bench-checker only.
 * It never looks at what it is passed, so it needs no layout.
 */

#define EXPORT __attribute__((visibility("default")))

enum { HOST_UP = 3 }; /* PATH_UP of libmultipath's checkers.h, the same in all releases */

struct checker;

EXPORT int libcheck_check(struct checker *c);
EXPORT int libcheck_init(struct checker *c);
EXPORT void libcheck_free(struct checker *c);
EXPORT extern const char *libcheck_msgtable[];

const char *libcheck_msgtable[] = {"nothing was checked", (void *)0};

int libcheck_check(struct checker *c)
{
	(void)c;
	return HOST_UP;
}

int libcheck_init(struct checker *c)
{
	(void)c;
	return 0;
}

void libcheck_free(struct checker *c)
{
	(void)c;
}
