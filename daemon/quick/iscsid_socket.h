/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_ISCSID_SOCKET_H
#define MPATHISCSI_QUICK_ISCSID_SOCKET_H

/*
 * A descriptor of our own for the socket of a kernel session. The kernel's initiator does not
 * give it out, but iscsid keeps the descriptor it has logged in with, and pidfd_getfd (2)
 * duplicates it. That is a ptrace access (PTRACE_MODE_ATTACH_REALCREDS): Yama's ptrace_scope
 * 3 and LSMs refuse it even to root.
 */

#include <sys/types.h>

#include "daemon/quick/connection.h"

/* Where it was found last: looked at first. pid 0: not known. */
struct iscsid_holder {
	pid_t pid;
	int fd;
};

/*
 * The socket with this inode and these ends, duplicated out of a process named iscsid; to be
 * closed as soon as may be. Descriptor; -ESRCH: no iscsid holds it; -EPERM: may not be
 * duplicated; -ENOSYS: kernel older than 5.6; other -errno. Never another socket than that.
 */
int iscsid_socket_dup(struct iscsid_holder *holder, uint32_t inode,
		      const struct connection_name *name);

/* TCP_USER_TIMEOUT, 0: the system's own. -errno. */
int user_timeout_get(int fd, uint32_t *ret_ms);
int user_timeout_set(int fd, uint32_t ms);

#endif
