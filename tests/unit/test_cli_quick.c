/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "checker/suspicion.h"
#include "daemon/cli_quick.h"
#include "daemon/quick/decide.h"
#include "daemon/quick/levers.h"
#include "daemon/quick/report_settings.h"

static struct json_object *parse(const char *text)
{
	struct json_object *object = json_tokener_parse(text);

	if (!object)
		fail_msg("no JSON: %s", text);
	return object;
}

static void below_path(const char *json, const char *said, const char *expected)
{
	struct json_object *path = parse(json);
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	cli_print_quick(out, path, 6, said);
	fclose(out);
	assert_string_equal(result, expected);
	free(result);
	json_object_put(path);
}

static void paths(void **state)
{
	(void)state;
	below_path("{}", "", ""); /* a daemon that knows nothing of it */
	below_path("{'quick': true, 'quick_reason': 'allowed', 'armed': '500 ms', "
		   "'suspicion': 'no suspicion', 'flaps': 0, 'held_out_ms': 0}",
		   "", "");
	below_path("{'quick': false, 'quick_reason': 'map does not queue (mpatha)'}", "",
		   "      not quick: map does not queue (mpatha)\n");
	below_path("{'quick': false, 'quick_reason': 'last healthy path'}", "last healthy path",
		   "");
	below_path("{'quick': false, 'quick_reason': 'last healthy path'}", "map does not queue",
		   "      not quick: last healthy path\n");
	below_path("{'quick': true, 'armed': 'not permitted (ptrace_scope or LSM)'}", "",
		   "      quick by release only: not permitted (ptrace_scope or LSM)\n");
	below_path("{'quick': false, 'armed': 'not permitted', 'quick_reason': 'x'}", "x", "");
	below_path("{'suspicion': 'answers are overdue'}", "",
		   "      suspicion: answers are overdue\n");
	below_path("{'link': 'link eth1 is down (no carrier)', 'suspicion': 'no suspicion'}", "",
		   "      link eth1 is down (no carrier)\n");
	below_path("{'quick': false, 'quick_reason': 'last healthy path', 'held_out_ms': 84001, "
		   "'flaps': 4012, 'suspicion': 'answers are overdue'}",
		   "",
		   "      held out for 85 s more, for it came and went (penalty 4012; mpathiscsi\n"
		   "        forgive)\n"
		   "      suspicion: answers are overdue\n"
		   "      not quick: last healthy path\n");
}

/* The daemon's own phrases are understood: the harmless ones print nothing, the others do. */
static void phrases(void **state)
{
	char json[300];
	int i;

	(void)state;
	snprintf(json, sizeof(json), "{'suspicion': '%s'}", suspicion_text(SUSPICION_NONE));
	below_path(json, "", "");
	for (i = 0; i < SUSPICION_MAX; i++)
		assert_true(i == SUSPICION_NONE || strcmp(suspicion_text((enum suspicion_verdict)i),
							  suspicion_text(SUSPICION_NONE)) != 0);
	/* what stands in "armed" for an armed one begins with its number; no phrase does */
	for (i = SOCKET_OFF; i <= SOCKET_FAILED; i++)
		assert_null(strchr("0123456789", *lever_socket_text((enum lever_socket)i)));
}

static void of_all(const char *json, const char *expected)
{
	struct json_object *array = parse(json);

	assert_string_equal(cli_quick_reason_of_all(array), expected);
	json_object_put(array);
}

static void one_reason_for_all(void **state)
{
	(void)state;
	assert_string_equal(cli_quick_reason_of_all(NULL), "");
	of_all("[]", "");
	of_all("[{}, {}]", "");
	of_all("[{'quick': false, 'quick_reason': 'a'}]", "a");
	of_all("[{'quick': false, 'quick_reason': 'a'}, {'quick': false, 'quick_reason': 'a'}]",
	       "a");
	of_all("[{'quick': false, 'quick_reason': 'a'}, {'quick': false, 'quick_reason': 'b'}]",
	       "");
	of_all("[{'quick': false, 'quick_reason': 'a'}, {'quick': true, 'quick_reason': 'a'}]", "");
	of_all("[{'quick': false, 'quick_reason': 'a'}, {}]", "");
}

static void switched(void **state)
{
	static const struct {
		const char *json, *expected;
	} cases[] = {
		{"{}", ""},
		{"{'quick': {}}", ""},
		{"{'quick': {'on': true}}", ""},
		{"{'quick': {'on': false, 'off_text': 'by root (uid 0) at 2026-01-02 03:04:05 UTC: "
		 "array is being moved'}}",
		 "switched off by root (uid 0) at 2026-01-02 03:04:05 UTC: array is being moved:\n"
		 "  no path is quick, none is held out\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *reply = parse(cases[i].json);
		char *result = NULL;
		size_t size;
		FILE *out = open_memstream(&result, &size);

		assert_int_equal(cli_print_switch(out, reply), *cases[i].expected != '\0');
		fclose(out);
		assert_string_equal(result, cases[i].expected);
		free(result);
		json_object_put(reply);
	}
}

static char *timing_of(struct json_object *reply)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	cli_print_timing(out, reply);
	fclose(out);
	return result;
}

#define SESSIONS                                                                                   \
	"[{'portal': '10.0.1.2:3260', 'interface': 'p1', 'target': 'iqn.2026-01.org.example:a', "  \
	"'rtt_us': 210, 'rto_us': 204000, 'user_timeout_ms': 500, 'why': '', 'detection_ms': "     \
	"704, "                                                                                    \
	"'by': 'armed'}, "                                                                         \
	"{'portal': '[fd00:1234:5678:9abc::2]:3260', 'interface': 'p2', 'target': "                \
	"'iqn.2026-01.org.example:a', 'rtt_us': 12345, 'rto_us': 224000, 'user_timeout_ms': "      \
	"1000, "                                                                                   \
	"'why': 'loss', 'detection_ms': 1224, 'by': 'armed'}, "                                    \
	"{'portal': '10.0.3.2:3260', 'interface': 'p3', 'target': 'iqn.2026-01.org.example:b', "   \
	"'rtt_us': 0, 'rto_us': 0, 'user_timeout_ms': 0, 'detection_ms': 15000, 'by': 'kernel'}]"

static void timing(void **state)
{
	struct json_object *reply = parse("{'quick': {'on': true, 'lost': 3, 'releases': 1, "
					  "'dropped': 2, 'false_alarms': 0}}");
	struct json_object *values = json_object_new_object();
	static struct quick_settings settings;
	char message[SETTINGS_MESSAGE_MAX], *text, *line, *rest;

	(void)state;
	assert_int_equal(settings_parse("[timing]\ntune_routes = yes\n"
					"[target iqn.2026-01.org.example:b]\n"
					"arm = off\nlun_dead_ms = 0\nfloor_ms = 4000\n",
					"f", &settings, message),
			 0);
	report_settings(&settings, values);
	json_object_object_add(values, "sessions", parse(SESSIONS));
	json_object_object_add(reply, "timing", values);
	text = timing_of(reply);
	assert_string_equal(
		text,
		"profile: default\n"
		" arm: auto; release: auto; fence: none; stranded I/O: fail\n"
		" user time-out: 500 to 5000 ms\n"
		" dead after: connection 1000 ms, target 2500 ms, LUN 6000 ms\n"
		" routes: rto_min 50 ms; releases: 20 a minute; stable: 5000 ms; rise: 1000 ms\n"
		" flaps: half-life 60 s, held out above 3500, used again below 1500\n"
		"target iqn.2026-01.org.example:b\n"
		" arm: off; release: auto; fence: none; stranded I/O: fail; floor: 4000 ms\n"
		" user time-out: 4000 to 5000 ms\n"
		" dead after: connection 4000 ms, target 4000 ms, LUN never\n"
		"\n"
		"PORTAL                   INTERFACE  NOP       RTO     TIME-OUT DETECTION BY\n"
		"iqn.2026-01.org.example:a\n"
		"10.0.1.2:3260            p1         0.21 ms   204 ms  500 ms   704 ms    armed\n"
		"[fd00:1234:5678:9abc::2]:3260 p2         12 ms     224 ms  1000 ms  1224 ms   "
		"armed\n"
		"  time-out: loss\n"
		"iqn.2026-01.org.example:b\n"
		"10.0.3.2:3260            p3         -         -       -        15000 ms  kernel\n"
		"\n"
		"3 sessions: 2 armed, 0 by release, 1 by the kernel's own timers; detection 704\n"
		"  to 15000 ms\n"
		"since the daemon's start: 3 connections lost, 1 given up by us, 2 ended by their\n"
		"  time-out, 0 false alarms\n");
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(strlen(line) <= 80 || *line == '['); /* a long portal is not cut */
	free(text);
	json_object_put(reply);
}

static void timing_of_nothing(void **state)
{
	struct json_object *reply = parse("{}");
	char *text = timing_of(reply);

	(void)state;
	assert_string_equal(text, "no timing: nothing acts in this daemon\n");
	free(text);
	json_object_put(reply);
	reply = parse("{'timing': {'profile': 'safe', 'sessions': []}}");
	text = timing_of(reply);
	assert_non_null(strstr(text, "profile: safe\n"));
	assert_non_null(strstr(
		text, "\n0 sessions: 0 armed, 0 by release, 0 by the kernel's own timers\n"));
	free(text);
	json_object_put(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(phrases),
		cmocka_unit_test(one_reason_for_all),
		cmocka_unit_test(switched),
		cmocka_unit_test(timing),
		cmocka_unit_test(timing_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
