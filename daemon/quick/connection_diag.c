/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/connection_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/quick/netlink_take.h"

struct diag_socket {
	struct mnl_socket *socket;
	uint32_t sequence;
};

/* Send a request and hand its answer to 'fn'; the kernel has made it before send returns. */
static int exchange(struct diag_socket *socket, struct nlmsghdr *request, mnl_cb_t fn,
		    void *arg)
{
	char buffer[1 << 13] __attribute__((aligned(NLMSG_ALIGNTO)));
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

static struct inet_diag_req_v2 *put_request(char *buffer, uint16_t type, uint16_t flags,
					    sa_family_t family, struct nlmsghdr **ret)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = (uint8_t)family;
	request->sdiag_protocol = IPPROTO_TCP;
	*ret = header;
	return request;
}

/* A dump of the sockets in none of all states: loads the modules and tells whether they are
 * there, which the look for a socket does not (ENOENT either way). */
static int load_modules(struct diag_socket *socket)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	int r;

	put_request(buffer, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, AF_INET, &header);
	r = exchange(socket, header, NULL, NULL);
	return r == -ENOENT ? -EPROTONOSUPPORT : r;
}

int diag_socket_new(struct diag_socket **ret)
{
	struct diag_socket *socket = calloc(1, sizeof(*socket));
	int r;

	if (!socket)
		return -ENOMEM;
	socket->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!socket->socket || mnl_socket_bind(socket->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	else
		r = load_modules(socket);
	if (r < 0) {
		diag_socket_free(socket);
		return r;
	}
	*ret = socket;
	return 0;
}

void diag_socket_free(struct diag_socket *socket)
{
	if (!socket)
		return;
	if (socket->socket)
		mnl_socket_close(socket->socket);
	free(socket);
}

static int on_attribute(const struct nlattr *attribute, void *arg)
{
	struct diag_answer *answer = arg;
	size_t size = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != INET_DIAG_INFO)
		return MNL_CB_OK;
	if (size > sizeof(answer->info))
		size = sizeof(answer->info);
	memcpy(&answer->info, mnl_attr_get_payload(attribute), size);
	answer->info_size = size;
	return MNL_CB_OK;
}

int diag_on_socket(const struct nlmsghdr *header, void *arg)
{
	struct diag_answer *answer = arg;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(answer->message)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	memcpy(&answer->message, mnl_nlmsg_get_payload(header), sizeof(answer->message));
	if (mnl_attr_parse(header, sizeof(answer->message), on_attribute, answer) < 0)
		return MNL_CB_ERROR;
	return MNL_CB_STOP;
}

static void put_name(struct inet_diag_sockid *id, const struct connection_name *name,
		     uint32_t device)
{
	size_t length = name->local.family == AF_INET6 ? 16 : 4;

	id->idiag_sport = htons(name->local_port);
	id->idiag_dport = htons(name->peer.port);
	memcpy(id->idiag_src, name->local.bytes, length);
	memcpy(id->idiag_dst, name->peer.address.bytes, length);
	id->idiag_if = device;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

static struct connection_name name_of(const struct inet_diag_msg *message)
{
	size_t length = message->idiag_family == AF_INET6 ? 16 : 4;
	struct connection_name name = {.local.family = message->idiag_family,
				       .peer.address.family = message->idiag_family};

	memcpy(name.local.bytes, message->id.idiag_src, length);
	memcpy(name.peer.address.bytes, message->id.idiag_dst, length);
	name.local_port = ntohs(message->id.idiag_sport);
	name.peer.port = ntohs(message->id.idiag_dport);
	return name;
}

/* The look-up also finds a listener on the local port, and what is left of a connection. */
static bool is_the_one(const struct diag_answer *answer, const struct connection_name *name)
{
	struct connection_name found = name_of(&answer->message);

	return answer->message.idiag_inode != 0 && answer->info_size > 0 &&
	       connection_equal(&found, name);
}

int diag_look(struct diag_socket *socket, const struct connection_name *name, uint32_t device,
	      struct diag_answer *ret)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct diag_answer answer = {.info_size = 0};
	struct inet_diag_req_v2 *request;
	struct nlmsghdr *header;
	int r;

	request = put_request(buffer, SOCK_DIAG_BY_FAMILY, 0, name->local.family, &header);
	request->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	put_name(&request->id, name, device);
	r = exchange(socket, header, diag_on_socket, &answer);
	if (r < 0)
		return r;
	if (!is_the_one(&answer, name))
		return -ENOENT;
	*ret = answer;
	return 0;
}

int diag_destroy(struct diag_socket *socket, const struct diag_answer *answer)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct inet_diag_req_v2 *request;
	struct nlmsghdr *header;

	request = put_request(buffer, SOCK_DESTROY, NLM_F_ACK, answer->message.idiag_family,
			      &header);
	request->id = answer->message.id;
	return exchange(socket, header, NULL, NULL);
}
