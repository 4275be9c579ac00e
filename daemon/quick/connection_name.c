/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/quick/connection.h"

bool connection_known(const struct connection_name *name)
{
	return name->local.family != AF_UNSPEC && name->local_port != 0 &&
	       portal_known(&name->peer);
}

static struct ip_address plain(const struct ip_address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip_address ret = {.family = AF_INET};

	if (address->family != AF_INET6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
		return *address;
	memcpy(ret.bytes, address->bytes + sizeof(mapped), 4);
	return ret;
}

struct connection_name connection_plain(const struct connection_name *name)
{
	struct connection_name ret = *name;

	ret.local = plain(&name->local);
	ret.peer.address = plain(&name->peer.address);
	return ret;
}

static bool same_address(const struct ip_address *left, const struct ip_address *right)
{
	struct ip_address a = plain(left), b = plain(right);

	if (a.scope == 0 || b.scope == 0)
		a.scope = b.scope = 0;
	return ip_address_compare(&a, &b) == 0;
}

bool connection_equal(const struct connection_name *a, const struct connection_name *b)
{
	return a->local_port == b->local_port && a->peer.port == b->peer.port &&
	       same_address(&a->local, &b->local) &&
	       same_address(&a->peer.address, &b->peer.address);
}

static int from_sockaddr(const struct sockaddr_storage *from, struct ip_address *address,
			 uint16_t *port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*address = (struct ip_address){.family = from->ss_family};
	if (from->ss_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		memcpy(address->bytes, &v4.sin_addr, 4);
		*port = ntohs(v4.sin_port);
	} else if (from->ss_family == AF_INET6) {
		memcpy(&v6, from, sizeof(v6));
		memcpy(address->bytes, &v6.sin6_addr, 16);
		address->scope = v6.sin6_scope_id;
		*port = ntohs(v6.sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	return 0;
}

int connection_of_socket(int fd, struct connection_name *ret)
{
	struct sockaddr_storage local = {.ss_family = AF_UNSPEC}, peer = local;
	socklen_t local_size = sizeof(local), peer_size = sizeof(peer);
	struct connection_name name;
	int r;

	if (getsockname(fd, (void *)&local, &local_size) < 0 ||
	    getpeername(fd, (void *)&peer, &peer_size) < 0)
		return -errno;
	r = from_sockaddr(&local, &name.local, &name.local_port);
	if (r == 0)
		r = from_sockaddr(&peer, &name.peer.address, &name.peer.port);
	if (r == 0)
		*ret = name;
	return r;
}
