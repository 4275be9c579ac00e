/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_COUNTERS_H
#define MPATHISCSI_COUNTERS_H

/*
 * What a disk's I/O counters say between two looks.
 *
 * Relied upon (read in linux 5.10 … 6.15):
 * - /sys/block/X/stat, fields 1 and 5: reads and writes completed by the block layer, with
 *   or without error, those of dm's clones included, SG_IO excluded. So an INQUIRY by some
 *   monitor, which succeeds on a LUN that is not ready, does not look like progress.
 * - device/ioerr_cnt: SCSI commands that ended with anything but GOOD.
 * - /sys/block/X/inflight: requests at the driver. SG_IO is not in it since 5.19 (b81c14ca);
 *   before, our own test counts, which errs on the side of doing nothing. A request that
 *   the kernel has requeued (failed session, blocked device) is *not* in it.
 * - All of it stands still with queue/iostats 0, and counts SG_IO too with
 *   queue/iostats_passthrough 1 (6.13 and later): then nothing is known.
 */

#include <stdbool.h>
#include <stdint.h>

#include "checker/verdict.h"

struct counters {
	bool valid;
	uint64_t at_ns;	    /* CLOCK_MONOTONIC of the look */
	uint64_t completed; /* reads + writes */
	uint64_t errors;
	uint64_t in_flight; /* reads + writes */
};

/* Look at 'device' below 'sysfs'. Whatever is missing or odd gives valid = false. */
void counters_read(const char *sysfs, const char *device, uint64_t now_ns,
		   struct counters *ret);

/* Reads and writes in flight alone. -EINVAL: unreadable, or not to be relied on. */
int counters_in_flight(const char *sysfs, const char *device, uint64_t *ret);

/*
 * The number of failed commands alone, often: a descriptor that is opened once (or negative
 * errno) and read again and again. When the disk is gone reading fails; the descriptor keeps
 * nothing of the disk alive.
 */
int counters_errors_open(const char *sysfs, const char *device);
int counters_errors(int fd, uint64_t *ret);

/* Pure: turn two looks, 'before' possibly never taken, into evidence. */
void evidence_set_io(struct evidence *e, const struct counters *before,
		     const struct counters *now);

/* Pure: read "stat" or "inflight" text, two of its blank-separated numbers added up.
 * -EINVAL when a field is missing or no number. Fields count from 0. */
int counters_sum(const char *text, unsigned int a, unsigned int b, uint64_t *ret);

#endif
