/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small text files: read whole, replaced whole. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store.h"

static int read_all(int fd, char **ret_text)
{
	size_t used = 0, room = 4096;
	char *text = malloc(room + 1), *bigger;
	ssize_t n;

	while (text && (n = read(fd, text + used, room - used)) != 0) {
		if (n < 0) {
			int r = -errno;

			if (r == -EINTR)
				continue;
			free(text);
			return r;
		}
		used += (size_t)n;
		if (used > STORE_FILE_MAX) {
			free(text);
			return -EFBIG;
		}
		if (used < room)
			continue;
		room *= 2;
		bigger = realloc(text, room + 1);
		if (!bigger)
			free(text);
		text = bigger;
	}
	if (!text)
		return -ENOMEM;
	text[used] = '\0';
	if (strlen(text) != used) { /* a NUL byte would hide what is behind it */
		free(text);
		return -EILSEQ;
	}
	*ret_text = text;
	return 0;
}

const char *store_read_error(int error)
{
	switch (error) {
	case -EILSEQ:
		return "it has NUL bytes (is it in UTF-16?); save it as UTF-8 text";
	case -EINVAL:
		return "it is no regular file";
	case -EFBIG:
		return "it is too large";
	case -ENOENT:
		return "it is a link that leads to no file";
	default:
		return strerror(-error);
	}
}

bool store_is_missing(const char *path)
{
	struct stat info;

	return lstat(path, &info) < 0 && errno == ENOENT;
}

int store_read_file(const char *path, char **ret_text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
	struct stat info;

	/* Only nothing at all is an empty store: behind a link that leads nowhere, policies
	 * may be missed that an administrator believes in force. */
	if (fd < 0 && errno == ENOENT && store_is_missing(path)) {
		*ret_text = strdup("");
		return *ret_text ? 0 : -ENOMEM;
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
		close(fd);
		return S_ISDIR(info.st_mode) ? -EISDIR : -EINVAL;
	}
	r = read_all(fd, ret_text);
	close(fd);
	return r;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder(const char *path)
{
	char copy[4096];
	int fd, r;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int store_write_file(const char *path, const char *text)
{
	struct stat old;
	char real[PATH_MAX], temporary[PATH_MAX + 8];
	int fd, r;

	/* A link stays a link: its target is what is replaced. */
	if (realpath(path, real))
		path = real;
	else if (errno != ENOENT)
		return -errno;
	/* Always the same name: what a power cut leaves goes with the next change. */
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* Keep what the administrator chose; a new file is readable by all. */
	if (stat(path, &old) < 0)
		old = (struct stat){.st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid()};
	r = fchmod(fd, old.st_mode & 07777) < 0 || fchown(fd, old.st_uid, old.st_gid) < 0 ? -errno : 0;
	if (r == 0)
		r = write_all(fd, text, strlen(text));
	close(fd);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return sync_folder(path);
}
