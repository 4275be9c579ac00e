/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/board_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/board_format.h"

#define FILE_SIZE_MAX ((off_t)1 << 30)

int board_place_new(const char *path, gid_t gid, struct board_place *ret)
{
	size_t length = strlen(path);

	ret->gid = gid;
	ret->path = strdup(path);
	ret->temporary = malloc(length + sizeof(".new"));
	if (!ret->path || !ret->temporary)
		return -ENOMEM;
	memcpy(ret->temporary, path, length);
	memcpy(ret->temporary + length, ".new", sizeof(".new"));
	return 0;
}

void board_place_free(struct board_place *place)
{
	free(place->path);
	free(place->temporary);
}

int board_file_write(int fd, const void *buffer, size_t size, size_t offset)
{
	const uint8_t *p = buffer;
	ssize_t n;

	while (size > 0) {
		n = pwrite(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		p += n;
		offset += (size_t)n;
		size -= (size_t)n;
	}
	return 0;
}

ssize_t board_file_read(int fd, void *buffer, size_t size, size_t offset)
{
	uint8_t *p = buffer;
	size_t have = 0;
	ssize_t n;

	while (have < size) {
		n = pread(fd, p + have, size - have, (off_t)(offset + have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

bool board_file_is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1 &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 && (st->st_mode & S_IRUSR);
}

/* Create the directory of the board, one level. */
static int make_directory(const char *path)
{
	char *directory = strdup(path), *slash;
	int r = 0;

	if (!directory)
		return -ENOMEM;
	slash = strrchr(directory, '/');
	if (slash && slash != directory) {
		*slash = '\0';
		if (mkdir(directory, 0755) < 0)
			r = errno == EEXIST ? 0 : -errno;
		else if (chmod(directory, 0755) < 0) /* whatever the umask */
			r = -errno;
	}
	free(directory);
	return r;
}

static int open_temporary(const struct board_place *place)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd, r;

	if (unlink(place->temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(place->temporary, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		r = make_directory(place->path);
		if (r < 0)
			return r;
		fd = open(place->temporary, flags, 0600);
	}
	return fd < 0 ? -errno : fd;
}

/* Mode and group, whatever the umask. */
static int settle_mode(const struct board_place *place, int fd)
{
	if (place->gid != (gid_t)-1 && fchown(fd, (uid_t)-1, place->gid) < 0)
		return -errno;
	return fchmod(fd, 0640) < 0 ? -errno : 0;
}

static int fill_file(const struct board_place *place, int fd, const void *bytes, size_t size)
{
	int r = board_file_write(fd, bytes, size, 0);

	if (r < 0)
		return r;
	r = settle_mode(place, fd);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

int board_file_replace(const struct board_place *place, const void *bytes, size_t size)
{
	int fd = open_temporary(place), r;

	if (fd < 0)
		return fd;
	r = fill_file(place, fd, bytes, size);
	if (r == 0 && rename(place->temporary, place->path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(place->temporary);
		close(fd);
		return r;
	}
	return fd;
}

/* The whole file, for the caller to free(). -EBADMSG: no file we would trust. */
static int load_file(int fd, uint8_t **ret, size_t *ret_size)
{
	struct stat st;
	uint8_t *bytes;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!board_file_is_ours(&st) || st.st_size < BOARD_TABLE_OFFSET || st.st_size > FILE_SIZE_MAX)
		return -EBADMSG;
	bytes = malloc((size_t)st.st_size);
	if (!bytes)
		return -ENOMEM;
	n = board_file_read(fd, bytes, (size_t)st.st_size, 0);
	if (n != st.st_size) {
		free(bytes);
		return n < 0 ? (int)n : -EBADMSG;
	}
	*ret = bytes;
	*ret_size = (size_t)st.st_size;
	return 0;
}

int board_file_open(const struct board_place *place, uint8_t **ret, size_t *ret_size)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	int fd, r;

	fd = open(place->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) /* what is there, if anything, is no board we could go on with */
		return -ENOENT;
	r = load_file(fd, &bytes, &size);
	if (r == 0)
		r = settle_mode(place, fd);
	if (r < 0) {
		free(bytes);
		close(fd);
		return r;
	}
	*ret = bytes;
	*ret_size = size;
	return fd;
}
