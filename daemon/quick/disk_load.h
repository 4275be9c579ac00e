/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_DISK_LOAD_H
#define MPATHISCSI_QUICK_DISK_LOAD_H

/*
 * What is in flight on which disk, for all disks at once (/proc/diskstats,
 * Documentation/admin-guide/iostats.rst). What the kernel has requeued for a failed session
 * is not counted as in flight.
 */

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

/* How often they are read where nothing calls for it: many disks make a text of a megabyte. */
uint32_t disk_loads_every_ms(size_t n_disks);

/* NULL: not listed. */
const struct disk_load *disk_loads_find(const struct disk_loads *loads, dev_t devt);

void disk_loads_free(struct disk_loads *loads); /* leaves it empty */

#endif
