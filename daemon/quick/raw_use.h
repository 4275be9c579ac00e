/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_RAW_USE_H
#define MPATHISCSI_QUICK_RAW_USE_H

/*
 * Who opens a disk itself, without a map, a mount or anything else that the kernel lists, is known by
 * his I/O alone: a disk that has done some of late is taken to be used, and so is one that has not
 * been watched for long enough. Pure: counters and times come in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "checker/counters.h"

/* Without I/O for so long: not used. */
#define RAW_USE_IDLE_S 300

struct raw_use {
	dev_t devt;
	uint64_t completed; /* at the last look */
	uint64_t looked_ns;
	uint64_t moved_ns; /* at which I/O was seen last, or the first look was taken */
};

struct raw_uses {
	struct raw_use *uses; /* sorted by number */
	size_t n;
};

/* Is the disk used, by these counters of now and what was seen before? Counters that are not valid
 * tell nothing: yes. So does a lack of memory. */
bool raw_uses_look(struct raw_uses *uses, dev_t devt, const struct counters *counters);

/* Forget disks that nobody has looked at for as long as it takes to become unused. */
void raw_uses_forget(struct raw_uses *uses, uint64_t now_ns);

void raw_uses_free(struct raw_uses *uses); /* leaves it empty */

#endif
