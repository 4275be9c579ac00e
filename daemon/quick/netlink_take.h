/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_NETLINK_TAKE_H
#define MPATHISCSI_QUICK_NETLINK_TAKE_H

/* Answers of the kernel's to one request of ours by netlink (7), as they were received. Pure. */

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hand the messages of one datagram to 'fn' (NULL: only its end counts). 1: the answer is
 * whole ('fn' returned MNL_CB_STOP, an acknowledgement, the end of a list). 0: read on; so also
 * for the answer to another request ('sequence') or to another socket ('port'). -errno that
 * the kernel tells; -EBADMSG: no such messages; what 'fn' left in errno with MNL_CB_ERROR.
 * 'buffer' is aligned as for a struct nlmsghdr.
 */
int netlink_take(const void *buffer, size_t size, uint32_t sequence, uint32_t port, mnl_cb_t fn,
		 void *arg);

/* Do the lengths in the headers, aligned, stay within the datagram? (libmnl before 1.0.5 takes one above
 * INT_MAX for a negative one, and so for good.) */
bool netlink_lengths_good(const void *buffer, size_t size);

#endif
