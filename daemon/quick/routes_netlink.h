/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_ROUTES_NETLINK_H
#define MPATHISCSI_QUICK_ROUTES_NETLINK_H

/* Routes of the kernel, by rtnetlink (7). Inside of routes.h. */

#include <linux/rtnetlink.h>
#include <stdbool.h>

#include "common/address.h"

/* What of a route must be the same in a copy of it. */
struct route {
	struct ip_address destination; /* family AF_UNSPEC in the answer of a default route */
	uint8_t prefix, tos, protocol, scope, type;
	uint32_t table, device, priority; /* device 0: none told */
	struct ip_address gateway, source; /* AF_UNSPEC: none */
	bool several;			   /* next hops */
	bool metric_known[RTAX_MAX + 1];
	uint32_t metrics[RTAX_MAX + 1]; /* RTAX_LOCK: a bit each */
};

struct nlmsghdr;

/* One message about a route. Below 0 with errno: it is none. Pure. */
int route_read(const struct nlmsghdr *header, struct route *ret);

struct route_socket;

int route_socket_new(struct route_socket **ret);
void route_socket_free(struct route_socket *socket);

/* Send a request and hand the messages of its answer to 'fn' (netlink_take.h). The kernel answers
 * within send, or in portions within each receive: nothing to wait for. -errno of the kernel's. */
int route_exchange(struct route_socket *socket, struct nlmsghdr *request,
		   int (*fn)(const struct nlmsghdr *header, void *arg), void *arg);

/* The route that the host takes to an address, as it is in its table. -errno of the kernel's
 * (-ENETUNREACH …); -ENOENT: it told none. */
int route_look(struct route_socket *socket, const struct ip_address *to, struct route *ret);

/* -EEXIST: there is one to the same destination with the same priority. */
int route_add(struct route_socket *socket, const struct route *route);

/* -ESRCH: no such route. Protocol, device, priority and table must all agree. */
int route_remove(struct route_socket *socket, const struct route *route);

/* Routes with this protocol number, of both families. At most 'max' are written; returns how
 * many there are, or -errno. */
int route_list(struct route_socket *socket, uint8_t protocol, struct route *routes, size_t max);

#endif
