/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control_peer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The supplementary groups. */
static bool is_in(int fd, gid_t group)
{
	socklen_t size = 0;
	gid_t *groups;
	bool found = false;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno != ERANGE)
		return false;
	groups = malloc(size + 1);
	if (!groups)
		return false;
	if (size && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found |= groups[i] == group;
	free(groups);
	return found;
}

enum control_right control_peer_right(int fd, gid_t group)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return CONTROL_NOTHING;
	if (peer.uid == 0)
		return CONTROL_CHANGE;
	if (peer.uid == geteuid())
		return CONTROL_LOOK;
	if (group == (gid_t)-1)
		return CONTROL_NOTHING;
	return peer.gid == group || is_in(fd, group) ? CONTROL_LOOK : CONTROL_NOTHING;
}
