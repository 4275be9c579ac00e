/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_CONNECTION_DEVICE_H
#define MPATHISCSI_QUICK_CONNECTION_DEVICE_H

/*
 * Which network devices have an address. sock_diag's exact look-up finds a socket that is
 * bound to a device (iscsiadm's iface.net_ifacename) only when told the device.
 */

#include "common/address.h"

struct nlmsghdr;

struct device_search {
	const struct ip_address *address;
	uint32_t *indices;
	size_t n, max;
};

/* One message about an address into 'search' (a struct device_search), as a callback of
 * libmnl's: MNL_CB_OK, or MNL_CB_ERROR with errno. Pure. */
int device_on_address(const struct nlmsghdr *header, void *search);

/* Fills at most 'max' interface indices; how many, or -errno. Asks the kernel over
 * rtnetlink; does not wait. */
int devices_with_address(const struct ip_address *address, uint32_t *indices, size_t max);

#endif
