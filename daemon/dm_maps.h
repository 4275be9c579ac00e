/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_DM_MAPS_H
#define MPATHISCSI_DM_MAPS_H

/* The multipath maps of this host, read through libdevmapper. */

#include <stddef.h>

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dm_status.h"

/* One device of device-mapper, of whatever kind, as it was listed last. */
struct dm_listed {
	dev_t devt;
	uint64_t name_hash;
	uint32_t event_nr; /* the kernel counts a map's events: paths that fail or return,
			      tables */
	uint8_t settling;  /* read so many times more: what follows an event has none of
			      its own */
	int64_t map;	   /* index into the maps; -1: it is no multipath map */
};

/* In the order of the kernel's list. Zeroed: nothing was listed yet. */
struct dm_listing {
	struct dm_listed *listed;
	size_t n;
	size_t turn; /* whose turn it is to be read though nothing tells of a change */
};

/*
 * All maps with a "mpath-" uuid and a multipath target, in *ret_maps (free() it). A host
 * without device-mapper has none (0). Ioctls that neither flush nor wait for I/O
 * (DM_NOFLUSH_FLAG). -errno on failure; maps that vanish meanwhile are left out.
 */
int dm_maps_read(struct dm_map **ret_maps, size_t *ret_n, struct dm_listing *ret_listing);

/* What dm_maps_refresh() has found, or'ed. */
#define DM_MAPS_OTHERS                                                                   \
	1U /* maps have come or gone: nothing was read, dm_maps_read() anew */
#define DM_MAPS_MEMBERS 2U /* a map has other paths than before */
#define DM_MAPS_ORDER	4U /* … or the same in another order */

/*
 * Bring 'maps' up to date in place: reads those that had an event since, and of the
 * others the next 'turns' (what has no event: whether a map queues). A kernel that does
 * not number its events (before device-mapper 4.37) has all read. Costs one ioctl, and
 * two per map read. -errno; *ret_found as above.
 */
int dm_maps_refresh(struct dm_map *maps, struct dm_listing *listing, size_t turns,
		    unsigned int *ret_found);

void dm_listing_free(struct dm_listing *listing); /* leaves it empty */

#endif
