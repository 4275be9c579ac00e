/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_SYSFS_TREE_H
#define TESTS_SYSFS_TREE_H

/*
 * sysfs trees made from tables, in a new directory below $TMPDIR: the same directories,
 * relative symbolic links and attribute texts as the kernel's. Include after <cmocka.h>.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char root[128];
};

/* One disk and, when 'session' is not 0, the iSCSI session below it. */
struct tree_disk {
	const char *device;
	unsigned int major, minor;
	unsigned int host, channel, id;
	unsigned long long lun;
	const char *parent; /* above hostH: "platform", "pci0000:00/0000:00:04.0/virtio1" */
	const char *middle; /* between host and target when no session: "rport-5:0-0" */
	const char *transport;
	const char *vendor, *model, *wwid, *state;
	unsigned int session;
	const char *target, *tpgt, *iface, *netdev, *initiator, *source;
	const char *address, *port, *local_port; /* NULL: no socket now */
	const char *persistent_address, *persistent_port;
	const char *session_state, *connection_state, *recovery_tmo;
	const char *header_digest, *data_digest;
};

#define TREE_PATH 1024

static inline void tree_path(const struct tree *tree, const char *path, char *buffer)
{
	int n = snprintf(buffer, TREE_PATH, "%s/%s", tree->root, path);

	assert_true(n > 0 && n < TREE_PATH);
}

/* Make every directory above the last component of an absolute path. */
static inline void tree_parents(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		*slash = '/';
	}
}

static inline void tree_dir(const struct tree *tree, const char *path)
{
	char full[TREE_PATH];

	tree_path(tree, path, full);
	tree_parents(full);
	if (mkdir(full, 0755) < 0)
		assert_int_equal(errno, EEXIST);
}

static inline void tree_bytes(const struct tree *tree, const char *path, const void *bytes,
			      size_t size)
{
	char full[TREE_PATH];
	int fd;

	tree_path(tree, path, full);
	tree_parents(full);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

/* An attribute and its newline. NULL: no such attribute. */
static inline void tree_file(const struct tree *tree, const char *path, const char *text)
{
	char line[1024];
	int n;

	if (!text)
		return;
	n = snprintf(line, sizeof(line), "%s\n", text);
	assert_true(n > 0 && (size_t)n < sizeof(line));
	tree_bytes(tree, path, line, (size_t)n);
}

/* 'path' points at 'to', both relative to the root; the link itself is relative. */
static inline void tree_link(const struct tree *tree, const char *to, const char *path)
{
	char full[TREE_PATH], text[TREE_PATH] = "";
	const char *p;
	size_t length = 0;

	for (p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
		length += (size_t)snprintf(text + length, sizeof(text) - length, "../");
	snprintf(text + length, sizeof(text) - length, "%s", to);
	tree_path(tree, path, full);
	tree_parents(full);
	if (symlink(text, full) < 0)
		assert_int_equal(errno, EEXIST);
}

static inline int tree_remove_one(const char *path, const struct stat *st, int flag,
				  struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Remove a file, link or directory with all below it. */
static inline void tree_remove(const struct tree *tree, const char *path)
{
	char full[TREE_PATH];

	tree_path(tree, path, full);
	assert_int_equal(nftw(full, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void tree_new(struct tree *tree)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(tree->root, sizeof(tree->root), "%s/sysfs.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(tree->root));
}

static inline void tree_free(const struct tree *tree)
{
	assert_int_equal(nftw(tree->root, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Attribute 'name' in directory 'directory'. */
static inline void tree_attribute(const struct tree *tree, const char *directory,
				  const char *name, const char *text)
{
	char path[TREE_PATH / 2 + 64];

	snprintf(path, sizeof(path), "%.511s/%s", directory, name);
	tree_file(tree, path, text);
}

/* A class device: its directory below 'device', "device" in it, and the link in class/. */
static inline void tree_class(const struct tree *tree, const char *device, const char *class,
			      const char *name, char *ret_directory)
{
	char path[TREE_PATH / 2];

	snprintf(ret_directory, TREE_PATH / 2, "%.400s/%s/%s", device, class, name);
	tree_dir(tree, ret_directory);
	snprintf(path, sizeof(path), "%.480s/device", ret_directory);
	tree_link(tree, device, path);
	snprintf(path, sizeof(path), "class/%s/%s", class, name);
	tree_link(tree, ret_directory, path);
}

static inline void tree_add_session(const struct tree *tree, const struct tree_disk *disk,
				    const char *host)
{
	char session[TREE_PATH / 2], connection[TREE_PATH / 2], dir[TREE_PATH / 2], name[64];

	snprintf(session, sizeof(session), "%.300s/session%u", host, disk->session);
	snprintf(name, sizeof(name), "session%u", disk->session);
	tree_class(tree, session, "iscsi_session", name, dir);
	tree_attribute(tree, dir, "targetname", disk->target);
	tree_attribute(tree, dir, "tpgt", disk->tpgt);
	tree_attribute(tree, dir, "ifacename", disk->iface);
	tree_attribute(tree, dir, "initiatorname", disk->initiator);
	tree_attribute(tree, dir, "state", disk->session_state);
	tree_attribute(tree, dir, "recovery_tmo", disk->recovery_tmo);

	snprintf(name, sizeof(name), "connection%u:0", disk->session);
	snprintf(connection, sizeof(connection), "%.400s/%s", session, name);
	tree_class(tree, connection, "iscsi_connection", name, dir);
	tree_attribute(tree, dir, "persistent_address", disk->persistent_address);
	tree_attribute(tree, dir, "persistent_port", disk->persistent_port);
	tree_attribute(tree, dir, "address", disk->address);
	tree_attribute(tree, dir, "port", disk->port);
	tree_attribute(tree, dir, "local_port", disk->local_port);
	tree_attribute(tree, dir, "state", disk->connection_state);
	tree_attribute(tree, dir, "header_digest", disk->header_digest);
	tree_attribute(tree, dir, "data_digest", disk->data_digest);

	snprintf(name, sizeof(name), "host%u", disk->host);
	tree_class(tree, host, "iscsi_host", name, dir);
	tree_attribute(tree, dir, "netdev", disk->netdev);
	tree_attribute(tree, dir, "ipaddress", disk->source);
}

/* Directory of the disk's SCSI device, H:C:I:L, relative to the root. */
static inline void tree_scsi_directory(const struct tree_disk *disk, char *buffer)
{
	char middle[64] = "";

	if (disk->session)
		snprintf(middle, sizeof(middle), "/session%u", disk->session);
	else if (disk->middle)
		snprintf(middle, sizeof(middle), "/%s", disk->middle);
	snprintf(buffer, TREE_PATH / 2, "devices/%s/host%u%s/target%u:%u:%u/%u:%u:%u:%llu",
		 disk->parent, disk->host, middle, disk->host, disk->channel, disk->id, disk->host,
		 disk->channel, disk->id, disk->lun);
}

static inline void tree_add_block(const struct tree *tree, const struct tree_disk *disk,
				  const char *directory)
{
	char path[TREE_PATH / 2], number[32];

	snprintf(number, sizeof(number), "%u:%u", disk->major, disk->minor);
	tree_attribute(tree, directory, "dev", number);
	snprintf(path, sizeof(path), "block/%s", disk->device);
	tree_link(tree, directory, path);
	snprintf(path, sizeof(path), "class/block/%s", disk->device);
	tree_link(tree, directory, path);
	snprintf(path, sizeof(path), "dev/block/%s", number);
	tree_link(tree, directory, path);
}

static inline void tree_add_disk(const struct tree *tree, const struct tree_disk *disk)
{
	char host[TREE_PATH / 2], scsi[TREE_PATH / 2], dir[TREE_PATH / 2], name[64];

	snprintf(host, sizeof(host), "devices/%s/host%u", disk->parent, disk->host);
	snprintf(name, sizeof(name), "host%u", disk->host);
	tree_class(tree, host, "scsi_host", name, dir);
	tree_attribute(tree, dir, "proc_name", disk->transport);
	if (disk->session)
		tree_add_session(tree, disk, host);

	tree_scsi_directory(disk, scsi);
	tree_dir(tree, scsi);
	tree_attribute(tree, scsi, "vendor", disk->vendor);
	tree_attribute(tree, scsi, "model", disk->model);
	tree_attribute(tree, scsi, "wwid", disk->wwid);
	tree_attribute(tree, scsi, "state", disk->state);
	snprintf(dir, sizeof(dir), "%.400s/block/%s", scsi, disk->device);
	tree_dir(tree, dir);
	tree_add_block(tree, disk, dir);
	snprintf(name, sizeof(name), "/device");
	strncat(dir, name, sizeof(dir) - strlen(dir) - 1);
	tree_link(tree, scsi, dir);
}

/* A disk without a SCSI device: virtio-blk, NVMe, loop. 'directory' ends in its name. */
static inline void tree_add_plain(const struct tree *tree, const char *directory,
				  const char *device, unsigned int major, unsigned int minor)
{
	struct tree_disk disk = { .device = device, .major = major, .minor = minor };

	tree_dir(tree, directory);
	tree_add_block(tree, &disk, directory);
}

#endif
