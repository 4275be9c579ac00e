/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ADMIT_H
#define MPATHISCSI_ADMIT_H

#include <stddef.h>
#include <sys/types.h>

struct watch;

/*
 * Let the members of 'group' look: connect to the control socket, read the board. "": root only.
 * A group that /etc/group does not have (no other source is asked: a directory service could keep
 * the daemon waiting) or that cannot be given something is logged, and is nobody's then: never do
 * more people look than are meant to. Does nothing if it is the group that looks already.
 */
void admit_group(struct watch *watch, const char *group);

/* The number of a group of the file 'path' (NULL: /etc/group). -ENOENT: not in it; -errno. */
int admit_find(const char *path, const char *group, gid_t *ret);

#endif
