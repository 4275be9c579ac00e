/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_TEXT  64
#define STUCK_BACKOFF 2

union any_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t peer_of(const struct probe_road *road, union any_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (road->portal.address.family == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(road->portal.port);
		memcpy(&ret->in.sin_addr, road->portal.address.bytes, 4);
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(road->portal.port);
	/* sysfs gives link-local addresses without it: then the bound device is their scope */
	ret->in6.sin6_scope_id = road->portal.address.scope;
	memcpy(&ret->in6.sin6_addr, road->portal.address.bytes, 16);
	return sizeof(ret->in6);
}

static bool from_socket(const union any_address *address, struct portal *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->address.family = address->any.sa_family;
	if (address->any.sa_family == AF_INET) {
		memcpy(ret->address.bytes, &address->in.sin_addr, 4);
		ret->port = ntohs(address->in.sin_port);
		return true;
	}
	if (address->any.sa_family != AF_INET6)
		return false;
	memcpy(ret->address.bytes, &address->in6.sin6_addr, 16);
	ret->port = ntohs(address->in6.sin6_port);
	return true;
}

static bool same_address(const struct ip_address *a, const struct ip_address *b)
{
	return a->family == b->family &&
	       !memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16);
}

static int bind_device(int fd, const struct probe_road *road, char *text, size_t size)
{
	int error;

	if (!road->netdev[0])
		return 0;
	if (!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, road->netdev,
			(socklen_t)strlen(road->netdev)))
		return 0;
	error = -errno;
	snprintf(text, size, "cannot bind to device %s: %s", road->netdev,
		 strerror(-error));
	return error;
}

static int check_source(int fd, const struct probe_road *road, char *text, size_t size)
{
	char wanted[ADDRESS_TEXT], used[ADDRESS_TEXT];
	union any_address name = {.any = {0}};
	socklen_t length = sizeof(name);
	struct portal own;

	if (road->source.family == AF_UNSPEC)
		return 0;
	if (getsockname(fd, &name.any, &length))
		return -errno;
	if (from_socket(&name, &own) && same_address(&own.address, &road->source))
		return 0;
	ip_address_format(&road->source, wanted, sizeof(wanted));
	ip_address_format(&own.address, used, sizeof(used));
	snprintf(text, size, "route leaves from %s, the session from %s", used, wanted);
	return -EXDEV;
}

bool probe_error_is_local(int error)
{
	switch (error) {
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ECONNABORTED:
	case -ETIMEDOUT:
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -ENETDOWN:
	case -EHOSTDOWN:
		return false;
	default:
		return true;
	}
}

int probe_road_check(const struct probe_road *road, char *text, size_t size)
{
	int fd = socket(road->portal.address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		error = -errno;
		snprintf(text, size, "cannot make a socket: %s", strerror(-error));
		return error;
	}
	error = bind_device(fd, road, text, size);
	close(fd);
	return error;
}

static int check_device(int fd, const struct probe_road *road, char *text, size_t size)
{
	char bound[IFNAMSIZ] = "";
	socklen_t length = sizeof(bound);

	if (!road->netdev[0])
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound, &length))
		return -errno;
	bound[sizeof(bound) - 1] = 0;
	if (!strcmp(bound, road->netdev))
		return 0;
	snprintf(text, size, "socket bound to device '%s' instead of %s", bound,
		 road->netdev);
	return -EXDEV;
}

static int check_peer(int fd, const struct probe_road *road, char *text, size_t size)
{
	char used[PORTAL_TEXT_MAX];
	union any_address name = {.any = {0}};
	socklen_t length = sizeof(name);
	struct portal peer;

	if (getpeername(fd, &name.any, &length))
		return -errno;
	if (from_socket(&name, &peer) && peer.port == road->portal.port &&
	    same_address(&peer.address, &road->portal.address))
		return 0;
	snprintf(text, size, "connected to %s instead of the portal",
		 portal_format(&peer, used, sizeof(used)));
	return -EXDEV;
}

int probe_socket_verify(int fd, const struct probe_road *road, bool connected, char *text,
			size_t size)
{
	int error = check_device(fd, road, text, size);

	if (!error)
		error = check_source(fd, road, text, size);
	if (!error && connected)
		error = check_peer(fd, road, text, size);
	return error;
}

static int connect_on(int fd, const struct probe_road *road, char *text, size_t size)
{
	union any_address peer = {.any = {0}};
	socklen_t length = peer_of(road, &peer);
	int one = 1, error = bind_device(fd, road, text, size);

	if (error)
		return error;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* no data: no matter */
	if (connect(fd, &peer.any, length) && errno != EINPROGRESS) {
		error = -errno;
		snprintf(text, size, "%s", strerror(-error));
		return error;
	}
	return probe_socket_verify(fd, road, false, text, size);
}

int probe_tcp_begin(const struct probe_road *road, int *ret_fd, char *text, size_t size)
{
	int fd = socket(road->portal.address.family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = connect_on(fd, road, text, size);
	if (error) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int probe_socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		return -errno;
	return -error;
}

bool probe_socket_stuck(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		return false;
	return info.tcpi_unacked > 0 && info.tcpi_backoff >= STUCK_BACKOFF;
}
