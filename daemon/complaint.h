/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_COMPLAINT_H
#define MPATHISCSI_COMPLAINT_H

/*
 * When the log is told of what is tried again and again: that it fails, that it fails for another
 * reason, now and then (10 s apart, then ever longer, up to a minute) how often it has failed, and
 * that it works again. Pure: who calls logs.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ration.h"

/* Zeroed: nothing has failed yet. */
struct complaint {
	int error;		/* that was told; 0: none, or none that is not over */
	unsigned int failures;	/* since the last line */
	uint64_t next_ns;	/* of the next line about the same */
	uint64_t distance_ns;	/* of that from the last one */
	struct ration beginnings; /* what fails and works in turn does not fill the log either */
};

enum complaint_line {
	COMPLAINT_NONE,	 /* not now */
	COMPLAINT_FAILS, /* for the first time, or for another reason */
	COMPLAINT_STILL, /* the same; so often since the last line, this time included */
};

/* It has failed, 'error' (not 0) says how. Time: CLOCK_MONOTONIC. */
enum complaint_line complaint_fails(struct complaint *complaint, int error, uint64_t now_ns,
				    unsigned int *ret_failures);

/* It has worked. True: say so, for that it failed was said. */
bool complaint_works(struct complaint *complaint);

#endif
