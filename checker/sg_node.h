/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SG_NODE_H
#define MPATHISCSI_SG_NODE_H

/*
 * The generic node (/dev/sgN) of a disk. SG_IO on it can be interrupted by the end of the
 * process (linux drivers/scsi/sg.c, sg_ioctl(): wait_event_interruptible), on the disk itself it
 * cannot: a command that may stay unanswered for long must not keep multipathd from ending.
 */

/* An open descriptor the caller closes. 'sysfs' NULL: /sys. -ENOENT: the disk has none
 * (module sg); -EINVAL: the node is another device; other -errno. Never waits. */
int sg_node_open(const char *sysfs, const char *device);

#endif
