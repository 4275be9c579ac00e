/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checker/counters.h"
#include "common/clock.h"

#define STAT_READS    0
#define STAT_WRITES   4
#define STAT_TEXT_MAX 512

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
static bool counted(const char *sysfs, const char *device)
{
	char text[16];

	if (identity_attribute(sysfs, device, "queue/iostats", text, sizeof(text)) ||
	    strcmp(text, "1"))
		return false;
	/* absent in most kernels */
	return identity_attribute(sysfs, device, "queue/iostats_passthrough", text,
				  sizeof(text)) || !strcmp(text, "0");
}

static int read_sum(const char *sysfs, const char *device, const char *attribute,
		    unsigned int a, unsigned int b, uint64_t *ret)
{
	char text[STAT_TEXT_MAX];

	if (identity_attribute(sysfs, device, attribute, text, sizeof(text)))
		return -EINVAL;
	return counters_sum(text, a, b, ret);
}

static int read_errors(const char *sysfs, const char *device, uint64_t *ret)
{
	char text[32];
	const char *p = text;

	if (identity_attribute(sysfs, device, "device/ioerr_cnt", text, sizeof(text)))
		return -EINVAL;
	return next_number(&p, 16, ret);
}

void counters_read(const char *sysfs, const char *device, uint64_t now_ns,
		   struct counters *ret)
{
	struct counters look = { .at_ns = now_ns };

	look.valid = counted(sysfs, device) &&
		     !read_errors(sysfs, device, &look.errors) &&
		     !read_sum(sysfs, device, "stat", STAT_READS, STAT_WRITES,
			       &look.completed) &&
		     !read_sum(sysfs, device, "inflight", 0, 1, &look.in_flight);
	*ret = look;
}

int counters_in_flight(const char *sysfs, const char *device, uint64_t *ret)
{
	if (!counted(sysfs, device))
		return -EINVAL;
	return read_sum(sysfs, device, "inflight", 0, 1, ret);
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
