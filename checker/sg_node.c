/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/sg_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/identity.h"
#include "common/sysfs.h"

struct node {
	char name[32]; /* "sg3" */
	char number[24]; /* "21:3" */
};

static int take_node(int dir, const char *entry, void *arg)
{
	struct node *node = arg;
	char path[48];

	if (strncmp(entry, "sg", 2) || strlen(entry) >= sizeof(node->name))
		return 0;
	snprintf(node->name, sizeof(node->name), "%.31s", entry);
	snprintf(path, sizeof(path), "%.31s/dev", entry);
	return sysfs_text(dir, path, node->number, sizeof(node->number)) < 0 ? -ENOENT : 1;
}

static int find_node(const char *sysfs, const char *device, struct node *ret)
{
	int root = sysfs_open_root(sysfs), r;
	char path[DEVICE_NAME_MAX + 48];

	if (root < 0)
		return root;
	snprintf(path, sizeof(path), "block/%s/device/scsi_generic", device);
	r = sysfs_each(root, path, take_node, ret);
	close(root);
	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int sg_node_open(const char *sysfs, const char *device)
{
	struct node node = { .name = "" };
	char path[48], number[24];
	struct stat st;
	int fd, r = find_node(sysfs, device, &node);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/dev/%s", node.name);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		st.st_rdev = 0;
	snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (S_ISCHR(st.st_mode) && !strcmp(number, node.number))
		return fd;
	close(fd);
	return -EINVAL;
}
