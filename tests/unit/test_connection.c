/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real TCP connections of our own on loopback, looked at and ended through the kernel. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/quick/connection.h"
#include "daemon/quick/connection_device.h"

struct pair {
	int listener, client, server;
	struct connection_name name; /* of the client's end */
	uint32_t inode;		     /* of the client's socket */
};

static struct connections *connections;

static void name_of(const struct sockaddr_storage *from, struct ip_address *address,
		    uint16_t *port)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	*address = (struct ip_address){.family = from->ss_family};
	if (from->ss_family == AF_INET) {
		memcpy(address->bytes, &v4->sin_addr, 4);
		*port = ntohs(v4->sin_port);
	} else {
		memcpy(address->bytes, &v6->sin6_addr, 16);
		*port = ntohs(v6->sin6_port);
	}
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

/* Connects to 'address' of this host; the client's socket bound to 'device' (NULL: none). */
static struct pair pair_open(const char *address, const char *device)
{
	struct sockaddr_storage peer = {0}, local = {0};
	struct sockaddr_in *v4 = (void *)&peer;
	struct sockaddr_in6 *v6 = (void *)&peer;
	socklen_t size = sizeof(peer);
	struct pair pair;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1)
		peer.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1)
		peer.ss_family = AF_INET6;
	pair.listener = socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(pair.listener, (void *)&peer, size) < 0) {
		close(pair.listener);
		print_message("%s: %s\n", address, strerror(errno));
		skip();
	}
	assert_int_equal(listen(pair.listener, 1), 0);
	assert_int_equal(getsockname(pair.listener, (void *)&peer, &size), 0);
	pair.client = socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (device)
		assert_int_equal(setsockopt(pair.client, SOL_SOCKET, SO_BINDTODEVICE, device,
					    (socklen_t)strlen(device) + 1), 0);
	assert_int_equal(connect(pair.client, (void *)&peer, size), 0);
	pair.server = accept(pair.listener, NULL, NULL);
	assert_true(pair.server >= 0);
	size = sizeof(local);
	assert_int_equal(getsockname(pair.client, (void *)&local, &size), 0);
	name_of(&local, &pair.name.local, &pair.name.local_port);
	name_of(&peer, &pair.name.peer.address, &pair.name.peer.port);
	pair.inode = inode_of(pair.client);
	return pair;
}

static void pair_close(const struct pair *pair)
{
	close(pair->client);
	close(pair->server);
	close(pair->listener);
}

/* Exactly 'n' bytes there; they are not read by the peer. */
static void send_bytes(const struct pair *pair, size_t n)
{
	static const char bytes[4096];
	struct pollfd readable = {.fd = pair->server, .events = POLLIN};

	assert_true(n <= sizeof(bytes));
	assert_int_equal(send(pair->client, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	assert_int_equal(poll(&readable, 1, 5000), 1);
}

static void check_look(const char *address, const char *device)
{
	struct pair pair = pair_open(address, device);
	struct connection_name other = pair.name;
	struct tcp_sample sample;
	char bytes[4096];
	uint64_t before = clock_now_ns();

	send_bytes(&pair, 1000);
	assert_int_equal(send(pair.server, "12345", 5, MSG_NOSIGNAL), 5);
	assert_int_equal(connections_look(connections, &pair.name, &sample), 0);
	assert_true(sample.now_ns >= before && sample.now_ns <= clock_now_ns());
	assert_int_equal(sample.inode, pair.inode);
	assert_int_equal(sample.state, TCP_ESTABLISHED);
	assert_int_equal(sample.bytes_received, 5);
	assert_int_equal(sample.unread, 5);
	assert_int_equal(sample.backoff, 0);
	assert_int_equal(sample.retransmits, 0);
	assert_in_range(sample.rto_us, 1000, 2000000);
	assert_true(sample.snd_wnd > 0 && sample.snd_mss >= 500);
	assert_true(recv(pair.server, bytes, sizeof(bytes), 0) == 1000);
	other.local_port = (uint16_t)(other.local_port == 65535 ? 1024 : other.local_port + 1);
	assert_int_equal(connections_look(connections, &other, &sample), -ENOENT);
	pair_close(&pair);
}

/* By its descriptor a connection has the name that both its ends tell. */
static void check_name(const char *address, uint16_t family)
{
	struct pair pair = pair_open(address, NULL);
	struct connection_name name;

	assert_int_equal(connection_of_socket(pair.client, &name), 0);
	assert_true(connection_equal(&name, &pair.name));
	assert_int_equal(name.local.family, family);
	assert_int_equal(connection_of_socket(pair.server, &name), 0);
	assert_int_equal(name.local_port, pair.name.peer.port);
	assert_int_equal(name.peer.port, pair.name.local_port);
	assert_int_equal(connection_of_socket(pair.listener, &name), -ENOTCONN);
	pair_close(&pair);
}

static void named_by_ipv4(void **state)
{
	(void)state;
	check_name("127.0.0.1", AF_INET);
}

static void named_by_ipv6(void **state)
{
	(void)state;
	check_name("::1", AF_INET6);
}

static void no_name(void **state)
{
	struct connection_name name = {.local_port = 7};
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(connection_of_socket(ends[0], &name), -EAFNOSUPPORT);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(connection_of_socket(ends[0], &name), -EBADF);
	assert_int_equal(name.local_port, 7);
}

static void looks_at_ipv4(void **state)
{
	(void)state;
	check_look("127.0.0.1", NULL);
}

static void looks_at_ipv6(void **state)
{
	(void)state;
	check_look("::1", NULL);
}

static void looks_at_mapped(void **state)
{
	(void)state;
	check_look("::ffff:127.0.0.1", NULL);
}

/* The device is found by the address the first time, remembered later. */
static void looks_at_bound(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	check_look("127.0.0.1", "lo");
	check_look("127.0.0.1", "lo");
	check_look("127.0.0.1", NULL);
	check_look("::1", "lo");
}

/* A socket of an IPv4 address in IPv6 dress is the IPv4 connection. */
static void mapped_is_plain(void **state)
{
	struct pair pair = pair_open("::ffff:127.0.0.1", NULL);
	struct tcp_sample sample;

	(void)state;
	assert_int_equal(ip_address_parse("127.0.0.1", &pair.name.local), 0);
	assert_int_equal(ip_address_parse("127.0.0.1", &pair.name.peer.address), 0);
	assert_int_equal(connections_look(connections, &pair.name, &sample), 0);
	assert_int_equal(sample.inode, pair.inode);
	pair_close(&pair);
}

/* A window that the peer keeps shut, as a target does that is stopped under writes. */
static void sees_closed_window(void **state)
{
	struct pair pair = pair_open("127.0.0.1", NULL);
	uint64_t deadline = clock_now_ns() + 20 * NS_PER_S;
	struct tcp_sample sample = {.probes = 0};
	static const char bytes[1 << 16];
	int rto;

	(void)state;
	while (send(pair.client, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	while (sample.backoff < 2 && clock_now_ns() < deadline) {
		assert_int_equal(connections_look(connections, &pair.name, &sample), 0);
		poll(NULL, 0, 5);
	}
	rto = (int)sample.rto_us;
	assert_in_range(sample.backoff, 2, 10);
	assert_true(sample.notsent_bytes > 0);
	/* what waits to be read is at the peer's end */
	assert_int_equal(sample.unread, 0);
	/* probes leave the RTO as it is: nothing may be shifted away from it */
	assert_in_range(rto, 150000, 2000000);
	pair_close(&pair);
}

static void no_listener_no_remains(void **state)
{
	struct pair pair = pair_open("127.0.0.1", NULL);
	struct connection_name listener = pair.name;
	struct tcp_sample sample;

	(void)state;
	/* a look-up of "listener to anybody" would find the listening socket */
	listener.local = pair.name.peer.address;
	listener.local_port = pair.name.peer.port;
	listener.peer.port = 1;
	assert_int_equal(connections_look(connections, &listener, &sample), -ENOENT);
	pair_close(&pair);
	/* the end that closed first is in TIME_WAIT now */
	assert_int_equal(connections_look(connections, &pair.name, &sample), -ENOENT);
	assert_int_equal(connections_destroy(connections, &pair.name, pair.inode), -ENOENT);
}

static void refuses_half_a_name(void **state)
{
	struct connection_name name = {.local_port = 1};
	struct tcp_sample sample;

	(void)state;
	assert_false(connection_known(&name));
	assert_int_equal(connections_look(connections, &name, &sample), -EINVAL);
	assert_int_equal(ip_address_parse("10.0.0.1", &name.local), 0);
	assert_int_equal(portal_parse("[fd00::1]", 3260, &name.peer), 0);
	assert_true(connection_known(&name));
	assert_int_equal(connections_look(connections, &name, &sample), -EINVAL);
}

/* Only the socket that is meant, and that one for good. */
static void destroys(void **state)
{
	struct pair pair = pair_open("127.0.0.1", NULL), bystander = pair_open("127.0.0.1", NULL);
	struct pollfd hung_up = {.fd = pair.client, .events = POLLIN};
	struct tcp_sample sample;
	char byte;
	int r;

	(void)state;
	assert_int_equal(connections_destroy(connections, &pair.name, pair.inode + 1), -ESTALE);
	assert_int_equal(connections_look(connections, &pair.name, &sample), 0);
	r = connections_destroy(connections, &pair.name, pair.inode);
	if (r == -EPERM || r == -EOPNOTSUPP) {
		print_message("SOCK_DESTROY: %s\n", strerror(-r));
		pair_close(&pair);
		pair_close(&bystander);
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(poll(&hung_up, 1, 5000), 1);
	assert_int_equal(recv(pair.client, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNABORTED);
	assert_int_equal(connections_look(connections, &pair.name, &sample), -ENOENT);
	assert_int_equal(connections_destroy(connections, &pair.name, pair.inode), -ENOENT);
	assert_int_equal(connections_look(connections, &bystander.name, &sample), 0);
	pair_close(&pair);
	pair_close(&bystander);
}

static void finds_devices(void **state)
{
	struct ip_address address;
	uint32_t devices[4];

	(void)state;
	assert_int_equal(ip_address_parse("127.0.0.1", &address), 0);
	assert_int_equal(devices_with_address(&address, devices, 4), 1);
	assert_int_equal(devices[0], 1); /* lo */
	assert_int_equal(ip_address_parse("192.0.2.77", &address), 0);
	assert_int_equal(devices_with_address(&address, devices, 4), 0);
}

static int start(void **state)
{
	(void)state;
	return connections_new(&connections);
}

static int stop(void **state)
{
	(void)state;
	connections_free(connections);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_by_ipv4),
		cmocka_unit_test(named_by_ipv6),
		cmocka_unit_test(no_name),
		cmocka_unit_test(looks_at_ipv4),
		cmocka_unit_test(looks_at_ipv6),
		cmocka_unit_test(looks_at_mapped),
		cmocka_unit_test(looks_at_bound),
		cmocka_unit_test(mapped_is_plain),
		cmocka_unit_test(sees_closed_window),
		cmocka_unit_test(no_listener_no_remains),
		cmocka_unit_test(refuses_half_a_name),
		cmocka_unit_test(destroys),
		cmocka_unit_test(finds_devices),
	};

	return cmocka_run_group_tests_name("connection", tests, start, stop);
}
