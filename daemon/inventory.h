/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_INVENTORY_H
#define MPATHISCSI_INVENTORY_H

/*
 * What this host has: disks over iSCSI and multipath maps. Read once, then kept up to
 * date at a cost that follows what changes, not how much there is: disks come and go by
 * uevents, a session's state is read per session, a map's when it had an event.
 * Everything is read again in turn all the same, so that nothing depends on an event
 * having been heard.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"
#include "daemon/dm_maps.h"
#include "daemon/dm_status.h"

struct inventory {
	struct iscsi_identity
		*disks; /* iSCSI only, sorted by WWID, path name, device number */
	size_t n_disks;
	struct dm_map *maps;
	size_t n_maps;
	struct dm_listing listing;
	uint32_t
		*by_session; /* indices of the disks, sorted by session; NULL: not made */
	uint64_t generation; /* another number: other disks, or in other places */
	size_t turn;	     /* index of the disk whose turn it is to be read */
	unsigned int round;  /* counts the refreshes of INVENTORY_TURN */
};

/* Which disks' attributes must be read anew, because an event told of them. */
#define INVENTORY_NEWS_MAX 64
struct inventory_news {
	bool all;
	size_t n;
	char devices[INVENTORY_NEWS_MAX][DEVICE_NAME_MAX]; /* "sda", or "3:0:0:1" */
};

/* An event about this one. Of more than INVENTORY_NEWS_MAX all become suspicious. */
void inventory_news_add(struct inventory_news *news, const char *device);

/*
 * Read everything below 'sysfs' (NULL: "/sys") and all maps. -errno; *ret is written on
 * success only, free it with inventory_free(). Disks that vanish meanwhile are left out.
 * With 'before' (else NULL) a disk that is where it was and that 'news' does not name is
 * taken from there, but for its session and the states.
 */
int inventory_read(const char *sysfs, const struct inventory *before,
		   const struct inventory_news *news, struct inventory *ret);

/*
 * Mark the maps that hold disks over iSCSI and disks over another transport. A path whose disk
 * has gone, or is not in the inventory yet, makes no map mixed. To be called again when the
 * paths of maps have changed. -ENOMEM: the marks stay.
 */
int inventory_mark_mixed(const char *sysfs, struct inventory *inventory);

/* How much inventory_refresh() reads beside the sessions and what had events. */
enum inventory_effort {
	INVENTORY_EVENTS, /* nothing */
	INVENTORY_TURN,	  /* the next of disks and maps: on small hosts all of them */
	INVENTORY_MAPS,	  /* the next of disks, and all maps */
};

/* What it has found, or'ed. */
#define INVENTORY_GONE                                                                   \
	1U /* disks or maps have come or gone: read the whole inventory anew */
#define INVENTORY_PLAN                                                                   \
	2U /* what plans are made of: paths of maps, names, what ALUA says */

#define INVENTORY_SESSIONS 8U /* a session's own attributes, or one that is not logged in */
#define INVENTORY_ORDER 4U /* a map's paths stand in another order: lun_table_relink()   \
			    */

/* Read states again, in place. -errno; *ret_found as above. */
int inventory_refresh(const char *sysfs, struct inventory *inventory,
		      enum inventory_effort effort, unsigned int *ret_found);

/* The disks of a session as indices into inventory->disks; *ret_n: how many. */
const uint32_t *inventory_session(const struct inventory *inventory, unsigned int sid,
				  size_t *ret_n);

void inventory_free(struct inventory *inventory);

#endif
