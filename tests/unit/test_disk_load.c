/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "daemon/quick/disk_load.h"

static void a_kernel_s_file_is_read(void **state)
{
	static const char text[] =
		"   8      16 sdb 120 0 960 10 30 0 240 5 3 12 15 0 0 0 0 0 0\n"
		"   8       0 sda 1 0 8 0 2 0 16 0 0 1 1\n" /* before 4.18: eleven fields */
		" 253       0 dm-0 9 0 0 0 9 0 0 0 2 0 0 0 0 0 0\n";
	struct disk_loads loads;

	(void)state;
	assert_int_equal(disk_loads_parse(text, &loads), 0);
	assert_int_equal(loads.n, 3);
	assert_int_equal(disk_loads_find(&loads, makedev(8, 16))->completed, 150);
	assert_int_equal(disk_loads_find(&loads, makedev(8, 16))->in_flight, 3);
	assert_int_equal(disk_loads_find(&loads, makedev(8, 0))->completed, 3);
	assert_int_equal(disk_loads_find(&loads, makedev(253, 0))->in_flight, 2);
	assert_null(disk_loads_find(&loads, makedev(8, 32)));
	disk_loads_free(&loads);
	assert_null(disk_loads_find(&loads, makedev(8, 0)));
}

static void lines_that_are_no_disk_are_left_out(void **state)
{
	static const char *const texts[] = {"",	  "\n",	   "garbage",		"8 0 sda",
					    "8 0", "\n\n\n", "8 0 sda x 0 0 0 0 0 0 0 0", " ",
					    /* one that was cut takes nothing of the next */
					    "8 0 sda 1 2 3\n4 5 6 7 8 9\n",
					    "8 0\n1 2 3 4 5 6 7 8 9\n",
					    "8 0 sda 1 0 8 0 -2 0 16 0 7\n",
					    "8 4294967296 sda 1 0 8 0 2 0 16 0 7\n"};
	struct disk_loads loads;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(disk_loads_parse(texts[i], &loads), 0);
		assert_int_equal(loads.n, 0);
		disk_loads_free(&loads);
	}
	assert_int_equal(disk_loads_parse("x\n8 0 sda 1 0 8 0 2 0 16 0 7 1 1\ny", &loads), 0);
	assert_int_equal(loads.n, 1);
	assert_int_equal(loads.disks[0].in_flight, 7);
	disk_loads_free(&loads);
}

static void this_host_s_own_file_is_read(void **state)
{
	struct disk_loads loads;

	(void)state;
	assert_int_equal(disk_loads_read(NULL, &loads), 0);
	for (size_t i = 1; i < loads.n; i++)
		assert_true(loads.disks[i - 1].devt < loads.disks[i].devt);
	disk_loads_free(&loads);
	assert_true(disk_loads_read("/nonexistent/diskstats", &loads) < 0);
}

/* The longer it takes the longer the pause; never more than a share of the time, but for bounds. */
static void what_it_costs_tells_how_often(void **state)
{
	uint32_t before[2] = {0, 0};

	(void)state;
	assert_int_equal(disk_loads_pause_ms(100, false), 1000);
	assert_int_equal(disk_loads_pause_ms(100, true), 0);
	assert_int_equal(disk_loads_pause_ms(130000, false), 13000);
	assert_int_equal(disk_loads_pause_ms(130000, true), 520);
	assert_int_equal(disk_loads_pause_ms(UINT32_MAX, false), 15000);
	assert_int_equal(disk_loads_pause_ms(UINT32_MAX, true), 2000);
	for (uint32_t us = 0; us < 1000000; us += 997)
		for (unsigned int wanted = 0; wanted < 2; wanted++) {
			uint32_t pause = disk_loads_pause_ms(us, wanted);

			assert_true(pause >= before[wanted]);
			before[wanted] = pause;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_costs_tells_how_often),
		cmocka_unit_test(a_kernel_s_file_is_read),
		cmocka_unit_test(lines_that_are_no_disk_are_left_out),
		cmocka_unit_test(this_host_s_own_file_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
