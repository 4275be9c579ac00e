/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

/* Longest text accepted: as printed, an interface name of any kind of spelling included. */
#define TEXT_MAX (PORTAL_TEXT_MAX + 16)

static bool is_link_local(const struct ip_address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

/* "%interface": by name first (a name may look like a number), then by number. */
static int scope_parse(const char *text, uint32_t *ret)
{
	uint64_t number;
	unsigned int index;

	if (*text == '\0')
		return -EINVAL;
	index = if_nametoindex(text);
	if (index == 0) {
		if (parse_uint(text, 1, UINT32_MAX, &number) < 0)
			return -ENODEV;
		index = (unsigned int)number;
	}
	*ret = index;
	return 0;
}

/* Take the brackets off '[text]'; -EINVAL when there is only one of them. */
static int strip_brackets(char *text, char **ret)
{
	size_t length = strlen(text);

	*ret = text;
	if (*text != '[')
		return 0;
	if (length < 3 || text[length - 1] != ']')
		return -EINVAL;
	text[length - 1] = '\0';
	*ret = text + 1;
	return 0;
}

int ip_address_parse(const char *text, struct ip_address *ret)
{
	struct ip_address address = { .family = AF_UNSPEC };
	char buffer[TEXT_MAX], *start, *scope;
	bool bracketed = text[0] == '[';
	int r;

	if (copy_text(buffer, sizeof(buffer), text) < 0 || strip_brackets(buffer, &start) < 0)
		return -EINVAL;
	if (!bracketed && inet_pton(AF_INET, start, address.bytes) == 1) {
		address.family = AF_INET;
		*ret = address;
		return 0;
	}
	scope = strchr(start, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, start, address.bytes) != 1)
		return -EINVAL;
	address.family = AF_INET6;
	if (scope) {
		if (!is_link_local(&address))
			return -EINVAL;
		r = scope_parse(scope, &address.scope);
		if (r < 0)
			return r;
	}
	*ret = address;
	return 0;
}

static int family_rank(sa_family_t family)
{
	return family == AF_INET ? 1 : family == AF_INET6 ? 2 : 0;
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static size_t address_length(sa_family_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

int ip_address_compare(const struct ip_address *a, const struct ip_address *b)
{
	int rank_a = family_rank(a->family), rank_b = family_rank(b->family), c;

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (rank_a == 0)
		return 0;
	c = memcmp(a->bytes, b->bytes, address_length(a->family));
	if (c)
		return c;
	return compare_u32(a->scope, b->scope);
}

bool ip_address_in_net(const struct ip_address *address, const struct ip_address *net,
		       unsigned int prefix_bits)
{
	size_t whole = prefix_bits / 8;
	unsigned int rest = prefix_bits % 8;
	uint8_t mask = (uint8_t)(0xff00U >> rest);

	if (address->family != net->family || address_length(net->family) == 0 ||
	    prefix_bits > 8 * address_length(net->family))
		return false;
	if (net->scope && net->scope != address->scope)
		return false;
	if (memcmp(address->bytes, net->bytes, whole) != 0)
		return false;
	return rest == 0 || ((address->bytes[whole] ^ net->bytes[whole]) & mask) == 0;
}

const char *ip_address_format(const struct ip_address *address, char *buffer, size_t size)
{
	char text[INET6_ADDRSTRLEN], interface[IF_NAMESIZE];

	if (address_length(address->family) == 0 ||
	    !inet_ntop(address->family, address->bytes, text, sizeof(text)))
		snprintf(buffer, size, "-");
	else if (address->scope == 0)
		snprintf(buffer, size, "%s", text);
	else if (if_indextoname(address->scope, interface))
		snprintf(buffer, size, "%s%%%s", text, interface);
	else
		snprintf(buffer, size, "%s%%%u", text, address->scope);
	return buffer;
}

/*
 * Where the ":PORT" of a portal starts: behind the bracket, or at the only colon. Returns
 * NULL when there is none; *ret_bad: something else stands behind the bracket.
 */
static char *find_port(char *text, bool *ret_bad)
{
	char *end = text[0] == '[' ? strchr(text, ']') : NULL, *colon;

	*ret_bad = false;
	if (end) {
		*ret_bad = end[1] != '\0' && end[1] != ':';
		return end[1] == ':' ? end + 1 : NULL;
	}
	colon = strchr(text, ':');
	return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

int portal_parse(const char *text, uint16_t default_port, struct portal *ret)
{
	struct portal portal = { .port = default_port };
	char buffer[TEXT_MAX], *colon;
	uint64_t port = default_port;
	bool bad;
	int r;

	if (copy_text(buffer, sizeof(buffer), text) < 0)
		return -EINVAL;
	colon = find_port(buffer, &bad);
	if (bad)
		return -EINVAL;
	if (colon) {
		*colon = '\0';
		if (parse_uint(colon + 1, 1, UINT16_MAX, &port) < 0)
			return -EINVAL;
	}
	r = ip_address_parse(buffer, &portal.address);
	if (r < 0)
		return r;
	portal.port = (uint16_t)port;
	*ret = portal;
	return 0;
}

int portal_compare(const struct portal *a, const struct portal *b)
{
	int c = ip_address_compare(&a->address, &b->address);

	return c ? c : compare_u32(a->port, b->port);
}

bool portal_known(const struct portal *portal)
{
	return portal->address.family != AF_UNSPEC && portal->port != 0;
}

const char *portal_format(const struct portal *portal, char *buffer, size_t size)
{
	char text[PORTAL_TEXT_MAX];

	if (!portal_known(portal)) {
		snprintf(buffer, size, "-");
		return buffer;
	}
	ip_address_format(&portal->address, text, sizeof(text));
	snprintf(buffer, size, portal->address.family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
		 (unsigned int)portal->port);
	return buffer;
}
