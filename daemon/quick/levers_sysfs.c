/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/levers_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/disk_link.h"
#include "common/parse.h"
#include "common/sysfs.h"

#define PATH_SIZE 160
#define LINK_SIZE 512

int lever_disk_address(int root, const char *device, unsigned int sid, char *buffer, size_t size)
{
	char path[PATH_SIZE], text[LINK_SIZE];
	struct disk_link link;

	if (snprintf(path, sizeof(path), "block/%s", device) >= (int)sizeof(path) ||
	    sysfs_link(root, path, text, sizeof(text)) < 0 || disk_link_parse(text, &link) < 0)
		return -ENODEV;
	if (!link.has_session || link.session != sid || !link.has_address || !link.has_host)
		return -ENODEV;
	if (snprintf(buffer, size, "%u:%u:%u:%llu", link.host, link.channel, link.id,
		     (unsigned long long)link.lun) >= (int)size)
		return -ENOBUFS;
	return 0;
}

/* -1, or a number that is not negative. */
static int read_value(int root, const char *path, int *ret)
{
	char text[32];
	uint64_t value;
	int r = sysfs_text(root, path, text, sizeof(text));

	if (r < 0)
		return r;
	if (strcmp(text, "-1") == 0 || strcmp(text, "off") == 0) {
		*ret = -1;
		return 0;
	}
	r = parse_uint(text, 0, INT_MAX, &value);
	if (r == 0)
		*ret = (int)value;
	return r;
}

/* In one write: sysfs takes each as a whole value. */
static int write_text(int root, const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_TRUNC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void retries_path(const char *address, char *buffer)
{
	snprintf(buffer, PATH_SIZE, "class/scsi_disk/%s/max_retries", address);
}

int lever_retries_read(int root, const char *address, int *ret)
{
	char path[PATH_SIZE];

	retries_path(address, path);
	return read_value(root, path, ret);
}

int lever_retries_write(int root, const char *address, int value)
{
	char path[PATH_SIZE], text[16];

	retries_path(address, path);
	snprintf(text, sizeof(text), "%d", value);
	return write_text(root, path, text);
}

static void recovery_path(unsigned int sid, char *buffer)
{
	snprintf(buffer, PATH_SIZE, "class/iscsi_session/session%u/recovery_tmo", sid);
}

int lever_recovery_read(int root, unsigned int sid, int *ret)
{
	char path[PATH_SIZE];

	recovery_path(sid, path);
	return read_value(root, path, ret);
}

int lever_recovery_write(int root, unsigned int sid, int value)
{
	char path[PATH_SIZE], text[16];

	recovery_path(sid, path);
	snprintf(text, sizeof(text), "%d", value);
	return write_text(root, path, value < 0 ? "off" : text);
}

bool lever_session_exists(int root, unsigned int sid)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "class/iscsi_session/session%u", sid);
	return faccessat(root, path, F_OK, 0) == 0;
}

bool lever_socket_replaced(int root, unsigned int sid, const struct connection_name *name)
{
	char path[PATH_SIZE], text[PORTAL_TEXT_MAX];
	uint64_t port;
	int r;

	snprintf(path, sizeof(path), "class/iscsi_connection/connection%u:0/local_port", sid);
	r = sysfs_text(root, path, text, sizeof(text));
	if (r == -ENOTCONN)
		return true;
	return r == 0 && parse_uint(text, 0, UINT16_MAX, &port) == 0 && port != name->local_port;
}
