/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/diskstats: the file, and what the kernel's own costs. It sums up each line's
 * counters over all CPUs and prints them; and it gives at most a page to a read() and
 * begins each of them by counting its way up from the first disk again (disk_seqf_start()
 * in block/genhd.c), so that all of it costs by the square of the number of disks. Ours
 * is a plain file on a tmpfs: what the other would have cost on this host is measured on
 * the few disks that the host has, and the daemon is made to spend it (dm_kernel.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/scale/scale.h"

#define DISKSTATS "/proc/diskstats"
#define HOST_PROC "/run/scale/proc"
#define PAGE	  4096
#define ROUNDS	  501
#define LINES_MAX 64
/* Where the host has too few disks to measure that on: a step of the kernel's list, on
 * the CPUs of these years. */
#define SKIP_NS 40

static unsigned int n_lines(unsigned int luns)
{
	return luns * (SCALE_PORTALS + 1);
}

static int print_line(char *buffer, size_t size, unsigned int luns, unsigned int i,
		      unsigned int mask)
{
	unsigned int disks = luns * SCALE_PORTALS;
	bool is_map = i >= disks, busy = !is_map && mask & 1U << i % SCALE_PORTALS;

	return snprintf(buffer, size,
			"%4u %7u %s%u 93482 0 747856 4711 81264 0 650112 9923 %u 8004 "
			"14634 0 0 0 "
			"0 0 0\n",
			is_map ? SCALE_DM_MAJOR : SCALE_MAJOR, is_map ? i - disks : i,
			is_map ? "dm-" : "sd", is_map ? i - disks : i, busy ? 2 : 0);
}

static size_t print(char *buffer, size_t size, unsigned int luns, unsigned int mask)
{
	size_t n = 0;

	for (unsigned int i = 0; i < n_lines(luns) && n < size; i++)
		n += (size_t)print_line(buffer + n, size - n, luns, i, mask);
	return n;
}

static void put(unsigned int luns, unsigned int mask, int flags)
{
	size_t size = (size_t)n_lines(luns) * 128;
	char *text = malloc(size);
	size_t n = text ? print(text, size, luns, mask) : 0;
	int fd = open(DISKSTATS, O_WRONLY | O_CLOEXEC | flags);

	if (!text || fd < 0 || pwrite(fd, text, n, 0) != (ssize_t)n)
		scale_die("%s: %s", DISKSTATS, strerror(errno));
	close(fd);
	free(text);
}

void scale_diskstats_make(unsigned int luns)
{
	put(luns, 0, O_TRUNC);
}

void scale_diskstats_in_flight(unsigned int luns, unsigned int mask)
{
	put(luns, mask, 0);
}

/* --- what the kernel's own costs --- */

struct lines {
	size_t n, length[LINES_MAX];
};

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static struct lines lines_of(const char *text, size_t size)
{
	struct lines lines = {.n = 0};

	for (size_t i = 0; i < size && lines.n < LINES_MAX; i++) {
		lines.length[lines.n]++;
		lines.n += text[i] == '\n';
	}
	return lines;
}

/* Of one read(), in ns. */
static double time_read(int fd, char *buffer, size_t size)
{
	uint64_t begin_ns = clock_now_ns();

	if (read(fd, buffer, size) < 0)
		scale_die("%s: %s", HOST_PROC, strerror(errno));
	return (double)(clock_now_ns() - begin_ns);
}

/* A line a read: each passes over one disk more than the one before. Those that are as
 * long as the one before differ in nothing else. */
static double measure_skip(int fd, const struct lines *lines)
{
	static double times[LINES_MAX][ROUNDS];
	double steps[LINES_MAX], before = 0, now;
	char buffer[PAGE];
	size_t n = 0;

	for (size_t round = 0; round < ROUNDS; round++) {
		lseek(fd, 0, SEEK_SET);
		for (size_t i = 0; i < lines->n; i++)
			times[i][round] = time_read(fd, buffer, lines->length[i]);
	}
	for (size_t i = 0; i < lines->n; i++, before = now) {
		now = median(times[i], ROUNDS);
		if (i && lines->length[i] == lines->length[i - 1])
			steps[n++] = now - before;
	}
	now = n >= 3 ? median(steps, n) : SKIP_NS;
	return now > 0 ? now : 0;
}

static double measure_lines(int fd, size_t n)
{
	double times[ROUNDS];
	char buffer[PAGE];

	for (size_t round = 0; round < ROUNDS; round++) {
		lseek(fd, 0, SEEK_SET);
		times[round] = time_read(fd, buffer, sizeof(buffer));
	}
	return median(times, ROUNDS) / (double)n;
}

struct scale_diskstats_cost scale_diskstats_measure(void)
{
	struct scale_diskstats_cost cost;
	char text[PAGE];
	struct lines lines;
	ssize_t n;
	int fd;

	/* Over the one of this namespace lies ours. */
	if (mkdir(HOST_PROC, 0755) < 0 || mount("proc", HOST_PROC, "proc", 0, NULL) < 0)
		scale_die("%s: %s", HOST_PROC, strerror(errno));
	fd = open(HOST_PROC "/diskstats", O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (n <= 0)
		scale_die("%s: no disks to measure with", HOST_PROC "/diskstats");
	lines = lines_of(text, (size_t)n);
	cost.line_ns = measure_lines(fd, lines.n);
	cost.skip_ns = measure_skip(fd, &lines);
	close(fd);
	umount2(HOST_PROC, MNT_DETACH);
	return cost;
}

double scale_diskstats_ns(const struct scale_diskstats_cost *cost, unsigned int luns)
{
	double n = n_lines(luns);
	struct stat info;

	if (stat(DISKSTATS, &info) < 0)
		scale_die("%s: %s", DISKSTATS, strerror(errno));
	/* All reads but the first begin on the way, on average in the middle. */
	return n * cost->line_ns + n / 2 * (double)(info.st_size / PAGE) * cost->skip_ns;
}
