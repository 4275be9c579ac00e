/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Framing of multipathd's socket. */
#include "daemon/multipathd_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define STEP_MAX (128U << 10) /* bytes of a reply taken per call: keeps the loop alive   \
			       */

int multipathd_address(const char *name, struct sockaddr_un *ret, socklen_t *ret_size)
{
	size_t n = strlen(name);
	bool abstract = name[0] == '@';

	if (!n || (abstract && n == 1))
		return -EINVAL;
	/* A path needs its NUL; for an abstract name it would be part of the name. */
	if (n + !abstract > sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, name, n);
	if (abstract)
		ret->sun_path[0] = '\0';
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + !abstract);
	return 0;
}

/* Anybody may take an abstract name that nobody has: only root's multipathd is believed. In tests
 * it is that of whoever runs them. */
static int check_peer(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EACCES;
}

static int connect_to(const char *name, unsigned int wait_ms)
{
	struct timeval wait = {
		.tv_sec = wait_ms / 1000,
		.tv_usec = (suseconds_t)(wait_ms % 1000) * 1000,
	};
	int flags = SOCK_STREAM | SOCK_CLOEXEC | (wait_ms ? 0 : SOCK_NONBLOCK);
	struct sockaddr_un address;
	socklen_t size;
	int fd, r;

	r = multipathd_address(name, &address, &size);
	if (r)
		return r;
	fd = socket(AF_UNIX, flags, 0);
	if (fd < 0)
		return -errno;
	/* The send timeout is what bounds connect() on a full backlog. */
	if ((wait_ms &&
	     setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0) ||
	    connect(fd, (const struct sockaddr *)&address, size) < 0) {
		r = -errno;
		close(fd);
		return wait_ms && r == -EAGAIN ? -ETIMEDOUT : r;
	}
	r = check_peer(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int multipathd_connect(const char *name, unsigned int wait_ms)
{
	int fd;

	if (!name)
		name = secure_getenv(MULTIPATHD_ENVIRONMENT);
	if (name)
		return connect_to(name, wait_ms);
	fd = connect_to(MULTIPATHD_SOCKET, wait_ms);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		fd = connect_to(MULTIPATHD_ABSTRACT, wait_ms);
	return fd;
}

int exchange_begin(struct exchange *x, int fd, const char *request)
{
	size_t n = strlen(request) + 1;

	if (n == 1)
		return -EINVAL;
	if (n > MULTIPATHD_REQUEST_MAX)
		return -EMSGSIZE;
	memset(x, 0, sizeof(*x));
	x->fd = fd;
	memcpy(x->out, &n, sizeof(n));
	memcpy(x->out + sizeof(n), request, n);
	x->out_size = sizeof(n) + n;
	return 0;
}

/* 1: all sent. 0: the socket is full. */
static int step_send(struct exchange *x)
{
	while (x->out_done < x->out_size) {
		ssize_t n = send(x->fd, x->out + x->out_done, x->out_size - x->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return errno == EPIPE ? -ECONNRESET : -errno;
		x->out_done += (size_t)n;
	}
	return 1;
}

/* Receive up to 'size' bytes at 'buffer', counting in *done. 1: there. 0: not yet. */
static int step_receive(int fd, char *buffer, size_t size, size_t *done)
{
	size_t budget = STEP_MAX;

	while (*done < size) {
		size_t want = size - *done < budget ? size - *done : budget;
		ssize_t n = want ? recv(fd, buffer + *done, want, MSG_DONTWAIT) : -1;

		if (!want || (n < 0 && errno == EAGAIN))
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		*done += (size_t)n;
		budget -= (size_t)n;
	}
	return 1;
}

static int reply_begin(struct exchange *x)
{
	if (!x->length.value)
		return -EPROTO;
	if (x->length.value >= MULTIPATHD_REPLY_MAX)
		return -EMSGSIZE;
	x->reply = malloc(x->length.value + 1);
	return x->reply ? 0 : -ENOMEM;
}

int exchange_step(struct exchange *x)
{
	int r = step_send(x);

	if (r <= 0)
		return r;
	if (!x->reply) {
		r = step_receive(x->fd, x->length.bytes, sizeof(x->length),
				 &x->length_done);
		if (r <= 0)
			return r;
		r = reply_begin(x);
		if (r)
			return r;
	}
	r = step_receive(x->fd, x->reply, x->length.value, &x->reply_done);
	if (r == 1)
		x->reply[x->length.value] = '\0';
	return r;
}

short exchange_events(const struct exchange *x)
{
	return x->out_done < x->out_size ? POLLOUT : POLLIN;
}

void exchange_end(struct exchange *x)
{
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
	free(x->reply);
	x->reply = NULL;
}
