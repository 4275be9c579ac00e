/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LINKS_NETLINK_H
#define MPATHISCSI_QUICK_LINKS_NETLINK_H

/* Network interfaces, and the way of a connection, by rtnetlink (7). Inside of links.c. */

#include <net/if.h>

#include "daemon/quick/connection.h"
#include "daemon/quick/link_loss.h"
#include "daemon/quick/routes_netlink.h"

struct nlmsghdr;

/* What the kernel says of an interface, or of an address on it. */
struct link_notice {
	uint32_t device;
	enum link_state state;	   /* LINK_UNKNOWN: it is about an address */
	char name[IF_NAMESIZE];	   /* "" not told */
	struct ip_address address; /* that came or went; AF_UNSPEC: it is about the interface */
};

/* One message. 1: read; 0: about something else, also a bridge's news of its ports; -EBADMSG.
 * Pure. */
int link_notice_read(const struct nlmsghdr *header, struct link_notice *ret);

/* The interface as it is now: its carrier is asked for, not what was last reported of it.
 * LINK_GONE is no error; -errno. */
int link_look(struct route_socket *socket, uint32_t device, struct link_notice *ret);

/* How the connection's packets leave now; 'bound': the interface its socket is bound to, 0 none.
 * -ENETUNREACH, -EHOSTUNREACH, -EINVAL (the source is not ours), -ENODEV, -EACCES: not at
 * all; other -errno: not known. */
int link_way(struct route_socket *socket, const struct connection_name *name, uint32_t bound,
	     struct route *ret);

/*
 * Packets that wait for the link-layer address of 'next_hop' are thrown away, if that is
 * being asked for. The kernel keeps them for up to 3 s (net/core/neighbour.c), though their
 * connection has ended, and sends them when the link is back in time: with what the pages of
 * the write hold by then. 1: done; 0: nothing waits; -errno.
 */
int neighbour_drop(struct route_socket *socket, uint32_t device, const struct ip_address *next_hop);

/*
 * The same, and ask for the address at once, even if it is known. A carrier that is lost, however
 * shortly, makes the kernel forget its neighbours (neigh_carrier_down()); it asks for them while
 * the link is still down, and then again only after a second, twice as long as an armed
 * connection waits. The same goes for the peer, which learns our address from the question.
 * 1: asked; 0: no such neighbour, or a permanent one; -errno.
 */
int neighbour_renew(struct route_socket *socket, uint32_t device,
		    const struct ip_address *next_hop);

#endif
