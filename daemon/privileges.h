/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PRIVILEGES_H
#define MPATHISCSI_PRIVILEGES_H

#include <stddef.h>

/* What a program of ours keeps of root's rights; everything else is given up for good. */
struct privileges {
	const unsigned int *capabilities; /* CAP_…; why each: below */
	size_t n;
};

/*
 * mpathiscsid:
 * SYS_ADMIN	device-mapper's ioctls; CHAP credentials in sysfs (scsi_transport_iscsi.c)
 * SYS_PTRACE	pidfd_getfd() of iscsid's sockets, the links in its /proc/PID/fd
 * NET_ADMIN	SOCK_DESTROY, the kernel's iSCSI events, routes to portals
 * SETUID, SETGID the probe becomes its own user; the group that may look is joined
 * KILL		the probe, which is another user's then, when it hangs
 * No DAC_OVERRIDE: what it opens belongs to root. No SYS_RAWIO: TEST UNIT READY and READ are
 * allowed to whoever may open the disk (scsi_ioctl.c).
 */
extern const struct privileges privileges_daemon;

/* mpathiscsi-disarm: SYS_PTRACE and NET_ADMIN, as above. */
extern const struct privileges privileges_disarm;

/*
 * Keep these, of what there is: effective, permitted and bounding set; nothing inheritable or
 * ambient. No core dump, no ptrace by other than root, no new privileges by exec. Threads and
 * processes started later have no more. Without root nothing is there to be given up, the rest is
 * done all the same. -errno: could not be done; the program must end.
 */
int privileges_keep(const struct privileges *privileges);

#endif
