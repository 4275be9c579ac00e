/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/parse.h"

/* Entries are read in portions of this many bytes: several levels nest on one stack. */
#define PORTION 1024

int sysfs_open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sysfs_open_root(const char *sysfs)
{
	return sysfs_open_dir(AT_FDCWD, sysfs ? sysfs : "/sys");
}

/* The kernel gives what fits of an attribute with one read: fewer bytes are all there are. */
static ssize_t read_once(int fd, char *buffer, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, buffer, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* 'length' bytes of 'buffer' made a string of at most size - 1 bytes, newline removed. */
static int finish(char *buffer, size_t size, size_t length)
{
	if (length > 0 && buffer[length - 1] == '\n')
		length--;
	else if (length == size)
		return -ENOBUFS;
	if (memchr(buffer, '\0', length))
		return -EINVAL;
	buffer[length] = '\0';
	return 0;
}

int sysfs_read(int at, const char *name, char *buffer, size_t size)
{
	char more;
	ssize_t n;
	int fd, r;

	if (size == 0)
		return -ENOBUFS;
	memset(buffer, 0, size);
	fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	n = read_once(fd, buffer, size);
	if (n < 0)
		r = (int)n;
	else if ((size_t)n == size && read_once(fd, &more, 1) > 0)
		r = -ENOBUFS;
	else
		r = finish(buffer, size, (size_t)n);
	close(fd);
	if (r < 0)
		memset(buffer, 0, size);
	return r;
}

int sysfs_text(int at, const char *name, char *buffer, size_t size)
{
	int r = sysfs_read(at, name, buffer, size);
	const char *p;

	if (r < 0)
		return r;
	for (p = buffer; *p; p++) {
		if (*p < 0x20 || *p > 0x7e) {
			memset(buffer, 0, size);
			return -EINVAL;
		}
	}
	if (strcmp(buffer, "(null)") == 0)
		memset(buffer, 0, size);
	return 0;
}

int sysfs_number(int at, const char *name, uint64_t min, uint64_t max, uint64_t *ret)
{
	char text[32];
	int r = sysfs_text(at, name, text, sizeof(text));

	return r < 0 ? r : parse_uint(text, min, max, ret);
}

int sysfs_link(int at, const char *name, char *buffer, size_t size)
{
	ssize_t n = readlinkat(at, name, buffer, size);

	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENOBUFS;
	buffer[n] = '\0';
	return 0;
}

/* One portion of directory entries. 'length' bytes as getdents64() filled them. */
static int each_in_portion(int dir, const char *portion, size_t length,
			   int (*fn)(int dir, const char *entry, void *arg), void *arg)
{
	const size_t name_at = offsetof(struct dirent64, d_name);
	size_t at = 0;
	int r;

	while (at + name_at < length) {
		unsigned short size;
		const char *name = portion + at + name_at;

		memcpy(&size, portion + at + offsetof(struct dirent64, d_reclen), sizeof(size));
		if (size == 0)
			break;
		at += size;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		r = fn(dir, name, arg);
		if (r != 0)
			return r;
	}
	return 0;
}

int sysfs_each(int at, const char *name, int (*fn)(int dir, const char *entry, void *arg),
	       void *arg)
{
	_Alignas(struct dirent64) char portion[PORTION];
	ssize_t n;
	int dir, r = 0;

	dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (dir < 0)
		return -errno;
	while (r == 0 && (n = getdents64(dir, portion, sizeof(portion))) > 0)
		r = each_in_portion(dir, portion, (size_t)n, fn, arg);
	close(dir);
	return r;
}
