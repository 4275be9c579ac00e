/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that shows the plugin none of libmultipath's functions (it loaded that library
 * privately): the layout cannot be known, so everything is refused and nothing touched. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MUST(condition)                                                         \
	do {                                                                    \
		if (!(condition)) {                                             \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
			return 1;                                               \
		}                                                               \
	} while (0)

int main(int argc, char **argv)
{
	int (*check)(void *c), (*init)(void *c), (*pending)(void *c);
	uint8_t block[128], before[128];
	void (*release)(void *c);
	void *handle;

	MUST(argc == 2);
	handle = dlopen(argv[1], RTLD_NOW);
	MUST(handle);
	*(void **)&init = dlsym(handle, "libcheck_init");
	*(void **)&check = dlsym(handle, "libcheck_check");
	*(void **)&pending = dlsym(handle, "libcheck_pending");
	*(void **)&release = dlsym(handle, "libcheck_free");
	MUST(init && check && pending && release);
	memset(block, 0xa5, sizeof(block));
	memcpy(before, block, sizeof(block));
	MUST(init(block) != 0);
	MUST(check(block) == 6 && pending(block) == 6); /* "keep the state" */
	release(block);
	MUST(memcmp(block, before, sizeof(block)) == 0);
	return 0;
}
