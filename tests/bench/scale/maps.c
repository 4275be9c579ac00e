/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the stand-in of device-mapper knows, and the texts that the kernel makes of it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/scale/scale.h"

struct scale_shared *scale_shared_open(bool create)
{
	int fd = open(SCALE_SHARED, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0),
		      0600);
	struct scale_shared *shared = MAP_FAILED;
	pthread_mutexattr_t attr;

	if (fd >= 0 && (!create || ftruncate(fd, sizeof(*shared)) == 0))
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
	if (fd >= 0)
		close(fd);
	if (shared == MAP_FAILED)
		return NULL;
	if (create) {
		pthread_mutexattr_init(&attr);
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&shared->lock, &attr);
		pthread_mutexattr_destroy(&attr);
	}
	return shared;
}

void scale_map_add(struct scale_shared *shared, unsigned int lun, unsigned int paths)
{
	struct scale_map map = {.minor = lun, .queues = true, .n_groups = 1, .n_paths = paths};

	snprintf(map.name, sizeof(map.name), "mpath%u", lun);
	snprintf(map.wwid, sizeof(map.wwid), "360014050000000000000000000%06u", lun);
	for (unsigned int n = 0; n < paths; n++)
		map.paths[n] = (struct scale_path){.minor = scale_minor(lun, n), .active = true};
	pthread_mutex_lock(&shared->lock);
	if (shared->n_maps < SCALE_LUNS_MAX)
		shared->maps[shared->n_maps++] = map;
	pthread_mutex_unlock(&shared->lock);
}

/* Named by their place. */
struct scale_map *scale_map_find(struct scale_shared *shared, const char *name)
{
	unsigned int lun;

	if (sscanf(name, "mpath%u", &lun) != 1 || lun >= shared->n_maps ||
	    strcmp(shared->maps[lun].name, name) != 0)
		return NULL;
	return &shared->maps[lun];
}

static uint32_t count(const struct scale_map *map, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < map->n_paths; i++)
		n += map->paths[i].group == group;
	return n;
}

#define ADD(...) (n += (size_t)snprintf(buffer + n, size > n ? size - n : 0, __VA_ARGS__))

size_t scale_map_status(const struct scale_map *map, char *buffer, size_t size)
{
	size_t n = 0;

	ADD("2 0 0 0 %u %u", map->n_groups, map->current + 1);
	for (uint32_t group = 0; group < map->n_groups; group++) {
		ADD(" %c 0 %u 0", group == map->current ? 'A' : 'E', count(map, group));
		for (uint32_t i = 0; i < map->n_paths; i++)
			if (map->paths[i].group == group)
				ADD(" %u:%u %c %u", SCALE_MAJOR, map->paths[i].minor,
				    map->paths[i].active ? 'A' : 'F',
				    map->paths[i].fail_count);
	}
	return n;
}

size_t scale_map_table(const struct scale_map *map, char *buffer, size_t size)
{
	size_t n = 0;

	ADD("%s 0 %u 1", map->queues ? "1 queue_if_no_path" : "0", map->n_groups);
	for (uint32_t group = 0; group < map->n_groups; group++) {
		ADD(" round-robin 0 %u 1", count(map, group));
		for (uint32_t i = 0; i < map->n_paths; i++)
			if (map->paths[i].group == group)
				ADD(" %u:%u 1", SCALE_MAJOR, map->paths[i].minor);
	}
	return n;
}

/* The first group with a usable path carries the I/O. */
static void choose_group(struct scale_map *map)
{
	uint32_t best = map->n_groups;

	for (uint32_t i = 0; i < map->n_paths; i++)
		if (map->paths[i].active && map->paths[i].group < best)
			best = map->paths[i].group;
	if (best < map->n_groups)
		map->current = best;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static bool set_path(struct scale_shared *shared, struct scale_map *map, uint32_t minor,
		     bool active)
{
	for (uint32_t i = 0; i < map->n_paths; i++) {
		struct scale_path *path = &map->paths[i];

		if (path->minor != minor)
			continue;
		if (path->active && !active) {
			path->fail_count++;
			shared->n_failed++;
			shared->last_failed_ns = now_ns();
		}
		if (path->active != active)
			map->event_nr++;
		path->active = active;
		choose_group(map);
		return true;
	}
	return false;
}

bool scale_map_message(struct scale_shared *shared, struct scale_map *map,
		       const char *text)
{
	unsigned int major, minor;

	shared->n_messages++;
	if (sscanf(text, "fail_path %u:%u", &major, &minor) == 2)
		return set_path(shared, map, minor, false);
	if (sscanf(text, "reinstate_path %u:%u", &major, &minor) == 2)
		return set_path(shared, map, minor, true);
	if (!strcmp(text, "queue_if_no_path") || !strcmp(text, "fail_if_no_path")) {
		map->queues = *text == 'q';
		return true;
	}
	return false;
}
