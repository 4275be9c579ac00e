/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command's side of the control socket: blocking, with one deadline for the whole. */
#include "daemon/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/parse.h"

#define BUSY_PAUSE_MS 10

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd pollfd = {.fd = fd, .events = events};
	uint64_t now = clock_now_ns();
	int r;

	if (now >= deadline_ns)
		return -ETIMEDOUT;
	r = poll(&pollfd, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

/*
 * Move 'size' bytes in or out before the deadline. The daemon closes without a word when a
 * connection's time is over, when it needs the room for others, and when it ends: whether that
 * comes as an end, as EPIPE or as ECONNRESET depends only on what of the request it had read.
 */
static int transfer(int fd, bool out, void *data, size_t size, uint64_t deadline_ns)
{
	uint8_t *at = data;
	ssize_t n;
	int r;

	while (size > 0) {
		r = wait_for(fd, out ? POLLOUT : POLLIN, deadline_ns);
		if (r < 0)
			return r;
		n = out ? send(fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL)
			: recv(fd, at, size, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == EPIPE))
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int send_object(int fd, struct json_object *object, uint64_t deadline_ns)
{
	size_t length;
	const char *text =
		json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &length);
	uint32_t header = htonl((uint32_t)length);
	char *copy;
	int r;

	if (!text || length > CONTROL_REQUEST_MAX)
		return -E2BIG;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	r = transfer(fd, true, &header, sizeof(header), deadline_ns);
	if (r == 0)
		r = transfer(fd, true, copy, length, deadline_ns);
	free(copy);
	return r;
}

static int receive_object(int fd, uint64_t deadline_ns, struct json_object **ret)
{
	uint32_t length;
	char *text;
	int r = transfer(fd, false, &length, sizeof(length), deadline_ns);

	if (r < 0)
		return r;
	length = ntohl(length);
	if (length == 0 || length > CONTROL_REPLY_MAX)
		return -EPROTO;
	text = malloc(length);
	if (!text)
		return -ENOMEM;
	r = transfer(fd, false, text, length, deadline_ns);
	if (r == 0) {
		*ret = control_parse_reply(text, length);
		r = *ret ? 0 : -EPROTO;
	}
	free(text);
	return r;
}

/* A full backlog answers EAGAIN at once: the daemon is there and busy. */
static int connect_before(int fd, const struct sockaddr_un *address, uint64_t deadline_ns)
{
	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (clock_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		poll(NULL, 0, BUSY_PAUSE_MS);
	}
	return 0;
}

int control_request(const char *path, struct json_object *request, unsigned int timeout_ms,
		    struct json_object **ret_reply)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	int fd, r;

	if (copy_text(address.sun_path, sizeof(address.sun_path), path) < 0)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect_before(fd, &address, deadline_ns);
	if (r == 0)
		r = send_object(fd, request, deadline_ns);
	if (r == 0)
		r = receive_object(fd, deadline_ns, ret_reply);
	close(fd);
	return r;
}
