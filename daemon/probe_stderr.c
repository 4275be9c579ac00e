/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_stderr.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/log.h"

#define COUNT_MAX 48
#define PIPE_SIZE 65536 /* the kernel's default; the child may not change it */

static const struct ration_limit lines = {.each_ns = 30 * NS_PER_S, .burst = PROBE_STDERR_BURST};

static void end_line(struct probe_stderr *said, uint64_t now_ns)
{
	char untold[COUNT_MAX] = "";

	said->line[said->n] = 0;
	if (!said->n)
		return;
	said->n = 0;
	if (!ration_take(&said->told, &lines, 1, now_ns)) {
		said->untold++;
		return;
	}
	if (said->untold)
		snprintf(untold, sizeof(untold), " (%u lines before it not logged)", said->untold);
	said->untold = 0;
	log_line(LOG_WARNING, "probe: %s%s", said->line, untold);
}

static void take(struct probe_stderr *said, char byte, uint64_t now_ns)
{
	if (byte == '\n')
		end_line(said, now_ns);
	else if (said->n < PROBE_STDERR_LINE_MAX)
		said->line[said->n++] = byte < 0x20 || byte > 0x7e ? '?' : byte;
}

/* Is there perhaps more? */
static bool read_some(struct probe_stderr *said, int fd, uint64_t now_ns)
{
	char bytes[PROBE_STDERR_TURN];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++)
		take(said, bytes[i], now_ns);
	return n > 0;
}

/* Nothing more may come that would tell how much was left out. */
static void tell_count(struct probe_stderr *said, uint64_t now_ns)
{
	if (!said->untold || !ration_take(&said->told, &lines, 1, now_ns))
		return;
	log_line(LOG_WARNING, "probe: %u lines not logged", said->untold);
	said->untold = 0;
}

void probe_stderr_read(struct probe_stderr *said, int fd, uint64_t now_ns)
{
	read_some(said, fd, now_ns);
	tell_count(said, now_ns);
}

void probe_stderr_end(struct probe_stderr *said, int fd, uint64_t now_ns)
{
	/* Bounded, should somebody else write there. */
	for (size_t n = 0; n < PIPE_SIZE && read_some(said, fd, now_ns); n += PROBE_STDERR_TURN)
		;
	end_line(said, now_ns);
}
