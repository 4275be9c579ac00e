/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/policy_fixture.h"

static void fields(void **state)
{
	struct policy_setting s;

	(void)state;
	must_parse("failover-only active portal=10.0.1.2 standby portal=10.0.2.2 "
		   "portal=10.0.3.2:3261",
		   &s);
	assert_ptr_equal(s.policy, policy_by_name("failover-only"));
	assert_int_equal(s.n_rules, 3);
	assert_int_equal(s.rules[0].role, ROLE_ACTIVE);
	assert_int_equal(s.rules[1].role, ROLE_STANDBY);
	assert_int_equal(s.rules[2].role, ROLE_STANDBY);
	assert_false(s.rules[2].has_weight);
	assert_int_equal(s.rules[2].expression.port, 3261);
	must_parse("weighted-path portal=10.0.1.2:10 portal=[fd00::2]:20 iface=eth1:never "
		   "portal=10.0.4.2:3260:4294967294 exclude portal=10.0.5.2:3260",
		   &s);
	assert_int_equal(s.n_rules, 5);
	assert_int_equal(s.rules[0].weight, 10);
	assert_false(s.rules[0].expression.has_port);
	assert_int_equal(s.rules[1].weight, 20);
	assert_int_equal(s.rules[2].weight, POLICY_WEIGHT_NEVER);
	assert_int_equal(s.rules[3].weight, POLICY_WEIGHT_NEVER - 1);
	assert_int_equal(s.rules[3].expression.port, 3260);
	assert_int_equal(s.rules[4].role, ROLE_EXCLUDED);
	assert_false(s.rules[4].has_weight);
	assert_int_equal(s.rules[4].expression.port, 3260);
}

static void canonical(void **state)
{
	static const char *const texts[][2] = {
		{ " failover-only ", "failover-only" },
		{ "failover-only\tportal=10.0.1.2\n standby  portal=10.0.2.2",
		  "failover-only active portal=10.0.1.2 standby portal=10.0.2.2" },
		{ "failover-only active portal=10.0.1.2 active iface=eth1",
		  "failover-only active portal=10.0.1.2 iface=eth1" },
		{ "weighted-path weight portal=10.0.1.2:0", "weighted-path portal=10.0.1.2:0" },
		{ "weighted-path exclude iface=eth9 weight target=IQN.x:disk:00007",
		  "weighted-path exclude iface=eth9 weight target=iqn.x:disk:7" },
		{ "weighted-path portal=10.0.1.0/24:never",
		  "weighted-path portal=10.0.1.0/24:never" },
	};
	struct policy_setting s;
	char buffer[400];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		must_parse(texts[i][0], &s);
		assert_int_equal(policy_setting_format(&s, buffer, sizeof(buffer)),
				 strlen(texts[i][1]));
		assert_string_equal(buffer, texts[i][1]);
	}
}

static const struct {
	const char *text;
	enum policy_error error;
	const char *says;
} wrong[] = {
	{ "", POLICY_INVALID_LOAD_BALANCE_POLICY, "no policy named; allowed are failover-only" },
	{ "  ", POLICY_INVALID_LOAD_BALANCE_POLICY, "weighted-path" },
	{ "failover", POLICY_INVALID_LOAD_BALANCE_POLICY, "\"failover\" is no policy" },
	{ "Failover-only", POLICY_INVALID_LOAD_BALANCE_POLICY, "allowed are" },
	{ "failover-onlyX", POLICY_INVALID_LOAD_BALANCE_POLICY, "\"failover-onlyX\"" },
	{ "portal=10.0.1.2", POLICY_INVALID_LOAD_BALANCE_POLICY, "is no policy" },
	{ "a-name-longer-than-any-policy-may-ever-be-called", POLICY_INVALID_LOAD_BALANCE_POLICY,
	  "is no policy" },
	{ "failover-only sda", POLICY_INVALID_PARAMETER, "\"sda\" is no path expression" },
	{ "failover-only active", POLICY_INVALID_PARAMETER, "\"active\" is followed by no" },
	{ "failover-only active standby portal=10.0.1.2", POLICY_INVALID_PARAMETER,
	  "\"active\" is followed by no" },
	{ "failover-only portal=10.0.1.2 exclude", POLICY_INVALID_PARAMETER, "\"exclude\"" },
	{ "failover-only Standby portal=10.0.1.2", POLICY_INVALID_PARAMETER, "\"Standby\"" },
	{ "failover-only portal=10.0.1.2 portal=10.0.1.2", POLICY_DUPLICATE_PATH_SPECIFIED,
	  "\"portal=10.0.1.2\" is there twice" },
	{ "failover-only portal=10.0.1.2,tpg=1 standby tpg=1,portal=10.0.1.2/32",
	  POLICY_DUPLICATE_PATH_SPECIFIED, "twice" },
	{ "weighted-path portal=10.0.1.2:1 portal=10.0.1.2:2", POLICY_DUPLICATE_PATH_SPECIFIED,
	  "twice" },
	{ "weighted-path portal=10.0.1.2", POLICY_INVALID_PARAMETER, "\"portal=10.0.1.2\" has no" },
	{ "weighted-path portal=10.0.1.2:", POLICY_INVALID_PARAMETER, "no valid weight" },
	{ "weighted-path portal=10.0.1.2:-1", POLICY_INVALID_PARAMETER, "no valid weight" },
	{ "weighted-path portal=10.0.1.2:1.5", POLICY_INVALID_PARAMETER, ":WEIGHT" },
	{ "weighted-path portal=10.0.1.2:Never", POLICY_INVALID_PARAMETER, ":never" },
	{ "weighted-path portal=10.0.1.2:4294967295", POLICY_INVALID_PARAMETER, "4294967294" },
	{ "weighted-path portal=10.0.1.2:99999999999999999999", POLICY_INVALID_PARAMETER,
	  "4294967294" },
	{ "weighted-path portal=[fd00::2]", POLICY_INVALID_PARAMETER, "no valid weight" },
	{ "weighted-path portal=fd00::2:10", POLICY_INVALID_PARAMETER, "brackets" },
	{ "weighted-path 10", POLICY_INVALID_PARAMETER, "no valid weight" },
	{ "weighted-path :10", POLICY_INVALID_PARAMETER, "no path expression" },
	{ "weighted-path standby portal=10.0.1.2:1", POLICY_INVALID_PARAMETER,
	  "weighted-path has no standby paths" },
	/* a port, that would become the weight */
	{ "weighted-path active portal=10.0.1.2:3260", POLICY_INVALID_PARAMETER,
	  "\"active\": weighted-path has no active paths; allowed are weight EXPRESSION:WEIGHT" },
	{ "weighted-path exclude iface=eth9 active portal=10.0.1.2:3260:1",
	  POLICY_INVALID_PARAMETER, "weight EXPRESSION:WEIGHT" },
	{ "weighted-path weight exclude iface=eth9", POLICY_INVALID_PARAMETER,
	  "\"weight\" is followed by no" },
	{ "failover-only weight portal=10.0.1.2:1", POLICY_INVALID_PARAMETER,
	  "\"weight\": failover-only takes no weights" },
	{ "weighted-path exclude portal=10.0.1.2:never", POLICY_INVALID_PARAMETER, "1 to 65535" },
	{ "failover-only portal=10.0.1.7/24", POLICY_INVALID_PARAMETER, "10.0.1.0/24" },
};

static void refused(void **state)
{
	static struct policy_setting s, before;
	char message[POLICY_MESSAGE_MAX];

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		enum policy_error error;

		memcpy(&s, &before, sizeof(s));
		message[0] = '\0';
		error = policy_setting_parse(wrong[i].text, &s, message);
		if (error != wrong[i].error)
			fail_msg("\"%s\": %s instead of %s", wrong[i].text,
				 policy_error_name(error), policy_error_name(wrong[i].error));
		if (!strstr(message, wrong[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", wrong[i].text, message,
				 wrong[i].says);
		assert_memory_equal(&s, &before, sizeof(s));
	}
}

static void rule_limit(void **state)
{
	char text[POLICY_RULES_MAX * 24 + 100] = "failover-only", message[POLICY_MESSAGE_MAX];
	static struct policy_setting s;
	size_t length = strlen(text);

	(void)state;
	for (unsigned int i = 0; i < POLICY_RULES_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   " portal=10.0.%u.2", i);
	must_parse(text, &s);
	assert_int_equal(s.n_rules, POLICY_RULES_MAX);
	strcpy(text + length, " portal=10.0.200.2");
	assert_int_equal(policy_setting_parse(text, &s, message), POLICY_INVALID_PARAMETER);
	assert_non_null(strstr(message, "64"));
}

static void long_words(void **state)
{
	static char text[5000];
	char message[POLICY_MESSAGE_MAX];
	struct policy_setting s;

	(void)state;
	strcpy(text, "failover-only target=");
	memset(text + strlen(text), 'a', sizeof(text) - 1 - strlen(text));
	assert_int_equal(policy_setting_parse(text, &s, message), POLICY_INVALID_PARAMETER);
	memset(text, 'a', sizeof(text) - 1);
	assert_int_equal(policy_setting_parse(text, &s, message),
			 POLICY_INVALID_LOAD_BALANCE_POLICY);
	assert_true(strlen(message) < POLICY_MESSAGE_MAX);
}

static void round_trip(void **state)
{
	struct random random = random_start(2);
	static char a[POLICY_RULES_MAX * 400], b[sizeof(a)];
	static struct policy_setting s, back;

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		random_setting(&random, policy_registry[i % policy_count], 10, &s);
		policy_setting_format(&s, a, sizeof(a));
		must_parse(a, &back);
		policy_setting_format(&back, b, sizeof(b));
		assert_string_equal(a, b);
		assert_ptr_equal(s.policy, back.policy);
		assert_int_equal(s.n_rules, back.n_rules);
		for (size_t r = 0; r < s.n_rules; r++) {
			assert_int_equal(s.rules[r].role, back.rules[r].role);
			assert_int_equal(s.rules[r].has_weight, back.rules[r].has_weight);
			assert_int_equal(s.rules[r].weight, back.rules[r].weight);
			assert_memory_equal(&s.rules[r].expression, &back.rules[r].expression,
					    sizeof(s.rules[r].expression));
		}
	}
}

/* Words from the grammar in any order, cut and with bytes turned: never a crash, and a
 * refusal leaves the result alone. */
static void garbage(void **state)
{
	static const char *const words[] = {
		"failover-only", "weighted-path", "active",	"standby",  "exclude",	"weight",
		"portal=",	 "10.0.1.2",	  "[fd00::2]",	"/24",	    ":3260",
		":never",	 ":10",		  "iface=eth0", "target=a", ",",
		" ",		 "tpg=1",	  "source=",	"%lo",	    "[",
	};
	struct random random = random_start(3);
	static struct policy_setting s, before;
	char text[400], message[POLICY_MESSAGE_MAX];
	unsigned int taken = 0;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (int i = 0; i < 20000; i++) {
		size_t length = 0, n = random_below(&random, 14);

		for (size_t w = 0; w < n; w++)
			length += (size_t)snprintf(
				text + length, sizeof(text) - length, "%s%s",
				words[random_below(&random, sizeof(words) / sizeof(words[0]))],
				random_below(&random, 2) ? " " : "");
		text[length] = '\0';
		if (length > 0 && random_below(&random, 3) == 0)
			text[random_below(&random, (uint32_t)length)] =
				(char)random_below(&random, 256);
		memcpy(&s, &before, sizeof(s));
		message[0] = '\0';
		if (policy_setting_parse(text, &s, message) == POLICY_OK) {
			taken++;
			assert_string_equal(message, "");
			continue;
		}
		assert_memory_equal(&s, &before, sizeof(s));
		assert_true(message[0] && strlen(message) < POLICY_MESSAGE_MAX);
	}
	assert_true(taken > 0);
}

/* ---- against the paths of a LUN ---- */

static const struct {
	const char *text;
	enum policy_error error;
	const char *says;
} checks[] = {
	{ "failover-only", POLICY_OK, "" },
	{ "failover-only active portal=10.0.1.2", POLICY_OK, "" },
	{ "failover-only active portal=10.0.1.2 standby portal=10.0.2.0/23", POLICY_OK, "" },
	{ "failover-only exclude portal=10.0.1.2", POLICY_OK, "" },
	{ "weighted-path", POLICY_OK, "" },
	{ "weighted-path portal=10.0.1.2:1 portal=10.0.2.0/23:2", POLICY_OK, "" },
	{ "failover-only active portal=10.0.9.2", POLICY_INVALID_PATH_ID,
	  "its portals are 10.0.1.2:3260, 10.0.2.2:3260, 10.0.3.2:3260" },
	{ "failover-only active portal=10.0.1.2 standby iface=eth9", POLICY_INVALID_PATH_ID,
	  "\"iface=eth9\"" },
	{ "failover-only active portal=10.0.2.0/23 standby portal=10.0.1.2",
	  POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED, "10.0.3.2:3260" },
	{ "failover-only active portal=10.0.1.2 portal=10.0.2.2",
	  POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED, "failover-only has one active path" },
	/* what no rule names is active, unless there is no such path */
	{ "failover-only standby portal=10.0.1.2", POLICY_OK, "" },
	{ "failover-only standby portal=10.0.0.0/16", POLICY_NO_PRIMARY_PATH_SPECIFIED,
	  "active EXPRESSION" },
	{ "failover-only standby portal=10.0.1.2 exclude portal=10.0.2.0/23",
	  POLICY_NO_PRIMARY_PATH_SPECIFIED, "active EXPRESSION" },
	{ "round-robin-with-subset standby portal=10.0.0.0/16", POLICY_NO_PRIMARY_PATH_SPECIFIED,
	  "active EXPRESSION" },
	/* more rules than paths, before anything is said of one of them */
	{ "failover-only active portal=10.0.1.2 standby portal=10.0.2.2 portal=10.0.3.2 iface=x",
	  POLICY_PATH_COUNT_MISMATCH,
	  "4 path expressions, but the LUN has 3 paths; its portals are 10.0.1.2:3260, 10.0.2.2" },
	{ "weighted-path portal=10.0.1.2:1 iface=eth1:2 tpg=1:3", POLICY_DUPLICATE_PATH_SPECIFIED,
	  "name it once" },
	{ "failover-only exclude portal=10.0.0.0/16", POLICY_NO_PRIMARY_PATH_SPECIFIED,
	  "every path of the LUN is excluded" },
	{ "weighted-path portal=10.0.0.0/16:never", POLICY_NO_PRIMARY_PATH_SPECIFIED,
	  "at least one" },
	{ "weighted-path portal=10.0.1.2:1 portal=10.0.0.0/16:2", POLICY_DUPLICATE_PATH_SPECIFIED,
	  "by \"portal=10.0.1.2\" and by \"portal=10.0.0.0/16\"" },
};

static void checked(void **state)
{
	const struct policy_path paths[3] = { make_path("10.0.3.2", "eth1"),
					    make_path("10.0.1.2", "eth1"),
					    make_path("10.0.2.2", "eth1") };
	char message[POLICY_MESSAGE_MAX];
	struct policy_setting s;

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		enum policy_error error;

		must_parse(checks[i].text, &s);
		message[0] = '\0';
		error = policy_setting_check(&s, paths, 3, message);
		if (error != checks[i].error)
			fail_msg("\"%s\": %s instead of %s (%s)", checks[i].text,
				 policy_error_name(error), policy_error_name(checks[i].error),
				 message);
		if (!strstr(message, checks[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", checks[i].text, message,
				 checks[i].says);
	}
}

/* Which of the portals 10.0.N.2 have failed; "": the setting may be set. */
static const struct {
	const char *text, *failed, *says;
} failures[] = {
	{ "failover-only active portal=10.0.1.2", "1", "the path to 10.0.1.2:3260 is to be active "
						       "and has failed" },
	{ "failover-only active portal=10.0.1.2", "123", "wait until this one does" },
	{ "failover-only active portal=10.0.1.2", "23", "" },
	{ "round-robin-with-subset active portal=10.0.1.2 portal=10.0.2.2", "12",
	  "the path to 10.0.2.2:3260" }, /* in the order of the paths, not of the rules */
	{ "round-robin-with-subset active portal=10.0.1.2 portal=10.0.2.2", "1", "" },
	{ "round-robin-with-subset active portal=10.0.1.2 standby iface=eth2", "1", "--force" },
	/* none is named as active */
	{ "failover-only", "123", "" },
	{ "failover-only standby portal=10.0.3.2", "12", "" },
	{ "weighted-path portal=10.0.1.2:1", "1", "" },
	{ "round-robin", "123", "" },
	{ "failover-only exclude portal=10.0.1.2", "123", "" },
};

static void failed_primaries(void **state)
{
	struct policy_path paths[3] = { make_path("10.0.3.2", "eth1"), make_path("10.0.2.2", "eth1"),
					make_path("10.0.1.2", "eth1") };
	static struct policy_setting s;
	char message[POLICY_MESSAGE_MAX];

	(void)state;
	strcpy(paths[0].name.iface, "eth2");
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		bool good = !*failures[i].says;

		must_parse(failures[i].text, &s);
		for (int k = 0; k < 3; k++)
			paths[k].failed = strchr(failures[i].failed, '3' - k) != NULL;
		message[0] = '\0';
		if (policy_setting_check(&s, paths, 3, message) !=
			    (good ? POLICY_OK : POLICY_NO_PRIMARY_PATH_SPECIFIED) ||
		    !strstr(message, failures[i].says))
			fail_msg("\"%s\", %s failed: %s", failures[i].text, failures[i].failed,
				 message);
		/* so it is for one of several LUNs */
		assert_int_equal(policy_scope_check(&s, paths, 3, message) == POLICY_OK, good);
	}
}

/* What nobody could refuse, because it stood in a file or in prio_args. */
static void warned(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "failover-only standby portal=10.0.0.0/16", "every path in use is named as a standby" },
		{ "failover-only standby portal=10.0.1.2 exclude portal=10.0.2.0/23", "every path" },
		{ "round-robin-with-subset standby portal=10.0.0.0/16", "every path in use" },
		{ "failover-only active portal=10.0.2.0/23", "the path to 10.0.3.2:3260 would be" },
		{ "failover-only active portal=10.0.1.2 portal=10.0.3.2", "one active path" },
		{ "failover-only standby portal=10.0.1.2", "" },
		{ "failover-only active portal=10.0.9.2 standby portal=10.0.1.2", "" },
		{ "round-robin-with-subset active portal=10.0.2.0/23", "" },
		{ "weighted-path portal=10.0.0.0/16:1", "" },
	};
	struct policy_path paths[3] = { make_path("10.0.1.2", "eth1"), make_path("10.0.2.2", "eth1"),
					make_path("10.0.3.2", "eth1") };
	static struct policy_setting s;
	struct plan_path plan[3];
	char message[POLICY_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		must_parse(cases[i].text, &s);
		message[0] = '\0';
		assert_int_equal(plan_make(&s, paths, 3, plan), 0);
		if (policy_warning(&s, paths, plan, 3, message) != (*cases[i].says != '\0') ||
		    !strstr(message, cases[i].says))
			fail_msg("\"%s\": \"%s\"", cases[i].text, message);
	}
	must_parse("failover-only active portal=10.0.1.2 standby portal=10.0.8.0/23", &s);
	assert_true(policy_unmatched(&s, paths, 3, message));
	assert_string_equal(message, "\"portal=10.0.8.0/23\" matches no path of the LUN; its "
				     "portals are 10.0.1.2:3260, 10.0.2.2:3260, 10.0.3.2:3260");
	must_parse("failover-only active portal=10.0.1.2 standby portal=10.0.2.0/23", &s);
	assert_false(policy_unmatched(&s, paths, 3, message));
}

static void path_counts(void **state)
{
	static struct policy_path paths[POLICY_PATHS_MAX + 1];
	char message[POLICY_MESSAGE_MAX], portal[PORTAL_TEXT_MAX];
	struct policy_setting s;

	(void)state;
	for (unsigned int i = 0; i <= POLICY_PATHS_MAX; i++) {
		snprintf(portal, sizeof(portal), "10.0.%u.%u", i / 200, i % 200 + 1);
		paths[i] = make_path(portal, "default");
	}
	must_parse("failover-only", &s);
	assert_int_equal(policy_setting_check(&s, paths, 0, message), POLICY_PATH_COUNT_MISMATCH);
	assert_non_null(strstr(message, "no iSCSI path"));
	assert_int_equal(policy_setting_check(&s, paths, POLICY_PATHS_MAX + 1, message),
			 POLICY_PATH_COUNT_MISMATCH);
	assert_non_null(strstr(message, "257"));
	assert_int_equal(policy_setting_check(&s, paths, POLICY_PATHS_MAX, message), POLICY_OK);
	must_parse("failover-only active portal=10.9.9.9", &s);
	assert_int_equal(policy_setting_check(&s, paths, POLICY_PATHS_MAX, message),
			 POLICY_INVALID_PATH_ID);
	assert_non_null(strstr(message, "10.0.0.4:3260 and 252 more"));
}

static void error_names(void **state)
{
	(void)state;
	for (int e = 0; e < POLICY_ERROR_MAX; e++)
		assert_memory_equal(policy_error_name((enum policy_error)e), "ISDSC_", 6);
	assert_string_equal(policy_error_name(POLICY_ERROR_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),     cmocka_unit_test(canonical),
		cmocka_unit_test(refused),    cmocka_unit_test(rule_limit),
		cmocka_unit_test(long_words), cmocka_unit_test(round_trip),
		cmocka_unit_test(garbage),    cmocka_unit_test(checked),
		cmocka_unit_test(failed_primaries), cmocka_unit_test(warned),
		cmocka_unit_test(path_counts), cmocka_unit_test(error_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
