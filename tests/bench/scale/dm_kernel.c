/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of device-mapper for libdevmapper, preloaded: what goes to the
 * control node is answered from the memory that the bench shares (maps.c), everything
 * else goes on to the C library. No ioctl of device-mapper ever reaches the kernel from
 * here. And /proc/diskstats, a plain file in the bench, costs the CPU time that the kernel's
 * would (diskstats.c).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/scale/scale.h"

#define CONTROL	  "/dev/mapper/control"
#define DISKSTATS "/proc/diskstats"
#define EXPORT	  __attribute__((visibility("default")))

int ioctl(int fd, unsigned long request, ...);
int open64(const char *path, int flags, ...);
FILE *fopen(const char *path, const char *mode);

static struct scale_shared *shared;

/* The kernel numbers them so (huge_encode_dev()). */
static uint64_t encode(uint32_t major, uint32_t minor)
{
	return (minor & 0xffU) | (major << 8) | ((minor & ~0xffU) << 12);
}

static void describe(struct dm_ioctl *dmi, const struct scale_map *map)
{
	memset(dmi->name, 0, sizeof(dmi->name));
	memset(dmi->uuid, 0, sizeof(dmi->uuid));
	snprintf(dmi->name, sizeof(dmi->name), "%s", map->name);
	snprintf(dmi->uuid, sizeof(dmi->uuid), "mpath-%s", map->wwid);
	dmi->dev = encode(SCALE_DM_MAJOR, map->minor);
	dmi->event_nr = map->event_nr;
	dmi->target_count = 1;
	dmi->flags |= DM_ACTIVE_PRESENT_FLAG;
}

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Name, then number of the last event and flags, aligned (since device-mapper 4.37). */
static void list(struct dm_ioctl *dmi)
{
	char *base = (char *)dmi;
	size_t at = dmi->data_start, last = 0;

	for (uint32_t i = 0; i < shared->n_maps; i++) {
		const struct scale_map *map = &shared->maps[i];
		struct dm_name_list *entry = (struct dm_name_list *)(void *)(base + at);
		size_t name = offsetof(struct dm_name_list, name) + strlen(map->name) + 1;
		size_t size = align8(name) + 2 * sizeof(uint32_t);

		if (at + size > dmi->data_size) {
			dmi->flags |= DM_BUFFER_FULL_FLAG;
			return;
		}
		memset(entry, 0, size);
		entry->dev = encode(SCALE_DM_MAJOR, map->minor);
		strcpy(entry->name, map->name);
		memcpy(base + at + align8(name), &map->event_nr, sizeof(map->event_nr));
		entry->next = (uint32_t)size;
		last = at;
		at += size;
	}
	if (last)
		((struct dm_name_list *)(void *)(base + last))->next = 0;
	else
		memset(base + at, 0, sizeof(struct dm_name_list));
	dmi->data_size = (uint32_t)at;
}

static void target(struct dm_ioctl *dmi, const struct scale_map *map)
{
	struct dm_target_spec *spec =
		(struct dm_target_spec *)(void *)((char *)dmi + dmi->data_start);
	char text[2048];
	size_t n = dmi->flags & DM_STATUS_TABLE_FLAG
			   ? scale_map_table(map, text, sizeof(text))
			   : scale_map_status(map, text, sizeof(text));

	if (dmi->data_start + sizeof(*spec) + n + 9 > dmi->data_size) {
		dmi->flags |= DM_BUFFER_FULL_FLAG;
		return;
	}
	*spec = (struct dm_target_spec){.length = 2097152,
					.next = (uint32_t)align8(sizeof(*spec) + n + 1)};
	strcpy(spec->target_type, "multipath");
	memcpy(spec + 1, text, n + 1);
	dmi->data_size = dmi->data_start + spec->next;
}

static int message(struct dm_ioctl *dmi, struct scale_map *map)
{
	const struct dm_target_msg *msg =
		(const struct dm_target_msg *)(const void *)((const char *)dmi +
							     dmi->data_start);

	return scale_map_message(shared, map, msg->message) ? 0 : EINVAL;
}

static int answer(unsigned int command, struct dm_ioctl *dmi)
{
	struct scale_map *map;

	dmi->version[0] = 4;
	dmi->version[1] = 48;
	dmi->version[2] = 0;
	dmi->flags &= ~(uint32_t)DM_BUFFER_FULL_FLAG;
	dmi->data_start = (uint32_t)align8(sizeof(*dmi));
	if (command == DM_VERSION_CMD || command == DM_DEV_ARM_POLL_CMD)
		return 0;
	if (command == DM_LIST_DEVICES_CMD) {
		list(dmi);
		return 0;
	}
	map = scale_map_find(shared, dmi->name);
	if (!map)
		return ENXIO;
	describe(dmi, map);
	if (command == DM_TABLE_STATUS_CMD)
		target(dmi, map);
	else if (command == DM_TARGET_MSG_CMD)
		return message(dmi, map);
	else if (command != DM_DEV_STATUS_CMD)
		return EOPNOTSUPP;
	return 0;
}

static bool is_shared(void)
{
	if (!shared)
		shared = scale_shared_open(false);
	return shared != NULL;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int, unsigned long, ...);
	va_list args;
	void *arg;
	int r;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (_IOC_TYPE(request) != DM_IOCTL) {
		if (!next)
			*(void **)(&next) = dlsym(RTLD_NEXT, "ioctl");
		return next(fd, request, arg);
	}
	if (!is_shared()) {
		errno = ENXIO;
		return -1;
	}
	pthread_mutex_lock(&shared->lock);
	shared->n_ioctls++;
	r = answer((unsigned int)_IOC_NR(request), arg);
	pthread_mutex_unlock(&shared->lock);
	errno = r;
	return r ? -1 : 0;
}

EXPORT int open64(const char *path, int flags, ...)
{
	static int (*next)(const char *, int, ...);
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	if (!next)
		*(void **)(&next) = dlsym(RTLD_NEXT, "open64");
	return next(strcmp(path, CONTROL) ? path : "/dev/null", flags, mode);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Spent, not only counted: so it is in every figure, and in the time that nobody is answered. */
static void spend(uint64_t ns)
{
	uint64_t begin_ns = thread_cpu_ns();

	while (thread_cpu_ns() - begin_ns < ns)
		;
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	static FILE *(*next)(const char *, const char *);

	if (!next)
		*(void **)(&next) = dlsym(RTLD_NEXT, "fopen");
	if (!strcmp(path, DISKSTATS) && is_shared()) {
		__atomic_add_fetch(&shared->n_diskstats, 1, __ATOMIC_RELAXED);
		spend(shared->diskstats_ns);
	}
	return next(path, mode);
}
