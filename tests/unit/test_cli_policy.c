/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command itself, without a daemon or with its answers: what it prints, as text and as JSON,
 * and its exit code. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "policies/policy.h"
#include "tests/unit/cli_fixture.h"

static void helps(void **state)
{
	static const char *const verbs[] = {"list", "show", "set", "clear", "check"};
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		snprintf(line, sizeof(line), "policy %s --help", verbs[i]);
		cli_expect(line, EXIT_OK, "Usage: mpathiscsi policy", "");
	}
	cli_expect("policy list", EXIT_OK, "weighted-path ", "");
	cli_expect("policy list -h", EXIT_OK, "Usage: mpathiscsi policy list", "");
}

static void usage_errors(void **state)
{
	(void)state;
	cli_refuses("policy list all", EXIT_USAGE, "USAGE", "takes no argument \"all\"");
	cli_refuses("policy check", EXIT_USAGE, "USAGE", "needs FILE");
	cli_refuses("policy clear", EXIT_USAGE, "USAGE", "needs LUN");
	cli_refuses("policy make", EXIT_USAGE, "USAGE", "unknown verb");
	cli_refuses("policy show --primary", EXIT_USAGE, "USAGE", "--primary: no such option");
	cli_refuses("policy show --target", EXIT_USAGE, "USAGE", "--target needs a value");
	cli_refuses("explain --help=me", EXIT_USAGE, "USAGE", "--help takes no value");
	cli_refuses("--verbose status", EXIT_USAGE, "USAGE", "--verbose: no such option");
	cli_refuses("prefer", EXIT_USAGE, "USAGE", "unknown command");
	cli_refuses("policy clear mpatha", EXIT_NO_DAEMON, "NO_DAEMON", "not running");
	cli_refuses("policy set mpatha fastest", EXIT_REFUSED,
		    "ISDSC_INVALID_LOAD_BALANCE_POLICY", "\"fastest\" is no policy");
}

/* A port is not taken for a weight, nor a weight for a port. */
static void weights(void **state)
{
	(void)state;
	cli_refuses("policy set mpatha weighted-path --active portal=10.0.1.2:3260", EXIT_REFUSED,
		    "ISDSC_INVALID_PARAMETER",
		    "policy weighted-path has no active paths; give each path its weight: "
		    "--weight=portal=10.0.1.2:3260:WEIGHT");
	cli_refuses("policy set mpatha weighted-path -w portal=10.0.1.2:1 -a portal=10.0.2.2",
		    EXIT_REFUSED, "ISDSC_INVALID_PARAMETER", "--active=portal=10.0.2.2");
	cli_refuses("policy set mpatha failover-only --weight portal=10.0.1.2:1", EXIT_REFUSED,
		    "ISDSC_INVALID_PARAMETER", "takes no weights");
	/* as far as asking the daemon */
	cli_refuses("policy set mpatha weighted-path --weight portal=10.0.1.2:3260:1",
		    EXIT_NO_DAEMON, "NO_DAEMON", "not running");
}

static void files(void **state)
{
	static const char wide[] = "\xff\xfe[\0d\0e\0f\0a\0u\0l\0t\0]\0";
	static const char two[] = "[lun x]\npolicy = failover-only\nactive = iface=a\n"
				  "active = iface=b\n";
	static const char mark[] = "\xef\xbb\xbf[default]\npolicy = failover-only\n";

	(void)state;
	cli_write_file("");
	cli_expect("policy check FILE", EXIT_OK, "0 sections, in order", "");
	cli_write_file(mark);
	cli_expect("policy check FILE", EXIT_OK, "1 section, in order", "");
	cli_expect("--json policy check FILE", EXIT_OK, "\"warnings\":", "");
	cli_write_file(two);
	cli_refuses("policy check FILE", EXIT_REFUSED, "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED",
		    "policies.conf:4: active = iface=b");
	cli_refuses("policy show --default -f x", EXIT_USAGE, "USAGE", "-f: no such option");
	cli_refuses("-f FILE policy show --default", EXIT_REFUSED,
		    "ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED", "policies.conf:4:");
	cli_write(cli_file, wide, sizeof(wide) - 1);
	cli_refuses("policy check FILE", EXIT_FAILED, "FAILED", "NUL bytes (is it in UTF-16?)");
	assert_int_equal(unlink(cli_file), 0);
	cli_refuses("policy check FILE", EXIT_FAILED, "FAILED", "No such file");
	cli_refuses("-f FILE policy show --default", EXIT_REFUSED, "ISDSC_INVALID_PARAMETER",
		    "policies.conf: the file is missing");
}

/* A path as the daemon's status has it. */
#define PATH(portal, target, access)                                                             \
	"{'portal': '" portal "', 'target': '" target "', 'iface': 'default', 'netdev': 'p1', "  \
	"'source': '10.0.1.100', 'tpgt': 1, 'access': '" access "'}"
#define LUN(wwid, alias, paths)                                                                  \
	"{'wwid': '" wwid "', 'alias': '" alias "', 'vendor': 'IET', 'product': 'DISK', "        \
	"'paths': [" paths "]}"
#define HERE  "iqn.2026-01.example:here"
#define THERE "iqn.2026-01.example:there"
/* LUN a of two portals, and a third to another target; b, without a map, of one */
#define BEST   "active/optimized"
#define WORSE  "active/non-optimized"
#define LUNS                                                                                     \
	"{'ok': true, 'luns': ["                                                                 \
	LUN("36000a", "mpatha",                                                                  \
	    PATH("10.0.1.2:3260", HERE, BEST) ", " PATH("10.0.2.2:3260", HERE, WORSE) ", "       \
	    PATH("10.0.3.2:3260", THERE, BEST)) ", "                                             \
	LUN("36000b", "", PATH("10.0.1.2:3260", HERE, "")) "]}"

/* 'policies' is in order, and these are the warnings of it, "" none; the same as JSON. */
static void expect_warnings(const char *policies, const char *warnings)
{
	struct json_object *object, *array;
	struct cli_answer answer;
	char said[2048] = "";

	cli_write_file(policies);
	answer = cli_run("--json policy check FILE");
	object = json_tokener_parse(answer.out);
	array = json_object_object_get(object, "warnings");
	if (answer.status != EXIT_OK || !cli_flag(object, "ok") || !array)
		fail_msg("exit %d\n%s\n%s", answer.status, answer.out, answer.err);
	for (size_t i = 0; i < cli_length(array); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(array, i));

		assert_non_null(strstr(answer.err, text));
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", text);
	}
	assert_string_equal(said, warnings);
	assert_string_equal(cli_text(object, "file"), cli_file);
	json_object_put(object);
}

/* What can hardly be meant with the paths that there are. */
static void warnings(void **state)
{
	(void)state;
	cli_daemon_start();
	cli_answers("status", LUNS);
	expect_warnings("[lun mpatha]\npolicy = failover-only\nactive = portal=10.0.1.2\n", "");
	assert_string_equal(cli_asked(), "status\n");
	expect_warnings("[lun mpatha]\npolicy = failover-only\nactive = portal=10.0.1.2\n"
			"standby = portal=10.0.9.2\n",
			"[lun mpatha]: \"portal=10.0.9.2\" matches no path of the LUN now\n");
	/* of a section for several: what one of them has is enough */
	expect_warnings("[lun 36000b]\npolicy = round-robin\n"
			"[target " HERE "]\npolicy = round-robin-with-subset\n"
			"active = portal=10.0.1.2\nstandby = portal=10.0.2.2\n"
			"exclude = iface=p9\n",
			"[target " HERE "]: \"iface=p9\" matches no path of its LUNs now\n");
	/* of no LUN that there is: they may come */
	expect_warnings("[lun mpathz]\npolicy = failover-only\nactive = portal=10.0.9.2\n", "");
	/* against what the target asks for */
	expect_warnings("[lun 36000a]\npolicy = failover-only\nactive = portal=10.0.2.2\n",
			"[lun 36000a]: LUN mpatha: the path to 10.0.2.2:3260 is to carry I/O and "
			"is active/non-optimized, while that to 10.0.1.2:3260 is active/optimized: "
			"the target asks for the other one\n");
	expect_warnings("[product \"IET\" \"DISK\"]\npolicy = failover-only\n"
			"active = portal=10.0.1.2\n",
			"");
	/* no alias: by its WWID */
	expect_warnings("[lun 36000b]\npolicy = failover-only\nstandby = portal=10.0.1.2\n",
			"[lun 36000b]: LUN 36000b: every path in use is named as a standby: the "
			"first of them is active; name an active one\n");
	cli_daemon_stop();
}

/* LUNs without paths or with too many, a daemon that refuses: no warnings, no error. */
static void nothing_to_warn_of(void **state)
{
	static const char file[] = "[default]\npolicy = failover-only\nactive = portal=10.0.9.2\n";
	struct json_object *reply = json_tokener_parse(LUNS), *lun, *paths;

	(void)state;
	assert_non_null(reply);
	cli_daemon_start();
	cli_answers("status", "{'ok': true, 'luns': [" LUN("36000a", "mpatha", "") "]}");
	expect_warnings(file, "");
	lun = json_object_array_get_idx(json_object_object_get(reply, "luns"), 0);
	paths = json_object_object_get(lun, "paths");
	while (cli_length(paths) <= POLICY_PATHS_MAX)
		json_object_array_add(paths, json_object_get(json_object_array_get_idx(paths, 0)));
	json_object_array_del_idx(json_object_object_get(reply, "luns"), 1, 1);
	cli_answers("status", json_object_to_json_string(reply));
	expect_warnings(file, "");
	cli_answers("status", "{'ok': false, 'error': 'BUSY', 'message': 'later'}");
	expect_warnings(file, "");
	json_object_put(reply);
	cli_daemon_stop();
}

static void error_objects(void **state)
{
	static const struct {
		int exit_code;
		const char *said, *error, *message;
	} cases[] = {
		{EXIT_REFUSED, "ISDSC_INVALID_PATH_ID: no such path", "ISDSC_INVALID_PATH_ID",
		 "no such path"},
		{EXIT_FAILED, "/etc/x: gone", "FAILED", "/etc/x: gone"},
		{EXIT_FAILED, "A: b", "FAILED", "A: b"},
		{EXIT_USAGE, "", "USAGE", "wrong arguments; see --help"},
		{EXIT_PENDING, "saved, but pending", "PENDING", "saved, but pending"},
		{EXIT_NOT_PERMITTED, "NOT_PERMITTED: run as root", "NOT_PERMITTED", "run as root"},
		{EXIT_FAILED, "FAILED", "FAILED", "FAILED"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *object = cli_error_object(cases[i].exit_code, cases[i].said);

		assert_false(cli_flag(object, "ok"));
		assert_string_equal(cli_text(object, "error"), cases[i].error);
		assert_string_equal(cli_text(object, "message"), cases[i].message);
		json_object_put(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helps),   cmocka_unit_test(usage_errors),
		cmocka_unit_test(weights), cmocka_unit_test(files),
		cmocka_unit_test(warnings), cmocka_unit_test(nothing_to_warn_of),
		cmocka_unit_test(error_objects),
	};

	return cmocka_run_group_tests_name("cli_policy", tests, cli_make_folder, cli_remove_folder);
}
