/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dm_maps.h"

#include <errno.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/parse.h"

/* libdevmapper prints to stderr by default; our callers word their own errors. */
static void quiet(int level, const char *file, int line, int dm_errno, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)format;
}

static struct dm_task *run(int type, const char *name)
{
	struct dm_task *task = dm_task_create(type);

	if (!task)
		return NULL;
	if ((!name || dm_task_set_name(task, name)) && dm_task_no_flush(task) &&
	    dm_task_no_open_count(task) && dm_task_run(task))
		return task;
	dm_task_destroy(task);
	return NULL;
}

/* The parameters of the map's only target if that is "multipath"; owned by the task. */
static const char *multipath_params(struct dm_task *task)
{
	char *type = NULL, *params = NULL;
	uint64_t start, length;

	dm_get_next_target(task, NULL, &start, &length, &type, &params);
	return type && params && !strcmp(type, "multipath") ? params : NULL;
}

static int read_identity(struct dm_task *task, struct dm_map *map)
{
	const char *uuid = dm_task_get_uuid(task);
	const char *name = dm_task_get_name(task);
	struct dm_info info;

	if (!uuid || strncmp(uuid, "mpath-", 6) || !name || !dm_task_get_info(task, &info) ||
	    !info.exists)
		return -ENODEV;
	map->devt = makedev(info.major, info.minor);
	if (copy_text(map->name, sizeof(map->name), name) ||
	    copy_text(map->uuid, sizeof(map->uuid), uuid))
		return -ENODEV;
	return 0;
}

static int read_map(const char *name, struct dm_map *map)
{
	struct dm_task *status = run(DM_DEVICE_STATUS, name);
	struct dm_task *table = run(DM_DEVICE_TABLE, name);
	const char *params;
	int r = -ENODEV;

	memset(map, 0, sizeof(*map));
	if (status && table && read_identity(status, map) == 0) {
		params = multipath_params(status);
		r = params ? dm_map_parse_status(params, map) : -ENODEV;
		params = multipath_params(table);
		if (r == 0)
			r = params ? dm_map_parse_table(params, map) : -ENODEV;
	}
	if (status)
		dm_task_destroy(status);
	if (table)
		dm_task_destroy(table);
	return r;
}

static size_t count_names(const struct dm_names *names)
{
	size_t n = 0;

	if (!names->dev)
		return 0;
	for (;;) {
		n++;
		if (!names->next)
			return n;
		names = (const void *)((const char *)names + names->next);
	}
}

static int read_all(const struct dm_names *names, struct dm_map **ret_maps, size_t *ret_n)
{
	size_t total = count_names(names), n = 0, i;
	struct dm_map *maps = calloc(total ? total : 1, sizeof(*maps));

	if (!maps)
		return -ENOMEM;
	for (i = 0; i < total; i++) {
		if (read_map(names->name, &maps[n]) == 0)
			n++;
		names = (const void *)((const char *)names + names->next);
	}
	*ret_maps = maps;
	*ret_n = n;
	return 0;
}

int dm_maps_read(struct dm_map **ret_maps, size_t *ret_n)
{
	struct dm_task *list;
	struct dm_names *names;
	int r;

	/* Without the control node libdevmapper would try to load the module. */
	if (access("/dev/mapper/control", F_OK) != 0) {
		*ret_maps = NULL;
		*ret_n = 0;
		return 0;
	}
	dm_log_with_errno_init(quiet);
	list = run(DM_DEVICE_LIST, NULL);
	if (!list)
		return -EIO;
	names = dm_task_get_names(list);
	r = names ? read_all(names, ret_maps, ret_n) : -EIO;
	dm_task_destroy(list);
	return r;
}
