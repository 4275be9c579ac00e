/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection of the control socket: a request in, a reply out, within its limits. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/control_state.h"

#define LIFETIME_US 5000000ULL
#define HELD_US	    100000ULL

/* Close and free one that is in no list any more. */
static void close_one(struct control_connection *c)
{
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->deadline);
	sd_event_source_disable_unref(c->held);
	close(c->fd);
	free(c->data);
	free(c);
}

static void connection_free(struct control_connection *c)
{
	struct control_connection **link = &c->control->connections;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	close_one(c);
}

void control_connections_free(struct control *control)
{
	while (control->connections)
		connection_free(control->connections);
}

/* The guests as the limits see them, in the order of the list. */
static size_t list_guests(const struct control *control,
			  struct control_guest guests[CONTROL_CONNECTIONS_MAX])
{
	size_t n = 0;

	for (const struct control_connection *c = control->connections;
	     c && n < CONTROL_CONNECTIONS_MAX; c = c->next)
		guests[n++] = (struct control_guest){
			.is_root = c->right == CONTROL_CHANGE,
			.since_ns = c->since_ns,
			.waiting = c->replying ? c->size - c->done : 0,
		};
	return n;
}

static void dismiss(struct control *control, int index)
{
	struct control_connection *c = control->connections;

	while (index-- > 0)
		c = c->next;
	connection_free(c);
}

/* Replies that nobody reads must not fill the memory. */
static void make_room(struct control_connection *c, size_t size)
{
	struct control_guest guests[CONTROL_CONNECTIONS_MAX];
	size_t n, own;
	int index;

	for (;;) {
		const struct control_connection *at = c->control->connections;

		n = list_guests(c->control, guests);
		for (own = 0; at != c; at = at->next)
			own++;
		index = control_whom_to_hurry(guests, n, own, size);
		if (index < 0)
			return;
		dismiss(c->control, index);
	}
}

/* Turn the connection round: from now on it sends this object. */
static int start_reply(struct control_connection *c, struct json_object *reply)
{
	size_t length;
	const char *text =
		json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN, &length);
	uint32_t header = htonl((uint32_t)length);
	uint8_t *data = NULL;

	if (text && length <= CONTROL_REPLY_MAX) {
		make_room(c, 4 + length);
		data = malloc(4 + length);
	}
	if (!data)
		return -ENOMEM;
	memcpy(data, &header, 4);
	memcpy(data + 4, text, length);
	control_make_utf8(data + 4, length);
	free(c->data);
	c->data = data;
	c->size = 4 + length;
	c->done = 0;
	c->replying = true;
	return sd_event_source_set_io_events(c->io, EPOLLOUT);
}

static struct json_object *handle(struct control_connection *c, struct json_object *request)
{
	if (c->right == CONTROL_NOTHING)
		return control_error("NOT_PERMITTED", "only root, and the members of the group in "
						      "mpathiscsid.conf, may ask");
	return c->control->handler(request, c->right == CONTROL_CHANGE, c->control->arg);
}

/* Read the request, do what it asks for, and send what came of it. */
static int answer(struct control_connection *c)
{
	struct json_object *request, *reply = NULL;
	int r;

	request = control_parse_request((const char *)c->data + 4, c->size - 4);
	if (request)
		reply = handle(c, request);
	if (!reply)
		reply = control_error("BAD_REQUEST", "not a request of this daemon's version");
	r = start_reply(c, reply);
	json_object_put(reply);
	json_object_put(request);
	return r;
}

/* Those who may not change anything pay for all of it, beginning with the reading. */
static int answer_and_charge(struct control_connection *c, uint64_t begin_ns)
{
	int r = answer(c);

	control_budget_charge(&c->control->budget, clock_now_ns() - begin_ns);
	return r;
}

static int refuse(struct control_connection *c, uint32_t wait_ms)
{
	struct json_object *reply = control_error(
		"BUSY", "too many requests of others than root; again in %u ms", wait_ms);
	int r = start_reply(c, reply);

	json_object_put(reply);
	return r;
}

static int on_held(sd_event_source *source, uint64_t usec, void *arg)
{
	struct control_connection *c = arg;
	uint64_t now_ns = clock_now_ns();
	uint32_t wait_ms = control_budget_wait_ms(&c->control->budget, now_ns);
	int r = wait_ms ? refuse(c, wait_ms) : answer_and_charge(c, now_ns);

	(void)source;
	(void)usec;
	if (r >= 0)
		r = sd_event_source_set_enabled(c->io, SD_EVENT_ON);
	if (r < 0)
		connection_free(c);
	return 0;
}

/* A refusal costs time, too: who gets one at once asks again at once. */
static int hold_back(struct control_connection *c)
{
	uint64_t now_us;
	int r;

	sd_event_now(c->control->event, CLOCK_MONOTONIC, &now_us);
	r = sd_event_add_time(c->control->event, &c->held, CLOCK_MONOTONIC, now_us + HELD_US,
			      HELD_US / 10, on_held, c);
	if (r >= 0)
		r = sd_event_source_set_priority(c->held, CONTROL_PRIORITY);
	return r < 0 ? r : sd_event_source_set_enabled(c->io, SD_EVENT_OFF);
}

/* Whoever may change something is not held back; the others share what time there is. */
static int take_request(struct control_connection *c)
{
	uint64_t now_ns = clock_now_ns();

	if (c->right == CONTROL_CHANGE)
		return answer(c);
	if (control_budget_wait_ms(&c->control->budget, now_ns))
		return hold_back(c);
	return answer_and_charge(c, now_ns);
}

/* Bytes wanted next: the header, then as many as it says. 0: refuse. */
static size_t wanted(struct control_connection *c)
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

static int receive(struct control_connection *c)
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
	return c->size > 4 && c->done == c->size ? take_request(c) : 0;
}

static int transmit(struct control_connection *c)
{
	ssize_t n = send(c->fd, c->data + c->done, c->size - c->done, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->done += (size_t)n;
	return c->done == c->size ? -ESHUTDOWN : 0; /* said all: close */
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct control_connection *c = arg;
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

void control_connection_new(struct control *control, int fd)
{
	struct control_guest guests[CONTROL_CONNECTIONS_MAX];
	enum control_right right = control_peer_right(fd, control->group);
	struct control_connection *c;
	uint64_t now_us;
	int index = control_whom_to_dismiss(guests, list_guests(control, guests),
					    right == CONTROL_CHANGE);

	if (index >= 0)
		dismiss(control, index);
	c = index == CONTROL_REFUSE ? NULL : calloc(1, sizeof(*c));
	if (!c || !(c->data = malloc(4 + CONTROL_REQUEST_MAX))) {
		free(c);
		close(fd);
		return;
	}
	c->control = control;
	c->fd = fd;
	c->right = right;
	c->since_ns = clock_now_ns();
	c->next = control->connections;
	control->connections = c;
	sd_event_now(control->event, CLOCK_MONOTONIC, &now_us);
	if (sd_event_add_io(control->event, &c->io, fd, EPOLLIN, on_io, c) < 0 ||
	    sd_event_source_set_priority(c->io, CONTROL_PRIORITY) < 0 ||
	    sd_event_add_time(control->event, &c->deadline, CLOCK_MONOTONIC,
			      now_us + LIFETIME_US, 100000, on_deadline, c) < 0 ||
	    /* after what may be sent by now: if we were late, that is no fault of the client */
	    sd_event_source_set_priority(c->deadline, CONTROL_PRIORITY + 1) < 0)
		connection_free(c);
}
