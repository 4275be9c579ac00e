/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A setting against a host's LUNs: one LUN, a target's, a product's, all. Two LUNs through
 * two portals of target "array", one of them without the second's path; one on "other", with
 * asymmetric access; the first has a policy of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "daemon/policy_check.h"
#include "daemon/policy_section.h"

#define ARRAY "iqn.2026-01.org.example:array"
#define OTHER "iqn.2026-01.org.example:other"

static struct iscsi_identity disk(unsigned int minor_nr, const char *wwid, const char *target,
				  const char *portal, enum access_state access)
{
	struct iscsi_identity id = {.devt = makedev(8, minor_nr),
				    .is_iscsi = true,
				    .sid = minor_nr,
				    .lun = 1,
				    .access = access,
				    .vendor = "ACME",
				    .product = "Disk"};

	snprintf(id.device, sizeof(id.device), "sd%u", minor_nr);
	snprintf(id.wwid, sizeof(id.wwid), "%s", wwid);
	snprintf(id.name.target, sizeof(id.name.target), "%s", target);
	if (!strcmp(target, OTHER))
		strcpy(id.product, "Other");
	assert_int_equal(portal_parse(portal, 3260, &id.name.portal), 0);
	return id;
}

static const char policies[] = "[lun 3aa]\npolicy = failover-only\nactive = portal=10.0.1.2\n";

struct host {
	struct iscsi_identity disks[6];
	struct inventory inventory;
	struct store store;
	struct lun_table luns;
	bool force;
	const char *failed; /* numbers of the disks that have */
};

static bool failed(const struct lun *lun, const struct lun_path *path, const void *arg)
{
	const struct host *host = arg;

	assert_true(path >= lun->paths && path < lun->paths + lun->n_paths);
	return host->failed && strchr(host->failed, (char)('0' + path->id->sid));
}

static void open_host(struct host *host)
{
	char message[STORE_MESSAGE_MAX] = "";

	*host = (struct host){
		.disks = {disk(1, "naa.aa", ARRAY, "10.0.1.2", ACCESS_UNKNOWN),
			  disk(2, "naa.aa", ARRAY, "10.0.2.2", ACCESS_UNKNOWN),
			  disk(3, "naa.bb", ARRAY, "10.0.1.2", ACCESS_UNKNOWN),
			  disk(4, "naa.bb", ARRAY, "10.0.2.2", ACCESS_UNKNOWN),
			  disk(5, "naa.cc", OTHER, "10.0.1.3", ACCESS_NON_OPTIMIZED),
			  disk(6, "naa.cc", OTHER, "10.0.2.3", ACCESS_OPTIMIZED)}};
	host->inventory = (struct inventory){.disks = host->disks, .n_disks = 6};
	assert_int_equal(store_parse(policies, "test", &host->store, message), 0);
	assert_int_equal(lun_table_make(&host->inventory, &host->store, &host->luns), 0);
	assert_int_equal(host->luns.n, 3);
}

static void close_host(struct host *host)
{
	lun_table_free(&host->luns);
	store_free(&host->store);
}

static struct json_object *ask(const struct host *host, const char *key, const char *value,
			       const char *setting)
{
	struct json_object *request = json_object_new_object(), *reply;

	if (value)
		json_object_object_add(request, key, json_object_new_string(value));
	if (setting)
		json_object_object_add(request, "setting", json_object_new_string(setting));
	if (host->force)
		json_object_object_add(request, "force", json_object_new_boolean(true));
	reply = policy_check(&host->luns, &host->store, &(struct policy_health){failed, host},
			     request);
	json_object_put(request);
	return reply;
}

static const char *text(struct json_object *object, const char *key)
{
	const char *value = json_object_get_string(json_object_object_get(object, key));

	return value ? value : "(none)";
}

/* Each wrong setting with its symbolic error and what the sentence says. */
static const struct {
	const char *key, *value, *setting, *error, *says;
} wrong[] = {
	{"lun", "3zz", "round-robin", "ISDSC_VOLUME_NOT_FOUND", "\"3zz\""},
	{"lun", "", "round-robin", "ISDSC_VOLUME_NOT_FOUND", "mpathiscsi status"},
	{"lun", "sd1", "round-robin", "ISDSC_VOLUME_NOT_FOUND", "no LUN over iSCSI"},
	{"lun", "3bb", "", "ISDSC_INVALID_LOAD_BALANCE_POLICY", "no policy named"},
	{"lun", "3bb", "roundrobin", "ISDSC_INVALID_LOAD_BALANCE_POLICY",
	 "allowed are failover-only, weighted-path, round-robin, round-robin-with-subset, "
	 "least-queue-depth"},
	{"lun", "3bb", "Round-Robin", "ISDSC_INVALID_LOAD_BALANCE_POLICY", "is no policy"},
	{"lun", "3bb", "round-robin active portal=10.0.1.2", "ISDSC_INVALID_PARAMETER",
	 "round-robin uses every path alike"},
	{"lun", "3bb", "round-robin portal=10.0.1.2", "ISDSC_INVALID_PARAMETER",
	 "only exclude EXPRESSION"},
	{"lun", "3bb", "round-robin standby portal=10.0.1.2", "ISDSC_INVALID_PARAMETER",
	 "no standby paths"},
	{"lun", "3bb", "round-robin portal=10.0.1.2:5", "ISDSC_INVALID_PARAMETER",
	 "uses every path alike"},
	{"lun", "3bb", "least-queue-depth active portal=10.0.1.2", "ISDSC_INVALID_PARAMETER",
	 "least-queue-depth uses every path alike"},
	{"lun", "3bb", "least-queue-depth standby portal=10.0.1.2", "ISDSC_INVALID_PARAMETER",
	 "no standby paths"},
	{"lun", "3bb", "round-robin exclude portal=10.0.0.0/16", "ISDSC_NO_PRIMARY_PATH_SPECIFIED",
	 "every path of the LUN is excluded"},
	{"lun", "3bb", "round-robin exclude portal=10.0.9.2", "ISDSC_INVALID_PATH_ID",
	 "10.0.1.2:3260, 10.0.2.2:3260"},
	{"lun", "3bb", "round-robin exclude", "ISDSC_INVALID_PARAMETER",
	 "followed by no path expression"},
	{"lun", "3bb", "round-robin exclude sda", "ISDSC_INVALID_PARAMETER",
	 "is no path expression"},
	{"lun", "3bb", "round-robin exclude portal=10.0.1.2 portal=10.0.1.2",
	 "ISDSC_DUPLICATE_PATH_SPECIFIED", "is there twice"},
	{"lun", "3bb", "round-robin-with-subset standby portal=10.0.0.0/16",
	 "ISDSC_NO_PRIMARY_PATH_SPECIFIED", "name it with active EXPRESSION"},
	{"lun", "3bb", "round-robin-with-subset active portal=10.0.1.2:5:6",
	 "ISDSC_INVALID_PARAMETER", "1 to 65535"},
	{"lun", "3bb", "round-robin-with-subset active portal=10.0.9.2 standby portal=10.0.1.2",
	 "ISDSC_INVALID_PATH_ID", "\"portal=10.0.9.2\" matches no path"},
	{"lun", "3bb", "round-robin-with-subset active portal=10.0.1.2 standby portal=10.0.0.0/16",
	 "ISDSC_DUPLICATE_PATH_SPECIFIED", "name it once"},
	{"lun", "3bb", "failover-only standby portal=10.0.0.0/16",
	 "ISDSC_NO_PRIMARY_PATH_SPECIFIED", "active EXPRESSION"},
	{"lun", "3bb", "failover-only active portal=10.0.1.2 standby portal=10.0.2.2 portal=10.0.3.2",
	 "ISDSC_PATH_COUNT_MISMATCH", "3 path expressions, but the LUN has 2 paths"},
	{"lun", "3bb", "failover-only active portal=10.0.0.0/16",
	 "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED", "10.0.2.2:3260"},
	{"lun", "3bb", "failover-only active portal=10.0.1.2 portal=10.0.2.2",
	 "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED", "has one active path"},
	{"lun", "3bb", "failover-only active portal=10.0.1.2 standby target=" OTHER,
	 "ISDSC_INVALID_PATH_ID", "matches no path"},
	{"lun", "3bb", "weighted-path portal=10.0.1.2", "ISDSC_INVALID_PARAMETER",
	 "no valid weight"},
	{"lun", "3bb", "weighted-path portal=10.0.1.2:4294967295", "ISDSC_INVALID_PARAMETER",
	 "4294967294"},
	{"lun", "3bb", "weighted-path standby portal=10.0.1.2:1", "ISDSC_INVALID_PARAMETER",
	 "allowed are EXPRESSION:WEIGHT"},
	{"lun", "3bb", "weighted-path portal=10.0.0.0/16:never", "ISDSC_NO_PRIMARY_PATH_SPECIFIED",
	 "leave at least one"},
	/* the target prefers one of the paths */
	{"lun", "3cc", "round-robin", "ISDSC_INVALID_LOAD_BALANCE_POLICY",
	 "the path to 10.0.1.3:3260 is active/non-optimized, that to 10.0.2.3:3260 "
	 "active/optimized; take round-robin-with-subset"},
	{"lun", "3cc", "least-queue-depth", "ISDSC_INVALID_LOAD_BALANCE_POLICY",
	 "least-queue-depth cannot be used"},
	/* wider scopes */
	{"scope", "lun", "round-robin", "ISDSC_INVALID_PARAMETER", "[lun WWID]"},
	{"scope", "host x", "round-robin", "ISDSC_INVALID_PARAMETER", "[default]"},
	{"scope", "target", "round-robin", "ISDSC_INVALID_PARAMETER", "[target NAME]"},
	{"scope", "target iqn.2026-01.org.example:none", "round-robin", "ISDSC_TARGET_NOT_FOUND",
	 "log in to the target"},
	{"scope", "product \"ACME\" \"None\"", "round-robin", "ISDSC_VOLUME_NOT_FOUND",
	 "device/vendor and model"},
	{"scope", "product ACME Disk", "round-robin", "ISDSC_INVALID_PARAMETER", "\"VENDOR\""},
	{"scope", "default", "round-robin", "ISDSC_INVALID_LOAD_BALANCE_POLICY", "LUN 3cc: "},
	{"scope", "target " OTHER, "round-robin", "ISDSC_INVALID_LOAD_BALANCE_POLICY",
	 "LUN 3cc: round-robin cannot"},
	{"scope", "product \"ACME\" \"Other\"", "least-queue-depth",
	 "ISDSC_INVALID_LOAD_BALANCE_POLICY", "LUN 3cc: "},
	{"scope", "target " ARRAY, "failover-only active portal=10.0.0.0/16",
	 "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED", "LUN 3bb: "},
	{"scope", "target " ARRAY, "failover-only active portal=10.0.1.2 standby portal=10.0.9.9",
	 "ISDSC_INVALID_PATH_ID", "\"portal=10.0.9.9\" matches no path of the 2 LUNs of [target"},
	{"scope", "default", "round-robin-with-subset active portal=10.0.1.2 portal=10.0.9.9",
	 "ISDSC_INVALID_PATH_ID", "of the 3 LUNs of [default]"},
	{"scope", "target " ARRAY, "failover-only exclude portal=10.0.0.0/16",
	 "ISDSC_NO_PRIMARY_PATH_SPECIFIED", "LUN 3bb: every path"},
	{"scope", "default", "failover-only standby portal=10.0.1.2 portal=10.0.2.2",
	 "ISDSC_NO_PRIMARY_PATH_SPECIFIED", "LUN 3bb: every path in use is named as a standby"},
};

static void refused(void **state)
{
	struct json_object *reply;
	struct host host;

	(void)state;
	open_host(&host);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		reply = ask(&host, wrong[i].key, wrong[i].value, wrong[i].setting);
		assert_non_null(reply);
		if (json_object_get_boolean(json_object_object_get(reply, "ok")) ||
		    strcmp(text(reply, "error"), wrong[i].error) ||
		    !strstr(text(reply, "message"), wrong[i].says))
			fail_msg("%s %s, \"%s\": %s", wrong[i].key, wrong[i].value,
				 wrong[i].setting, json_object_to_json_string(reply));
		json_object_put(reply);
		assert_int_equal(host.store.n, 1);
	}
	close_host(&host);
}

static struct json_object *must(const struct host *host, const char *key, const char *value,
				const char *setting)
{
	struct json_object *reply = ask(host, key, value, setting);

	assert_non_null(reply);
	if (!json_object_get_boolean(json_object_object_get(reply, "ok")))
		fail_msg("%s: %s", setting, text(reply, "message"));
	return reply;
}

/* The LUNs that would come under a setting, and the warnings. */
static void expect(const struct host *host, const char *scope, const char *setting,
		   const char *wwids, const char *warning)
{
	struct json_object *reply = must(host, "scope", scope, setting);
	struct json_object *luns = json_object_object_get(reply, "luns");
	struct json_object *warnings = json_object_object_get(reply, "warnings");
	char list[100] = "";

	for (size_t i = 0; i < json_object_array_length(luns); i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? " " : "",
			 text(json_object_array_get_idx(luns, i), "wwid"));
	assert_string_equal(list, wwids);
	assert_string_equal(text(reply, "scope"), scope);
	assert_int_equal(json_object_array_length(warnings), warning ? 1 : 0);
	if (warning)
		assert_non_null(strstr(
			json_object_get_string(json_object_array_get_idx(warnings, 0)), warning));
	json_object_put(reply);
}

static void accepted(void **state)
{
	struct json_object *reply, *path;
	struct host host;

	(void)state;
	open_host(&host);
	/* what has a section of its own is not concerned */
	expect(&host, "target " ARRAY, "round-robin", "3bb", NULL);
	expect(&host, "product \"ACME\" \"Disk\"", "round-robin", "3bb", NULL);
	expect(&host, "default", "round-robin-with-subset", "3bb 3cc", NULL);
	/* an expression that means nothing to a LUN does not matter to it */
	expect(&host, "default", "failover-only active portal=10.0.1.2 standby portal=10.0.2.3",
	       "3bb 3cc", NULL);
	/* following the administrator against the target */
	expect(&host, "target " OTHER, "failover-only active portal=10.0.1.3", "3cc",
	       "LUN 3cc: the path to 10.0.1.3:3260 is to carry I/O and is active/non-optimized");
	expect(&host, "target " OTHER, "weighted-path portal=10.0.1.3:1 portal=10.0.2.3:2", "3cc",
	       "asks for the other one");
	expect(&host, "target " OTHER, "round-robin exclude portal=10.0.2.3", "3cc",
	       "10.0.2.3:3260 is active/optimized");
	expect(&host, "target " OTHER, "round-robin exclude portal=10.0.1.3", "3cc", NULL);
	/* one LUN, whatever it had before: its plan */
	reply = must(&host, "lun", "3aa", " weighted-path  portal=10.0.2.2:1");
	assert_string_equal(text(reply, "setting"), "weighted-path portal=10.0.2.2:1");
	assert_string_equal(text(reply, "scope"), "lun 3aa");
	assert_string_equal(text(reply, "wwid"), "3aa");
	assert_int_equal(json_object_array_length(json_object_object_get(reply, "luns")), 1);
	path = json_object_array_get_idx(json_object_object_get(reply, "paths"), 1);
	assert_string_equal(text(path, "portal"), "10.0.2.2:3260");
	assert_string_equal(text(path, "plan_group"), "1");
	assert_string_equal(text(path, "group"), "0");
	json_object_put(reply);
	close_host(&host);
}

static void expect_refusal(const struct host *host, const char *key, const char *value,
			   const char *setting, const char *says)
{
	struct json_object *reply = ask(host, key, value, setting);

	assert_non_null(reply);
	assert_string_equal(text(reply, "error"), "ISDSC_NO_PRIMARY_PATH_SPECIFIED");
	if (!strstr(text(reply, "message"), says))
		fail_msg("%s", text(reply, "message"));
	json_object_put(reply);
}

/* The active path that a setting names has failed: refused, unless somebody insists. */
static void failed_primary(void **state)
{
	static const char first[] = "failover-only active portal=10.0.1.2";
	struct host host;

	(void)state;
	open_host(&host);
	host.failed = "13";
	expect_refusal(&host, "lun", "3bb", first, "the path to 10.0.1.2:3260 is to be active");
	expect_refusal(&host, "scope", "target " ARRAY, first, "LUN 3bb: the path to 10.0.1.2:3260");
	json_object_put(must(&host, "lun", "3bb", "failover-only active portal=10.0.2.2"));
	json_object_put(must(&host, "lun", "3bb", "failover-only"));
	json_object_put(must(&host, "lun", "3bb",
			     "round-robin-with-subset active portal=10.0.0.0/16"));
	/* a LUN that has a section of its own is not concerned */
	host.failed = "1";
	expect(&host, "target " ARRAY, first, "3bb", NULL);
	host.failed = "13";
	host.force = true;
	json_object_put(must(&host, "lun", "3bb", first));
	expect(&host, "target " ARRAY, first, "3bb", NULL);
	close_host(&host);
}

/* A host without LUNs may have a default for those to come. */
static void empty_host(void **state)
{
	struct host host = {.luns = {.n = 0}};

	(void)state;
	expect(&host, "default", "failover-only active portal=10.0.1.2", "", NULL);
}

static void malformed(void **state)
{
	struct json_object *request = json_object_new_object();
	struct host host;

	(void)state;
	open_host(&host);
	assert_null(ask(&host, "lun", NULL, "round-robin"));
	assert_null(ask(&host, "lun", "3bb", NULL));
	json_object_object_add(request, "lun", json_object_new_string("3bb"));
	json_object_object_add(request, "scope", json_object_new_string("default"));
	json_object_object_add(request, "setting", json_object_new_string("round-robin"));
	assert_null(policy_check(&host.luns, &host.store, NULL, request));
	json_object_object_add(request, "scope", json_object_new_int(7));
	json_object_object_del(request, "lun");
	assert_null(policy_check(&host.luns, &host.store, NULL, request));
	json_object_put(request);
	close_host(&host);
}

static struct json_object *ask_section(const struct host *host, const char *key, const char *value)
{
	struct json_object *request = json_object_new_object(), *reply;

	json_object_object_add(request, key, json_object_new_string(value));
	reply = policy_section(&host->luns, &host->store, request);
	json_object_put(request);
	assert_non_null(reply);
	return reply;
}

/* What a section says and what goes with it: "WWID>SETTING/SELECTOR", '!' behind it: multipathd
 * must reconfigure. */
static void expect_section(const char *policies_text, const char *key, const char *value,
			   const char *setting, const char *selector, const char *changes)
{
	char message[STORE_MESSAGE_MAX] = "", list[500] = "";
	struct json_object *reply, *luns, *lun;
	struct host host;
	bool any = strchr(changes, '!') != NULL;

	open_host(&host);
	close_host(&host);
	assert_int_equal(store_parse(policies_text, "test", &host.store, message), 0);
	assert_int_equal(lun_table_make(&host.inventory, &host.store, &host.luns), 0);
	for (size_t i = 0; i < host.luns.n; i++) /* a map's name for the second */
		if (!strcmp(host.luns.luns[i].wwid, "3bb")) {
			host.luns.luns[i].alias = "mpathb";
			host.luns.luns[i].entry = lun_find_entry(&host.luns.luns[i], &host.store);
		}
	reply = ask_section(&host, key, value);
	luns = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < json_object_array_length(luns); i++) {
		lun = json_object_array_get_idx(luns, i);
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s>%s/%s%s",
			 i ? " " : "", text(lun, "wwid"), text(lun, "setting"),
			 text(lun, "selector"),
			 json_object_get_boolean(json_object_object_get(lun, "reconfigures")) ? "!"
											      : "");
	}
	assert_string_equal(list, changes);
	assert_string_equal(text(reply, "setting"), setting);
	assert_string_equal(text(reply, "selector"), selector);
	assert_int_equal(json_object_get_boolean(json_object_object_get(reply, "reconfigures")),
			 any);
	json_object_put(reply);
	close_host(&host);
}

static void sections(void **state)
{
	static const char all[] = "[lun 3aa]\npolicy = failover-only\nactive = portal=10.0.1.2\n"
				  "[lun mpathb]\npolicy = least-queue-depth\n"
				  "[target " ARRAY "]\npolicy = round-robin\n"
				  "[default]\npolicy = weighted-path\n";
	const char *rr = policy_by_name("round-robin")->selector;
	char changes[200];

	(void)state;
	assert_true(*rr);
	/* its last section: it is left without a policy, which multipathd must be told */
	expect_section(policies, "lun", "3aa", "failover-only active portal=10.0.1.2", "",
		       "3aa>/!");
	/* no such section, now or ever */
	expect_section(policies, "lun", "3bb", "", "", "");
	expect_section(policies, "scope", "default", "", "", "");
	expect_section(policies, "scope", "target iqn.2026-01.org.example:none", "", "", "");
	/* the next wider section takes over, with another selector */
	snprintf(changes, sizeof(changes), "3bb>round-robin/%s!", rr);
	expect_section(all, "lun", "3bb", "least-queue-depth", rr, changes);
	expect_section(all, "lun", "mpathb", "least-queue-depth", rr, changes);
	/* governed by narrower ones: nothing changes */
	expect_section(all, "scope", "target " ARRAY, "round-robin", "", "");
	expect_section(all, "scope", "default", "weighted-path", "", "3cc>/!");
	/* the same setting or the same selector from the wider one: nothing to reconfigure */
	expect_section("[lun 3aa]\npolicy = round-robin\n[default]\npolicy = round-robin\n", "lun",
		       "3aa", "round-robin", "", "");
	snprintf(changes, sizeof(changes), "3aa>round-robin/%s", rr);
	expect_section("[lun 3aa]\npolicy = round-robin\nexclude = portal=10.0.2.2\n"
		       "[default]\npolicy = round-robin\n",
		       "lun", "3aa", "round-robin exclude portal=10.0.2.2", "", changes);
	/* both of a LUN's names go */
	expect_section("[lun 3bb]\npolicy = round-robin\n"
		       "[lun mpathb]\npolicy = least-queue-depth\n",
		       "lun", "3bb", "round-robin", "", "3bb>/!");
}

static void section_refused(void **state)
{
	struct json_object *request = json_object_new_object(), *reply;
	struct host host;

	(void)state;
	open_host(&host);
	assert_null(policy_section(&host.luns, &host.store, request));
	json_object_object_add(request, "scope", json_object_new_int(7));
	assert_null(policy_section(&host.luns, &host.store, request));
	json_object_object_add(request, "scope", json_object_new_string("default"));
	json_object_object_add(request, "lun", json_object_new_string("3aa"));
	assert_null(policy_section(&host.luns, &host.store, request));
	json_object_put(request);
	reply = ask_section(&host, "lun", "3zz");
	assert_string_equal(text(reply, "error"), "ISDSC_VOLUME_NOT_FOUND");
	json_object_put(reply);
	reply = ask_section(&host, "scope", "host x");
	assert_string_equal(text(reply, "error"), "ISDSC_INVALID_PARAMETER");
	json_object_put(reply);
	close_host(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(accepted),
		cmocka_unit_test(failed_primary),
		cmocka_unit_test(empty_host),
		cmocka_unit_test(malformed),
		cmocka_unit_test(sections),
		cmocka_unit_test(section_refused),
	};

	return cmocka_run_group_tests_name("policy_check", tests, NULL, NULL);
}
