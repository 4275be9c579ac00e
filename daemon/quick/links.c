/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/quick/links_netlink.h"
#include "daemon/quick/netlink_take.h"
#include "daemon/quick/state.h"

#define LOOK_AGAIN_MS	  10000 /* the way of one that is well: routes may have changed */
#define NOTICES_AT_A_TIME 64
#define PACKETS_WAIT_MS	  5000 /* for a neighbour's address; the kernel gives up after 3 s */
/* A link is lost, and other paths have still to prove themselves: so often, and for so long. */
#define URGENT_US	  20000
#define URGENT_MS	  1000

struct links {
	struct mnl_socket *notices;
	sd_event_source *source;
	struct route_socket *asks;
	struct quick *quick;
	void (*fn)(struct quick *quick);
	bool news;
};

/* --- notices: when to look --- */

static bool is_about(const struct link_notice *notice, const struct quick_session *session)
{
	const struct connection_name plain = connection_plain(&session->connection);

	if (notice->address.family == AF_UNSPEC)
		return notice->device == session->link.route.device;
	return plain.local.family == notice->address.family &&
	       !memcmp(plain.local.bytes, notice->address.bytes, sizeof(plain.local.bytes));
}

static int on_notice(const struct nlmsghdr *header, void *arg)
{
	struct links *links = arg;
	struct link_notice notice;

	if (link_notice_read(header, &notice) <= 0)
		return MNL_CB_OK;
	for (size_t i = 0; i < links->quick->n_sessions; i++) {
		struct quick_session *session = &links->quick->sessions[i];

		if (!session->present || !session->link.route.device ||
		    !is_about(&notice, session))
			continue;
		/* It was up in between: what comes now is another loss. */
		if (notice.state == LINK_UP)
			session->link.debounce = (struct link_debounce){.since_ns = 0};
		session->link.dirty = links->news = true;
	}
	return MNL_CB_OK;
}

/* Some notices did not reach us. */
static void look_at_all(struct links *links)
{
	for (size_t i = 0; i < links->quick->n_sessions; i++)
		links->quick->sessions[i].link.dirty = true;
	links->news = true;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	char buffer[1 << 15] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct links *links = arg;

	(void)source;
	(void)fd;
	(void)revents;
	links->news = false;
	for (int i = 0; i < NOTICES_AT_A_TIME; i++) {
		ssize_t n = mnl_socket_recvfrom(links->notices, buffer, sizeof(buffer));

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 || netlink_take(buffer, (size_t)n, 0, 0, on_notice, links) < 0)
			look_at_all(links);
	}
	if (links->news)
		links->fn(links->quick);
	return 0;
}

static int listen_to(struct links *links)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};

	links->notices = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!links->notices || mnl_socket_bind(links->notices, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (mnl_socket_setsockopt(links->notices, NETLINK_ADD_MEMBERSHIP,
					  (void *)(uintptr_t)&groups[i], sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

int links_new(sd_event *event, struct quick *quick, void (*fn)(struct quick *quick),
	      struct links **ret)
{
	struct links *links = calloc(1, sizeof(*links));
	int r;

	if (!links)
		return -ENOMEM;
	links->quick = quick;
	links->fn = fn;
	r = listen_to(links);
	if (r >= 0)
		r = route_socket_new(&links->asks);
	if (r >= 0)
		r = sd_event_add_io(event, &links->source, mnl_socket_get_fd(links->notices),
				    EPOLLIN, on_readable, links);
	if (r < 0) {
		links_free(links);
		return r;
	}
	*ret = links;
	return 0;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	sd_event_source_disable_unref(links->source);
	route_socket_free(links->asks);
	if (links->notices)
		mnl_socket_close(links->notices);
	free(links);
}

/* --- looks --- */

/* One that is logged out is looked at only while its link is down, to see it come back. */
static bool is_due(const struct quick_session *session, uint64_t now_ns)
{
	const struct session_link *link = &session->link;

	if (!session->present || !connection_known(&session->connection))
		return false;
	if (link->dirty || link->debounce.since_ns)
		return true;
	return session->logged_in_ns &&
	       (!link->route.device || now_ns - link->looked_ns >= LOOK_AGAIN_MS * NS_PER_MS) &&
	       (!link->looked_ns || now_ns - link->looked_ns >= URGENT_MS * NS_PER_MS);
}

void links_look(struct links *links, struct quick *quick, uint64_t now_ns)
{
	for (size_t i = 0; links && i < quick->n_sessions; i++)
		if (is_due(&quick->sessions[i], now_ns))
			link_look_at(links->asks, quick, &quick->sessions[i], now_ns);
}

static uint64_t wait_of(const struct quick_session *session, uint64_t now_ns, uint64_t most_us)
{
	const struct link_debounce *debounce = &session->link.debounce;
	uint64_t for_ns = now_ns - debounce->since_ns;

	if (!session->present || !debounce->since_ns || now_ns < debounce->since_ns)
		return most_us;
	if (!debounce->lost && for_ns < LINK_LOSS_MS * NS_PER_MS)
		return (LINK_LOSS_MS * NS_PER_MS - for_ns) / 1000 + 1;
	if (session->logged_in_ns && !session->given_up && session->in_flight &&
	    for_ns < URGENT_MS * NS_PER_MS)
		return URGENT_US;
	return most_us;
}

uint64_t links_wait_us(const struct quick *quick, uint64_t now_ns, uint64_t most_us)
{
	uint64_t least_us = most_us;

	for (size_t i = 0; i < quick->n_sessions; i++) {
		uint64_t us = wait_of(&quick->sessions[i], now_ns, most_us);

		if (us < least_us)
			least_us = us;
	}
	return least_us;
}

void link_forget_packets(struct links *links, const struct quick *quick,
			 const struct quick_session *session, uint64_t now_ns)
{
	const struct session_link *link = &session->link;
	char name[QUICK_NAME_MAX];
	int r;

	if (!links || !quick_acts(quick) || !link->trouble_ns ||
	    now_ns - link->trouble_ns > PACKETS_WAIT_MS * NS_PER_MS)
		return;
	r = neighbour_drop(links->asks, link->route.device, &link->next_hop);
	if (r > 0)
		log_line(LOG_INFO, "%s: packets that waited for the link are thrown away",
			 quick_name(quick, session, name, sizeof(name)));
	else if (r < 0)
		log_line(LOG_WARNING, "%s: packets that wait for the link are still there: %s",
			 quick_name(quick, session, name, sizeof(name)), strerror(-r));
}
