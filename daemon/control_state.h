/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CONTROL_STATE_H
#define MPATHISCSI_CONTROL_STATE_H

/* What control.c (listening) and control_connection.c (talking) share. */

#include <sys/un.h>

#include "daemon/control.h"
#include "daemon/control_limits.h"
#include "daemon/control_peer.h"

/* Behind whatever watches paths: a crowd of clients delays no beat. */
#define CONTROL_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

struct control_connection {
	struct control *control;
	struct control_connection *next;
	sd_event_source *io, *deadline;
	sd_event_source *held; /* there is no time for its request just now */
	int fd;
	enum control_right right;
	uint64_t since_ns;
	bool replying;
	uint8_t *data; /* header and body, of the request, then of the reply */
	size_t size, done;
};

struct control {
	sd_event *event;
	sd_event_source *listener, *pause;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	gid_t group; /* whose members may look; (gid_t)-1: nobody's */
	control_handler handler;
	void *arg;
	struct control_connection *connections;
	struct control_budget budget; /* of those who may only look */
};

/* Take over an accepted descriptor; when the house is full, somebody is dismissed for it or it
 * is closed. */
void control_connection_new(struct control *control, int fd);

/* Close all. */
void control_connections_free(struct control *control);

#endif
