/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LINKS_H
#define MPATHISCSI_QUICK_LINKS_H

/*
 * The links that sessions go out by: the kernel's notices of interfaces and addresses (rtnetlink)
 * say when to look, what is found then decides (link_loss.h). A session's own way is looked up at
 * its login and each ten seconds.
 */

#include <systemd/sd-event.h>

#include "common/address.h"
#include "daemon/quick/link_loss.h"

struct links;
struct route_socket;
struct quick;
struct quick_session;

/* Of one session. */
struct session_link {
	struct link_route route; /* as it was when all was well; device 0: not known */
	char interface[16];	 /* its name */
	struct ip_address next_hop;
	bool address_seen; /* the connection's own address was found to be the host's */
	bool dirty; /* the kernel has told something of it */
	uint64_t looked_ns;
	uint64_t trouble_ns; /* when it was last seen down; 0 never */
	bool turned_away;    /* new I/O, in this outage */
	struct link_debounce debounce;
};

/* fn(arg): something is told of a session's link or address. -errno: no such events. */
int links_new(sd_event *event, struct quick *quick, void (*fn)(struct quick *quick),
	      struct links **ret);
void links_free(struct links *links);

/* Look at those that must be looked at. NULL links: nothing is known of any. */
void links_look(struct links *links, struct quick *quick, uint64_t now_ns);

/* In how many microseconds to look again, at most 'most_us'. */
uint64_t links_wait_us(const struct quick *quick, uint64_t now_ns, uint64_t most_us);

/* link_session.c: look at one, ask 'asks'. */
void link_look_at(struct route_socket *asks, const struct quick *quick,
		  struct quick_session *session, uint64_t now_ns);

/* Is there no link for this session's connection, and has there been none for long enough? */
bool link_is_lost(const struct quick_session *session);
/* Since when it has been without one, maybe only just now; 0: it has one. */
uint64_t link_lost_since(const struct quick_session *session);
/* Has 'other' a link of its own, which is up? */
bool link_is_other(const struct quick_session *session, const struct quick_session *other);

/* "link eth1 is down (no carrier)", "" it is not. Returns 'buffer'. */
const char *link_text(const struct quick_session *session, char *buffer, size_t size);

/* Its connection has ended: if that was for want of a link, nothing of it may be sent later. */
void link_forget_packets(struct links *links, const struct quick *quick,
			 const struct quick_session *session, uint64_t now_ns);

#endif
