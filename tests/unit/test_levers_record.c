/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of what was before: text to value and back, and damage. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/quick/levers.h"
#include "daemon/quick/levers_record.h"

static const char whole[] = "socket 1 4711 10.0.1.1:40000 10.0.1.2:3260 0\n"
			    "recovery 1 5 15\n"
			    "disk 1 2:0:0:1 5\n"
			    "disk 1 2:0:0:2 -1\n"
			    "recovery 3 -1 20\n"
			    "socket 4000000000 4294967295 [fd00::1]:65535 [fd00::2]:3260 120000\n"
			    "disk 4000000000 33:0:0:18446744073709551615 3\n";

static struct lever_records parse(const char *text, size_t damaged)
{
	struct lever_records records;
	size_t n = 12345;

	assert_int_equal(lever_records_parse(text, &records, &n), 0);
	assert_int_equal(n, damaged);
	return records;
}

static void check_text(const struct lever_records *records, const char *expected)
{
	char *text;

	assert_int_equal(lever_records_format(records, &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void there_and_back(void **state)
{
	struct lever_records records = parse(whole, 0);
	const struct lever_record *one = lever_records_find(&records, 1);

	(void)state;
	assert_int_equal(records.n, 3);
	assert_true(one->socket && one->recovery);
	assert_int_equal(one->inode, 4711);
	assert_int_equal(one->connection.local_port, 40000);
	assert_int_equal(one->connection.peer.port, 3260);
	assert_int_equal(one->recovery_before, 5);
	assert_int_equal(one->recovery_set, 15);
	assert_int_equal(one->n_disks, 2);
	assert_int_equal(lever_record_find_disk(one, "2:0:0:2")->before, -1);
	assert_null(lever_record_find_disk(one, "2:0:0:3"));
	assert_null(lever_records_find(&records, 2));
	check_text(&records, whole);
	lever_records_free(&records);
	check_text(&records, "");
}

static void in_order_whatever_the_order(void **state)
{
	struct lever_records records = parse("recovery 9 1 2\nrecovery 7 1 2\nrecovery 8 1 2\n", 0);

	(void)state;
	check_text(&records, "recovery 7 1 2\nrecovery 8 1 2\nrecovery 9 1 2\n");
	lever_records_remove(&records, 8);
	lever_records_remove(&records, 5);
	check_text(&records, "recovery 7 1 2\nrecovery 9 1 2\n");
	lever_records_free(&records);
}

/* Each of them is left out, counted, and takes nothing else with it. */
static void damaged_lines(void **state)
{
	static const char *const lines[] = {
		"\n",
		"nonsense\n",
		"disk\n",
		"disk 1\n",
		"disk 1 2:0:0:9\n",
		"disk 1 2:0:0:9 5 6\n",
		"disk 1 2:0:0:9 5 \n",
		" disk 1 2:0:0:9 5\n",
		"disk  1 2:0:0:9 5\n",
		"disk 1 2:0:0:9 05x\n",
		"disk 1 2:0:0:9 -2\n",
		"disk 1 2:0:0:9 2147483648\n",
		"disk 1 2:0:0 5\n",
		"disk 1 ../../etc 5\n",
		"disk -1 2:0:0:9 5\n",
		"disk 4294967296 2:0:0:9 5\n",
		"disk 1 2:0:0:1 4\n", /* a second one */
		"recovery 1 6 7\n",
		"recovery 2 5\n",
		"recovery 2 off 5\n",
		"socket 2 0 10.0.1.1:1 10.0.1.2:3260 0\n",
		"socket 2 5 10.0.1.1 10.0.1.2:3260 0\n",
		"socket 2 5 10.0.1.1:1 10.0.1.2 0\n",
		"socket 2 5 - 10.0.1.2:3260 0\n",
		"socket 2 5 10.0.1.1:1 10.0.1.2:3260 4294967296\n",
		"socket 2 5 10.0.1.1:1 10.0.1.2:3260\n",
		"SOCKET 2 5 10.0.1.1:1 10.0.1.2:3260 0\n",
		"disk 1 2:0:0:9 5", /* its end is missing */
		"a b c d e f g h i j k l m n o p\n",
		"disk 1 1111111111111111111111111111111111111111111111111111111111111111:0:0:9 5\n",
	};
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct lever_records records;

		snprintf(text, sizeof(text), "%s%s", whole, lines[i]);
		records = parse(text, 1);
		check_text(&records, whole);
		lever_records_free(&records);
	}
	/* in the middle too */
	snprintf(text, sizeof(text), "garbage \x01\xff\n%s", whole);
	{
		struct lever_records records = parse(text, 1);

		check_text(&records, whole);
		lever_records_free(&records);
	}
}

/* Cut anywhere: whole lines are read, the cut one is not. */
static void cut_short(void **state)
{
	char text[sizeof(whole)];
	size_t i, n;

	(void)state;
	for (n = 0; n < sizeof(whole); n++) {
		struct lever_records records;
		size_t lines = 0;
		char *back;

		memcpy(text, whole, n);
		text[n] = '\0';
		records = parse(text, n > 0 && text[n - 1] != '\n');
		for (i = 0; i < n; i++)
			if (text[i] == '\n')
				lines = i + 1;
		text[lines] = '\0';
		assert_int_equal(lever_records_format(&records, &back), 0);
		assert_string_equal(back, text);
		free(back);
		lever_records_free(&records);
	}
}

static void disks_come_and_go(void **state)
{
	struct lever_records records = {.n = 0};
	struct lever_record *record = lever_records_add(&records, 1);
	char address[32];
	int i;

	(void)state;
	assert_true(lever_record_empty(record));
	for (i = 0; i < LEVERS_DISKS_MAX; i++) {
		snprintf(address, sizeof(address), "2:0:0:%d", i);
		assert_non_null(lever_record_add_disk(record, address));
	}
	assert_null(lever_record_add_disk(record, "2:0:0:100000"));
	assert_non_null(lever_record_add_disk(record, "2:0:0:0"));
	assert_int_equal(record->n_disks, LEVERS_DISKS_MAX);
	lever_record_remove_disk(record, lever_record_find_disk(record, "2:0:0:0"));
	assert_null(lever_record_find_disk(record, "2:0:0:0"));
	assert_non_null(lever_record_find_disk(record, "2:0:0:1023"));
	assert_ptr_equal(lever_records_add(&records, 1), record);
	lever_records_free(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(in_order_whatever_the_order),
		cmocka_unit_test(damaged_lines),  cmocka_unit_test(cut_short),
		cmocka_unit_test(disks_come_and_go),
	};

	return cmocka_run_group_tests_name("levers_record", tests, NULL, NULL);
}
