/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_INVENTORY_H
#define MPATHISCSI_INVENTORY_H

/* What this host has: disks over iSCSI and multipath maps. A snapshot, read from scratch. */

#include <stddef.h>

#include "common/identity.h"
#include "daemon/dm_status.h"

struct inventory {
	struct iscsi_identity *disks; /* iSCSI only, sorted by WWID, path name, device number */
	size_t n_disks;
	struct dm_map *maps;
	size_t n_maps;
};

/* Read everything below 'sysfs' (NULL: "/sys") and all maps. -errno; *ret is written on
 * success only, free it with inventory_free(). Disks that vanish meanwhile are left out. */
int inventory_read(const char *sysfs, struct inventory *ret);

/*
 * Read the states of all disks again (identity_refresh()) and the maps. *ret_changed: a
 * disk has gone or a map has changed its members, read the whole inventory anew. -errno.
 */
int inventory_refresh(const char *sysfs, struct inventory *inventory, bool *ret_changed);

void inventory_free(struct inventory *inventory);

#endif
