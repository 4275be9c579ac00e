/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policies/network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"
#include "policies/message.h"

static unsigned int full_bits(const struct ip_address *address)
{
	return address->family == AF_INET6 ? 128 : 32;
}

static void clear_host_bits(struct ip_address *address, unsigned int bits)
{
	for (unsigned int i = 0; i < sizeof(address->bytes); i++) {
		unsigned int kept = bits <= i * 8 ? 0 : bits - i * 8;

		if (kept < 8)
			address->bytes[i] &= (uint8_t)(0xff00U >> kept);
	}
}

/* "ADDRESS" or "[ADDRESS6]" at the start of 'value'; *ret_rest is what follows it. */
static int parse_address(const char *value, struct ip_address *ret, const char **ret_rest)
{
	bool bracketed = value[0] == '[';
	const char *start = bracketed ? value + 1 : value;
	size_t length = strcspn(start, bracketed ? "]" : "/:");
	char text[PORTAL_TEXT_MAX];
	struct ip_address address;
	int r;

	if (length >= sizeof(text) || (bracketed && start[length] != ']'))
		return -EINVAL;
	memcpy(text, start, length);
	text[length] = '\0';
	r = ip_address_parse(text, &address);
	if (r < 0)
		return r;
	if ((address.family == AF_INET6) != bracketed)
		return -EINVAL;
	*ret = address;
	*ret_rest = start + length + (bracketed ? 1 : 0);
	return 0;
}

/* "/BITS" if *rest starts with it; moves *rest behind it. */
static int parse_bits(const char **rest, const struct ip_address *address, unsigned int *ret)
{
	char text[4];
	uint64_t bits;
	size_t length;

	if (**rest != '/') {
		*ret = full_bits(address);
		return 0;
	}
	length = strcspn(*rest + 1, ":");
	if (length >= sizeof(text))
		return -EINVAL;
	memcpy(text, *rest + 1, length);
	text[length] = '\0';
	if (parse_uint(text, 0, full_bits(address), &bits) < 0)
		return -EINVAL;
	*ret = (unsigned int)bits;
	*rest += 1 + length;
	return 0;
}

const char *network_format(const struct ip_address *net, unsigned int bits, char *buffer)
{
	const char *open = net->family == AF_INET6 ? "[" : "";
	const char *close = net->family == AF_INET6 ? "]" : "";
	char text[PORTAL_TEXT_MAX];

	ip_address_format(net, text, sizeof(text));
	if (bits == full_bits(net))
		snprintf(buffer, NETWORK_TEXT_MAX, "%s%s%s", open, text, close);
	else
		snprintf(buffer, NETWORK_TEXT_MAX, "%s%s%s/%u", open, text, close, bits);
	return buffer;
}

static bool bare_ipv6(const char *value)
{
	const char *colon = strchr(value, ':');

	return value[0] != '[' && colon && strchr(colon + 1, ':');
}

int network_parse(const char *value, struct ip_address *ret, unsigned int *ret_bits,
		  const char **ret_rest, char *message)
{
	struct ip_address address, net;
	char quoted[QUOTED_MAX], text[NETWORK_TEXT_MAX];
	const char *rest;
	unsigned int bits;
	int r;

	policy_quote(value, strlen(value), quoted);
	r = parse_address(value, &address, &rest);
	if (r == -ENODEV)
		policy_say(message, "\"%s\": no such network interface behind the '%%'", quoted);
	else if (r < 0 && bare_ipv6(value))
		policy_say(message, "\"%s\": write an IPv6 address in brackets: [fd00::2]", quoted);
	else if (r < 0)
		policy_say(message,
			   "\"%s\" is no numeric address; allowed are 10.0.1.2, [fd00::2] and "
			   "networks like 10.0.1.0/24, [fd00::]/64",
			   quoted);
	if (r < 0)
		return -EINVAL;
	if (parse_bits(&rest, &address, &bits) < 0) {
		policy_say(message, "\"%s\": the prefix length must be 0 to %u", quoted,
			   full_bits(&address));
		return -EINVAL;
	}
	net = address;
	clear_host_bits(&net, bits);
	if (ip_address_compare(&net, &address) != 0) {
		policy_say(message, "\"%s\" has host bits set; the network is %s", quoted,
			   network_format(&net, bits, text));
		return -EINVAL;
	}
	*ret = address;
	*ret_bits = bits;
	*ret_rest = rest;
	return 0;
}

bool network_matches(const struct ip_address *net, unsigned int bits,
		     const struct ip_address *address)
{
	if (address->family == AF_UNSPEC || !ip_address_in_net(address, net, bits))
		return false;
	return net->scope == 0 || net->scope == address->scope;
}
