/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_DISK_LOAD_H
#define MPATHISCSI_QUICK_DISK_LOAD_H

/*
 * What is in flight on which disk, for all disks at once (/proc/diskstats,
 * Documentation/admin-guide/iostats.rst). What the kernel has requeued for a failed session
 * is not counted as in flight.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk_load {
	dev_t devt;
	uint64_t completed; /* reads and writes since boot */
	uint64_t in_flight; /* requests now */
};

struct disk_loads {
	struct disk_load *disks; /* sorted by number */
	size_t n;
};

/* Parse the text of the file. Lines that are not understood are left out. -ENOMEM. Free with
 * disk_loads_free(). */
int disk_loads_parse(const char *text, struct disk_loads *ret);

/* Read and parse 'path' (NULL: /proc/diskstats). -errno; *ret is written on success only. */
int disk_loads_read(const char *path, struct disk_loads *ret);

/*
 * How long after a reading that took 'cost_us' of the processor's time the next one may be. The kernel
 * begins with the first disk again for each page of the text (block/genhd.c, disk_seqf_start()), so the
 * cost goes by the square of the disks: 0.1 ms for a hundred, 130 ms for 16,384. Where nothing calls for
 * it that is a hundredth of the time and no oftener than each second; a quarter where something is
 * 'wanted' of them.
 */
uint32_t disk_loads_pause_ms(uint32_t cost_us, bool wanted);

/* NULL: not listed. */
const struct disk_load *disk_loads_find(const struct disk_loads *loads, dev_t devt);

void disk_loads_free(struct disk_loads *loads); /* leaves it empty */

#endif
