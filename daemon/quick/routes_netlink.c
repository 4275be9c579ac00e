/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/routes_netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/quick/netlink_take.h"

#define REQUEST_SIZE 1024

struct route_socket {
	struct mnl_socket *socket;
	uint32_t sequence;
};

int route_socket_new(struct route_socket **ret)
{
	struct route_socket *socket = calloc(1, sizeof(*socket));
	int strict = 1, r;

	if (!socket)
		return -ENOMEM;
	socket->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!socket->socket || mnl_socket_bind(socket->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		route_socket_free(socket);
		return r;
	}
	/* The kernel (4.20) then leaves out of a list what is not asked for. */
	mnl_socket_setsockopt(socket->socket, NETLINK_GET_STRICT_CHK, &strict, sizeof(strict));
	*ret = socket;
	return 0;
}

void route_socket_free(struct route_socket *socket)
{
	if (!socket)
		return;
	if (socket->socket)
		mnl_socket_close(socket->socket);
	free(socket);
}

int route_exchange(struct route_socket *socket, struct nlmsghdr *request, mnl_cb_t fn, void *arg)
{
	char buffer[1 << 15] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int port = mnl_socket_get_portid(socket->socket);
	ssize_t n;
	int r;

	request->nlmsg_seq = ++socket->sequence;
	if (mnl_socket_sendto(socket->socket, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		n = mnl_socket_recvfrom(socket->socket, buffer, sizeof(buffer));
		if (n < 0)
			return errno == EAGAIN ? -EIO : -errno;
		r = netlink_take(buffer, (size_t)n, socket->sequence, port, fn, arg);
		if (r)
			return r < 0 ? r : 0;
	}
}

static struct rtmsg *put_request(char *buffer, uint16_t type, uint16_t flags, sa_family_t family,
				 struct nlmsghdr **ret)
{
	struct rtmsg *message;
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->rtm_family = (uint8_t)family;
	*ret = header;
	return message;
}

static size_t length_of(const struct ip_address *address)
{
	return address->family == AF_INET6 ? 16 : 4;
}

static void put_address(struct nlmsghdr *header, uint16_t type, const struct ip_address *address)
{
	if (address->family != AF_UNSPEC)
		mnl_attr_put(header, type, length_of(address), address->bytes);
}

static void take_address(const struct nlattr *attribute, uint8_t family, struct ip_address *ret)
{
	size_t length = family == AF_INET6 ? 16 : 4;

	if (mnl_attr_get_payload_len(attribute) != length)
		return;
	*ret = (struct ip_address){.family = family};
	memcpy(ret->bytes, mnl_attr_get_payload(attribute), length);
}

static int on_metric(const struct nlattr *attribute, void *arg)
{
	struct route *route = arg;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type <= RTAX_MAX && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t)) {
		route->metric_known[type] = true;
		route->metrics[type] = mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

static uint32_t take_number(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) ?
		       mnl_attr_get_u32(attribute) :
		       0;
}

struct reading {
	struct route *route;
	uint8_t family;
};

static int on_attribute(const struct nlattr *attribute, void *arg)
{
	const struct reading *reading = arg;
	struct route *route = reading->route;

	switch (mnl_attr_get_type(attribute)) {
	case RTA_DST:
		take_address(attribute, reading->family, &route->destination);
		break;
	case RTA_GATEWAY:
		take_address(attribute, reading->family, &route->gateway);
		break;
	case RTA_PREFSRC:
		take_address(attribute, reading->family, &route->source);
		break;
	case RTA_OIF:
		route->device = take_number(attribute);
		break;
	case RTA_PRIORITY:
		route->priority = take_number(attribute);
		break;
	case RTA_TABLE:
		route->table = take_number(attribute);
		break;
	case RTA_MULTIPATH: /* also what else names its next hops in a way of its own */
	case RTA_VIA:
	case RTA_ENCAP:
	case RTA_NH_ID:
		route->several = true;
		break;
	case RTA_METRICS:
		return mnl_attr_parse_nested(attribute, on_metric, route);
	default:
		break;
	}
	return MNL_CB_OK;
}

int route_read(const struct nlmsghdr *header, struct route *ret)
{
	const struct rtmsg *message = mnl_nlmsg_get_payload(header);
	struct reading reading = {.route = ret};

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	reading.family = message->rtm_family;
	*ret = (struct route){.prefix = message->rtm_dst_len,
			      .tos = message->rtm_tos,
			      .protocol = message->rtm_protocol,
			      .scope = message->rtm_scope,
			      .type = message->rtm_type,
			      .table = message->rtm_table};
	return mnl_attr_parse(header, sizeof(*message), on_attribute, &reading);
}

static int on_found(const struct nlmsghdr *header, void *arg)
{
	if (header->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	return route_read(header, arg) < 0 ? MNL_CB_ERROR : MNL_CB_STOP;
}

int route_look(struct route_socket *socket, const struct ip_address *to, struct route *ret)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct route found = {.type = RTN_UNSPEC};
	struct nlmsghdr *header;
	struct rtmsg *message = put_request(buffer, RTM_GETROUTE, 0, to->family, &header);
	int r;

	message->rtm_dst_len = (uint8_t)(8 * length_of(to));
	message->rtm_flags = RTM_F_FIB_MATCH; /* the entry of the table, not what follows from it */
	put_address(header, RTA_DST, to);
	if (to->scope)
		mnl_attr_put_u32(header, RTA_OIF, to->scope);
	r = route_exchange(socket, header, on_found, &found);
	if (r < 0)
		return r;
	if (found.type == RTN_UNSPEC)
		return -ENOENT;
	*ret = found;
	return 0;
}

static void put_metrics(struct nlmsghdr *header, const struct route *route)
{
	struct nlattr *nest = mnl_attr_nest_start(header, RTA_METRICS);
	int i;

	for (i = RTAX_LOCK; i <= RTAX_MAX; i++)
		if (route->metric_known[i] && i != RTAX_CC_ALGO)
			mnl_attr_put_u32(header, (uint16_t)i, route->metrics[i]);
	mnl_attr_nest_end(header, nest);
}

static void put_route(struct nlmsghdr *header, struct rtmsg *message, const struct route *route)
{
	message->rtm_dst_len = route->prefix;
	message->rtm_tos = route->tos;
	message->rtm_protocol = route->protocol;
	message->rtm_scope = route->scope;
	message->rtm_type = route->type;
	message->rtm_table = (uint8_t)(route->table < 256 ? route->table : RT_TABLE_COMPAT);
	mnl_attr_put_u32(header, RTA_TABLE, route->table);
	put_address(header, RTA_DST, &route->destination);
	if (route->device)
		mnl_attr_put_u32(header, RTA_OIF, route->device);
	if (route->priority)
		mnl_attr_put_u32(header, RTA_PRIORITY, route->priority);
	put_address(header, RTA_GATEWAY, &route->gateway);
	put_address(header, RTA_PREFSRC, &route->source);
}

int route_add(struct route_socket *socket, const struct route *route)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct rtmsg *message = put_request(buffer, RTM_NEWROUTE,
					    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
					    route->destination.family, &header);

	put_route(header, message, route);
	put_metrics(header, route);
	return route_exchange(socket, header, NULL, NULL);
}

int route_remove(struct route_socket *socket, const struct route *route)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct rtmsg *message = put_request(buffer, RTM_DELROUTE, NLM_F_ACK,
					    route->destination.family, &header);

	put_route(header, message, route);
	return route_exchange(socket, header, NULL, NULL);
}

struct list {
	uint8_t protocol;
	struct route *routes;
	size_t n, max;
};

static int on_listed(const struct nlmsghdr *header, void *arg)
{
	const struct rtmsg *message = mnl_nlmsg_get_payload(header);
	struct list *list = arg;
	struct route route;

	if (header->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (route_read(header, &route) < 0)
		return MNL_CB_ERROR;
	if (route.protocol != list->protocol || (message->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	if (list->n < list->max)
		list->routes[list->n] = route;
	list->n++;
	return MNL_CB_OK;
}

static int list_family(struct route_socket *socket, sa_family_t family, struct list *list)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct rtmsg *message = put_request(buffer, RTM_GETROUTE, NLM_F_DUMP, family, &header);
	int r;

	message->rtm_protocol = list->protocol;
	r = route_exchange(socket, header, on_listed, list);
	/* A host without IPv6 has no such routes. */
	return r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r;
}

int route_list(struct route_socket *socket, uint8_t protocol, struct route *routes, size_t max)
{
	struct list list = {.protocol = protocol, .routes = routes, .max = max};
	int r = list_family(socket, AF_INET, &list);

	if (r == 0)
		r = list_family(socket, AF_INET6, &list);
	return r < 0 ? r : (int)list.n;
}
