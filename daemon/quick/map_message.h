/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_MAP_MESSAGE_H
#define MPATHISCSI_QUICK_MAP_MESSAGE_H

/* Messages to a live multipath map (drivers/md/dm-mpath.c, multipath_message()). They wait
 * for no I/O. */

#include <stdbool.h>
#include <sys/types.h>

/* No new I/O on the path. -EBUSY: the map is suspended; -EINVAL: not a path of it; -ENXIO. */
int map_fail_path(const char *map, dev_t path);

/* The path may be used again. Errors as above. */
int map_reinstate_path(const char *map, dev_t path);

/* Queue I/O while there is no usable path, or fail it. What is queued is failed at once by the
 * latter. Errors as above. */
int map_queue(const char *map, bool on);

#endif
