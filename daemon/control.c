/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of the control socket. */
#include "daemon/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/parse.h"

#define CONNECTIONS_MAX	       32
#define CONNECTION_LIFETIME_US 5000000ULL

struct connection {
	struct control *control;
	struct connection *next;
	sd_event_source *io, *deadline;
	int fd;
	bool is_root;
	uint8_t *data; /* header and body, of the request, then of the reply */
	size_t size, done;
};

struct control {
	sd_event *event;
	sd_event_source *listener, *pause;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	control_handler handler;
	void *arg;
	struct connection *connections;
	unsigned int n_connections;
};

struct json_object *control_error(const char *name, const char *format, ...)
{
	struct json_object *reply = json_object_new_object();
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_object_add(reply, "ok", json_object_new_boolean(false));
	json_object_object_add(reply, "error", json_object_new_string(name));
	json_object_object_add(reply, "message", json_object_new_string(text));
	return reply;
}

/* Close and free one that is in no list any more. */
static void connection_close(struct connection *c)
{
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->deadline);
	close(c->fd);
	free(c->data);
	free(c);
}

static void connection_free(struct connection *c)
{
	struct connection **link = &c->control->connections;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	/* A full house stops accepting; now there is room again (unless descriptors are short). */
	c->control->n_connections--;
	if (!c->control->pause)
		sd_event_source_set_enabled(c->control->listener, SD_EVENT_ON);
	connection_close(c);
}

/* Turn the connection round: from now on it sends this object. */
static int start_reply(struct connection *c, struct json_object *reply)
{
	size_t length;
	const char *text =
		json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN, &length);
	uint8_t *data = text && length <= CONTROL_REPLY_MAX ? malloc(4 + length) : NULL;
	uint32_t header = htonl((uint32_t)length);

	if (!data)
		return -ENOMEM;
	memcpy(data, &header, 4);
	memcpy(data + 4, text, length);
	free(c->data);
	c->data = data;
	c->size = 4 + length;
	c->done = 0;
	return sd_event_source_set_io_events(c->io, EPOLLOUT);
}

static struct json_object *parse_request(const char *text, size_t length)
{
	struct json_tokener *tokener = json_tokener_new_ex(8);
	struct json_object *request = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	request = json_tokener_parse_ex(tokener, text, (int)length);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(request, json_type_object)) {
		json_object_put(request);
		request = NULL;
	}
	json_tokener_free(tokener);
	return request;
}

static int answer(struct connection *c)
{
	struct json_object *request, *reply = NULL;
	int r;

	request = parse_request((const char *)c->data + 4, c->size - 4);
	if (request)
		reply = c->control->handler(request, c->is_root, c->control->arg);
	if (!reply)
		reply = control_error("BAD_REQUEST", "not a request of this daemon's version");
	r = start_reply(c, reply);
	json_object_put(reply);
	json_object_put(request);
	return r;
}

/* Bytes wanted next: the header, then as many as it says. 0: refuse. */
static size_t wanted(struct connection *c)
{
	uint32_t length;

	if (c->size > 4)
		return c->size - c->done;
	if (c->done < 4)
		return 4 - c->done;
	memcpy(&length, c->data, 4);
	length = ntohl(length);
	if (length == 0 || length > CONTROL_REQUEST_MAX)
		return 0;
	c->size = 4 + length;
	return length;
}

static int receive(struct connection *c)
{
	struct json_object *refusal;
	size_t want = wanted(c);
	ssize_t n;

	if (want == 0) {
		refusal = control_error("BAD_REQUEST", "a request has 1 to %u bytes",
					CONTROL_REQUEST_MAX);
		start_reply(c, refusal);
		json_object_put(refusal);
		return 0;
	}
	n = recv(c->fd, c->data + c->done, want, MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->done += (size_t)n;
	return c->size > 4 && c->done == c->size ? answer(c) : 0;
}

static int transmit(struct connection *c)
{
	ssize_t n = send(c->fd, c->data + c->done, c->size - c->done, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->done += (size_t)n;
	return c->done == c->size ? -ESHUTDOWN : 0; /* said all: close */
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct connection *c = arg;
	int r = 0;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT)
		r = transmit(c);
	else if (revents & EPOLLIN)
		r = receive(c);
	else if (revents & (EPOLLHUP | EPOLLERR))
		r = -ECONNRESET;
	if (r < 0)
		connection_free(c);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	connection_free(arg);
	return 0;
}

static bool peer_is_root(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

static void connection_new(struct control *control, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	uint64_t now;

	if (!c || !(c->data = malloc(4 + CONTROL_REQUEST_MAX))) {
		free(c);
		close(fd);
		return;
	}
	c->control = control;
	c->fd = fd;
	c->is_root = peer_is_root(fd);
	c->next = control->connections;
	control->connections = c;
	if (++control->n_connections == CONNECTIONS_MAX)
		sd_event_source_set_enabled(control->listener, SD_EVENT_OFF);
	sd_event_now(control->event, CLOCK_MONOTONIC, &now);
	if (sd_event_add_io(control->event, &c->io, fd, EPOLLIN, on_io, c) < 0 ||
	    sd_event_add_time(control->event, &c->deadline, CLOCK_MONOTONIC,
			      now + CONNECTION_LIFETIME_US, 100000, on_deadline, c) < 0)
		connection_free(c);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *arg)
{
	struct control *control = arg;

	(void)source;
	(void)usec;
	control->pause = sd_event_source_unref(control->pause);
	if (control->n_connections < CONNECTIONS_MAX)
		sd_event_source_set_enabled(control->listener, SD_EVENT_ON);
	return 0;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct control *control = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uint64_t now;

	(void)revents;
	if (peer >= 0) {
		connection_new(control, peer);
		return 0;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		return 0;
	/* Out of descriptors: without a pause this would spin. */
	sd_event_now(control->event, CLOCK_MONOTONIC, &now);
	if (sd_event_add_time(control->event, &control->pause, CLOCK_MONOTONIC, now + 1000000, 0,
			      on_resume, control) >= 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

/* A socket nobody listens on any more is in the way; a living daemon's is not ours. */
static int clear_way(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	r = r == 0 || errno == EAGAIN ? -EADDRINUSE : errno == ECONNREFUSED ? 1 : 0;
	close(fd);
	if (r == 1 && unlink(address->sun_path) < 0)
		return -errno;
	return r < 0 ? r : 0;
}

static int listen_at(struct control *control, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int r;

	if (copy_text(address.sun_path, sizeof(address.sun_path), path) < 0)
		return -ENAMETOOLONG;
	r = clear_way(&address);
	if (r < 0)
		return r;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return -errno;
	mask = umask(0117);
	r = bind(control->fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (r < 0)
		return -errno;
	copy_text(control->path, sizeof(control->path), path);
	return listen(control->fd, CONNECTIONS_MAX) < 0 ? -errno : 0;
}

int control_new(sd_event *event, const char *path, control_handler handler, void *arg,
		struct control **ret)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->fd = -1;
	control->event = event;
	control->handler = handler;
	control->arg = arg;
	r = listen_at(control, path);
	if (r >= 0)
		r = sd_event_add_io(event, &control->listener, control->fd, EPOLLIN, on_connect,
				    control);
	if (r < 0) {
		control_free(control);
		return r;
	}
	*ret = control;
	return 0;
}

void control_free(struct control *control)
{
	struct connection *c, *next;

	if (!control)
		return;
	for (c = control->connections; c; c = next) {
		next = c->next;
		connection_close(c);
	}
	sd_event_source_disable_unref(control->listener);
	sd_event_source_disable_unref(control->pause);
	if (control->fd >= 0)
		close(control->fd);
	if (*control->path)
		unlink(control->path);
	free(control);
}
