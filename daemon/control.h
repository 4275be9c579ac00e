/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CONTROL_H
#define MPATHISCSI_CONTROL_H

/*
 * The control socket between mpathiscsi and mpathiscsid: one request and one reply per
 * connection, each a JSON object behind its length (32 bits, network order).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
 * Listen at 'path' (mode 0600: nobody else may connect before control_set_group()). A socket
 * that a dead daemon left is replaced; -EADDRINUSE when a living one listens. How much
 * clients may take: daemon/control_limits.h; each connection has 5 s in all; a request that is
 * too long or no JSON object gets an error reply. -errno. Free with control_free(), which removes
 * the socket.
 */
int control_new(sd_event *event, const char *path, control_handler handler, void *arg,
		struct control **ret);
void control_free(struct control *control);

/* Members of this group may connect and look, nobody else but root; (gid_t)-1: none. Needs to be
 * in the group, or CAP_CHOWN. -errno: the file's group is as it was, its members are refused. */
int control_set_group(struct control *control, gid_t group);

/* The command's side: send, wait at most 'timeout_ms', return the reply. -ETIMEDOUT,
 * -ENOENT or -ECONNREFUSED (no daemon), -EACCES, -ECONNRESET (the daemon closed before it had
 * answered), -EPROTO (what it said is no reply). *ret_reply: json_object_put(). */
int control_request(const char *path, struct json_object *request, unsigned int timeout_ms,
		    struct json_object **ret_reply);

/* The same; where the daemon has more LUNs to tell of ("next"), all of them in one reply. The
 * time is for the whole. */
int control_request_all(const char *path, struct json_object *request, unsigned int timeout_ms,
			struct json_object **ret_reply);

/* The body of a message as a new object; NULL: it is no JSON object, or something stands behind
 * it. A request is also refused when it is nested deeper than any of ours or no UTF-8. */
struct json_object *control_parse_request(const char *text, size_t length);
struct json_object *control_parse_reply(const char *text, size_t length);

/* Turn each byte that is no UTF-8 into '?': of a file's name, or of a word that was cut. JSON
 * stays JSON by it. */
void control_make_utf8(void *text, size_t length);

/* {"ok": false, "error": NAME, "message": …}; see reply codes in mpathiscsi(8). */
struct json_object *control_error(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
