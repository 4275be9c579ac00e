/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CREDENTIALS_H
#define MPATHISCSI_CREDENTIALS_H

#include "daemon/probe.h"

/*
 * The CHAP credentials of a kernel session, from sysfs (needs CAP_SYS_ADMIN:
 * scsi_transport_iscsi.c). None set: empty strings and 0. -EACCES: not permitted to look;
 * -ENODEV: no such session. Wipe *ret with explicit_bzero() after use.
 */
int credentials_read(const char *sysfs, unsigned int sid, struct probe_chap *ret);

#endif
