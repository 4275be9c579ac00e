/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_NETWORK_H
#define MPATHISCSI_NETWORK_H

/*
 * Addresses and networks as they stand in path expressions: 10.0.1.2, 10.0.1.0/24,
 * [fd00::2], [fd00::]/64. An IPv6 address is always in brackets, so that what follows a colon
 * is a port (or, behind the expression, a weight) and nothing else.
 */

#include <stdbool.h>

#include "common/address.h"

#define NETWORK_TEXT_MAX (PORTAL_TEXT_MAX + 8)

/*
 * Parse an address or network at the start of 'value'; *ret_bits is its prefix length (the
 * full length for one address), *ret_rest what follows it. -EINVAL, with 'message'
 * (POLICY_MESSAGE_MAX bytes) and nothing else written: no address, a bad prefix length, host
 * bits set, unknown interface of a link-local address.
 */
int network_parse(const char *value, struct ip_address *ret, unsigned int *ret_bits,
		  const char **ret_rest, char *message);

/* Into 'buffer' of NETWORK_TEXT_MAX bytes. Returns 'buffer'. */
const char *network_format(const struct ip_address *net, unsigned int bits, char *buffer);

/* Is 'address' in the network? Never when it is not known. A network without an interface
 * (scope) takes link-local addresses of any. */
bool network_matches(const struct ip_address *net, unsigned int bits,
		     const struct ip_address *address);

#endif
