/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_DM_MAPS_H
#define MPATHISCSI_DM_MAPS_H

/* The multipath maps of this host, read through libdevmapper. */

#include <stddef.h>

#include "daemon/dm_status.h"

/*
 * All maps with a "mpath-" uuid and a multipath target, in *ret_maps (free() it). A host
 * without device-mapper has none (0). Ioctls that neither flush nor wait for I/O
 * (DM_NOFLUSH_FLAG). -errno on failure; maps that vanish meanwhile are left out.
 */
int dm_maps_read(struct dm_map **ret_maps, size_t *ret_n);

#endif
