/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/links_netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <string.h>

#define REQUEST_SIZE  512
#define NUD_VALID_NOW (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)
#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000 /* linux/if.h, which does not go with net/if.h */
#endif

static size_t length_of(const struct ip_address *address)
{
	return address->family == AF_INET6 ? 16 : 4;
}

static int on_link_attribute(const struct nlattr *attribute, void *arg)
{
	struct link_notice *notice = arg;
	size_t size = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != IFLA_IFNAME)
		return MNL_CB_OK;
	if (size > sizeof(notice->name) - 1)
		size = sizeof(notice->name) - 1;
	memcpy(notice->name, mnl_attr_get_payload(attribute), size);
	notice->name[size] = '\0';
	return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *header, struct link_notice *ret)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
		return -EBADMSG;
	/* A bridge tells under a family of its own which port it has lost. */
	if (message->ifi_family != AF_UNSPEC)
		return 0;
	*ret = (struct link_notice){.device = (uint32_t)message->ifi_index};
	if (header->nlmsg_type == RTM_DELLINK)
		ret->state = LINK_GONE;
	else if (!(message->ifi_flags & IFF_UP))
		ret->state = LINK_OFF;
	else
		ret->state = message->ifi_flags & IFF_LOWER_UP ? LINK_UP : LINK_NO_CARRIER;
	return mnl_attr_parse(header, sizeof(*message), on_link_attribute, ret) < 0 ? -EBADMSG : 1;
}

/* Our own end: IFA_LOCAL, or IFA_ADDRESS where there is no other. */
static int on_address_attribute(const struct nlattr *attribute, void *arg)
{
	const struct nlattr **own = arg;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type == IFA_LOCAL || (type == IFA_ADDRESS && !*own))
		*own = attribute;
	return MNL_CB_OK;
}

static int read_address(const struct nlmsghdr *header, struct link_notice *ret)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *own = NULL;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
		return -EBADMSG;
	if (message->ifa_family != AF_INET && message->ifa_family != AF_INET6)
		return 0;
	if (mnl_attr_parse(header, sizeof(*message), on_address_attribute, &own) < 0)
		return -EBADMSG;
	*ret = (struct link_notice){.device = message->ifa_index,
				    .address = {.family = message->ifa_family}};
	if (!own || mnl_attr_get_payload_len(own) != length_of(&ret->address))
		return 0;
	memcpy(ret->address.bytes, mnl_attr_get_payload(own), length_of(&ret->address));
	return 1;
}

int link_notice_read(const struct nlmsghdr *header, struct link_notice *ret)
{
	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return read_link(header, ret);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return read_address(header, ret);
	default:
		return 0;
	}
}

static void *put_request(char *buffer, uint16_t type, uint16_t flags, size_t size,
			 struct nlmsghdr **ret)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	*ret = header;
	return mnl_nlmsg_put_extra_header(header, size);
}

static int on_link(const struct nlmsghdr *header, void *arg)
{
	int r = link_notice_read(header, arg);

	if (r < 0)
		errno = -r;
	return r < 0 ? MNL_CB_ERROR : r ? MNL_CB_STOP : MNL_CB_OK;
}

int link_look(struct route_socket *socket, uint32_t device, struct link_notice *ret)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct ifinfomsg *message =
		put_request(buffer, RTM_GETLINK, 0, sizeof(*message), &header);
	int r;

	message->ifi_index = (int)device;
	mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	*ret = (struct link_notice){.device = device};
	r = route_exchange(socket, header, on_link, ret);
	if (r != -ENODEV)
		return r;
	ret->state = LINK_GONE;
	return 0;
}

static int on_way(const struct nlmsghdr *header, void *arg)
{
	if (header->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	return route_read(header, arg) < 0 ? MNL_CB_ERROR : MNL_CB_STOP;
}

/* The ports choose among several next hops where the host does so by connection. */
static void put_connection(struct nlmsghdr *header, struct rtmsg *message,
			   const struct connection_name *name)
{
	size_t length = length_of(&name->local);

	message->rtm_family = (uint8_t)name->local.family;
	message->rtm_src_len = message->rtm_dst_len = (uint8_t)(8 * length);
	mnl_attr_put(header, RTA_SRC, length, name->local.bytes);
	mnl_attr_put(header, RTA_DST, length, name->peer.address.bytes);
	mnl_attr_put_u8(header, RTA_IP_PROTO, IPPROTO_TCP);
	mnl_attr_put_u16(header, RTA_SPORT, htons(name->local_port));
	mnl_attr_put_u16(header, RTA_DPORT, htons(name->peer.port));
}

int link_way(struct route_socket *socket, const struct connection_name *name, uint32_t bound,
	     struct route *ret)
{
	/* Zero: libmnl writes no padding behind short attributes. */
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	const struct connection_name plain = connection_plain(name);
	struct nlmsghdr *header;
	struct rtmsg *message = put_request(buffer, RTM_GETROUTE, 0, sizeof(*message), &header);
	int r;

	if (!bound)
		bound = plain.peer.address.scope;
	put_connection(header, message, &plain);
	if (bound)
		mnl_attr_put_u32(header, RTA_OIF, bound);
	*ret = (struct route){.type = RTN_UNSPEC};
	r = route_exchange(socket, header, on_way, ret);
	if (r < 0)
		return r;
	if (ret->type != RTN_UNICAST && ret->type != RTN_LOCAL)
		return -EHOSTUNREACH;
	return ret->device ? 0 : -EIO;
}

static int on_neighbour(const struct nlmsghdr *header, void *arg)
{
	const struct ndmsg *message = mnl_nlmsg_get_payload(header);
	uint16_t *state = arg;

	if (header->nlmsg_type != RTM_NEWNEIGH)
		return MNL_CB_OK;
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	*state = message->ndm_state;
	return MNL_CB_STOP;
}

static int about_neighbour(struct route_socket *socket, uint16_t type, uint32_t device,
			   const struct ip_address *next_hop, uint16_t *state)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint16_t flags = type == RTM_GETNEIGH ? 0 : NLM_F_ACK;
	struct nlmsghdr *header;
	struct ndmsg *message = put_request(buffer, type, flags, sizeof(*message), &header);

	message->ndm_family = (uint8_t)next_hop->family;
	message->ndm_ifindex = (int)device;
	if (type == RTM_NEWNEIGH) {
		header->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
		message->ndm_state = *state;
		message->ndm_flags = *state == NUD_NONE ? NTF_USE : 0;
	}
	mnl_attr_put(header, NDA_DST, length_of(next_hop), next_hop->bytes);
	return route_exchange(socket, header, on_neighbour, state);
}

int neighbour_drop(struct route_socket *socket, uint32_t device, const struct ip_address *next_hop)
{
	uint16_t state = 0;
	int r = about_neighbour(socket, RTM_GETNEIGH, device, next_hop, &state);

	/* One that is known has nothing waiting, and may be somebody's permanent entry. */
	if (r == -ENOENT || r == -ENODEV || (r == 0 && !(state & NUD_INCOMPLETE)))
		return 0;
	if (r == 0)
		r = about_neighbour(socket, RTM_DELNEIGH, device, next_hop, &state);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int neighbour_renew(struct route_socket *socket, uint32_t device,
		    const struct ip_address *next_hop)
{
	uint16_t state = 0;
	int r = neighbour_drop(socket, device, next_hop);

	if (r == 0)
		r = about_neighbour(socket, RTM_GETNEIGH, device, next_hop, &state);
	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	if (state & (NUD_PERMANENT | NUD_NOARP))
		return 0;
	state = state & NUD_VALID_NOW ? NUD_PROBE : NUD_NONE;
	r = about_neighbour(socket, RTM_NEWNEIGH, device, next_hop, &state);
	return r < 0 ? r : 1;
}
