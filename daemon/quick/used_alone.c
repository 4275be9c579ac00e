/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/used_alone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sysfs.h"

#define LINE_SIZE 4096
#define WORD_SIZE 256
#define WORD	  "%255s"

/* A disk is looked for with its partitions, each by number and name. */
struct look {
	int root; /* of sysfs */
	FILE *mounts, *swaps;
	const char *disk;
	const char *name;
};

/* The number of the device as text, "8:16". False: cannot be read. */
static bool read_number(int dir, char *buffer, size_t size)
{
	return sysfs_text(dir, "dev", buffer, size) == 0 && strchr(buffer, ':');
}

static bool is_node_of(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return slash && strcmp(slash + 1, name) == 0;
}

/* By the third word of a line, or the second one behind the dash: there some file systems tell their
 * disk, who have no number of it (Documentation/filesystems/proc.rst, 3.5). */
static bool is_mounted(const struct look *look, const char *number)
{
	char line[LINE_SIZE], word[WORD_SIZE];
	const char *dash;

	rewind(look->mounts);
	while (fgets(line, sizeof(line), look->mounts)) {
		if (sscanf(line, "%*s %*s " WORD, word) == 1 && !strcmp(word, number))
			return true;
		dash = strstr(line, " - ");
		if (dash && sscanf(dash, " - %*s " WORD, word) == 1 &&
		    is_node_of(word, look->name))
			return true;
	}
	return false;
}

static bool is_swap(const struct look *look)
{
	char line[LINE_SIZE], word[WORD_SIZE];

	if (!look->swaps)
		return false;
	rewind(look->swaps);
	while (fgets(line, sizeof(line), look->swaps))
		if (sscanf(line, WORD, word) == 1 && is_node_of(word, look->name))
			return true;
	return false;
}

/* A mounted btrfs lists its disks, of which mountinfo names one at most. */
static int look_at_btrfs(int parent, const char *entry, void *arg)
{
	const struct look *look = arg;
	char path[WORD_SIZE];

	return snprintf(path, sizeof(path), "%s/devices/%s", entry, look->name) <
		       (int)sizeof(path) &&
	       faccessat(parent, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_of_btrfs(struct look *look)
{
	return sysfs_each(look->root, "fs/btrfs", look_at_btrfs, look) == 1;
}

static int any_entry(int dir, const char *entry, void *arg)
{
	(void)dir;
	(void)entry;
	(void)arg;
	return 1;
}

/* One directory of a disk or partition: its holders, its number. 1: used. */
static int look_at(struct look *look, int dir)
{
	char number[32];
	int r = sysfs_each(dir, "holders", any_entry, NULL);

	if (r)
		return r == -ENOENT ? 0 : 1;
	return !read_number(dir, number, sizeof(number)) || is_mounted(look, number) ||
	       is_swap(look) || is_of_btrfs(look);
}

/* Partitions are directories named as their disk and more. */
static int look_at_partition(int parent, const char *entry, void *arg)
{
	struct look *look = arg;
	int dir, used;

	if (strncmp(entry, look->disk, strlen(look->disk)) != 0)
		return 0;
	dir = sysfs_open_dir(parent, entry);
	if (dir < 0)
		return 0;
	look->name = entry;
	used = look_at(look, dir);
	close(dir);
	return used;
}

static int look_at_disk(struct look *look)
{
	char name[sizeof("block/") + DEVICE_NAME_MAX];
	int dir, used;

	snprintf(name, sizeof(name), "block/%s", look->disk);
	dir = sysfs_open_dir(look->root, name);
	if (dir < 0)
		return 1;
	look->name = look->disk;
	used = look_at(look, dir);
	close(dir);
	return used ? used : sysfs_each(look->root, name, look_at_partition, look);
}

static const char *or_else(const char *path, const char *usual)
{
	return path ? path : usual;
}

bool used_alone(const struct used_alone_roots *roots, const struct iscsi_identity *id)
{
	struct look look = {.root = sysfs_open_root(roots->sysfs),
			    .mounts = fopen(or_else(roots->mountinfo, "/proc/1/mountinfo"), "re"),
			    .swaps = fopen(or_else(roots->swaps, "/proc/swaps"), "re"),
			    .disk = id->device};
	bool used = look.root < 0 || !look.mounts || look_at_disk(&look) != 0;

	if (look.root >= 0)
		close(look.root);
	if (look.mounts)
		fclose(look.mounts);
	if (look.swaps)
		fclose(look.swaps);
	return used;
}
