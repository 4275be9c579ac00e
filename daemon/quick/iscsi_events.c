/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/iscsi_events.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/quick/netlink_take.h"

#define EVENT_GROUP	  1
#define EVENT_CONN_ERROR  102 /* ISCSI_KEVENT_CONN_ERROR of include/scsi/iscsi_if.h */
#define EVENTS_AT_A_TIME  64

struct iscsi_events {
	struct mnl_socket *socket;
	sd_event_source *source;
	void (*fn)(void *arg);
	void *arg;
};

/* struct iscsi_uevent begins with its type; the netlink message itself has none. */
bool iscsi_events_tell_error(const void *buffer, size_t size)
{
	const struct nlmsghdr *header = buffer;
	int left = (int)size;
	uint32_t type;

	if (!netlink_lengths_good(buffer, size))
		return true;
	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		if (mnl_nlmsg_get_payload_len(header) < sizeof(type))
			continue;
		memcpy(&type, mnl_nlmsg_get_payload(header), sizeof(type));
		if (type == EVENT_CONN_ERROR)
			return true;
	}
	return false;
}

static int on_message(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct iscsi_events *events = arg;
	/* PDUs of logins travel here too; only the head of any message is wanted. */
	char buffer[4096] __attribute__((aligned(8)));
	bool error = false;
	int i;

	(void)source;
	(void)fd;
	(void)revents;
	for (i = 0; i < EVENTS_AT_A_TIME; i++) {
		ssize_t n = mnl_socket_recvfrom(events->socket, buffer, sizeof(buffer));

		if (n < 0 && errno == EAGAIN)
			break;
		/* Overrun (ENOBUFS) and anything odd: what was lost may have been an error. */
		error |= n < 0 || iscsi_events_tell_error(buffer, (size_t)n);
	}
	if (error)
		events->fn(events->arg);
	return 0;
}

static int listen_to(struct iscsi_events *events)
{
	events->socket = mnl_socket_open2(NETLINK_ISCSI, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!events->socket)
		return -errno;
	if (mnl_socket_bind(events->socket, 1U << (EVENT_GROUP - 1), MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

int iscsi_events_new(sd_event *event, void (*fn)(void *arg), void *arg, struct iscsi_events **ret)
{
	struct iscsi_events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return -ENOMEM;
	events->fn = fn;
	events->arg = arg;
	r = listen_to(events);
	if (r >= 0)
		r = sd_event_add_io(event, &events->source, mnl_socket_get_fd(events->socket),
				    EPOLLIN, on_message, events);
	if (r < 0) {
		iscsi_events_free(events);
		return r;
	}
	*ret = events;
	return 0;
}

void iscsi_events_free(struct iscsi_events *events)
{
	if (!events)
		return;
	sd_event_source_disable_unref(events->source);
	if (events->socket)
		mnl_socket_close(events->socket);
	free(events);
}
