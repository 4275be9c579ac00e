/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_MEMORY_FIXTURE_H
#define MPATHISCSI_TEST_MEMORY_FIXTURE_H

/*
 * No memory, really: this process may map no more of it, and all that malloc() still has is
 * taken. Between memory_take() and memory_give_back() every allocation fails; nothing of the
 * test library may be called there. Include behind <cmocka.h>, with _GNU_SOURCE.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct memory {
	void *taken; /* each block holds the address of the next one */
	struct rlimit before;
};

/* A sanitizer and valgrind have an allocator of their own, which dies instead of failing. */
static inline bool memory_can_be_taken(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#else
	FILE *maps = fopen("/proc/self/maps", "re");
	bool can = maps != NULL;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		can &= !strstr(line, "/valgrind/");
	if (maps)
		fclose(maps);
	return can;
#endif
}

/* Every place for 'size' bytes. */
static inline void memory_take_all(struct memory *memory, size_t size)
{
	void **block;

	while ((block = malloc(size))) {
		*block = memory->taken;
		memory->taken = block;
	}
}

static inline void memory_take(struct memory *memory)
{
	struct rlimit none;

	memory->taken = NULL;
	assert_int_equal(getrlimit(RLIMIT_AS, &memory->before), 0);
	none = memory->before;
	none.rlim_cur = 0; /* what is mapped stays */
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	for (size_t size = 1 << 24; size > 2048; size /= 2)
		memory_take_all(memory, size);
	/* Freed blocks are kept by their size. */
	for (size_t size = 2048; size >= 16; size -= 16)
		memory_take_all(memory, size);
}

static inline void memory_give_back(struct memory *memory)
{
	while (memory->taken) {
		void *next = *(void **)memory->taken;

		free(memory->taken);
		memory->taken = next;
	}
	assert_int_equal(setrlimit(RLIMIT_AS, &memory->before), 0);
}

#endif
