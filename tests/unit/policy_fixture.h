/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_POLICY_FIXTURE_H
#define MPATHISCSI_TEST_POLICY_FIXTURE_H

/* Paths and random settings for the tests of policies/. Include behind <cmocka.h>. */

#include <stdio.h>
#include <string.h>

#include "policies/policy.h"

/* xorshift64*: the same cases on every machine, from a seed that a failing test prints. */
struct random {
	uint64_t state;
};

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (uint32_t)((random->state * 0x2545f4914f6cdd1dULL) >> 33) % limit;
}

static inline struct random random_start(uint64_t seed)
{
	struct random random = { seed * 0x9e3779b97f4a7c15ULL + 1 };

	for (int i = 0; i < 8; i++)
		random_below(&random, 2);
	return random;
}

static inline struct path_name make_name(const char *portal, const char *iface)
{
	struct path_name name;

	memset(&name, 0, sizeof(name));
	assert_int_equal(portal_parse(portal, ISCSI_DEFAULT_PORT, &name.portal), 0);
	strcpy(name.target, "iqn.2001-04.com.example:storage");
	snprintf(name.iface, sizeof(name.iface), "%s", iface);
	name.tpgt = 1;
	return name;
}

/* Distinct names from a small space, so that expressions match one, several or none. */
static inline struct path_name random_name(struct random *random)
{
	static const char *const ifaces[] = { "default", "eth0", "eth1" };
	char portal[PORTAL_TEXT_MAX];
	struct path_name name;

	if (random_below(random, 4) == 0)
		snprintf(portal, sizeof(portal), "[fd00:%x::%x]:%u", random_below(random, 3),
			 random_below(random, 4) + 1, 3260 + random_below(random, 2));
	else
		snprintf(portal, sizeof(portal), "10.0.%u.%u:%u", random_below(random, 4),
			 random_below(random, 6) + 1, 3260 + random_below(random, 2));
	name = make_name(portal, ifaces[random_below(random, 3)]);
	if (random_below(random, 4) == 0)
		strcpy(name.target, "iqn.2001-04.com.example:other");
	name.tpgt = (int)random_below(random, 3) - 1;
	if (random_below(random, 2) == 0)
		assert_int_equal(ip_address_parse("10.0.1.77", &name.source), 0);
	if (random_below(random, 3) == 0)
		strcpy(name.netdev, "eth1");
	return name;
}

static inline struct policy_path make_path(const char *portal, const char *iface)
{
	return (struct policy_path){ .name = make_name(portal, iface) };
}

static inline struct policy_path random_path(struct random *random)
{
	return (struct policy_path){ .name = random_name(random) };
}

/* Which paths have failed; of a plan no more than a trap. */
static inline void random_failures(struct random *random, struct policy_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		paths[i].failed = random_below(random, 3) == 0;
}

/* No states at all, one state for all, a mixture of two, or of all there are. */
static inline void random_access(struct random *random, struct policy_path *paths, size_t n)
{
	enum access_state one = (enum access_state)random_below(random, ACCESS_MAX);
	enum access_state other = (enum access_state)random_below(random, ACCESS_MAX);
	uint32_t kind = random_below(random, 4);

	for (size_t i = 0; i < n && kind > 0; i++) {
		paths[i].access = kind == 1			    ? one :
				  kind == 2 && random_below(random, 2) ? one :
				  kind == 2			    ? other :
				  (enum access_state)random_below(random, ACCESS_MAX);
		paths[i].preferred = random_below(random, 3) == 0;
	}
}

static inline size_t random_paths(struct random *random, struct policy_path *paths, size_t n)
{
	size_t made = 0;

	for (size_t i = 0; i < n; i++) {
		bool known = false;

		paths[made] = random_path(random);
		for (size_t k = 0; k < made; k++)
			known = known ||
				path_name_compare(&paths[k].name, &paths[made].name) == 0;
		made += !known;
	}
	random_access(random, paths, made);
	random_failures(random, paths, made);
	return made;
}

static inline struct path_expression random_expression(struct random *random)
{
	struct path_name name = random_name(random);
	struct path_expression e;
	unsigned int which = random_below(random, 31) + 1;

	memset(&e, 0, sizeof(e));
	if (which & 1) {
		unsigned int bits = name.portal.address.family == AF_INET ? 32 : 128;

		e.has_portal = true;
		e.portal = name.portal.address;
		e.portal_bits = bits;
		if (random_below(random, 3) == 0) {
			e.portal_bits = bits == 32 ? 24 : 112;
			e.portal.bytes[bits / 8 - 1] = 0;
			e.portal.bytes[bits / 8 - 2] = bits == 32 ? e.portal.bytes[2] : 0;
		}
		if (random_below(random, 3) == 0) {
			e.has_port = true;
			e.port = name.portal.port;
		}
	}
	if (which & 2) {
		strcpy(e.target, name.target);
		e.has_target = true;
	}
	if (which & 4) {
		e.has_tpgt = true;
		e.tpgt = name.tpgt < 0 ? 65535 : name.tpgt;
	}
	if (which & 8) {
		e.has_iface = true;
		strcpy(e.iface, name.iface);
	}
	if (which & 16) {
		e.has_source = true;
		assert_int_equal(ip_address_parse("10.0.1.77", &e.source), 0);
		e.source_bits = 32;
		if (random_below(random, 2)) {
			e.source.bytes[3] = 64;
			e.source_bits = 26;
		}
	}
	return e;
}

static inline bool setting_has(const struct policy_setting *setting,
			       const struct path_expression *expression)
{
	char a[800], b[800];

	path_expression_format(expression, a, sizeof(a));
	for (size_t i = 0; i < setting->n_rules; i++) {
		path_expression_format(&setting->rules[i].expression, b, sizeof(b));
		if (strcmp(a, b) == 0)
			return true;
	}
	return false;
}

/* A setting that policy_setting_parse() could have made. */
static inline void random_setting(struct random *random, const struct policy *policy,
				  size_t max_rules, struct policy_setting *setting)
{
	size_t wanted = random_below(random, (uint32_t)max_rules + 1);

	memset(setting, 0, sizeof(*setting));
	setting->policy = policy;
	for (size_t i = 0; i < wanted; i++) {
		struct policy_rule *rule = &setting->rules[setting->n_rules];
		struct path_expression expression = random_expression(random);
		uint32_t role = random_below(random, 5);
		bool only_excludes = !policy->takes_roles && !policy->takes_weights;

		if (setting_has(setting, &expression) || (only_excludes && role > 1))
			continue;
		rule->expression = expression;
		rule->role = role == 0 || only_excludes	      ? ROLE_EXCLUDED :
			     role < 3 && policy->takes_roles ? ROLE_STANDBY :
							      ROLE_ACTIVE;
		rule->has_weight = policy->takes_weights && rule->role != ROLE_EXCLUDED;
		if (rule->has_weight && random_below(random, 6) == 0)
			rule->weight = POLICY_WEIGHT_NEVER;
		else if (rule->has_weight)
			rule->weight = random_below(random, 4);
		setting->n_rules++;
	}
}

static inline void must_parse(const char *text, struct policy_setting *setting)
{
	char message[POLICY_MESSAGE_MAX] = "";

	if (policy_setting_parse(text, setting, message) != POLICY_OK)
		fail_msg("%s: %s", text, message);
}

#endif
