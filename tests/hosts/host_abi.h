/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_HOST_ABI_H
#define MPATHISCSI_HOST_ABI_H

/*
 * A path checker as one generation of multipath-tools knows it, and libcheckiscsi.so loaded as
 * one. Define LAYOUT as 'A', 'B' or 'C' before. Told anew and on purpose: what the plugin has for
 * the same (checker/abi.h) is under test here.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(condition, ...)                                                                 \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__);                                        \
			fprintf(stderr, "\n");                                               \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

enum { WILD, UNCHECKED, DOWN, UP, SHAKY, GHOST, PENDING, TIMEOUT };

/* The whole struct as the generation has it, 'mpcontext' included. */
struct checker {
	void *cls;
	int fd;
	unsigned int timeout;
	int disable;
#if LAYOUT != 'A'
	int path_state;
#endif
	short msgid;
	void *context;
#if LAYOUT != 'C'
	void **mpcontext;
#endif
};

/* ---- the plugin, as the generation calls it ---- */

static struct {
	void *handle;
	int (*check)(struct checker *c, void *extra);
	int (*init)(struct checker *c);
	void (*free)(struct checker *c);
	void (*reset)(void);
	int (*pending)(struct checker *c, void *extra);
	bool (*need_wait)(struct checker *c);
	const char **msgtable;
} plugin;

static void *symbol(const char *name)
{
	void *p = dlsym(plugin.handle, name);

	MUST(p, "%s is not exported", name);
	return p;
}

static void load(const char *path)
{
	static const char *const absent[] = { "libcheck_async_func", "libcheck_mp_init",
					      "libcheck_thread", "path_check_new",
					      "verdict_judge" };

	plugin.handle = dlopen(path, RTLD_NOW);
	MUST(plugin.handle, "%s", dlerror());
	*(void **)&plugin.check = symbol("libcheck_check");
	*(void **)&plugin.init = symbol("libcheck_init");
	*(void **)&plugin.free = symbol("libcheck_free");
	*(void **)&plugin.reset = symbol("libcheck_reset");
	*(void **)&plugin.pending = symbol("libcheck_pending");
	*(void **)&plugin.need_wait = symbol("libcheck_need_wait");
	plugin.msgtable = symbol("libcheck_msgtable");
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		MUST(!dlsym(plugin.handle, absent[i]), "%s is exported", absent[i]);
}

#endif
