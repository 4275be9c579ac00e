/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathcount: a bounded writer on a multipath map that tells which paths carried it.
 *
 *   pathcount --device DEV [--count 2000] [--depth 1] [--first 1024] [--seconds 0] DISK…
 *
 * Writes --count blocks of 4 KiB with direct I/O, --depth at a time, to every second block from
 * --first on, in an order without neighbours: nothing can be merged. Then reads them back, in
 * large pieces, and compares. With --count 0 it writes nothing and looks for --seconds.
 *
 * Prints one line of "name value" words: writes, errors, corrupt, ms (of the writing), merged
 * (writes merged on the disks); then of each DISK (sdX) the writes it completed meanwhile, by
 * anybody, as /sys/block/DISK/stat says.
 * Exit status 0 when all I/O was good, 1 otherwise, 2 for wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK_SIZE = 4096,
	STEP = 2,	  /* every second block */
	VERIFY_BLOCKS = 64, /* read at once */
	MAX_DEPTH = 64,
	MAX_DISKS = 64,
	WORDS = BLOCK_SIZE / 8,
};

struct disk {
	const char *name;
	uint64_t writes, merged;
};

static struct {
	const char *device;
	uint64_t count, first;
	unsigned int depth;
	double seconds;
	struct disk disks[MAX_DISKS];
	size_t n_disks;
} opt = { .count = 2000, .first = 1024, .depth = 1 };

static int device_fd = -1;
static uint64_t run_id;
static _Atomic uint64_t next_write, errors;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "pathcount: %s: %s\n", what, why);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t *new_buffer(size_t size)
{
	void *buffer;

	if (posix_memalign(&buffer, BLOCK_SIZE, size))
		die("memory", strerror(ENOMEM));
	return buffer;
}

/* What block 'number' of the device holds after this run. */
static uint64_t word_of(uint64_t number, uint64_t i)
{
	return (run_id + number * WORDS + i) * UINT64_C(0x9e3779b97f4a7c15);
}

/*
 * The block of the i-th write. Neighbours in time are an eighth of the area apart, so that
 * requests in flight together never touch.
 */
static uint64_t block_of(uint64_t i)
{
	uint64_t rows = (opt.count + 7) / 8;

	return opt.first + STEP * (i % 8 * rows + i / 8);
}

static void *writer(void *arg)
{
	uint64_t *buffer = new_buffer(BLOCK_SIZE), i, k, number;

	(void)arg;
	while ((i = atomic_fetch_add(&next_write, 1)) < opt.count) {
		number = block_of(i);
		for (k = 0; k < WORDS; k++)
			buffer[k] = word_of(number, k);
		if (pwrite(device_fd, buffer, BLOCK_SIZE, (off_t)(number * BLOCK_SIZE)) != BLOCK_SIZE)
			atomic_fetch_add(&errors, 1);
	}
	free(buffer);
	return NULL;
}

static void write_all(void)
{
	pthread_t threads[MAX_DEPTH];
	unsigned int i;

	for (i = 0; i < opt.depth; i++)
		if (pthread_create(&threads[i], NULL, writer, NULL))
			die("thread", strerror(EAGAIN));
	for (i = 0; i < opt.depth; i++)
		pthread_join(threads[i], NULL);
}

static void watch_only(void)
{
	struct timespec ts = { .tv_sec = (time_t)opt.seconds };

	ts.tv_nsec = (long)((opt.seconds - (double)ts.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

static uint64_t bad_block(const uint64_t *block, uint64_t number)
{
	uint64_t k;

	for (k = 0; k < WORDS; k++)
		if (block[k] != word_of(number, k))
			return 1;
	return 0;
}

/* Whether block 'number' was written by this run: the last row of the order may be partly empty. */
static int written(uint64_t number)
{
	uint64_t rows = (opt.count + 7) / 8, at = (number - opt.first) / STEP;

	return at / rows + at % rows * 8 < opt.count;
}

/* How many of the blocks written are not what they should be. */
static uint64_t verify_all(void)
{
	uint64_t end = opt.first + STEP * ((opt.count + 7) / 8 * 8), corrupt = 0, at, i;
	uint64_t *buffer = new_buffer(VERIFY_BLOCKS * BLOCK_SIZE);
	size_t size;

	for (at = opt.first; at < end; at += VERIFY_BLOCKS) {
		size = (end - at < VERIFY_BLOCKS ? end - at : VERIFY_BLOCKS) * BLOCK_SIZE;
		if (pread(device_fd, buffer, size, (off_t)(at * BLOCK_SIZE)) != (ssize_t)size) {
			atomic_fetch_add(&errors, 1);
			continue;
		}
		for (i = 0; i < size / BLOCK_SIZE; i += STEP)
			if (written(at + i))
				corrupt += bad_block(buffer + i * WORDS, at + i);
	}
	free(buffer);
	return corrupt;
}

/* Fields 5 and 6 of the kernel's Documentation/block/stat: write I/Os, write merges. */
static void read_disk(struct disk *disk)
{
	char path[64];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", disk->name);
	f = fopen(path, "re");
	if (!f)
		die(path, strerror(errno));
	n = fscanf(f, "%*u %*u %*u %*u %" SCNu64 " %" SCNu64, &disk->writes, &disk->merged);
	fclose(f);
	if (n != 2)
		die(path, "has no count of writes");
}

/* Counters of now become the differences to 'before'. */
static void read_disks(const struct disk *before)
{
	size_t i;

	for (i = 0; i < opt.n_disks; i++) {
		read_disk(&opt.disks[i]);
		if (!before)
			continue;
		opt.disks[i].writes -= before[i].writes;
		opt.disks[i].merged -= before[i].merged;
	}
}

static double number(const char *name, const char *text, double min, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max))
		die(name, "not a number that is allowed");
	return v;
}

static void parse_options(int argc, char **argv)
{
	static const struct option table[] = {
		{ "device", 1, NULL, 'd' }, { "count", 1, NULL, 'c' }, { "depth", 1, NULL, 'q' },
		{ "first", 1, NULL, 'f' },  { "seconds", 1, NULL, 's' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			opt.device = optarg;
		else if (c == 'c')
			opt.count = (uint64_t)number("--count", optarg, 0, 1e6);
		else if (c == 'q')
			opt.depth = (unsigned int)number("--depth", optarg, 1, MAX_DEPTH);
		else if (c == 'f')
			opt.first = (uint64_t)number("--first", optarg, 0, 1e9);
		else if (c == 's')
			opt.seconds = number("--seconds", optarg, 0, 3600);
		else
			exit(2);
	}
	if (!opt.device || argc - optind > MAX_DISKS)
		die("usage", "pathcount --device DEV [options] DISK…; see the source's first comment");
	for (; optind < argc; optind++)
		opt.disks[opt.n_disks++].name = argv[optind];
}

static void open_device(void)
{
	off_t size;

	device_fd = open(opt.device, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (device_fd < 0)
		die(opt.device, strerror(errno));
	size = lseek(device_fd, 0, SEEK_END);
	if (size < 0 || (uint64_t)size < (opt.first + STEP * (opt.count + 8)) * BLOCK_SIZE)
		die(opt.device, "too small for --first and --count");
}

int main(int argc, char **argv)
{
	struct disk before[MAX_DISKS];
	uint64_t begin, end, corrupt = 0, merged = 0;
	size_t i;

	parse_options(argc, argv);
	open_device();
	run_id = now_ns();
	read_disks(NULL);
	memcpy(before, opt.disks, sizeof(before));
	begin = now_ns();
	if (opt.count)
		write_all();
	else
		watch_only();
	end = now_ns();
	read_disks(before);
	if (opt.count)
		corrupt = verify_all();
	for (i = 0; i < opt.n_disks; i++)
		merged += opt.disks[i].merged;
	printf("writes %" PRIu64 " errors %" PRIu64 " corrupt %" PRIu64 " ms %" PRIu64
	       " merged %" PRIu64,
	       opt.count, atomic_load(&errors), corrupt, (end - begin) / 1000000, merged);
	for (i = 0; i < opt.n_disks; i++)
		printf(" %s %" PRIu64, opt.disks[i].name, opt.disks[i].writes);
	putchar('\n');
	return fflush(stdout) || atomic_load(&errors) || corrupt;
}
