/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_USED_ALONE_H
#define MPATHISCSI_QUICK_USED_ALONE_H

/*
 * Does somebody use a disk as it is, without a multipath map: a file system, LVM, md, another
 * map? The kernel lists no openers; what it lists are holders (sysfs) and mounts.
 */

#include <stdbool.h>

#include "common/identity.h"

/* 'sysfs' NULL: /sys; 'mountinfo' NULL: /proc/self/mountinfo. What cannot be read counts as
 * used. Partitions count as their disk. */
bool used_alone(const char *sysfs, const char *mountinfo, const struct iscsi_identity *id);

#endif
