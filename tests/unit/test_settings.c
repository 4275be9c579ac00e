/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/quick/report_settings.h"
#include "daemon/quick/settings_keys.h"
#include "daemon/store.h"

#define A "iqn.2026-01.org.example:a"
#define B "iqn.2026-01.org.example:b"

/* Too large for a stack frame's comfort, and the tests run one after the other. */
static struct quick_settings settings;

static void parse(const char *text)
{
	char message[SETTINGS_MESSAGE_MAX];

	memset(&settings, 0xAA, sizeof(settings));
	if (settings_parse(text, "f", &settings, message) != 0)
		fail_msg("%s", message);
	assert_string_equal(message, "");
}

static void profiles(void **state)
{
	const struct quick_timing *t = &settings.timing;

	(void)state;
	parse("");
	assert_int_equal(settings.profile, PROFILE_DEFAULT);
	assert_true(t->arm && t->release && !t->fence && t->fail_stranded && !settings.tune_routes);
	assert_int_equal(t->user_timeout_ms, 500);
	assert_int_equal(t->user_timeout_max_ms, 5000);
	assert_int_equal(t->connection_dead_ms, 1000);
	assert_int_equal(t->target_dead_ms, 2500);
	assert_int_equal(t->lun_dead_ms, 6000);
	assert_int_equal(t->floor_ms, 0);
	assert_int_equal(settings.rto_min_ms, 50);
	assert_int_equal(settings.releases_per_minute, 20);
	assert_int_equal(settings.stable_ms, 5000);
	assert_int_equal(settings.rise_ms, 1000);
	assert_int_equal(settings.flap_half_life_s, 60);
	assert_int_equal(settings.flap_hold, 3500);
	assert_int_equal(settings.flap_reuse, 1500);
	assert_int_equal(settings.n_targets, 0);
	parse("[timing]\nprofile = safe\n");
	assert_int_equal(settings.profile, PROFILE_SAFE);
	assert_true(!t->arm && t->release && t->fence && !t->fail_stranded);
	assert_int_equal(t->connection_dead_ms, 3000);
	assert_int_equal(t->target_dead_ms, 5000);
	assert_int_equal(t->lun_dead_ms, 20000);
	parse("[timing]\nprofile = fast\n");
	assert_int_equal(settings.profile, PROFILE_FAST);
	assert_true(t->arm && t->release && !t->fence && t->fail_stranded);
	assert_int_equal(t->user_timeout_ms, 250);
	assert_int_equal(t->user_timeout_max_ms, 5000);
	assert_int_equal(t->connection_dead_ms, 700);
	assert_int_equal(t->target_dead_ms, 1500);
	assert_int_equal(t->lun_dead_ms, 4000);
	assert_string_equal(profile_name(PROFILE_SAFE), "safe");
	assert_string_equal(profile_name(PROFILE_DEFAULT), "default");
	assert_string_equal(profile_name(PROFILE_FAST), "fast");
}

/* Every profile passes the checks that a file has to pass, alone and with each arm, tune. */
static void profiles_fit(void **state)
{
	static const char *const rest[] = {"", "tune_routes = yes\n", "release = off\n",
					   "arm = off\n", "arm = auto\nfence = none\n"};
	char text[200];
	size_t profile, i;

	(void)state;
	for (profile = 0; profile < PROFILE_MAX; profile++) {
		for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
			snprintf(text, sizeof(text), "[timing]\nprofile = %s\n%s",
				 profile_name((enum quick_profile)profile), rest[i]);
			parse(text);
		}
	}
}

static void fast_with_tuned_routes(void **state)
{
	(void)state;
	parse("[timing]\ntune_routes = yes\nprofile = fast\n");
	assert_true(settings.tune_routes);
	assert_int_equal(settings.timing.user_timeout_ms, 150);
	parse("[timing]\ntune_routes = yes\nprofile = fast\nrto_min_ms = 40\n");
	assert_int_equal(settings.timing.user_timeout_ms, 120);
	parse("[timing]\ntune_routes = yes\nprofile = fast\nrto_min_ms = 100\n");
	assert_int_equal(settings.timing.user_timeout_ms, 250);
	parse("[timing]\ntune_routes = yes\nprofile = fast\nuser_timeout_ms = 200\n");
	assert_int_equal(settings.timing.user_timeout_ms, 200);
	parse("[timing]\ntune_routes = yes\n");
	assert_int_equal(settings.timing.user_timeout_ms, 500);
}

static void who_may_look(void **state)
{
	(void)state;
	parse("[control]\ngroup = disk_watchers-2.a\n[timing]\nprofile = safe\n");
	assert_string_equal(settings.group, "disk_watchers-2.a");
	assert_int_equal(settings.profile, PROFILE_SAFE);
	parse("[control]\ngroup = a2345678901234567890123456789012\n");
	assert_int_equal(strlen(settings.group), 32);
	parse("[control]\n");
	assert_string_equal(settings.group, "");
	parse("");
	assert_string_equal(settings.group, "");
}

static void every_key(void **state)
{
	const struct quick_timing *t = &settings.timing;

	(void)state;
	parse("# ours\n"
	      "[timing]\n"
	      "arm = off ; not here\n"
	      "release=off\n"
	      "fence = reinstate\n"
	      "stranded_io = fail\n"
	      "user_timeout_ms = 300\n"
	      "user_timeout_max_ms = 3000\n"
	      "connection_dead_ms = 900\n"
	      "target_dead_ms = 1800\n"
	      "lun_dead_ms = 0\n"
	      "floor_ms = 0\n"
	      "tune_routes = yes\n"
	      "rto_min_ms = 60\n"
	      "releases_per_minute = 0\n"
	      "stable_ms = 1000\n"
	      "rise_ms = 0\n"
	      "flap_half_life_s = 3600\n"
	      "flap_hold = 0\n"
	      "flap_reuse = 19999\n"
	      "profile = safe\n"); /* last, and yet below the others */
	assert_int_equal(settings.profile, PROFILE_SAFE);
	assert_true(!t->arm && !t->release && t->fence && t->fail_stranded);
	assert_true(settings.tune_routes);
	assert_int_equal(t->user_timeout_ms, 300);
	assert_int_equal(t->user_timeout_max_ms, 3000);
	assert_int_equal(t->connection_dead_ms, 900);
	assert_int_equal(t->target_dead_ms, 1800);
	assert_int_equal(t->lun_dead_ms, 0);
	assert_int_equal(settings.rto_min_ms, 60);
	assert_int_equal(settings.releases_per_minute, 0);
	assert_int_equal(settings.stable_ms, 1000);
	assert_int_equal(settings.rise_ms, 0);
	assert_int_equal(settings.flap_half_life_s, 3600);
	assert_int_equal(settings.flap_hold, 0);
	assert_int_equal(settings.flap_reuse, 19999);
}

static void targets(void **state)
{
	const struct quick_timing *a, *b;

	(void)state;
	parse("\xEF\xBB\xBF[target " A "]\n"
	      "arm = off\nfloor_ms = 4000\n\n"
	      "[timing]\nuser_timeout_ms = 700\n"
	      "[target  iqn.2026-01.org.example:B]\r\n"
	      "lun_dead_ms = 0\r\n");
	assert_int_equal(settings.n_targets, 2);
	a = settings_timing(&settings, A);
	assert_false(a->arm);
	assert_int_equal(a->user_timeout_ms, 4000);
	assert_int_equal(a->user_timeout_max_ms, 5000);
	assert_int_equal(a->connection_dead_ms, 4000);
	assert_int_equal(a->target_dead_ms, 4000);
	assert_int_equal(a->lun_dead_ms, 6000);
	assert_int_equal(a->floor_ms, 4000);
	b = settings_timing(&settings, B); /* names know no case (RFC 7143 4.2.7.1, RFC 3722) */
	assert_true(b->arm);
	assert_int_equal(b->user_timeout_ms, 700);
	assert_int_equal(b->connection_dead_ms, 1000);
	assert_int_equal(b->lun_dead_ms, 0);
	assert_ptr_equal(settings_timing(&settings, "iqn.2026-01.org.example:c"), &settings.timing);
	assert_true(settings.timing.arm);
}

/* A floor for all holds for targets too, a target's own stands instead of it, and 0 of
 * lun_dead_ms stays "never". */
static void floors(void **state)
{
	(void)state;
	parse("[timing]\nfloor_ms = 30000\n[target " A "]\nlun_dead_ms = 0\n"
	      "[target " B "]\nfloor_ms = 0\n");
	assert_int_equal(settings.timing.user_timeout_ms, 30000);
	assert_int_equal(settings.timing.user_timeout_max_ms, 30000);
	assert_int_equal(settings.timing.lun_dead_ms, 30000);
	assert_int_equal(settings_timing(&settings, A)->target_dead_ms, 30000);
	assert_int_equal(settings_timing(&settings, A)->lun_dead_ms, 0);
	assert_int_equal(settings_timing(&settings, B)->user_timeout_ms, 500);
	assert_int_equal(settings_timing(&settings, B)->lun_dead_ms, 6000);
}

#define TIMING_KEYS                                                                                \
	"profile, arm, release, fence, stranded_io, user_timeout_ms, user_timeout_max_ms, "        \
	"connection_dead_ms, target_dead_ms, lun_dead_ms, floor_ms, tune_routes, rto_min_ms, "     \
	"releases_per_minute, stable_ms, rise_ms, flap_half_life_s, flap_hold, flap_reuse"
#define TARGET_KEYS                                                                                \
	"arm, release, fence, stranded_io, user_timeout_ms, user_timeout_max_ms, "                 \
	"connection_dead_ms, " \
	"target_dead_ms, lun_dead_ms, floor_ms"

static const struct {
	const char *text, *message;
} bad[] = {
	/* words */
	{"[timing]\nprofile = quick\n", "f:2: profile = quick: allowed are safe, default, fast"},
	{"[timing]\nprofile = Fast\n", "f:2: profile = Fast: allowed are safe, default, fast"},
	{"[timing]\narm = on\n", "f:2: arm = on: allowed are off, auto"},
	{"[timing]\narm =\n", "f:2: arm = : allowed are off, auto"},
	{"[timing]\narm = auto # really\n", "f:2: arm = auto # really: allowed are off, auto"},
	{"[timing]\nrelease = yes\n", "f:2: release = yes: allowed are off, auto"},
	{"[timing]\nfence = always\n", "f:2: fence = always: allowed are none, reinstate"},
	{"[timing]\nstranded_io = yes\n", "f:2: stranded_io = yes: allowed are wait, fail"},
	{"[timing]\ntune_routes = 1\n", "f:2: tune_routes = 1: allowed are no, yes"},
	/* numbers */
	{"[timing]\nuser_timeout_ms = 99\n",
	 "f:2: user_timeout_ms = 99: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_ms = 10001\n",
	 "f:2: user_timeout_ms = 10001: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_ms = 0\n",
	 "f:2: user_timeout_ms = 0: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_ms = 500ms\n",
	 "f:2: user_timeout_ms = 500ms: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_ms = -500\n",
	 "f:2: user_timeout_ms = -500: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_ms = 0x200\n",
	 "f:2: user_timeout_ms = 0x200: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_ms = 18446744073709552116\n",
	 "f:2: user_timeout_ms = 18446744073709552116: allowed are 100 to 10000 ms"},
	{"[timing]\nuser_timeout_max_ms = 60001\n",
	 "f:2: user_timeout_max_ms = 60001: allowed are 100 to 60000 ms"},
	{"[timing]\nconnection_dead_ms = 199\n",
	 "f:2: connection_dead_ms = 199: allowed are 200 to 120000 ms"},
	{"[timing]\ntarget_dead_ms = 499\n",
	 "f:2: target_dead_ms = 499: allowed are 500 to 300000 ms"},
	{"[timing]\nlun_dead_ms = 999\n",
	 "f:2: lun_dead_ms = 999: allowed are 0 and 1000 to 600000 ms"},
	{"[timing]\nlun_dead_ms = 600001\n",
	 "f:2: lun_dead_ms = 600001: allowed are 0 and 1000 to 600000 ms"},
	{"[timing]\nfloor_ms = 600001\n", "f:2: floor_ms = 600001: allowed are 0 to 600000 ms"},
	{"[timing]\nrto_min_ms = 39\n", "f:2: rto_min_ms = 39: allowed are 40 to 1000 ms"},
	{"[timing]\nrto_min_ms = 1001\n", "f:2: rto_min_ms = 1001: allowed are 40 to 1000 ms"},
	{"[timing]\nreleases_per_minute = 601\n",
	 "f:2: releases_per_minute = 601: allowed are 0 to 600"},
	{"[timing]\nstable_ms = 999\n", "f:2: stable_ms = 999: allowed are 1000 to 600000 ms"},
	{"[timing]\nrise_ms = 1.5\n", "f:2: rise_ms = 1.5: allowed are 0 to 600000 ms"},
	{"[timing]\nflap_half_life_s = 0\n", "f:2: flap_half_life_s = 0: allowed are 1 to 3600 s"},
	{"[timing]\nflap_hold = 999\n", "f:2: flap_hold = 999: allowed are 0 and 1000 to 20000"},
	{"[timing]\nflap_reuse = 0\n", "f:2: flap_reuse = 0: allowed are 1 to 19999"},
	/* keys and sections */
	{"[timing]\nspeed = 9\n", "f:2: key \"speed\": allowed in [timing] are " TIMING_KEYS},
	{"[timing]\nArm = off\n", "f:2: key \"Arm\": allowed in [timing] are " TIMING_KEYS},
	{"[target " A "]\nprofile = fast\n",
	 "f:2: key \"profile\": allowed in [target …] are " TARGET_KEYS},
	{"[target " A "]\ntune_routes = yes\n",
	 "f:2: key \"tune_routes\": allowed in [target …] are " TARGET_KEYS},
	{"[timing]\narm = off\nrelease = off\narm = off\n",
	 "f:4: \"arm\" stands twice, first in line 2"},
	{"[timing]\n[timing]\n", "f:2: section [timing] stands twice"},
	{"[target " A "]\n\n[target iqn.2026-01.org.EXAMPLE:A]\n",
	 "f:3: section [target " A "] stands twice"},
	{"[time]\n", "f:1: section [time]: allowed are [timing], [target NAME] and [control]"},
	{"[Timing]\n", "f:1: section [Timing]: allowed are [timing], [target NAME] and [control]"},
	{"[]\n", "f:1: section []: allowed are [timing], [target NAME] and [control]"},
	{"[target]\n", "f:1: section [target]: allowed are [timing], [target NAME] and [control]"},
	{"[targets x]\n", "f:1: section [targets x]: allowed are [timing], [target NAME] and [control]"},
	{"[control]\n[control]\n", "f:2: section [control] stands twice"},
	{"[control]\nuser = x\n", "f:2: key \"user\": allowed in [control] is group"},
	{"[control]\ngroup = a\ngroup = a\n", "f:3: \"group\" stands twice"},
	{"[control]\ngroup = a b\n", "f:2: group = a b: not the name of a group"},
	{"[control]\ngroup = 1000\n", "f:2: group = 1000: not the name of a group"},
	{"[control]\ngroup = a2345678901234567890123456789012x\n",
	 "f:2: group = a2345678901234567890123456789012x: not the name of a group"},
	{"[timing]\ngroup = a\n", "f:2: key \"group\": allowed in [timing] are " TIMING_KEYS},
	{"[target ]\n", "f:1: [target ]: not a target's name (iqn.…, eui.… or naa.…)"},
	{"[target 10.0.1.2]\n",
	 "f:1: [target 10.0.1.2]: not a target's name (iqn.…, eui.… or naa.…)"},
	{"[target " A " " B "]\n",
	 "f:1: [target " A " " B "]: not a target's name (iqn.…, eui.… or naa.…)"},
	{"arm = off\n[timing]\n", "f:1: \"arm\" stands before the first section"},
	{"\n[timing\narm = off\n", "f:2: section without \"]\""},
	/* inih takes any blank before the bracket: its section must not pass for the one above */
	{"[timing]\n\v[time]\narm = off\n", "f:2: section [time]: allowed are [timing], [target NAME] and [control]"},
	{"[timing] arm = off\n",
	 "f:1: \"arm = off\n\" behind \"]\": a setting needs a line of its own"},
	{"[timing]\n\nfast\n", "f:3: neither [section] nor key = value"},
	/* what cannot be together */
	{"[timing]\nuser_timeout_ms = 800\nuser_timeout_max_ms = 700\n",
	 "f:3: user_timeout_ms 800 is above user_timeout_max_ms 700"},
	{"[timing]\nuser_timeout_ms = 5001\n",
	 "f:2: user_timeout_ms 5001 is above user_timeout_max_ms 5000"},
	{"[timing]\nconnection_dead_ms = 2501\n",
	 "f:2: connection_dead_ms 2501 is above target_dead_ms 2500: a network that is silent "
	 "would "
	 "be taken for a target that hangs"},
	{"[timing]\ntarget_dead_ms = 6001\n", "f:2: target_dead_ms 6001 is above lun_dead_ms 6000: "
					      "a target that hangs would be taken for "
					      "LUNs that do; lun_dead_ms = 0 gives up no LUN"},
	{"[timing]\nconnection_dead_ms = 599\n", "f:2: connection_dead_ms 599 is below 600: TCP's "
						 "second retransmission goes out no earlier "
						 "(tune_routes = yes lowers that)"},
	{"[timing]\ntune_routes = yes\nconnection_dead_ms = 299\nrto_min_ms = 100\n",
	 "f:4: connection_dead_ms 299 is below 300: TCP's second retransmission goes out no "
	 "earlier "
	 "(a smaller rto_min_ms lowers that)"},
	{"[timing]\nfence = reinstate\n",
	 "f:2: fence = reinstate with arm = auto: the kernel ends an armed connection without a "
	 "fence; set arm = off or fence = none"},
	{"[timing]\nprofile = safe\n\narm = auto\n",
	 "f:4: fence = reinstate with arm = auto: the kernel ends an armed connection without a "
	 "fence; set arm = off or fence = none"},
	{"[timing]\nflap_reuse = 3500\n", "f:2: flap_reuse 3500 is not below flap_hold 3500"},
	{"[timing]\nflap_hold = 1000\n", "f:2: flap_reuse 1500 is not below flap_hold 1000"},
	/* a target's own values beside what it takes from [timing] */
	{"[timing]\nuser_timeout_ms = 900\n[target " A "]\nuser_timeout_max_ms = 800\n",
	 "f:4: user_timeout_ms 900 is above user_timeout_max_ms 800"},
	{"[timing]\nprofile = safe\n[target " A "]\narm = auto\n",
	 "f:4: fence = reinstate with arm = auto: the kernel ends an armed connection without a "
	 "fence; set arm = off or fence = none"},
	{"[target " A "]\nlun_dead_ms = 2000\n", "f:2: target_dead_ms 2500 is above lun_dead_ms "
						 "2000: a target that hangs would be taken for "
						 "LUNs that do; lun_dead_ms = 0 gives up no LUN"},
	/* only the first is told */
	{"[timing]\narm = on\nrelease = on\n", "f:2: arm = on: allowed are off, auto"},
};

static void bad_texts(void **state)
{
	static struct quick_settings before;
	char message[SETTINGS_MESSAGE_MAX];
	size_t i;

	(void)state;
	memset(&settings, 0x55, sizeof(settings));
	before = settings;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (settings_parse(bad[i].text, "f", &settings, message) != -EINVAL)
			fail_msg("accepted: %s", bad[i].text);
		assert_string_equal(message, bad[i].message);
		assert_memory_equal(&settings, &before, sizeof(settings));
	}
	assert_true(i >= 40);
}

/* At the limit and one above. */
static void limits(void **state)
{
	char message[SETTINGS_MESSAGE_MAX], *text, name[ISCSI_NAME_MAX + 1], long_line[1100];
	size_t size, i;
	FILE *out;

	(void)state;
	for (i = 0; i <= 1; i++) {
		size_t n;

		out = open_memstream(&text, &size);
		for (n = 0; n < SETTINGS_TARGETS_MAX + i; n++)
			fprintf(out, "[target iqn.2026-01.org.example:%zu]\n", n);
		fclose(out);
		assert_int_equal(settings_parse(text, "f", &settings, message), i ? -EINVAL : 0);
		assert_string_equal(message, i ? "f:257: more than 256 targets" : "");
		free(text);
	}
	for (i = 0; i <= 1; i++) {
		snprintf(name, sizeof(name), "iqn.%0*d", (int)(ISCSI_NAME_MAX - 1 + i) - 4, 7);
		snprintf(long_line, sizeof(long_line), "[target %s]\nfloor_ms=100\n", name);
		assert_int_equal(settings_parse(long_line, "f", &settings, message),
				 i ? -EINVAL : 0);
		assert_string_equal(
			message, i ? "f:1: target name of 224 bytes: at most 223 are allowed" : "");
		if (!i)
			assert_int_equal(settings_timing(&settings, name)->floor_ms, 100);
	}
	for (i = 0; i <= 1; i++) {
		snprintf(long_line, sizeof(long_line), "#%0*d\n", (int)(999 + i), 7);
		assert_int_equal(settings_parse(long_line, "f", &settings, message),
				 i ? -EINVAL : 0);
		assert_string_equal(
			message, i ? "f:1: line of 1001 characters: at most 1000 are allowed" : "");
	}
}

/* Garbage of every kind: refused or taken, but nothing else. */
static void garbage(void **state)
{
	static const char alphabet[] = "[]timng arelsfco=_0123456789;#\n\n\"%.:\\\t\r\xEF\xBB\xBF";
	char text[200], message[SETTINGS_MESSAGE_MAX];
	unsigned int seed = 7;
	size_t round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		size_t length = (size_t)rand_r(&seed) % (sizeof(text) - 1);
		int r;

		for (i = 0; i < length; i++)
			text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		text[length] = '\0';
		if (round % 2 && length > 10)
			memcpy(text, "[timing]\n", 9);
		r = settings_parse(text, "f", &settings, message);
		assert_true(r == 0 || r == -EINVAL);
		assert_int_equal(*message == '\0', r == 0);
	}
}

static void files(void **state)
{
	char folder[] = "/tmp/settings.XXXXXX", path[64], message[SETTINGS_MESSAGE_MAX];
	char expected[SETTINGS_MESSAGE_MAX];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/f", folder);
	assert_int_equal(settings_load(path, &settings, message), 0);
	assert_int_equal(settings.profile, PROFILE_DEFAULT);
	assert_int_equal(store_write_file(path, "[timing]\nprofile = fast\n"), 0);
	assert_int_equal(settings_load(path, &settings, message), 0);
	assert_int_equal(settings.profile, PROFILE_FAST);
	assert_int_equal(store_write_file(path, "[timing]\nprofile = no\n"), 0);
	assert_int_equal(settings_load(path, &settings, message), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:2: profile = no: allowed are safe, default, fast",
		 path);
	assert_string_equal(message, expected);
	assert_int_equal(settings.profile, PROFILE_FAST);
	assert_int_equal(settings_load(folder, &settings, message), -EISDIR);
	snprintf(expected, sizeof(expected), "%s: Is a directory", folder);
	assert_string_equal(message, expected);
	unlink(path);
	rmdir(folder);
}

static void report(void **state)
{
	struct json_object *object = json_object_new_object(), *target;

	(void)state;
	parse("[timing]\nprofile = safe\n[target " A "]\nrelease = off\n");
	report_settings(&settings, object);
	assert_string_equal(
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
		"{\"profile\":\"safe\",\"arm\":\"off\",\"release\":\"auto\",\"fence\":"
		"\"reinstate\",\"stranded_io\":\"wait\","
		"\"user_timeout_ms\":1000,\"user_timeout_max_ms\":10000,\"connection_dead_ms\":"
		"3000,"
		"\"target_dead_ms\":5000,\"lun_dead_ms\":20000,\"floor_ms\":0,\"tune_routes\":"
		"\"no\","
		"\"rto_min_ms\":50,\"releases_per_minute\":20,\"stable_ms\":5000,\"rise_ms\":1000,"
		"\"flap_half_life_s\":60,\"flap_hold\":3500,\"flap_reuse\":1500,\"targets\":["
		"{\"target\":\"" A "\",\"arm\":\"off\",\"release\":\"off\",\"fence\":\"reinstate\","
		"\"stranded_io\":\"wait\",\"user_timeout_ms\":1000,\"user_timeout_max_ms\":10000,\"connection_dead_ms\":"
		"3000,"
		"\"target_dead_ms\":5000,\"lun_dead_ms\":20000,\"floor_ms\":0}]}");
	target = json_object_array_get_idx(json_object_object_get(object, "targets"), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(target, "release")),
			    "off");
	json_object_put(object);
}

static void assert_is_default(void)
{
	static struct quick_settings plain;
	size_t i;

	settings_profile(PROFILE_DEFAULT, &plain);
	for (i = 0; i < KEY_MAX; i++)
		assert_int_equal(settings_key_get(&settings_keys[i], &settings, &settings.timing),
				 settings_key_get(&settings_keys[i], &plain, &plain.timing));
}

/* The manual and the sample name every key; the sample is all comment, and without its
 * comment marks it is the profile "default" but for what it sets for its target. */
static void documents(void **state)
{
	char *manual, *sample, text[64], message[SETTINGS_MESSAGE_MAX];
	size_t i;

	(void)state;
	assert_int_equal(store_read_file(TEST_SOURCE_DIR "/man/mpathiscsid.conf.5", &manual), 0);
	assert_int_equal(store_read_file(TEST_SOURCE_DIR "/packaging/mpathiscsid.conf", &sample),
			 0);
	for (i = 0; i < KEY_MAX; i++) {
		snprintf(text, sizeof(text), "\n.BR %s ", settings_keys[i].name);
		if (!strstr(manual, text))
			fail_msg("the manual has no entry of %s", settings_keys[i].name);
		snprintf(text, sizeof(text), "\n#%s = ", settings_keys[i].name);
		if (!strstr(sample, text))
			fail_msg("the sample has no line of %s", settings_keys[i].name);
	}
	if (!strstr(manual, "\n.BR group "))
		fail_msg("the manual has no entry of group");
	parse(sample);
	assert_string_equal(settings.group, "");
	assert_is_default();
	assert_int_equal(settings.n_targets, 0);
	for (i = 0; sample[i]; i++) /* "#key" and "#[section]"; "# " is prose */
		if ((i == 0 || sample[i - 1] == '\n') && sample[i] == '#' &&
		    !strchr(" \n", sample[i + 1]))
			sample[i] = ' ';
	if (settings_parse(sample, "sample", &settings, message) != 0)
		fail_msg("%s", message);
	assert_is_default();
	assert_int_equal(settings.n_targets, 1);
	free(manual);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles),
		cmocka_unit_test(profiles_fit),
		cmocka_unit_test(fast_with_tuned_routes),
		cmocka_unit_test(every_key),
		cmocka_unit_test(targets),
		cmocka_unit_test(floors),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(limits),
		cmocka_unit_test(garbage),
		cmocka_unit_test(files),
		cmocka_unit_test(report),
		cmocka_unit_test(documents), cmocka_unit_test(who_may_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
