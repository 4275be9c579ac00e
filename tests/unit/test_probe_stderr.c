/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever a child writes to its stderr: what of it the log is told, and how. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/probe_stderr.h"
#include "tests/unit/log_capture.h"

static int ends[2]; /* of the child's stderr */
static struct probe_stderr said;

static int start(void **state)
{
	(void)state;
	said = (struct probe_stderr){.n = 0};
	setenv("JOURNAL_STREAM", "1:1", true);
	return pipe2(ends, O_NONBLOCK | O_CLOEXEC);
}

static int stop(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	close(ends[1]);
	return close(ends[0]);
}

static void writes(const char *bytes, size_t n)
{
	assert_int_equal(write(ends[1], bytes, n), (ssize_t)n);
}

#define WRITES(bytes) writes(bytes, sizeof(bytes) - 1)

static void marked_and_printable(void **state)
{
	(void)state;
	WRITES("out of memory\n<0>forged\n\n\0\x1b[2J\xff\t%s%n\n");
	begin();
	probe_stderr_read(&said, ends[0], NS_PER_S);
	assert_int_equal(end(), 3);
	assert_string_equal(text, "<4>probe: out of memory\n<4>probe: <0>forged\n"
				  "<4>probe: ??[2J??%s%n\n");
}

/* A line that comes in pieces is one; what has no end is told when the child has ended. */
static void in_pieces(void **state)
{
	(void)state;
	begin();
	WRITES("half ");
	probe_stderr_read(&said, ends[0], NS_PER_S);
	WRITES("a line\nand no");
	probe_stderr_read(&said, ends[0], NS_PER_S);
	WRITES(" end");
	probe_stderr_end(&said, ends[0], NS_PER_S);
	assert_int_equal(end(), 2);
	assert_string_equal(text, "<4>probe: half a line\n<4>probe: and no end\n");
}

static void long_line(void **state)
{
	char line[3000];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	writes(line, sizeof(line));
	WRITES("<1>short\n");
	begin();
	probe_stderr_read(&said, ends[0], NS_PER_S);
	assert_int_equal(end(), 2);
	assert_int_equal(strspn(text + 10, "x"), PROBE_STDERR_LINE_MAX);
	assert_string_equal(text + 10 + PROBE_STDERR_LINE_MAX, "\n<4>probe: <1>short\n");
}

/* An hour of two thousand lines a second: few of them, which say how many there were. */
static void flood(void **state)
{
	(void)state;
	begin();
	for (uint64_t ms = 0; ms < 3600000; ms += 500) {
		for (int i = 0; i < 1000; i++)
			WRITES("me\n");
		probe_stderr_read(&said, ends[0], ms * NS_PER_MS);
	}
	assert_in_range(end(), PROBE_STDERR_BURST + 118, PROBE_STDERR_BURST + 120);
	assert_non_null(strstr(text, "<4>probe: me (59999 lines before it not logged)\n"));
}

/* … and when it says no more, that is not forgotten. */
static void count_is_told(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < PROBE_STDERR_BURST + 7; i++)
		WRITES("me\n");
	probe_stderr_read(&said, ends[0], NS_PER_S);
	assert_int_equal(end(), PROBE_STDERR_BURST);
	begin();
	probe_stderr_read(&said, ends[0], 20 * NS_PER_S);
	probe_stderr_read(&said, ends[0], 31 * NS_PER_S);
	probe_stderr_read(&said, ends[0], 100 * NS_PER_S);
	assert_int_equal(end(), 1);
	assert_string_equal(text, "<4>probe: 7 lines not logged\n");
}

/* Not all at once, however much there is, and not more than a pipe when it has ended. */
static void bounded(void **state)
{
	static char much[65536];

	(void)state;
	memset(much, 'x', sizeof(much));
	writes(much, sizeof(much));
	begin();
	probe_stderr_read(&said, ends[0], NS_PER_S);
	assert_int_equal(write(ends[1], much, sizeof(much)), PROBE_STDERR_TURN);
	probe_stderr_end(&said, ends[0], NS_PER_S);
	assert_int_equal(end(), 1);
	assert_int_equal(read(ends[0], much, sizeof(much)), -1);
}

static void closed(void **state)
{
	(void)state;
	close(ends[1]);
	begin();
	probe_stderr_read(&said, ends[0], NS_PER_S);
	probe_stderr_end(&said, ends[0], NS_PER_S);
	assert_int_equal(end(), 0);
	ends[1] = dup(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(marked_and_printable, start, stop),
		cmocka_unit_test_setup_teardown(in_pieces, start, stop),
		cmocka_unit_test_setup_teardown(long_line, start, stop),
		cmocka_unit_test_setup_teardown(flood, start, stop),
		cmocka_unit_test_setup_teardown(count_is_told, start, stop),
		cmocka_unit_test_setup_teardown(bounded, start, stop),
		cmocka_unit_test_setup_teardown(closed, start, stop),
	};

	return cmocka_run_group_tests_name("probe_stderr", tests, NULL, NULL);
}
