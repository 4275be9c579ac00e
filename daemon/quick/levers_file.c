/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/levers_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/board_file.h"
#include "common/parse.h"

#define FILE_SIZE_MAX (64 << 20)
#define PATH_SIZE     4096

int levers_file_new(const char *path, struct levers_file *ret)
{
	*ret = (struct levers_file){.path = strdup(path)};
	if (!ret->path || asprintf(&ret->temporary, "%s.new", path) < 0) {
		ret->temporary = NULL;
		return -ENOMEM;
	}
	return 0;
}

void levers_file_free(struct levers_file *file)
{
	free(file->path);
	free(file->temporary);
	*file = (struct levers_file){.path = NULL};
}

static void remember(struct levers_file *file, const struct stat *st)
{
	file->dev = st ? st->st_dev : 0;
	file->ino = st ? st->st_ino : 0;
}

/* A NUL would hide all that stands behind it: it becomes a sign that is in no good line. */
static void mark_nul(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text[i])
			text[i] = '?';
}

static int read_from(int fd, const struct stat *st, char **ret)
{
	size_t size = (size_t)st->st_size;
	char *text;
	ssize_t n;

	if (!board_file_is_ours(st))
		return -EPERM;
	if (st->st_size > FILE_SIZE_MAX)
		return -EFBIG;
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	n = board_file_read(fd, text, size, 0);
	if (n < 0) {
		free(text);
		return (int)n;
	}
	mark_nul(text, (size_t)n);
	text[n] = '\0';
	*ret = text;
	return 0;
}

int levers_file_read(struct levers_file *file, char **ret)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st = {.st_ino = 0};
	int r;

	if (fd < 0 && errno == ENOENT) {
		remember(file, NULL);
		*ret = strdup("");
		return *ret ? 0 : -ENOMEM;
	}
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	r = fstat(fd, &st) < 0 ? -errno : read_from(fd, &st, ret);
	close(fd);
	if (r == 0)
		remember(file, &st);
	return r;
}

static int make_folder(const char *path)
{
	char copy[PATH_SIZE];

	if (copy_text(copy, sizeof(copy), path) < 0)
		return -ENAMETOOLONG;
	return mkdir(dirname(copy), 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_temporary(const struct levers_file *file, const char *text, struct stat *ret)
{
	int fd, r;

	unlink(file->temporary);
	fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = board_file_write(fd, text, strlen(text), 0);
	if (r == 0 && (fsync(fd) < 0 || fstat(fd, ret) < 0))
		r = -errno;
	close(fd);
	return r;
}

static int remove_file(struct levers_file *file)
{
	if (unlink(file->path) < 0 && errno != ENOENT)
		return -errno;
	remember(file, NULL);
	return 0;
}

int levers_file_write(struct levers_file *file, const char *text)
{
	struct stat st = {.st_ino = 0};
	int r;

	if (*text == '\0')
		return remove_file(file);
	r = make_folder(file->path);
	if (r == 0)
		r = write_temporary(file, text, &st);
	if (r == 0 && rename(file->temporary, file->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(file->temporary);
	else
		remember(file, &st);
	return r;
}

bool levers_file_changed(const struct levers_file *file)
{
	struct stat st;

	if (lstat(file->path, &st) < 0)
		return file->ino != 0;
	return st.st_dev != file->dev || st.st_ino != file->ino;
}
