/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path expressions, policy settings and their plans, section names, addresses; and the texts of
 * the kernel's that name a disk. The same text is given to all of them. */
#include <errno.h>

#include "common/disk_link.h"
#include "daemon/lun.h"
#include "daemon/store_name.h"
#include "policies/policy.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 65536
#define PATHS	 6

static char text_a[TEXT_MAX], text_b[TEXT_MAX];

static void expressions(const char *text, const struct policy_path *paths)
{
	char message[POLICY_MESSAGE_MAX] = "";
	struct path_expression e, again, kept;

	memset(&e, 0x55, sizeof(e));
	memset(&kept, 0x55, sizeof(kept));
	if (path_expression_parse(text, &e, message) < 0) {
		must(*message && fuzz_ends(message, sizeof(message)));
		must(!memcmp(&e, &kept, sizeof(e)));
		return;
	}
	must(path_expression_format(&e, text_a, sizeof(text_a)) == (int)strlen(text_a));
	must(path_expression_parse(text_a, &again, message) == 0);
	path_expression_format(&again, text_b, sizeof(text_b));
	must(!strcmp(text_a, text_b));
	for (size_t i = 0; i < PATHS; i++)
		must(path_expression_matches(&e, &paths[i].name) ==
		     path_expression_matches(&again, &paths[i].name));
}

static void check_plan(const struct plan_path *plan)
{
	bool seen[PATHS + 1] = {false};

	for (size_t i = 0; i < PATHS; i++) {
		must(plan[i].role < ROLE_MAX && plan[i].group <= PATHS);
		must(plan[i].priority >= PRIORITY_LOWEST && plan[i].priority <= PRIORITY_BEST);
		must(plan[i].rule >= -1 && plan[i].rule < POLICY_RULES_MAX);
		seen[plan[i].group] = true;
	}
	for (size_t i = 1; i <= PATHS; i++)
		must(!seen[i] || seen[i - 1]);
}

/* The order of the paths does not matter. */
static void plans(const struct policy_setting *setting, const struct policy_path *paths)
{
	struct policy_path turned[PATHS];
	struct plan_path plan[PATHS], back[PATHS];
	char message[POLICY_MESSAGE_MAX] = "";

	for (size_t i = 0; i < PATHS; i++)
		turned[i] = paths[PATHS - 1 - i];
	must(plan_make(setting, paths, PATHS, plan) == 0);
	must(plan_make(setting, turned, PATHS, back) == 0);
	check_plan(plan);
	for (size_t i = 0; i < PATHS; i++)
		must(plan[i].group == back[PATHS - 1 - i].group &&
		     plan[i].role == back[PATHS - 1 - i].role &&
		     plan[i].priority == back[PATHS - 1 - i].priority);
	if (policy_setting_check(setting, paths, PATHS, message) != POLICY_OK)
		must(*message);
	policy_scope_check(setting, paths, PATHS, message);
	policy_warning(setting, paths, plan, PATHS, message);
	must(fuzz_ends(message, sizeof(message)));
}

static void policies(const char *text, const struct policy_path *paths)
{
	static struct policy_setting setting, again;
	char message[POLICY_MESSAGE_MAX] = "";
	enum policy_error error;

	setting.n_rules = 4711;
	error = policy_setting_parse(text, &setting, message);
	if (error != POLICY_OK) {
		must(*message && fuzz_ends(message, sizeof(message)) && setting.n_rules == 4711);
		must(*policy_error_name(error));
		return;
	}
	must(setting.n_rules <= POLICY_RULES_MAX);
	must((size_t)policy_setting_format(&setting, text_a, sizeof(text_a)) == strlen(text_a));
	must(policy_setting_parse(text_a, &again, message) == POLICY_OK);
	policy_setting_format(&again, text_b, sizeof(text_b));
	must(!strcmp(text_a, text_b));
	plans(&setting, paths);
}

static void names(const char *text)
{
	char buffer[STORE_NAME_TEXT_MAX], message[POLICY_MESSAGE_MAX] = "";
	struct store_name name, again;

	if (store_name_parse(text, &name, message) < 0) {
		must(*message);
		return;
	}
	must(store_name_parse(store_name_format(&name, buffer), &again, message) == 0);
	must(store_name_equal(&name, &again));
}

static void addresses(const char *text)
{
	char buffer[PORTAL_TEXT_MAX];
	struct ip_address address, address_again;
	struct portal portal, again;

	if (ip_address_parse(text, &address) == 0) {
		must(address.family == AF_INET || address.family == AF_INET6);
		ip_address_format(&address, buffer, sizeof(buffer));
		must(ip_address_parse(buffer, &address_again) == 0);
		must(ip_address_compare(&address, &address_again) == 0);
		must(ip_address_in_net(&address, &address_again,
				       address.family == AF_INET ? 32 : 128));
	}
	if (portal_parse(text, 3260, &portal) == 0) {
		must(portal_known(&portal) && portal.port);
		portal_format(&portal, buffer, sizeof(buffer));
		must(portal_parse(buffer, 1, &again) == 0);
		must(portal_compare(&portal, &again) == 0);
	}
}

static void disks(const char *text)
{
	unsigned int host, channel, id;
	struct disk_link link;
	char again[96], wwid[DEVICE_WWID_MAX];
	uint64_t lun;

	lun_wwid_from_sysfs(text, wwid, sizeof(wwid));
	must(fuzz_ends(wwid, sizeof(wwid)));
	if (scsi_address_parse(text, &host, &channel, &id, &lun) == 0) {
		unsigned int h, c, i;
		uint64_t l;

		snprintf(again, sizeof(again), "%u:%u:%u:%llu", host, channel, id,
			 (unsigned long long)lun);
		must(scsi_address_parse(again, &h, &c, &i, &l) == 0);
		must(h == host && c == channel && i == id && l == lun);
	}
	if (disk_link_parse(text, &link) == 0) {
		must(fuzz_ends(link.device, sizeof(link.device)) && *link.device);
		must(*link.device != '.' && !strchr(link.device, '/'));
		must(!link.has_session || link.has_host);
		must(!link.has_address || link.has_host);
	}
}

/* Two portals, an own interface, two access states, one IPv6. */
static void make_paths(struct policy_path *paths)
{
	static const char *const portals[PATHS] = {"10.0.1.2",	   "10.0.2.2", "10.0.3.2:3261",
						   "[fd00::2]", "[fe80::1]", "10.0.1.2"};

	memset(paths, 0, PATHS * sizeof(*paths));
	for (size_t i = 0; i < PATHS; i++) {
		struct path_name *name = &paths[i].name;

		must(portal_parse(portals[i], 3260, &name->portal) == 0);
		strcpy(name->target, i & 1 ? "iqn.a:b" : "iqn.a:c");
		strcpy(name->iface, i == PATHS - 1 ? "eth1" : "eth0");
		name->tpgt = (int)i;
		paths[i].access = i & 2 ? ACCESS_OPTIMIZED : ACCESS_NON_OPTIMIZED;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_path paths[PATHS];
	char *text = fuzz_text(data, size);

	make_paths(paths);
	expressions(text, paths);
	policies(text, paths);
	names(text);
	addresses(text);
	disks(text);
	free(text);
	return 0;
}
