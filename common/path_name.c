/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/path_name.h"

#include <string.h>

#include "common/parse.h"

int path_name_compare(const struct path_name *a, const struct path_name *b)
{
	int c = strcmp(a->target, b->target);

	if (c)
		return c;
	if (a->tpgt != b->tpgt)
		return a->tpgt < b->tpgt ? -1 : 1;
	c = portal_compare(&a->portal, &b->portal);
	if (c)
		return c;
	c = strcmp(a->iface, b->iface);
	if (c)
		return c;
	c = strcmp(a->netdev, b->netdev);
	return c ? c : ip_address_compare(&a->source, &b->source);
}

/*
 * The scope of a link-local address is an interface index, which changes when the interface
 * is made anew; iface tells such portals apart already.
 */
uint64_t path_name_hash(const struct path_name *name)
{
	const struct ip_address *address = &name->portal.address;
	uint8_t numbers[3];
	uint64_t hash;

	numbers[0] = address->family == AF_INET ? 4 : address->family == AF_INET6 ? 6 : 0;
	numbers[1] = (uint8_t)(name->portal.port >> 8);
	numbers[2] = (uint8_t)(name->portal.port & 0xff);

	hash = fnv1a(FNV1A_START, name->target, strlen(name->target) + 1);
	hash = fnv1a(hash, numbers, sizeof(numbers));
	hash = fnv1a(hash, address->bytes, sizeof(address->bytes));
	hash = fnv1a(hash, name->iface, strlen(name->iface) + 1);
	return hash ? hash : 1;
}
