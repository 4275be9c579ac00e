/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CONTROL_H
#define MPATHISCSI_CONTROL_H

/*
 * The control socket between mpathiscsi and mpathiscsid: one request and one reply per
 * connection, each a JSON object behind its length (32 bits, network order).
 */

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>
#include <systemd/sd-event.h>

#define CONTROL_DEFAULT_PATH "/run/mpathiscsi/control"
#define CONTROL_REQUEST_MAX  (64U << 10)
#define CONTROL_REPLY_MAX    (64U << 20)

/*
 * Answer a request. 'is_root': the peer's effective user is 0 (SO_PEERCRED); whatever changes
 * something must ask for it. Returns a new object, owned by the server; NULL becomes an
 * error reply. Called from the event loop; must not block.
 */
typedef struct json_object *(*control_handler)(struct json_object *request, bool is_root,
					       void *arg);

struct control;

/*
 * Listen at 'path' (mode 0660: root and the owning group may look). A socket that a dead
 * daemon left is replaced; -EADDRINUSE when a living one listens. The server takes at most
 * 32 connections, each for at most 5 s; a request that is too long or no JSON object
 * gets an error reply. -errno. Free with control_free(), which removes the socket.
 */
int control_new(sd_event *event, const char *path, control_handler handler, void *arg,
		struct control **ret);
void control_free(struct control *control);

/* The command's side: send, wait at most 'timeout_ms', return the reply. -ETIMEDOUT,
 * -ENOENT or -ECONNREFUSED (no daemon), -EACCES, -EPROTO. *ret_reply: json_object_put(). */
int control_request(const char *path, struct json_object *request, unsigned int timeout_ms,
		    struct json_object **ret_reply);

/* {"ok": false, "error": NAME, "message": …}; see reply codes in mpathiscsi(8). */
struct json_object *control_error(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
