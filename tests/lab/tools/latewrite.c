/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a write that was given up on still reach the disk, after newer data? Three steps, each a
 * call of its own, on blocks 0 … N-1 (4 KiB, a MiB apart, so that none is merged):
 *
 *   latewrite prepare DEVICE N RUN  a few rounds of writes to all blocks at once
 *   latewrite race DEVICE N RUN     one thread a block: writes "old", and "new" as soon as that has
 *				     been acknowledged; prints how long the slowest of each took
 *   latewrite check DEVICE N RUN    reads them: prints how many are new, stale (old), and other
 *
 * RUN, a number, is part of the data: no run takes the blocks of another for its own. Each age has a
 * buffer of its own: the kernel's initiator sends from these pages without copying them, and a packet
 * that is still under way must keep what was in it. Exit status:
 * 0 done (whatever check found), 1 an I/O failed, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK	   4096
#define APART	   (1 << 20)
#define BLOCKS_MAX 256
#define ROUNDS	   20

enum age { READY, OLD, NEW, AGES };

struct block {
	uint64_t index;
	uint64_t *data[AGES];
	double old_ms, new_ms; /* how long each write took */
	int error;
	pthread_t thread;
};

static int device;
static uint64_t run;
static struct block blocks[BLOCKS_MAX];
static size_t n_blocks;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t word_of(const struct block *block, enum age age)
{
	return run << 32 | block->index << 8 | age;
}

static double put(struct block *block, enum age age)
{
	double begin = now_ms();
	ssize_t n;

	for (size_t i = 0; i < BLOCK / sizeof(uint64_t); i++)
		block->data[age][i] = word_of(block, age);
	n = pwrite(device, block->data[age], BLOCK, (off_t)block->index * APART);
	if (n != BLOCK)
		block->error = n < 0 ? errno : EIO;
	return now_ms() - begin;
}

static void *prepare(void *arg)
{
	for (int i = 0; i < ROUNDS && !((struct block *)arg)->error; i++)
		put(arg, READY);
	return NULL;
}

static void *race(void *arg)
{
	struct block *block = arg;

	block->old_ms = put(block, OLD);
	if (!block->error)
		block->new_ms = put(block, NEW);
	return NULL;
}

static void *get(void *arg)
{
	struct block *block = arg;
	ssize_t n = pread(device, block->data[READY], BLOCK, (off_t)block->index * APART);

	if (n != BLOCK)
		block->error = n < 0 ? errno : EIO;
	return NULL;
}

/* A thread for each block; all are begun at once. */
static int each(void *(*step)(void *))
{
	int status = 0;
	size_t i;

	for (i = 0; i < n_blocks; i++)
		if (pthread_create(&blocks[i].thread, NULL, step, &blocks[i]))
			exit(1);
	for (i = 0; i < n_blocks; i++) {
		pthread_join(blocks[i].thread, NULL);
		if (!blocks[i].error)
			continue;
		fprintf(stderr, "latewrite: block %zu: %s\n", i, strerror(blocks[i].error));
		status = 1;
	}
	return status;
}

static int tell_race(int status)
{
	double old_ms = 0, new_ms = 0;

	for (size_t i = 0; i < n_blocks; i++) {
		if (blocks[i].old_ms > old_ms)
			old_ms = blocks[i].old_ms;
		if (blocks[i].new_ms > new_ms)
			new_ms = blocks[i].new_ms;
	}
	printf("old_ms=%.0f new_ms=%.0f\n", old_ms, new_ms);
	return status;
}

static int tell_check(int status)
{
	size_t fresh = 0, stale = 0, other = 0;

	for (size_t i = 0; i < n_blocks; i++) {
		size_t words[AGES] = {0}, w;

		for (w = 0; w < BLOCK / sizeof(uint64_t); w++)
			for (enum age age = READY; age < AGES; age++)
				words[age] += blocks[i].data[READY][w] == word_of(&blocks[i], age);
		if (words[NEW] == w)
			fresh++;
		else if (words[OLD] == w)
			stale++;
		else
			other++; /* a mixture, too */
	}
	printf("new=%zu stale=%zu other=%zu\n", fresh, stale, other);
	return status;
}

static int usage(void)
{
	fprintf(stderr, "usage: latewrite prepare|race|check DEVICE BLOCKS RUN\n");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return usage();
	n_blocks = strtoul(argv[3], NULL, 10);
	run = strtoul(argv[4], NULL, 10);
	if (!n_blocks || n_blocks > BLOCKS_MAX || !run)
		return usage();
	device = open(argv[2], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (device < 0) {
		fprintf(stderr, "latewrite: %s: %m\n", argv[2]);
		return 1;
	}
	for (size_t i = 0; i < n_blocks; i++) {
		blocks[i].index = i;
		for (enum age age = READY; age < AGES; age++)
			if (!(blocks[i].data[age] = aligned_alloc(BLOCK, BLOCK)))
				return 1;
	}
	if (!strcmp(argv[1], "prepare"))
		return each(prepare);
	if (!strcmp(argv[1], "race"))
		return tell_race(each(race));
	if (!strcmp(argv[1], "check"))
		return tell_check(each(get));
	return usage();
}
