/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/quick/levers_file.h"
#include "daemon/quick/routes_netlink.h"

/* Among routes of IPv6 to one destination the lowest counts; those of others begin at 256. */
#define PRIORITY_IPV6 128

static uint8_t whole_prefix(const struct ip_address *address)
{
	return address->family == AF_INET6 ? 128 : 32;
}

static bool is_ours(const struct route *route)
{
	return route->protocol == ROUTES_PROTOCOL;
}

static bool low_enough(const struct route *route, uint32_t rto_min_ms)
{
	return route->metric_known[RTAX_RTO_MIN] && route->metric_known[RTAX_LOCK] &&
	       (route->metrics[RTAX_LOCK] & (1U << RTAX_RTO_MIN)) &&
	       route->metrics[RTAX_RTO_MIN] <= rto_min_ms;
}

/* The same way, to this address alone. TCP takes rto_min from a locked metric only. */
static void narrow(struct route *route, const struct ip_address *portal, uint32_t rto_min_ms)
{
	route->destination = *portal;
	route->prefix = whole_prefix(portal);
	route->protocol = ROUTES_PROTOCOL;
	route->priority = portal->family == AF_INET6 ? PRIORITY_IPV6 : 0;
	route->metrics[RTAX_RTO_MIN] = rto_min_ms;
	route->metrics[RTAX_LOCK] |= 1U << RTAX_RTO_MIN;
	route->metric_known[RTAX_RTO_MIN] = route->metric_known[RTAX_LOCK] = true;
}

static int tune(struct route_socket *socket, const struct ip_address *portal, uint32_t rto_min_ms)
{
	struct route route;
	int r = route_look(socket, portal, &route);

	if (r < 0)
		return r;
	/* Named twice. */
	if (is_ours(&route) || low_enough(&route, rto_min_ms))
		return 0;
	if (route.type != RTN_UNICAST || route.several)
		return -EOPNOTSUPP;
	if (route.prefix == whole_prefix(portal))
		return -EEXIST;
	narrow(&route, portal, rto_min_ms);
	return route_add(socket, &route);
}

/* 0 when none is left. */
static int remove_all(struct route_socket *socket)
{
	struct route *routes = calloc(ROUTES_MAX, sizeof(*routes));
	int n, i, r = 0, error = 0;

	if (!routes)
		return -ENOMEM;
	n = route_list(socket, ROUTES_PROTOCOL, routes, ROUTES_MAX);
	for (i = 0; i < n && i < ROUTES_MAX; i++) {
		r = route_remove(socket, &routes[i]);
		if (r < 0 && r != -ESRCH)
			error = r;
	}
	free(routes);
	return n < 0 ? n : n > ROUTES_MAX ? -E2BIG : error;
}

/* The addresses are for people: what there is, the kernel tells by the protocol number. */
static int record(const char *path, const struct ip_address *portals, size_t n)
{
	char text[PORTAL_TEXT_MAX], *lines = NULL;
	struct levers_file file;
	size_t size, i;
	FILE *out = open_memstream(&lines, &size);
	int r = -ENOMEM;

	if (!out)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		fprintf(out, "%s\n", ip_address_format(&portals[i], text, sizeof(text)));
	if (fclose(out) == 0)
		r = levers_file_new(path ? path : ROUTES_RECORD_PATH, &file);
	if (r == 0) {
		r = levers_file_write(&file, lines);
		levers_file_free(&file);
	}
	free(lines);
	return r;
}

int routes_set(const char *path, const struct ip_address *portals, size_t n, uint32_t rto_min_ms,
	       int *ret_errors)
{
	struct route_socket *socket;
	size_t i;
	int r;

	if (rto_min_ms < ROUTES_RTO_MIN_MS || n > ROUTES_MAX)
		return -EINVAL;
	if (n == 0)
		return routes_clear(path);
	r = route_socket_new(&socket);
	if (r < 0)
		return r;
	r = record(path, portals, n);
	if (r == 0)
		r = remove_all(socket);
	for (i = 0; i < n && r == 0; i++) {
		int error = tune(socket, &portals[i], rto_min_ms);

		if (ret_errors)
			ret_errors[i] = error;
	}
	route_socket_free(socket);
	return r;
}

int routes_clear(const char *path)
{
	struct route_socket *socket;
	int r = route_socket_new(&socket);

	if (r < 0)
		return r;
	r = remove_all(socket);
	route_socket_free(socket);
	return r < 0 ? r : record(path, NULL, 0);
}
