/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker/counters.h"
#include "common/clock.h"
#include "common/identity.h"
#include "common/sysfs.h"

#define STAT_READS    0
#define STAT_WRITES   4
#define STAT_TEXT_MAX 512
#define ERRORS "device/ioerr_cnt"
#define ERRORS_TEXT_MAX 32

/* One unsigned number of 'base' at *text, and step behind it. */
static int next_number(const char **text, int base, uint64_t *ret)
{
	const char *p = *text;
	char *end;

	while (*p == ' ' || *p == '\t')
		p++;
	if (!isxdigit((unsigned char)*p))
		return -EINVAL;
	errno = 0;
	*ret = strtoull(p, &end, base);
	if (errno || (*end && !isspace((unsigned char)*end)))
		return -EINVAL;
	*text = end;
	return 0;
}

int counters_sum(const char *text, unsigned int a, unsigned int b, uint64_t *ret)
{
	unsigned int last = a > b ? a : b;
	uint64_t number, sum = 0;

	for (unsigned int i = 0; i <= last; i++) {
		if (next_number(&text, 10, &number))
			return -EINVAL;
		if (i == a || i == b)
			sum += number;
	}
	*ret = sum;
	return 0;
}

/* Are the block layer's counters kept, and of reads and writes only? */
static bool counted(int disk)
{
	char text[16];

	if (sysfs_read(disk, "queue/iostats", text, sizeof(text)) || strcmp(text, "1"))
		return false;
	/* absent in most kernels */
	return sysfs_read(disk, "queue/iostats_passthrough", text, sizeof(text)) ||
	       !strcmp(text, "0");
}

static int read_sum(int disk, const char *attribute, unsigned int a, unsigned int b,
		    uint64_t *ret)
{
	char text[STAT_TEXT_MAX];

	if (sysfs_read(disk, attribute, text, sizeof(text)))
		return -EINVAL;
	return counters_sum(text, a, b, ret);
}

static int parse_errors(const char *text, uint64_t *ret)
{
	return next_number(&text, 16, ret);
}

static int read_errors(int disk, uint64_t *ret)
{
	char text[ERRORS_TEXT_MAX];

	return sysfs_read(disk, ERRORS, text, sizeof(text)) ? -EINVAL : parse_errors(text, ret);
}

void counters_read(const char *sysfs, const char *device, uint64_t now_ns,
		   struct counters *ret)
{
	struct counters look = { .at_ns = now_ns };
	int disk = identity_open_disk(sysfs, device);

	if (disk >= 0) {
		look.valid = counted(disk) && !read_errors(disk, &look.errors) &&
			     !read_sum(disk, "stat", STAT_READS, STAT_WRITES, &look.completed) &&
			     !read_sum(disk, "inflight", 0, 1, &look.in_flight);
		close(disk);
	}
	*ret = look;
}

int counters_in_flight(const char *sysfs, const char *device, uint64_t *ret)
{
	int disk = identity_open_disk(sysfs, device), r;

	if (disk < 0)
		return -EINVAL;
	r = counted(disk) ? read_sum(disk, "inflight", 0, 1, ret) : -EINVAL;
	close(disk);
	return r;
}

int counters_errors_open(const char *sysfs, const char *device)
{
	int disk = identity_open_disk(sysfs, device), fd;

	if (disk < 0)
		return disk;
	fd = openat(disk, ERRORS, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		fd = -errno;
	close(disk);
	return fd;
}

int counters_errors(int fd, uint64_t *ret)
{
	char text[ERRORS_TEXT_MAX] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n < 0 ? -errno : parse_errors(text, ret);
}

void evidence_set_io(struct evidence *e, const struct counters *before,
		     const struct counters *now)
{
	memset(&e->io, 0, sizeof(e->io));
	e->io.count_known = now->valid;
	e->io.in_flight = now->in_flight;
	if (!now->valid || !before->valid || now->at_ns < before->at_ns)
		return;
	e->io.known = true;
	e->io.moved = now->completed > before->completed;
	e->io.failed = now->errors != before->errors;
	e->io.look_ms = (now->at_ns - before->at_ns) / NS_PER_MS;
}
