/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LEVERS_SYSFS_H
#define MPATHISCSI_QUICK_LEVERS_SYSFS_H

/* The levers that are files of sysfs, and what sysfs tells of a session's socket. 'root': a
 * descriptor of sysfs (sysfs_open_root()). Nothing here waits. */

#include <stddef.h>

#include "daemon/quick/connection.h"

/* H:C:T:L of a disk ("sdb") that is below session 'sid'. -ENODEV: no such disk, or it is not. */
int lever_disk_address(int root, const char *device, unsigned int sid, char *buffer,
		       size_t size);

/* scsi_disk/H:C:T:L/max_retries; -1 without limit. -ENOENT, -ENODEV: no such disk (any more);
 * other -errno. */
int lever_retries_read(int root, const char *address, int *ret);
int lever_retries_write(int root, const char *address, int value);

/* iscsi_session/sessionN/recovery_tmo in s; -1 off. -ENOENT: no such session; -EBUSY (write):
 * it is down. */
int lever_recovery_read(int root, unsigned int sid, int *ret);
int lever_recovery_write(int root, unsigned int sid, int value);

bool lever_session_exists(int root, unsigned int sid);

/* Does the session use another socket than this by now, or none? False where it does not
 * tell. */
bool lever_socket_replaced(int root, unsigned int sid, const struct connection_name *name);

#endif
