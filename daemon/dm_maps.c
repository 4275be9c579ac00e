/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dm_maps.h"

#include <errno.h>
#include <libdevmapper.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/parse.h"

/* libdevmapper prints to stderr by default; our callers word their own errors. */
static void quiet(int level, const char *file, int line, int dm_errno, const char *format,
		  ...)
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

	if (!uuid || strncmp(uuid, "mpath-", 6) || !name ||
	    !dm_task_get_info(task, &info) || !info.exists)
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

/* A walk over the kernel's list. */
struct names {
	const struct dm_names *at; /* NULL: through */
	bool numbered; /* the number of its last event stands behind each name */
};

static struct names names_of(struct dm_task *list)
{
	struct names names = {.at = dm_task_get_names(list)};
	unsigned long major_nr, minor_nr;
	char version[32] = "", *end;

	if (names.at && !names.at->dev)
		names.at = NULL;
	if (!dm_task_get_driver_version(list, version, sizeof(version)))
		return names;
	major_nr = strtoul(version, &end, 10);
	minor_nr = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	names.numbered = major_nr > 4 || (major_nr == 4 && minor_nr >= 37);
	return names;
}

static void next_name(struct names *names)
{
	names->at = names->at->next
			    ? (const void *)((const char *)names->at + names->at->next)
			    : NULL;
}

/* Behind the name, aligned (linux/dm-ioctl.h, struct dm_name_list). */
static uint32_t event_of(const struct names *names)
{
	size_t end = offsetof(struct dm_names, name) + strlen(names->at->name) + 1;
	uint32_t event_nr = 0;

	if (names->numbered)
		memcpy(&event_nr, (const char *)names->at + ((end + 7) & ~(size_t)7),
		       sizeof(event_nr));
	return event_nr;
}

static struct dm_listed listed_now(const struct names *names)
{
	return (struct dm_listed){
		.devt = (dev_t)names->at->dev,
		.name_hash = fnv1a(FNV1A_START, names->at->name, strlen(names->at->name)),
		.event_nr = event_of(names),
		.map = -1};
}

static size_t count_names(struct names names)
{
	size_t n = 0;

	for (; names.at; next_name(&names))
		n++;
	return n;
}

/* Only what is used: most of the room for paths is never touched. */
static void copy_map(struct dm_map *to, const struct dm_map *from)
{
	memcpy(to, from,
	       offsetof(struct dm_map, paths) + from->n_paths * sizeof(from->paths[0]));
}

static int read_all(struct names names, struct dm_map **ret_maps, size_t *ret_n,
		    struct dm_listing *ret_listing)
{
	size_t total = count_names(names), n = 0;
	struct dm_map *maps = calloc(total + 1, sizeof(*maps)),
		      *room = malloc(sizeof(*room));
	struct dm_listing listing = {.listed =
					     calloc(total + 1, sizeof(*listing.listed))};

	if (!maps || !room || !listing.listed) {
		free(maps);
		free(room);
		free(listing.listed);
		return -ENOMEM;
	}
	for (; names.at; next_name(&names)) {
		struct dm_listed *listed = &listing.listed[listing.n++];

		*listed = listed_now(&names);
		if (read_map(names.at->name, room) < 0)
			continue;
		copy_map(&maps[n], room);
		listed->map = (int64_t)n++;
	}
	free(room);
	*ret_maps = maps;
	*ret_n = n;
	*ret_listing = listing;
	return 0;
}

/* *ret NULL with 0: a host without device-mapper. */
static int list_devices(struct dm_task **ret)
{
	*ret = NULL;
	/* Without the control node libdevmapper would try to load the module. */
	if (access("/dev/mapper/control", F_OK) != 0)
		return 0;
	dm_log_with_errno_init(quiet);
	*ret = run(DM_DEVICE_LIST, NULL);
	return *ret ? 0 : -EIO;
}

int dm_maps_read(struct dm_map **ret_maps, size_t *ret_n, struct dm_listing *ret_listing)
{
	struct dm_task *list;
	int r = list_devices(&list);

	if (r < 0)
		return r;
	if (!list) {
		*ret_maps = NULL;
		*ret_n = 0;
		*ret_listing = (struct dm_listing){.n = 0};
		return 0;
	}
	r = read_all(names_of(list), ret_maps, ret_n, ret_listing);
	dm_task_destroy(list);
	return r;
}

static bool same_devices(struct names names, const struct dm_listing *listing)
{
	size_t n = 0;

	for (; names.at; next_name(&names), n++) {
		const struct dm_listed now = listed_now(&names);

		if (n == listing->n || now.devt != listing->listed[n].devt ||
		    now.name_hash != listing->listed[n].name_hash)
			return false;
	}
	return n == listing->n;
}

static bool same_members(const struct dm_map *a, const struct dm_map *b)
{
	if (a->n_paths != b->n_paths || strcmp(a->uuid, b->uuid) != 0)
		return false;
	for (size_t i = 0; i < a->n_paths; i++)
		if (!dm_map_path(a, b->paths[i].devt))
			return false;
	return true;
}

static bool same_order(const struct dm_map *a, const struct dm_map *b)
{
	for (size_t i = 0; i < a->n_paths; i++)
		if (a->paths[i].devt != b->paths[i].devt)
			return false;
	return true;
}

/* Read one anew. What was none and is one now, and the reverse, is another set of maps.
 */
static unsigned int read_again(const char *name, const struct dm_listed *listed,
			       struct dm_map *maps, struct dm_map *room)
{
	struct dm_map *map = listed->map < 0 ? NULL : &maps[listed->map];
	unsigned int found;

	if ((read_map(name, room) == 0) != (map != NULL))
		return DM_MAPS_OTHERS;
	if (!map)
		return 0;
	found = !same_members(map, room) ? DM_MAPS_MEMBERS
		: same_order(map, room)	 ? 0
					 : DM_MAPS_ORDER;
	copy_map(map, room);
	return found;
}

/* After an event: now, and again the next times. */
#define SETTLING 3

static bool is_wanted(struct dm_listed *listed, const struct names *names, bool turn)
{
	uint32_t event_nr = event_of(names);

	if (event_nr != listed->event_nr)
		listed->settling = SETTLING;
	listed->event_nr = event_nr;
	if (listed->settling) {
		listed->settling--;
		return true;
	}
	return turn || !names->numbered;
}

static unsigned int refresh_all(struct names names, struct dm_map *maps,
				struct dm_map *room, struct dm_listing *listing,
				size_t turns)
{
	unsigned int found = 0;

	if (!same_devices(names, listing))
		return DM_MAPS_OTHERS;
	for (size_t i = 0; names.at; next_name(&names), i++) {
		size_t behind = (i + listing->n - listing->turn) % listing->n;

		if (is_wanted(&listing->listed[i], &names, behind < turns))
			found |= read_again(names.at->name, &listing->listed[i], maps,
					    room);
	}
	if (listing->n)
		listing->turn = (listing->turn + turns) % listing->n;
	return found;
}

int dm_maps_refresh(struct dm_map *maps, struct dm_listing *listing, size_t turns,
		    unsigned int *ret_found)
{
	struct dm_map *room = malloc(sizeof(*room));
	struct names none = {.at = NULL};
	struct dm_task *list;
	int r = room ? list_devices(&list) : -ENOMEM;

	if (r == 0) {
		*ret_found = refresh_all(list ? names_of(list) : none, maps, room,
					 listing, turns);
		if (list)
			dm_task_destroy(list);
	}
	free(room);
	return r;
}

void dm_listing_free(struct dm_listing *listing)
{
	free(listing->listed);
	*listing = (struct dm_listing){.n = 0};
}
