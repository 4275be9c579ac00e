/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_DISK_LINK_H
#define MPATHISCSI_DISK_LINK_H

/*
 * What the place of a disk in the kernel's device tree tells, as text: the target of
 * /sys/block/sdX or /sys/dev/block/M:m, such as
 *	../devices/platform/host2/session1/target2:0:0/2:0:0:3/block/sdb
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/identity.h"

struct disk_link {
	char device[DEVICE_NAME_MAX]; /* the disk; of a partition the disk it is on */
	bool has_host, has_session, has_address;
	unsigned int host, session;
	unsigned int channel, id; /* of H:C:I:L; host is that of hostH */
	uint64_t lun;
};

/* 0; -EINVAL: no device tree path at all; -ENOBUFS: name too long. */
int disk_link_parse(const char *text, struct disk_link *ret);

/* "H:C:I:L" with nothing before or behind. -EINVAL. */
int scsi_address_parse(const char *text, unsigned int *ret_host, unsigned int *ret_channel,
		       unsigned int *ret_id, uint64_t *ret_lun);

/* 'prefix' and a decimal number: "session12". -EINVAL: something else. */
int numbered_name_parse(const char *text, const char *prefix, unsigned int *ret);

#endif
