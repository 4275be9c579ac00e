/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/connection_device.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "daemon/quick/netlink_take.h"

static size_t length_of(const struct ip_address *address)
{
	return address->family == AF_INET6 ? 16 : 4;
}

/* IFA_LOCAL is our own end of a point-to-point link, IFA_ADDRESS the peer's; IPv6 has it
 * the same way, but gives only IFA_ADDRESS where there is no peer. */
static int on_attribute(const struct nlattr *attribute, void *arg)
{
	const struct nlattr **own = arg;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type == IFA_LOCAL || (type == IFA_ADDRESS && !*own))
		*own = attribute;
	return MNL_CB_OK;
}

int device_on_address(const struct nlmsghdr *header, void *arg)
{
	struct device_search *search = arg;
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *own = NULL;
	size_t length = length_of(search->address);

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (message->ifa_family != search->address->family)
		return MNL_CB_OK;
	if (mnl_attr_parse(header, sizeof(*message), on_attribute, &own) < 0)
		return MNL_CB_ERROR;
	if (own && mnl_attr_get_payload_len(own) == length &&
	    memcmp(mnl_attr_get_payload(own), search->address->bytes, length) == 0 &&
	    search->n < search->max)
		search->indices[search->n++] = message->ifa_index;
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, struct device_search *search)
{
	char buffer[1 << 14] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *message;
	ssize_t n;
	int r = 0;

	header->nlmsg_type = RTM_GETADDR;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = 1;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ifa_family = (uint8_t)search->address->family;
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return -errno;
	while (r == 0) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		r = netlink_take(buffer, (size_t)n, 1, mnl_socket_get_portid(socket),
				 device_on_address, search);
	}
	return r < 0 ? r : 0;
}

int devices_with_address(const struct ip_address *address, uint32_t *indices, size_t max)
{
	struct device_search search = {.address = address, .indices = indices, .max = max};
	struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r;

	if (!socket)
		return -errno;
	r = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : ask(socket, &search);
	mnl_socket_close(socket);
	return r < 0 ? r : (int)search.n;
}
