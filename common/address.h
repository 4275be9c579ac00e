/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ADDRESS_H
#define MPATHISCSI_ADDRESS_H

/*
 * IP addresses and iSCSI portals as values: parse, print, compare.
 * Numeric only: nothing here ever asks a resolver.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ISCSI_DEFAULT_PORT 3260

/* "[ffff:…:255.255.255.255%interface]:65535" and its NUL */
#define PORTAL_TEXT_MAX 80

struct ip_address {
	sa_family_t family; /* AF_INET, AF_INET6; AF_UNSPEC: not known */
	uint8_t bytes[16];  /* network order; 4 used for AF_INET, the rest zero */
	uint32_t scope;	    /* interface index of a link-local address, else 0 */
};

struct portal {
	struct ip_address address;
	uint16_t port; /* host order */
};

/*
 * Parse a numeric IPv4 or IPv6 address, the latter with or without brackets and with an
 * optional "%interface" (name or number). -EINVAL: not an address; -ENODEV: no such
 * interface. *ret is untouched on failure.
 */
int ip_address_parse(const char *text, struct ip_address *ret);

/* Total order: unspecified, IPv4, IPv6; then numerically; then scope. As strcmp(). */
int ip_address_compare(const struct ip_address *a, const struct ip_address *b);

/* Is 'address' inside 'net'/'prefix_bits'? Families must agree. */
bool ip_address_in_net(const struct ip_address *address, const struct ip_address *net,
		       unsigned int prefix_bits);

/* Address as text (no brackets; "-" when unspecified). Returns 'buffer'. */
const char *ip_address_format(const struct ip_address *address, char *buffer, size_t size);

/* Parse "ADDRESS", "ADDRESS:PORT", "[ADDRESS6]", "[ADDRESS6]:PORT"; port 0 is refused.
 * Without a port ret->port is 'default_port'. -EINVAL as above. */
int portal_parse(const char *text, uint16_t default_port, struct portal *ret);

int portal_compare(const struct portal *a, const struct portal *b);
bool portal_known(const struct portal *portal);

/* "10.0.1.2:3260" or "[fd00::2]:3260"; "-" when not known. Returns 'buffer'. */
const char *portal_format(const struct portal *portal, char *buffer, size_t size);

#endif
