/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams of netlink, as the kernel sends them and as it never should. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "daemon/quick/connection_device.h"
#include "daemon/quick/connection_diag.h"
#include "daemon/quick/iscsi_events.h"
#include "daemon/quick/netlink_take.h"
#include "daemon/quick/routes_netlink.h"

#define SEQUENCE 7
#define PORT	 4711
#define DATA	 20

static char buffer[512] __attribute__((aligned(8)));

/* One message with this payload; returns its size. */
static size_t make(uint16_t type, uint32_t sequence, const void *payload, size_t size)
{
	struct nlmsghdr *header = (void *)buffer;

	memset(buffer, 0, sizeof(buffer));
	*header = (struct nlmsghdr){.nlmsg_len = (uint32_t)(sizeof(*header) + size),
				    .nlmsg_type = type,
				    .nlmsg_seq = sequence,
				    .nlmsg_pid = PORT};
	memcpy(header + 1, payload, size);
	return NLMSG_ALIGN(header->nlmsg_len);
}

static int stop(const struct nlmsghdr *header, void *arg)
{
	(void)header;
	++*(int *)arg;
	return MNL_CB_STOP;
}

static int take(size_t size, int *calls)
{
	return netlink_take(buffer, size, SEQUENCE, PORT, stop, calls);
}

static int take_error(uint16_t type, int number)
{
	struct nlmsgerr error = {.error = number};
	int calls = 0, r;

	r = take(make(type, SEQUENCE, &error, sizeof(error)), &calls);
	assert_int_equal(calls, 0);
	return r;
}

static void answers(void **state)
{
	const uint32_t data = 1;
	int calls = 0;

	(void)state;
	assert_int_equal(take(make(DATA, SEQUENCE, &data, sizeof(data)), &calls), 1);
	assert_int_equal(calls, 1);
	/* to another request: read on */
	assert_int_equal(take(make(DATA, SEQUENCE + 1, &data, sizeof(data)), &calls), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(netlink_take(buffer, 0, SEQUENCE, PORT, stop, &calls), -EBADMSG);
}

static void numbers_of_the_kernel(void **state)
{
	static const uint16_t types[] = {NLMSG_ERROR, NLMSG_DONE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(take_error(types[i], 0), 1);
		/* also those that libmnl itself has a use for */
		assert_int_equal(take_error(types[i], -ESRCH), -ESRCH);
		assert_int_equal(take_error(types[i], -EPROTO), -EPROTO);
		assert_int_equal(take_error(types[i], INT_MIN), -EBADMSG);
		assert_int_equal(take_error(types[i], -4096), -EBADMSG);
	}
	/* a number above 0 is no success of a request, and no failure of a list */
	assert_int_equal(take_error(NLMSG_ERROR, 5), -EBADMSG);
	assert_int_equal(take_error(NLMSG_DONE, 5), 1);
}

static void lengths(void **state)
{
	struct nlmsghdr *header = (void *)buffer;
	int calls = 0;
	size_t size;

	(void)state;
	size = make(DATA, SEQUENCE, "12345678", 8);
	header->nlmsg_len = 0x80000010; /* negative for libmnl before 1.0.5 */
	assert_int_equal(take(size, &calls), -EBADMSG);
	assert_true(iscsi_events_tell_error(buffer, size));
	header->nlmsg_len = (uint32_t)size + 1;
	assert_int_equal(take(size, &calls), -EBADMSG);
	header->nlmsg_len = 3;
	assert_int_equal(take(size, &calls), -EBADMSG);
	assert_int_equal(calls, 0);
}

/* Each kind shorter than its own header. */
static void short_ones(void **state)
{
	struct ip_address address = {.family = AF_INET};
	struct device_search search = {.address = &address};
	struct diag_answer answer;
	struct route route;

	(void)state;
	make(DATA, SEQUENCE, "\2", 1);
	assert_int_equal(diag_on_socket((void *)buffer, &answer), MNL_CB_ERROR);
	assert_true(route_read((void *)buffer, &route) < 0);
	assert_int_equal(device_on_address((void *)buffer, &search), MNL_CB_ERROR);
	assert_int_equal(errno, EBADMSG);
	assert_false(iscsi_events_tell_error(buffer, NLMSG_ALIGN(sizeof(struct nlmsghdr) + 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(numbers_of_the_kernel),
		cmocka_unit_test(lengths),
		cmocka_unit_test(short_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
