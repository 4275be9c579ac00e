/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_DM_STATUS_H
#define MPATHISCSI_DM_STATUS_H

/*
 * What device-mapper says of a multipath map, parsed from the text of its status and table
 * (drivers/md/dm-mpath.c, multipath_status()). Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DM_NAME_TEXT_MAX 128 /* DM_NAME_LEN */
#define DM_UUID_TEXT_MAX 129 /* DM_UUID_LEN */
#define DM_MAP_PATHS_MAX 256
#define DM_MAP_GROUPS_MAX 256

struct dm_path {
	dev_t devt;
	bool active;		 /* 'A': usable for the kernel; 'F': failed */
	unsigned int fail_count;
	unsigned int group;	 /* index from 0, in table order */
};

struct dm_map {
	char name[DM_NAME_TEXT_MAX];
	char uuid[DM_UUID_TEXT_MAX]; /* "mpath-" and the WWID */
	dev_t devt;
	bool queues;		     /* live table: queue_if_no_path is on */
	bool mixed;		     /* has paths of another transport (inventory_mark_mixed()) */
	char selector[32];	     /* of the first group: "round-robin" */
	size_t n_groups;
	char group_state[DM_MAP_GROUPS_MAX]; /* 'A' in use, 'E' enabled, 'D' disabled */
	size_t n_paths;
	struct dm_path paths[DM_MAP_PATHS_MAX];
};

/*
 * Fill groups and paths from the parameters of a status line. -EINVAL: not understood;
 * -E2BIG: more groups or paths than the limits. *map is untouched on failure.
 */
int dm_map_parse_status(const char *params, struct dm_map *map);

/* Fill 'queues' and 'selector' from the parameters of a table line. Errors as above. */
int dm_map_parse_table(const char *params, struct dm_map *map);

/* The WWID within the uuid: the text behind "mpath-", or "" when it is no multipath map. */
const char *dm_map_wwid(const struct dm_map *map);

/* The path with this number, or NULL. */
const struct dm_path *dm_map_path(const struct dm_map *map, dev_t devt);

#endif
