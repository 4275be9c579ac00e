/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams of the kernel's: about sockets (sock_diag), routes, addresses and links (rtnetlink),
 * and iSCSI. The first byte chooses; the rest is what was received.
 */
#include <errno.h>
#include <string.h>

#include "daemon/quick/connection_device.h"
#include "daemon/quick/connection_diag.h"
#include "daemon/quick/iscsi_events.h"
#include "daemon/quick/links_netlink.h"
#include "daemon/quick/netlink_take.h"
#include "daemon/quick/routes_netlink.h"
#include "tests/fuzz/fuzz.h"

#define DEVICES 3

static void check_result(int r)
{
	must(r <= 1 && r >= -4095);
}

static void sockets(const void *datagram, size_t size)
{
	struct diag_answer answer = {.info_size = 0};

	check_result(netlink_take(datagram, size, 0, 0, diag_on_socket, &answer));
	must(answer.info_size <= sizeof(answer.info));
}

static int take_route(const struct nlmsghdr *header, void *arg)
{
	struct route route = {.type = 0};

	(void)arg;
	if (route_read(header, &route) < 0)
		return MNL_CB_ERROR;
	must(route.destination.family == AF_UNSPEC || route.destination.family < 256);
	must(!route.metric_known[RTAX_UNSPEC] || route.metrics[RTAX_UNSPEC] == route.metrics[0]);
	return MNL_CB_OK;
}

static void routes(const void *datagram, size_t size)
{
	check_result(netlink_take(datagram, size, 0, 0, take_route, NULL));
}

static void devices(const void *datagram, size_t size)
{
	const struct ip_address address = {.family = AF_INET, .bytes = {10, 0, 1, 2}};
	uint32_t indices[DEVICES] = {0};
	struct device_search search = {.address = &address, .indices = indices, .max = DEVICES};

	check_result(netlink_take(datagram, size, 0, 0, device_on_address, &search));
	must(search.n <= DEVICES);
}

static int take_notice(const struct nlmsghdr *header, void *arg)
{
	struct link_notice notice = {.device = 0};
	int r = link_notice_read(header, &notice);

	(void)arg;
	must(r == 0 || r == 1 || r == -EBADMSG);
	must(memchr(notice.name, '\0', sizeof(notice.name)) != NULL);
	must(r != 1 || (notice.state != LINK_UNKNOWN) == (notice.address.family == AF_UNSPEC));
	return MNL_CB_OK;
}

static void notices(const void *datagram, size_t size)
{
	check_result(netlink_take(datagram, size, 0, 0, take_notice, NULL));
}

static void events(const void *datagram, size_t size)
{
	iscsi_events_tell_error(datagram, size);
}

/* Answers to others are not taken for ours. */
static void others(const void *datagram, size_t size)
{
	struct diag_answer answer = {.info_size = 0};
	const struct nlmsghdr *header = datagram;
	int r = netlink_take(datagram, size, 4711, 815, diag_on_socket, &answer);

	check_result(r);
	if (r == 1)
		must((!header->nlmsg_seq || header->nlmsg_seq == 4711) &&
		     (!header->nlmsg_pid || header->nlmsg_pid == 815));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const void *, size_t) = {sockets, routes, devices, events,
							      others,  notices};
	struct fuzz_bytes bytes = {data, size};
	uint8_t which = fuzz_byte(&bytes) % (sizeof(kinds) / sizeof(kinds[0]));
	/* malloc() aligns it */
	void *datagram = fuzz_copy(bytes.data, bytes.size);

	kinds[which](datagram, bytes.size);
	free(datagram);
	return 0;
}
