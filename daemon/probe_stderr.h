/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_STDERR_H
#define MPATHISCSI_PROBE_STDERR_H

/*
 * What the child writes to its stderr, on its way to our log. It is not trusted: each line is cut,
 * made printable, marked as the probe's and of a level that is not its choice; beyond a ration
 * lines are only counted, and beyond what is read now and then the child's pipe is full.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ration.h"

#define PROBE_STDERR_LINE_MAX 200
/* Read at a time: nobody writes more who has something to say. */
#define PROBE_STDERR_TURN 16384

/* Lines at once, of all children together; after that two a minute. */
#ifdef __SANITIZE_ADDRESS__ /* its report has many, and is wanted whole */
#define PROBE_STDERR_BURST 500
#else
#define PROBE_STDERR_BURST 30
#endif

/* Zeroed: nothing was said yet. Kept from child to child, as the ration is of all of them. */
struct probe_stderr {
	char line[PROBE_STDERR_LINE_MAX + 1];
	size_t n; /* of a line that has not ended yet; what is longer is left out */
	unsigned int untold; /* lines since the last one that was logged */
	struct ration told;
};

/* Log what came to 'fd', which does not block: PROBE_STDERR_TURN bytes, the rest next time. */
void probe_stderr_read(struct probe_stderr *said, int fd, uint64_t now_ns);

/* The child has ended: all it left, a line without an end too. */
void probe_stderr_end(struct probe_stderr *said, int fd, uint64_t now_ns);

#endif
