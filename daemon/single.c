/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/single.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/parse.h"

#define PATH_SIZE 4096

static int make_folder(const char *path)
{
	char copy[PATH_SIZE];

	if (copy_text(copy, sizeof(copy), path) < 0)
		return -ENAMETOOLONG;
	return mkdir(dirname(copy), 0755) < 0 && errno != EEXIST ? -errno : 0;
}

bool single_folder_safe(const char *board_path)
{
	char copy[PATH_SIZE];
	struct stat st;

	if (make_folder(board_path) < 0 || copy_text(copy, sizeof(copy), board_path) < 0 ||
	    stat(dirname(copy), &st) < 0)
		return true; /* what is wrong comes up when it is used */
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return false;
	return !(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX);
}

int single_lock(const char *board_path)
{
	char path[PATH_SIZE];
	int fd, r = make_folder(board_path);

	if (r < 0)
		return r;
	if (snprintf(path, sizeof(path), "%s.lock", board_path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return r;
	}
	return fd;
}

bool single_held(const char *board_path)
{
	char path[PATH_SIZE];
	bool held;
	int fd;

	if (snprintf(path, sizeof(path), "%s.lock", board_path) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}
