/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes to portals, in a network namespace of our own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/quick/routes.h"
#include "daemon/quick/routes_netlink.h"
#include "tests/unit/namespace_fixture.h"

#define PORTALS 8

static char folder[] = "/tmp/routes.XXXXXX", record[64];
static bool have_namespace;

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(record, sizeof(record), "%s/routes", folder);
	have_namespace = own_network(
		"link add d0 type veth peer name d1\n"
		"link set d0 up\n"
		"link set d1 up\n"
		"addr add 10.1.0.1/24 dev d0\n"
		"addr add fd00:1::1/64 dev d0 nodad\n"
		"route add default via 10.1.0.254\n"
		"route add ::/0 via fd00:1::fe\n"
		"route add 10.9.9.9/32 via 10.1.0.253\n"
		"route add 10.8.0.0/24 via 10.1.0.252 rto_min 40ms\n"
		"route add 10.7.0.0/24 nexthop via 10.1.0.2 nexthop via 10.1.0.3\n"
		"route add 10.6.0.0/24 via 10.1.0.7 mtu lock 1400 src 10.1.0.1\n");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	unlink(record);
	return rmdir(folder);
}

static size_t parse(const char *const *texts, struct ip_address *ret)
{
	size_t n;

	for (n = 0; texts[n]; n++)
		assert_int_equal(ip_address_parse(texts[n], &ret[n]), 0);
	return n;
}

static void look(const char *to, struct route *ret)
{
	struct route_socket *socket;
	struct ip_address address;

	assert_int_equal(ip_address_parse(to, &address), 0);
	assert_int_equal(route_socket_new(&socket), 0);
	assert_int_equal(route_look(socket, &address, ret), 0);
	route_socket_free(socket);
}

static int ours(void)
{
	struct route_socket *socket;
	int n;

	assert_int_equal(route_socket_new(&socket), 0);
	n = route_list(socket, ROUTES_PROTOCOL, NULL, 0);
	route_socket_free(socket);
	return n;
}

static void check_same_way(const struct route *before, const struct route *after, uint32_t ms)
{
	assert_int_equal(after->protocol, ROUTES_PROTOCOL);
	assert_int_equal(after->device, before->device);
	assert_int_equal(after->scope, before->scope);
	assert_int_equal(after->table, before->table);
	assert_int_equal(ip_address_compare(&after->gateway, &before->gateway), 0);
	assert_int_equal(ip_address_compare(&after->source, &before->source), 0);
	assert_int_equal(after->metrics[RTAX_MTU], before->metrics[RTAX_MTU]);
	assert_int_equal(after->metrics[RTAX_RTO_MIN], ms);
	assert_int_equal(after->metrics[RTAX_LOCK],
			 before->metrics[RTAX_LOCK] | 1U << RTAX_RTO_MIN);
}

static void the_same_way_but_quicker(void **state)
{
	static const char *const texts[] = {"10.1.0.2",	   "192.0.2.1", "fd00:1::2",
					    "2001:db8::1", "10.6.0.5",	NULL};
	struct route before[PORTALS], after;
	struct ip_address portals[PORTALS];
	int errors[PORTALS];
	size_t n = parse(texts, portals), i;

	(void)state;
	if (!have_namespace)
		skip();
	for (i = 0; i < n; i++)
		look(texts[i], &before[i]);
	assert_int_equal(routes_set(record, portals, n, 50, errors), 0);
	assert_int_equal(ours(), 5);
	assert_int_equal(access(record, F_OK), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(errors[i], 0);
		look(texts[i], &after);
		check_same_way(&before[i], &after, 50);
	}
	/* again, with another value and fewer */
	assert_int_equal(routes_set(record, portals, 1, 60, errors), 0);
	assert_int_equal(ours(), 1);
	look(texts[0], &after);
	check_same_way(&before[0], &after, 60);
	assert_int_equal(routes_clear(record), 0);
	assert_int_equal(ours(), 0);
	assert_int_not_equal(access(record, F_OK), 0);
	look(texts[0], &after);
	assert_int_equal(after.protocol, before[0].protocol);
	assert_int_equal(routes_clear(record), 0);
}

static void what_is_left_alone(void **state)
{
	static const char *const texts[] = {"10.9.9.9", "10.8.0.1", "10.7.0.1",
					    "127.0.0.1", "10.1.0.1", NULL};
	struct ip_address portals[PORTALS];
	int errors[PORTALS];
	size_t n = parse(texts, portals);

	(void)state;
	if (!have_namespace)
		skip();
	assert_int_equal(routes_set(record, portals, n, 50, errors), 0);
	assert_int_equal(errors[0], -EEXIST);
	assert_int_equal(errors[1], 0); /* low enough as it is */
	assert_int_equal(errors[2], -EOPNOTSUPP);
	assert_int_equal(errors[3], -EOPNOTSUPP);
	assert_int_equal(errors[4], -EOPNOTSUPP);
	assert_int_equal(ours(), 0);
	assert_int_equal(routes_set(record, portals, n, 39, errors), -EINVAL);
	assert_int_equal(routes_clear(record), 0);
}

/* The way is looked up past the route of ours. */
static void follows_the_routes(void **state)
{
	static const char *const texts[] = {"192.0.2.1", NULL};
	struct ip_address portals[1], gateway;
	struct route after;
	int error;

	(void)state;
	if (!have_namespace)
		skip();
	parse(texts, portals);
	assert_int_equal(routes_set(record, portals, 1, 50, &error), 0);
	ip("route replace default via 10.1.0.200\n");
	assert_int_equal(routes_set(record, portals, 1, 50, &error), 0);
	look(texts[0], &after);
	assert_int_equal(ip_address_parse("10.1.0.200", &gateway), 0);
	assert_int_equal(after.protocol, ROUTES_PROTOCOL);
	assert_int_equal(ip_address_compare(&after.gateway, &gateway), 0);
	ip("route delete default\n");
	assert_int_equal(routes_set(record, portals, 1, 50, &error), 0);
	assert_int_equal(error, -ENETUNREACH);
	assert_int_equal(ours(), 0);
	assert_int_equal(routes_clear(record), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_way_but_quicker),
		cmocka_unit_test(what_is_left_alone),
		cmocka_unit_test(follows_the_routes),
	};

	return cmocka_run_group_tests_name("routes", tests, start, stop);
}
