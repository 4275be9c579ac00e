/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What probes do is logged, and nobody can make it many lines. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/probe_log.h"
#include "tests/unit/log_capture.h"


static const struct probe_target target = {
	.name = {.target = "iqn.2026-01.example:a",
		 .iface = "default",
		 .portal = {.address = {.family = 2, .bytes = {192, 0, 2, 1}}, .port = 3260}}};

static void change(struct probe_log *log, enum probe_state state, const char *why, uint64_t now_ns)
{
	struct probe_report report = {.state = state};

	snprintf(report.text, sizeof(report.text), "%s", why);
	probe_log_change(log, &target, &report, now_ns);
}

static void one_line_each(void **state)
{
	struct probe_log log = {.untold = 0};

	(void)state;
	begin();
	change(&log, PROBE_UP, "", NS_PER_S);
	change(&log, PROBE_LOST, "session ended", 2 * NS_PER_S);
	assert_int_equal(end(), 2);
	assert_non_null(strstr(text, "probe of 192.0.2.1:3260 over default: up\n"));
	assert_non_null(strstr(text, ": lost, session ended\n"));
}

/* An hour of four changes a second: a few lines, which say how much they leave out. */
static void no_flood(void **state)
{
	struct probe_log log = {.untold = 0};
	unsigned int lines;

	(void)state;
	begin();
	for (uint64_t ms = 0; ms < 3600000; ms += 250)
		change(&log, ms % 500 ? PROBE_UP : PROBE_LATE, "", ms * NS_PER_MS);
	lines = end();
	assert_in_range(lines, 120, 151);
	assert_non_null(strstr(text, "(119 changes before it not logged)"));
	/* the verdict has a ration of its own */
	assert_true(probe_log_may_judge(&log, 3600 * NS_PER_S));
}

static void process_ends(void **state)
{
	struct probe_log_process log = {.pid = 0};
	struct probe_engine_status status = {.pid = 100, .starts = 1};

	(void)state;
	begin();
	probe_log_process(&log, &status, NS_PER_S); /* the first one begins */
	probe_log_process(&log, &status, 2 * NS_PER_S);
	assert_int_equal(end(), 0);
	begin();
	status.pid = 0;
	snprintf(status.last_failure, sizeof(status.last_failure), "killed by signal 11");
	probe_log_process(&log, &status, 3 * NS_PER_S);
	probe_log_process(&log, &status, 4 * NS_PER_S);
	status.pid = 101;
	status.starts = 2;
	probe_log_process(&log, &status, 5 * NS_PER_S);
	assert_int_equal(end(), 1);
	assert_non_null(strstr(text, "killed by signal 11; another one follows"));
	begin();
	status.pid = 102; /* between two looks */
	status.starts = 3;
	probe_log_process(&log, &status, 6 * NS_PER_S);
	assert_int_equal(end(), 1);
	assert_non_null(strstr(text, "another one probes"));
}

static void process_dies_and_dies(void **state)
{
	struct probe_log_process log = {.pid = 0};
	struct probe_engine_status status = {.pid = 100};

	(void)state;
	begin();
	for (unsigned int s = 0; s < 3600; s++) {
		status.pid = (pid_t)(100 + s);
		status.starts++;
		probe_log_process(&log, &status, s * NS_PER_S);
	}
	assert_in_range(end(), 120, 151);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_each),
		cmocka_unit_test(no_flood),
		cmocka_unit_test(process_ends),
		cmocka_unit_test(process_dies_and_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
