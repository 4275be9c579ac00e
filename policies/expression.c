/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path expressions: "portal=10.0.1.0/24,iface=eth0". Conditions are separated by commas, each
 * may be there once, and all of them must hold.
 */
#include "policies/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"
#include "policies/message.h"
#include "policies/network.h"

/* Longer than any sensible expression: all conditions with the longest values fit. */
#define EXPRESSION_TEXT_MAX 640

struct condition {
	const char *key;
	const char *allowed; /* what a value looks like, for messages */
	int (*parse)(const char *value, struct path_expression *ret, char *message);
};

/* ---- the conditions ---- */

static int parse_portal_condition(const char *value, struct path_expression *ret, char *message)
{
	char quoted[QUOTED_MAX];
	uint64_t port;
	const char *rest;

	if (network_parse(value, &ret->portal, &ret->portal_bits, &rest, message) < 0)
		return -EINVAL;
	ret->has_portal = true;
	if (*rest == '\0')
		return 0;
	if (*rest != ':' || parse_uint(rest + 1, 1, UINT16_MAX, &port) < 0) {
		policy_say(message, "\"%s\": what follows the address must be :PORT, 1 to 65535",
			   policy_quote(value, strlen(value), quoted));
		return -EINVAL;
	}
	ret->has_port = true;
	ret->port = (uint16_t)port;
	return 0;
}

static int parse_source_condition(const char *value, struct path_expression *ret, char *message)
{
	char quoted[QUOTED_MAX];
	const char *rest;

	if (network_parse(value, &ret->source, &ret->source_bits, &rest, message) < 0)
		return -EINVAL;
	if (*rest != '\0') {
		policy_say(message, "\"%s\": a source is an address or a network, without a port",
			   policy_quote(value, strlen(value), quoted));
		return -EINVAL;
	}
	ret->has_source = true;
	return 0;
}

/*
 * RFC 7143 4.2.7.1 with RFC 3722: lower case letters, digits, '.', '-', ':'. Upper case is
 * lowered as everywhere; '_' is let through, since targets are called so in the field and a
 * path has to be nameable.
 */
static int parse_target_condition(const char *value, struct path_expression *ret, char *message)
{
	size_t length = strlen(value);
	char quoted[QUOTED_MAX];

	if (length >= sizeof(ret->target)) {
		policy_say(message, "target name of %zu bytes; at most %zu are allowed", length,
			   sizeof(ret->target) - 1);
		return -EINVAL;
	}
	for (size_t i = 0; i < length; i++) {
		char c = value[i] >= 'A' && value[i] <= 'Z' ? (char)(value[i] + 32) : value[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(".-:_", c)))) {
			policy_say(message,
				   "\"%s\" is no target name; allowed are a-z, 0-9, '.', '-', ':'",
				   policy_quote(value, length, quoted));
			return -EINVAL;
		}
		ret->target[i] = c;
	}
	ret->target[length] = '\0';
	ret->has_target = true;
	return 0;
}

static int parse_tpg_condition(const char *value, struct path_expression *ret, char *message)
{
	char quoted[QUOTED_MAX];
	uint64_t tpgt;

	if (parse_uint(value, 0, UINT16_MAX, &tpgt) < 0) {
		policy_say(message, "\"%s\" is no portal group; allowed are 0 to 65535",
			   policy_quote(value, strlen(value), quoted));
		return -EINVAL;
	}
	ret->has_tpgt = true;
	ret->tpgt = (int)tpgt;
	return 0;
}

static int parse_iface_condition(const char *value, struct path_expression *ret, char *message)
{
	char quoted[QUOTED_MAX];
	size_t length = strlen(value);
	bool good = length < sizeof(ret->iface);

	for (size_t i = 0; i < length; i++)
		if (value[i] <= ' ' || value[i] > '~' || value[i] == '=')
			good = false;
	if (!good) {
		policy_say(message,
			   "\"%s\" is no interface; give an iscsiadm interface or a network "
			   "device, at most %zu characters",
			   policy_quote(value, length, quoted), sizeof(ret->iface) - 1);
		return -EINVAL;
	}
	memcpy(ret->iface, value, length + 1);
	ret->has_iface = true;
	return 0;
}

static const struct condition conditions[] = {
	{ "portal", "portal=ADDRESS[/BITS][:PORT]", parse_portal_condition },
	{ "source", "source=ADDRESS[/BITS]", parse_source_condition },
	{ "target", "target=NAME", parse_target_condition },
	{ "tpg", "tpg=NUMBER", parse_tpg_condition },
	{ "iface", "iface=NAME", parse_iface_condition },
};
#define N_CONDITIONS (sizeof(conditions) / sizeof(conditions[0]))

static const struct condition *find_condition(const char *key, size_t length)
{
	for (size_t i = 0; i < N_CONDITIONS; i++)
		if (strlen(conditions[i].key) == length &&
		    memcmp(conditions[i].key, key, length) == 0)
			return &conditions[i];
	return NULL;
}

/* One "key=value". *seen: which conditions were there before. */
static int parse_condition(const char *text, unsigned int *seen, struct path_expression *ret,
			   char *message)
{
	size_t key = strcspn(text, "=");
	const struct condition *condition = find_condition(text, key);
	char quoted[QUOTED_MAX];
	unsigned int bit;

	policy_quote(text, strlen(text), quoted);
	if (!condition || text[key] != '=') {
		policy_say(message,
			   "\"%s\" is no path expression; allowed are portal=, source=, target=, "
			   "tpg=, iface=, joined by commas",
			   quoted);
		return -EINVAL;
	}
	if (text[key + 1] == '\0') {
		policy_say(message, "\"%s\" has no value; write %s", quoted, condition->allowed);
		return -EINVAL;
	}
	bit = 1U << (condition - conditions);
	if (*seen & bit) {
		policy_say(message, "\"%s\": %s= is there twice in one expression", quoted,
			   condition->key);
		return -EINVAL;
	}
	*seen |= bit;
	return condition->parse(text + key + 1, ret, message);
}

int path_expression_parse(const char *text, struct path_expression *ret, char *message)
{
	struct path_expression parsed;
	char copy[EXPRESSION_TEXT_MAX];
	unsigned int seen = 0;
	char *next = copy, *part;

	if (copy_text(copy, sizeof(copy), text) < 0) {
		policy_say(message, "path expression of %zu bytes; at most %zu are allowed",
			   strlen(text), sizeof(copy) - 1);
		return -EINVAL;
	}
	memset(&parsed, 0, sizeof(parsed));
	while ((part = strsep(&next, ",")))
		if (parse_condition(part, &seen, &parsed, message) < 0)
			return -EINVAL;
	*ret = parsed;
	return 0;
}

/* ---- back to text ---- */

static const char *comma(const struct policy_text *text)
{
	return text->length > 0 ? "," : "";
}

int path_expression_format(const struct path_expression *expression, char *buffer, size_t size)
{
	const struct path_expression *e = expression;
	struct policy_text text = { buffer, size, 0 };
	char net[NETWORK_TEXT_MAX];

	policy_add(&text, "%s", ""); /* so that the buffer is a string even without a condition */
	if (e->has_portal)
		policy_add(&text, "portal=%s", network_format(&e->portal, e->portal_bits, net));
	if (e->has_port)
		policy_add(&text, ":%u", e->port);
	if (e->has_source)
		policy_add(&text, "%ssource=%s", comma(&text),
		    network_format(&e->source, e->source_bits, net));
	if (e->has_target)
		policy_add(&text, "%starget=%s", comma(&text), e->target);
	if (e->has_tpgt)
		policy_add(&text, "%stpg=%d", comma(&text), e->tpgt);
	if (e->has_iface)
		policy_add(&text, "%siface=%s", comma(&text), e->iface);
	return (int)text.length;
}

bool path_expression_matches(const struct path_expression *expression, const struct path_name *name)
{
	const struct path_expression *e = expression;

	if (e->has_portal && !network_matches(&e->portal, e->portal_bits, &name->portal.address))
		return false;
	if (e->has_port && name->portal.port != e->port)
		return false;
	if (e->has_source && !network_matches(&e->source, e->source_bits, &name->source))
		return false;
	if (e->has_target && strcmp(e->target, name->target) != 0)
		return false;
	if (e->has_tpgt && name->tpgt != e->tpgt)
		return false;
	if (e->has_iface && strcmp(e->iface, name->iface) != 0 &&
	    strcmp(e->iface, name->netdev) != 0)
		return false;
	return true;
}
