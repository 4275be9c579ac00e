/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/iscsid_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/parse.h"
#include "common/sysfs.h"

#define HOLDER_NAME "iscsid"

/* glibc has wrappers since 2.36 only. */
static int pidfd_open_(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int pidfd_getfd_(int pidfd, int fd)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/* The number may have been given to another file since it was looked up. */
static int verify(int fd, uint32_t inode, const struct connection_name *name)
{
	struct connection_name found;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode) || st.st_ino != inode)
		return -ESRCH;
	r = connection_of_socket(fd, &found);
	if (r < 0)
		return r == -ENOTCONN ? -ESRCH : r;
	return connection_equal(&found, name) ? 0 : -ESRCH;
}

static int dup_from(const struct iscsid_holder *holder, uint32_t inode,
		    const struct connection_name *name)
{
	int pidfd = pidfd_open_(holder->pid), fd, r;

	if (pidfd < 0)
		return -errno;
	fd = pidfd_getfd_(pidfd, holder->fd);
	r = fd < 0 ? (errno == EBADF ? -ESRCH : -errno) : verify(fd, inode, name);
	close(pidfd);
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r;
}

/* The number of an entry of /proc; 0: it is none. */
static int number_of(const char *entry)
{
	uint64_t number;

	return parse_uint(entry, 1, INT32_MAX, &number) == 0 ? (int)number : 0;
}

/* Anybody may give a process that name and a hundred thousand descriptors to be looked through. */
static bool is_ours(int proc, const char *entry)
{
	struct stat st;

	return fstatat(proc, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == geteuid();
}

static bool is_iscsid(int proc, const char *entry)
{
	char path[32 + sizeof("/comm")], comm[32];

	return is_ours(proc, entry) &&
	       snprintf(path, sizeof(path), "%s/comm", entry) < (int)sizeof(path) &&
	       sysfs_text(proc, path, comm, sizeof(comm)) == 0 && strcmp(comm, HOLDER_NAME) == 0;
}

struct search {
	char link[32]; /* "socket:[INODE]" */
	struct iscsid_holder found;
	int error;
};

static int look_at_fd(int dir, const char *entry, void *arg)
{
	struct search *search = arg;
	char link[64];
	uint64_t fd;

	if (sysfs_link(dir, entry, link, sizeof(link)) < 0 || strcmp(link, search->link) != 0 ||
	    parse_uint(entry, 0, INT32_MAX, &fd) < 0)
		return 0;
	search->found.fd = (int)fd;
	return 1;
}

static int look_at_process(int proc, const char *entry, void *arg)
{
	struct search *search = arg;
	char path[64];
	int r;

	if (!number_of(entry) || !is_iscsid(proc, entry))
		return 0;
	snprintf(path, sizeof(path), "%.20s/fd", entry);
	r = sysfs_each(proc, path, look_at_fd, search);
	if (r == 1)
		search->found.pid = number_of(entry);
	else if (r < 0 && r != -ENOENT)
		search->error = r;
	return r == 1;
}

/* -ESRCH: nobody named so holds it; -EACCES, -EPERM: one could not be looked into. */
static int find_holder(uint32_t inode, struct iscsid_holder *ret)
{
	struct search search = {.error = -ESRCH};
	int r;

	snprintf(search.link, sizeof(search.link), "socket:[%u]", inode);
	r = sysfs_each(AT_FDCWD, "/proc", look_at_process, &search);
	if (r < 0)
		return r;
	if (r == 0)
		return search.error;
	*ret = search.found;
	return 0;
}

int iscsid_socket_dup(struct iscsid_holder *holder, uint32_t inode,
		      const struct connection_name *name)
{
	int r = -ESRCH;

	if (holder->pid)
		r = dup_from(holder, inode, name);
	if (r == -ESRCH) {
		*holder = (struct iscsid_holder){.pid = 0};
		r = find_holder(inode, holder);
		if (r == 0)
			r = dup_from(holder, inode, name);
	}
	return r == -EACCES ? -EPERM : r;
}

int user_timeout_get(int fd, uint32_t *ret_ms)
{
	unsigned int ms;
	socklen_t size = sizeof(ms);

	if (getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size) < 0)
		return -errno;
	*ret_ms = ms;
	return 0;
}

int user_timeout_set(int fd, uint32_t ms)
{
	unsigned int value = ms;

	return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value)) < 0 ? -errno :
											 0;
}
