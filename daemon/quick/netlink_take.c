/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/netlink_take.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <string.h>

#define ERRNO_MAX 4095

struct taking {
	mnl_cb_t fn;
	void *arg;
	int error; /* that the kernel told */
};

/* A number of the kernel's: 0 or -errno; anything else is none of its answers. */
static int take_number(struct taking *taking, int number)
{
	if (number == 0)
		return MNL_CB_STOP;
	taking->error = number < 0 && number >= -ERRNO_MAX ? number : -EBADMSG;
	return MNL_CB_ERROR;
}

/* An error ends a list as the number in its last message. */
static int on_done(const struct nlmsghdr *header, void *arg)
{
	int number = 0;

	if (mnl_nlmsg_get_payload_len(header) >= sizeof(number))
		memcpy(&number, mnl_nlmsg_get_payload(header), sizeof(number));
	return number > 0 ? MNL_CB_STOP : take_number(arg, number);
}

/* 0 acknowledges. */
static int on_error(const struct nlmsghdr *header, void *arg)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(header);

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*answer))
		return take_number(arg, -EBADMSG);
	return take_number(arg, answer->error);
}

static int on_data(const struct nlmsghdr *header, void *arg)
{
	const struct taking *taking = arg;

	return taking->fn ? taking->fn(header, taking->arg) : MNL_CB_OK;
}

bool netlink_lengths_good(const void *buffer, size_t size)
{
	const struct nlmsghdr *header = buffer;
	int left = (int)size;

	if (size > INT_MAX / 2)
		return false;
	/* libmnl reads attributes up to the aligned end. */
	while (left >= (int)sizeof(*header) && header->nlmsg_len <= INT_MAX / 2 &&
	       mnl_nlmsg_ok(header, left) &&
	       (header->nlmsg_len + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO <=
		       (uint32_t)left)
		header = mnl_nlmsg_next(header, &left);
	return left <= 0;
}

int netlink_take(const void *buffer, size_t size, uint32_t sequence, uint32_t port, mnl_cb_t fn,
		 void *arg)
{
	mnl_cb_t control[] = {[NLMSG_ERROR] = on_error, [NLMSG_DONE] = on_done};
	struct taking taking = {.fn = fn, .arg = arg};
	int r;

	if (!size || !netlink_lengths_good(buffer, size))
		return -EBADMSG;
	errno = EBADMSG; /* of an 'fn' that sets none */
	r = mnl_cb_run2(buffer, size, sequence, port, on_data, &taking, control,
			MNL_ARRAY_SIZE(control));
	if (r >= MNL_CB_OK)
		return 0;
	if (r == MNL_CB_STOP)
		return 1;
	if (taking.error)
		return taking.error;
	/* Of libmnl: not the answer to this request. */
	return errno == EPROTO || errno == ESRCH ? 0 : -errno;
}
