/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/used_alone.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sysfs.h"

#define LINE_SIZE 1024

/* The number of the device as text, "8:16". False: cannot be read. */
static bool read_number(int dir, char *buffer, size_t size)
{
	return sysfs_text(dir, "dev", buffer, size) == 0 && strchr(buffer, ':');
}

/* Is it the third word of a line (Documentation/filesystems/proc.rst, 3.5)? */
static bool is_mounted(FILE *mounts, const char *number)
{
	char line[LINE_SIZE], word[32];

	rewind(mounts);
	while (fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %*s %31s", word) == 1 && !strcmp(word, number))
			return true;
	return false;
}

static int any_entry(int dir, const char *entry, void *arg)
{
	(void)dir;
	(void)entry;
	(void)arg;
	return 1;
}

struct look {
	FILE *mounts;
	const char *disk;
};

/* One directory of a disk or partition: its holders, its number. 1: used. */
static int look_at(const struct look *look, int dir)
{
	char number[32];
	int r = sysfs_each(dir, "holders", any_entry, NULL);

	if (r)
		return r == -ENOENT ? 0 : 1;
	return !read_number(dir, number, sizeof(number)) || is_mounted(look->mounts, number);
}

/* Partitions are directories named as their disk and more. */
static int look_at_partition(int parent, const char *entry, void *arg)
{
	const struct look *look = arg;
	int dir, used;

	if (strncmp(entry, look->disk, strlen(look->disk)) != 0)
		return 0;
	dir = sysfs_open_dir(parent, entry);
	if (dir < 0)
		return 0;
	used = look_at(look, dir);
	close(dir);
	return used;
}

bool used_alone(const char *sysfs, const char *mountinfo, const struct iscsi_identity *id)
{
	struct look look = {.mounts = fopen(mountinfo ? mountinfo : "/proc/self/mountinfo", "re"),
			    .disk = id->device};
	int root = sysfs_open_root(sysfs), dir = -1, used = 1;
	char name[sizeof("block/") + DEVICE_NAME_MAX];

	snprintf(name, sizeof(name), "block/%s", id->device);
	if (root >= 0)
		dir = sysfs_open_dir(root, name);
	if (look.mounts && dir >= 0) {
		used = look_at(&look, dir);
		if (!used)
			used = sysfs_each(root, name, look_at_partition, &look);
	}
	if (dir >= 0)
		close(dir);
	if (root >= 0)
		close(root);
	if (look.mounts)
		fclose(look.mounts);
	return used != 0;
}
