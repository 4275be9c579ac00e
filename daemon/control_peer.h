/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CONTROL_PEER_H
#define MPATHISCSI_CONTROL_PEER_H

#include <sys/types.h>

enum control_right {
	CONTROL_NOTHING,
	CONTROL_LOOK,
	CONTROL_CHANGE, /* root */
};

/*
 * What the process may do that has connected to us, by what the kernel noted of it then
 * (SO_PEERCRED, SO_PEERGROUPS). Look: members of 'group' ((gid_t)-1: there is none), and who we
 * are ourselves. What cannot be found out gives no right.
 */
enum control_right control_peer_right(int fd, gid_t group);

#endif
