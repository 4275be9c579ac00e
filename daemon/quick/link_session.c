/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One session's link: what the kernel says of it, and what is known of it since. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/quick/links_netlink.h"
#include "daemon/quick/state.h"

static bool says_no_way(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EINVAL ||
	       error == -ENODEV || error == -ENXIO || error == -EACCES;
}

/* The way now, and the interface it leaves by. */
static void ask_way(struct route_socket *asks, const struct quick *quick,
		    const struct quick_session *session, struct link_facts *facts,
		    struct link_notice *ret_now, struct route *ret_route)
{
	const struct iscsi_identity *id = quick_identity(quick, session->sid);
	bool is_bound = id && *id->name.netdev;
	uint32_t bound = is_bound ? if_nametoindex(id->name.netdev) : 0;
	int r = is_bound && !bound ? -ENODEV :
				     link_way(asks, &session->connection, bound, ret_route);

	facts->now_known = r >= 0 || says_no_way(r);
	if (r < 0)
		return;
	facts->now.device = ret_route->device;
	facts->now.direct = ret_route->gateway.family == AF_UNSPEC && !ret_route->several;
	if (link_look(asks, ret_route->device, ret_now) == 0)
		facts->now_state = ret_now->state;
}

static void ask_address(struct route_socket *asks, const struct quick_session *session,
			struct link_facts *facts)
{
	const struct connection_name plain = connection_plain(&session->connection);
	struct route route;
	int r;

	/* The way to a link-local address depends on the interface it is asked for. */
	if (plain.local.family == AF_INET6 && plain.local.bytes[0] == 0xfe)
		return;
	r = route_look(asks, &plain.local, &route);
	facts->address_there = r >= 0 && route.type == RTN_LOCAL;
	/* One that could never be found so (a VRF, rules of the host's own) is not missed. */
	facts->address_known = facts->address_there ||
			       (session->link.address_seen &&
				(r >= 0 || r == -ENETUNREACH || r == -EHOSTUNREACH));
}

static void remember(struct session_link *link, const struct link_facts *facts,
		     const struct link_notice *now, const struct route *route,
		     const struct connection_name *name)
{
	link->route = facts->now;
	link->address_seen = facts->address_there;
	snprintf(link->interface, sizeof(link->interface), "%s", now->name);
	link->next_hop = route->gateway.family != AF_UNSPEC ? route->gateway
							    : connection_plain(name).peer.address;
}

static void say(const struct quick *quick, const struct quick_session *session,
		const struct link_debounce *before, uint64_t now_ns)
{
	const struct link_debounce *now = &session->link.debounce;
	char name[QUICK_NAME_MAX], text[LINK_LOSS_TEXT_MAX];

	quick_name(quick, session, name, sizeof(name));
	if (now->lost && (!before->lost || before->loss != now->loss))
		log_line(LOG_WARNING, "%s: %s", name, link_text(session, text, sizeof(text)));
	else if (before->lost && !now->since_ns)
		log_line(LOG_NOTICE, "%s: link %s is back", name, session->link.interface);
	else if (before->since_ns && !now->since_ns)
		log_line(LOG_INFO, "%s: link %s was down for about %llu ms", name,
			 session->link.interface,
			 (unsigned long long)((now_ns - before->since_ns) / NS_PER_MS));
}

void link_look_at(struct route_socket *asks, const struct quick *quick,
		  struct quick_session *session, uint64_t now_ns)
{
	struct session_link *link = &session->link;
	const struct link_debounce before = link->debounce;
	struct link_facts facts = {.before = link->route};
	struct link_notice now = {.device = 0}, old = {.device = 0};
	bool told = link->dirty;
	struct route route;

	link->dirty = false;
	link->looked_ns = now_ns;
	ask_way(asks, quick, session, &facts, &now, &route);
	if (link->route.device == facts.now.device)
		facts.state = facts.now_state;
	else if (link->route.device && link_look(asks, link->route.device, &old) == 0)
		facts.state = old.state;
	ask_address(asks, session, &facts);
	link_debounce_step(&link->debounce, link_loss_of(&facts), now_ns);
	if (link->debounce.loss != LINK_LOSS_NONE)
		link->trouble_ns = now_ns;
	else if (facts.now.device && facts.now_state == LINK_UP)
		remember(link, &facts, &now, &route, &session->connection);
	if (link->debounce.loss == LINK_LOSS_NONE) {
		link->turned_away = false;
		if (told && link->route.device && quick_acts(quick))
			neighbour_renew(asks, link->route.device, &link->next_hop);
	}
	say(quick, session, &before, now_ns);
}

bool link_is_lost(const struct quick_session *session)
{
	return session->link.debounce.lost;
}

uint64_t link_lost_since(const struct quick_session *session)
{
	return session->link.debounce.since_ns;
}

bool link_is_other(const struct quick_session *session, const struct quick_session *other)
{
	return other->link.route.device && !other->link.debounce.since_ns &&
	       other->link.route.device != session->link.route.device;
}

const char *link_text(const struct quick_session *session, char *buffer, size_t size)
{
	const struct session_link *link = &session->link;
	char address[PORTAL_TEXT_MAX];

	return link_loss_text(link->debounce.lost ? link->debounce.loss : LINK_LOSS_NONE,
			      link->interface,
			      ip_address_format(&session->connection.local, address,
						sizeof(address)),
			      buffer, size);
}
