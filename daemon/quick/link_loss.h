/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LINK_LOSS_H
#define MPATHISCSI_QUICK_LINK_LOSS_H

/*
 * Has a connection lost the link it goes out by? The kernel itself says so, and nobody has to
 * be waited for: the strongest evidence there is. Pure.
 *
 * Only the interface that the packets leave by counts, as the kernel's routes name it: a bond, a
 * team or a bridge has a carrier as long as one of its ports does, and a VLAN that of the
 * interface below.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A link must be down for so long: the least time after which Linux sends anything again
 * (TCP_RTO_MIN). What is back by then costs the connection no more than one retransmission, and so
 * must not cost it its session.
 */
#define LINK_LOSS_MS 200

enum link_state {
	LINK_UNKNOWN,
	LINK_UP,	 /* or dormant: it has a carrier */
	LINK_NO_CARRIER, /* the cable, the switch, or every port of a bond */
	LINK_OFF,	 /* somebody has said `ip link set … down` */
	LINK_GONE,	 /* no such interface any more */
};

enum link_loss {
	LINK_LOSS_NONE,
	LINK_LOSS_CARRIER,
	LINK_LOSS_OFF,
	LINK_LOSS_GONE,
	LINK_LOSS_ADDRESS, /* the host does not have the connection's own address any more */
	LINK_LOSS_MAX
};

/* How packets of a connection leave the host. */
struct link_route {
	uint32_t device; /* interface index; 0: not at all */
	bool direct;	 /* the peer is a neighbour there: no gateway */
};

struct link_facts {
	struct link_route before; /* as it was when all was well; device 0: never seen */
	enum link_state state;	  /* of before.device, now */
	bool now_known;		  /* the kernel has told the way it takes now: */
	struct link_route now;	  /* … device 0: it knows none */
	enum link_state now_state; /* of now.device */
	bool address_known, address_there;
};

/*
 * What has been lost. In this order:
 *   - the connection's own address is not the host's any more: what has become of the interface,
 *     or LINK_LOSS_ADDRESS if that is up;
 *   - the interface is up, or its state or the way now is not known: nothing;
 *   - packets now leave by another interface that is up: nothing, the connection may live (a
 *     second route, dynamic routing). But not when the peer was a neighbour and is to be
 *     reached through a gateway now: the network it is in has gone with the interface, and what
 *     is left is the way to everything else (a default route). Its answers would not find us;
 *   - else what has become of the interface.
 */
enum link_loss link_loss_of(const struct link_facts *facts);

/* All zero: nothing seen yet. */
struct link_debounce {
	enum link_loss loss; /* now */
	uint64_t since_ns;   /* 0: nothing is lost */
	bool lost;	     /* … for LINK_LOSS_MS */
};

/* What is lost now; returns whether it has been for long enough. Another kind of loss in place of
 * the first starts no new time. */
bool link_debounce_step(struct link_debounce *debounce, enum link_loss loss, uint64_t now_ns);

/* "link eth1 is down (no carrier)"; 'address' is the connection's own, for people. "" for
 * LINK_LOSS_NONE. Returns 'buffer'. */
#define LINK_LOSS_TEXT_MAX 128
const char *link_loss_text(enum link_loss loss, const char *interface, const char *address,
			   char *buffer, size_t size);

#endif
