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
#include <sys/sysmacros.h>

#include "daemon/multipathd_parse.h"
#include "daemon/multipathd_wire.h"

#define S MP_SEPARATOR
/* dev devt wwid dm offline state checker prio map hcil protocol inquiry */
#define SDA                                                                              \
	"sda" S "8:0" S "360000000000000000e00000000010001" S "active" S "running" S     \
	"ready" S "iscsi" S "1000" S "mpatha" S "2:0:0:1" S "scsi:iscsi" S               \
	"IET,VIRTUAL-DISK\n"

static void paths_ordinary(void **state)
{
	const char *reply =
		SDA "sdb" S "8:16" S "" S "failed" S "offline" S "faulty" S "tur" S "-1" S
		    "[orphan]" S "3:0:0:1" S "scsi:fcp" S "A|B,C,1.0\n";
	struct mp_path *paths;
	size_t n;

	(void)state;
	assert_int_equal(mp_paths_parse(reply, &paths, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(paths[0].dev, "sda");
	assert_int_equal(paths[0].devt, makedev(8, 0));
	assert_string_equal(paths[0].wwid, "360000000000000000e00000000010001");
	assert_int_equal(paths[0].dm, MP_DM_ACTIVE);
	assert_int_equal(paths[0].checker_state, MP_READY);
	assert_string_equal(paths[0].checker, "iscsi");
	assert_int_equal(paths[0].priority, 1000);
	assert_string_equal(paths[0].map, "mpatha");
	assert_string_equal(paths[0].protocol, "scsi:iscsi");
	assert_false(paths[0].offline);
	assert_string_equal(paths[1].wwid, "");
	assert_string_equal(paths[1].map, "");
	assert_int_equal(paths[1].dm, MP_DM_FAILED);
	assert_true(paths[1].offline);
	assert_int_equal(paths[1].checker_state, MP_FAULTY);
	assert_int_equal(paths[1].priority, -1);
	assert_string_equal(paths[1].inquiry, "A|B,C,1.0");
	free(paths);
}

/* A native NVMe path, as the foreign library prints it, and a path without a checker. */
static void paths_foreign_and_unchecked(void **state)
{
	const char *reply =
		"nvme0c0n1" S "259:1" S "uuid.x" S "n/a" S "live" S "optimized" S "n/a" S
		"50" S "nvme0n1" S "0:0:1:0" S "n/a" S "NVMe,model,fw\n"
		"sdc" S "8:32" S "3600" S "undef" S "unknown" S "undef" S "(null)" S
		"-1" S "[offline]" S "4:0:0:0" S "scsi:iscsi" S "LIO-ORG,x,##\n";
	struct mp_path *paths;
	size_t n;

	(void)state;
	assert_int_equal(mp_paths_parse(reply, &paths, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(paths[0].protocol, "");
	assert_int_equal(paths[0].checker_state, MP_OTHER);
	assert_string_equal(paths[1].checker, "");
	assert_string_equal(paths[1].map, "");
	assert_int_equal(paths[1].checker_state, MP_UNDEF);
	free(paths);
}

static void paths_none(void **state)
{
	static const char *const replies[] = {"", "ok\n", "ok"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct mp_path *paths = (struct mp_path *)8;
		size_t n = 7;

		assert_int_equal(mp_paths_parse(replies[i], &paths, &n), 0);
		assert_null(paths);
		assert_int_equal(n, 0);
	}
}

static void paths_malformed(void **state)
{
	char longer[400] = "sda" S "8:0" S "";
	const char *replies[] = {
		"sda" S "8:0\n",
		SDA "sdb|8:16|x|active\n",
		"garbage",
		/* one field more */
		"sda" S "8:0" S "w" S "active" S "running" S "ready" S "tur" S "1" S "m" S
		"2:0:0:1" S "scsi:iscsi" S "I,V" S "more\n",
		/* no device, no number, no priority */
		"" S "8:0" S "w" S "active" S "running" S "ready" S "tur" S "1" S "m" S
		"2:0:0:1" S "scsi:iscsi" S "I,V\n",
		"sda" S "8:x" S "w" S "active" S "running" S "ready" S "tur" S "1" S "m" S
		"2:0:0:1" S "scsi:iscsi" S "I,V\n",
		"sda" S "8" S "w" S "active" S "running" S "ready" S "tur" S "1" S "m" S
		"2:0:0:1" S "scsi:iscsi" S "I,V\n",
		"sda" S "8:0" S "w" S "active" S "running" S "ready" S "tur" S "1x" S
		"m" S "2:0:0:1" S "scsi:iscsi" S "I,V\n",
		longer,
	};

	(void)state;
	memset(longer + strlen(longer), 'w', 300);
	strcat(longer, S "active" S "running" S "ready" S "tur" S "1" S "m" S "2:0:0:1" S
			 "scsi:iscsi" S "I,V\n");
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct mp_path *paths = NULL;
		size_t n = 7;

		assert_int_equal(mp_paths_parse(replies[i], &paths, &n), -EPROTO);
		assert_null(paths);
		assert_int_equal(n, 7);
	}
}

static void maps_ordinary(void **state)
{
	const char *reply =
		"mpatha" S "3600a" S "dm-0" S "12 chk" S "4" S "immediate" S "active" S
		"--\n"
		"data b" S "3600b" S "dm-1" S "off" S "0" S "-" S "suspend" S "--\n"
		"c" S "3600c" S "dm-2" S "on" S "2" S "followover" S "active" S "--\n"
		"d" S "3600d" S "undef" S "-" S "2" S "XX........ 2/10" S "undef" S "--\n"
		"e" S "3600e" S "dm-4" S "35 sec" S "0" S "-" S "active" S "--\n"
		"nqn:nsid.1" S "uuid.x" S "nvme0n1" S "n/a" S "1" S "n/a" S "n/a" S
		"nvme\n";
	struct mp_map *maps;
	size_t n;

	(void)state;
	assert_int_equal(mp_maps_parse(reply, &maps, &n), 0);
	assert_int_equal(n, 6);
	assert_string_equal(maps[0].alias, "mpatha");
	assert_string_equal(maps[0].wwid, "3600a");
	assert_string_equal(maps[0].dm, "dm-0");
	assert_int_equal(maps[0].queueing, MP_QUEUEING_CHECKS);
	assert_int_equal(maps[0].retries, 12);
	assert_int_equal(maps[0].n_active, 4);
	assert_string_equal(maps[0].failback, "immediate");
	assert_false(maps[0].suspended);
	assert_false(maps[0].foreign);
	assert_string_equal(maps[1].alias, "data b");
	assert_int_equal(maps[1].queueing, MP_QUEUEING_OFF);
	assert_true(maps[1].suspended);
	assert_int_equal(maps[2].queueing, MP_QUEUEING_ON);
	assert_int_equal(maps[3].queueing, MP_QUEUEING_UNSET);
	assert_string_equal(maps[3].dm, "");
	assert_int_equal(maps[4].queueing, MP_QUEUEING_SECONDS);
	assert_int_equal(maps[4].seconds, 35);
	assert_true(maps[5].foreign);
	free(maps);
}

static void maps_malformed(void **state)
{
	static const char *const replies[] = {
		"mpatha" S "3600a" S "dm-0" S "12 foo" S "4" S "immediate" S "active" S
		"--\n",
		"mpatha" S "3600a" S "dm-0" S "x chk" S "4" S "immediate" S "active" S
		"--\n",
		"mpatha" S "3600a" S "dm-0" S "on" S "four" S "immediate" S "active" S
		"--\n",
		"" S "3600a" S "dm-0" S "on" S "4" S "immediate" S "active" S "--\n",
		"mpatha" S "3600a" S "dm-0" S "on" S "4\n",
	};
	struct mp_map *maps;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_int_equal(mp_maps_parse(replies[i], &maps, &n), -EPROTO);
}

struct error_case {
	const char *reply;
	int error;
};

static void replies_that_are_errors(void **state)
{
	static const struct error_case cases[] = {
		{"ok\n", 0},
		{"", 0},
		{"pid 1 idle\n", 0},
		{"timeout\n", -ETIMEDOUT},
		{"timeout", -ETIMEDOUT},
		{"fail\n", -EREMOTEIO},
		{"fail", -EREMOTEIO},
		{"fail\ntimeout\n", -ETIMEDOUT},
		{"fail\nmap or partition in use\n", -EBUSY},
		{"fail\ndevice not found\n", -ENODEV},
		{"fail\nsomething of a later version\n", -EREMOTEIO},
		{"permission deny: need to be root", -EPERM},
		{"fail\npermission deny: need to be root\n", -EPERM},
		{"show foo: not found\nmultipath-tools v0.9.4 (12/19, 2022)\n"
		 "CLI commands reference:\n list|show paths\n",
		 -EOPNOTSUPP},
		{"fail\nmultipath-tools v0.14.3 (09/2025)\nCLI commands reference:\n a\n",
		 -EOPNOTSUPP},
		{"timeouts\n", 0},
		{"failover" S "x\n", 0},
	};
	struct mp_path *paths = NULL;
	struct mp_daemon daemon;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(mp_reply_check(cases[i].reply), cases[i].error);
		if (cases[i].error) {
			assert_int_equal(mp_paths_parse(cases[i].reply, &paths, &n),
					 cases[i].error);
			assert_int_equal(mp_daemon_parse(cases[i].reply, &daemon),
					 cases[i].error);
		}
	}
}

static void daemon_states(void **state)
{
	static const struct {
		const char *reply;
		enum mp_daemon_state state;
		bool pending;
	} good[] = {
		{"pid 812 idle\n", MP_DAEMON_IDLE, false},
		{"pid 812 idle (pending reconfigure)\n", MP_DAEMON_IDLE, true},
		{"pid 812 configure\n", MP_DAEMON_CONFIGURE, false},
		{"pid 812 running\n", MP_DAEMON_RUNNING, false},
		{"pid 812 startup\n", MP_DAEMON_STARTING, false},
		{"pid 812 init\n", MP_DAEMON_STARTING, false},
		{"pid 812 shutdown\n", MP_DAEMON_SHUTDOWN, false},
	};
	static const char *const bad[] = {"",
					  "ok\n",
					  "pid x idle\n",
					  "pid 0 idle\n",
					  "pid -1 idle\n",
					  "pid-9 idle\n",
					  "pid  7 idle\n",
					  "pid 812\n",
					  "pid 812 dancing\n",
					  "idle\n"};
	struct mp_daemon daemon;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(mp_daemon_parse(good[i].reply, &daemon), 0);
		assert_int_equal(daemon.pid, 812);
		assert_int_equal(daemon.state, good[i].state);
		assert_int_equal(daemon.pending, good[i].pending);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mp_daemon_parse(bad[i], &daemon), -EPROTO);
}

/* Our own formats must be requests that multipathd can take, and never end in a '%'. */
static void requests_fit(void **state)
{
	static const char *const requests[] = {MP_SHOW_PATHS, MP_SHOW_MAPS,
					       MP_SHOW_DAEMON};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(strlen(requests[i]) < MULTIPATHD_REQUEST_MAX);
		assert_null(strstr(requests[i], "%\""));
	}
}

/* Whatever is cut off or overwritten: never a crash, never half a result. */
static void damaged_replies(void **state)
{
	const char *whole = SDA SDA SDA;
	size_t size = strlen(whole);
	unsigned int seed = 7;

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		char *text = strdup(whole);
		struct mp_path *paths = NULL;
		size_t n = 99;
		int r;

		assert_non_null(text);
		if (i < size)
			text[i] = '\0';
		else
			text[(size_t)rand_r(&seed) % size] =
				(char)(rand_r(&seed) % 255 + 1);
		r = mp_paths_parse(text, &paths, &n);
		assert_true(r == 0 || r == -EPROTO || r == -EREMOTEIO);
		assert_true(r ? n == 99 && !paths : n <= 4);
		free(paths);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_ordinary),
		cmocka_unit_test(paths_foreign_and_unchecked),
		cmocka_unit_test(paths_none),
		cmocka_unit_test(paths_malformed),
		cmocka_unit_test(maps_ordinary),
		cmocka_unit_test(maps_malformed),
		cmocka_unit_test(replies_that_are_errors),
		cmocka_unit_test(daemon_states),
		cmocka_unit_test(requests_fit),
		cmocka_unit_test(damaged_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
