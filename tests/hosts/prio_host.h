/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_PRIO_HOST_H
#define MPATHISCSI_TEST_PRIO_HOST_H

/*
 * Loads a prioritizer as libmultipath does and asks it for priorities, one for each line
 * "DEVICE<tab>ARGS" on its input; answers "= PRIORITY". The struct path it hands over has
 * nothing but the device name where every libmultipath has it; all else is garbage. The call
 * has the third argument of old hosts or not, by the second word of the command line.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int getprio_2(void *path, char *args);
typedef int getprio_3(void *path, char *args, unsigned int timeout);

static inline void *prio_host_load(const char *plugin)
{
	void *handle = dlopen(plugin, RTLD_NOW), *function;

	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	function = dlsym(handle, "getprio");
	if (!function) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return function;
}

static inline int prio_host_ask(void *function, int old_host, const char *device, char *args)
{
	union {
		char dev[256];
		unsigned char bytes[2048];
	} path;
	getprio_2 *two;
	getprio_3 *three;

	memset(&path, 0xa5, sizeof(path));
	memset(path.dev, '\0', sizeof(path.dev));
	memcpy(path.dev, device, strnlen(device, sizeof(path.dev) - 1));
	memcpy(&two, &function, sizeof(two));
	memcpy(&three, &function, sizeof(three));
	return old_host ? three(&path, args, 0xdeadbeefU) : two(&path, args);
}

static inline int prio_host_main(int argc, char **argv)
{
	char line[4096], *tab;
	void *function;
	int old_host;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PLUGIN 2|3\n", argv[0]);
		return 2;
	}
	function = prio_host_load(argv[1]);
	old_host = strcmp(argv[2], "3") == 0;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		tab = strchr(line, '\t');
		if (!tab)
			return 2;
		*tab = '\0';
		printf("= %d\n", prio_host_ask(function, old_host, line, tab + 1));
		fflush(stdout);
	}
	return 0;
}

#endif
