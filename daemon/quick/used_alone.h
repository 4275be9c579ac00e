/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_USED_ALONE_H
#define MPATHISCSI_QUICK_USED_ALONE_H

/*
 * Does somebody use a disk as it is, without a multipath map? The kernel lists no openers. What it
 * lists are holders (LVM, md, another map), mounts, swap, and the disks of each btrfs, whose mounts
 * show no disk's number. Who opens a disk itself, as a database or a virtual machine may do, shows
 * by his I/O only: raw_use.h.
 */

#include <stdbool.h>

#include "common/identity.h"

/* Where to look. NULL: /sys, /proc/1/mountinfo, /proc/swaps. Not /proc/self/mountinfo: a service
 * manager's sandbox takes /home and /tmp, with what is mounted there, out of our sight. */
struct used_alone_roots {
	const char *sysfs, *mountinfo, *swaps;
};

/* What cannot be read counts as used, but for a kernel without swap. Partitions count as their
 * disk. */
bool used_alone(const struct used_alone_roots *roots, const struct iscsi_identity *id);

#endif
