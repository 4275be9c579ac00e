/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "daemon/dm_status.h"

/* As seen on 6.1: one path a group, round-robin; a group in use, a failed path. */
#define TWO_GROUPS "2 0 0 0 2 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 F 3 "
/* service-time prints two numbers a path, queue-length one. */
#define SERVICE_TIME "2 0 0 0 1 1 A 0 2 2 8:16 A 0 0 1 8:32 A 0 8192 1 "

static void two_groups(void **state)
{
	struct dm_map map = {.uuid = "mpath-36001"};

	(void)state;
	assert_int_equal(dm_map_parse_status(TWO_GROUPS, &map), 0);
	assert_int_equal(map.n_groups, 2);
	assert_int_equal(map.group_state[0], 'A');
	assert_int_equal(map.group_state[1], 'E');
	assert_int_equal(map.n_paths, 2);
	assert_true(map.paths[0].active);
	assert_false(map.paths[1].active);
	assert_int_equal(map.paths[1].fail_count, 3);
	assert_int_equal(map.paths[1].group, 1);
	assert_ptr_equal(dm_map_path(&map, makedev(8, 32)), &map.paths[1]);
	assert_null(dm_map_path(&map, makedev(8, 48)));
	assert_string_equal(dm_map_wwid(&map), "36001");
}

static void path_arguments(void **state)
{
	struct dm_map map = {.uuid = "LVM-x"};

	(void)state;
	assert_int_equal(dm_map_parse_status(SERVICE_TIME, &map), 0);
	assert_int_equal(map.n_paths, 2);
	assert_int_equal(map.paths[1].devt, makedev(8, 32));
	assert_string_equal(dm_map_wwid(&map), "");
	/* a map that has lost all its paths */
	assert_int_equal(dm_map_parse_status("2 0 0 0 0 0 ", &map), 0);
	assert_int_equal(map.n_paths, 0);
}

static void tables(void **state)
{
	struct dm_map map = {0};

	(void)state;
	assert_int_equal(dm_map_parse_table("1 queue_if_no_path 0 2 1 round-robin 0 1 1 8:16 1 "
					    "round-robin 0 1 1 8:32 1",
					    &map),
			 0);
	assert_true(map.queues);
	assert_string_equal(map.selector, "round-robin");
	assert_int_equal(dm_map_parse_table("3 pg_init_retries 50 retain_attached_hw_handler "
					    "1 alua 1 1 service-time 0 1 2 8:16 1 1",
					    &map),
			 0);
	assert_false(map.queues);
	assert_string_equal(map.selector, "service-time");
}

/* Every truncation and every damaged byte: an error or a whole map, never more. */
static void damage(void **state)
{
	char text[] = TWO_GROUPS;
	struct dm_map map, before;
	size_t i;
	int byte;

	(void)state;
	for (i = 0; i < sizeof(TWO_GROUPS) - 3; i++) {
		memset(&map, 0x5a, sizeof(map));
		before = map;
		memcpy(text, TWO_GROUPS, sizeof(text));
		text[i] = '\0';
		if (dm_map_parse_status(text, &map) < 0)
			assert_memory_equal(&map, &before, sizeof(map));
		for (byte = 1; byte < 256; byte++) {
			memcpy(text, TWO_GROUPS, sizeof(text));
			text[i] = (char)byte;
			if (dm_map_parse_status(text, &map) < 0)
				continue;
			assert_true(map.n_paths <= DM_MAP_PATHS_MAX);
			assert_true(map.n_groups <= DM_MAP_GROUPS_MAX);
			memset(&map, 0x5a, sizeof(map));
		}
	}
}

static void limits(void **state)
{
	struct dm_map map = {0};

	(void)state;
	assert_int_equal(dm_map_parse_status("2 0 0 0 257 1 A 0 0 0", &map), -E2BIG);
	assert_int_equal(dm_map_parse_status("2 0 0 0 1 1 A 0 257 0 8:16 A 0", &map), -E2BIG);
	assert_int_equal(dm_map_parse_status("2 0 0 0 1 1 A 0 1 0 8:x16 A 0", &map), -EINVAL);
	assert_int_equal(dm_map_parse_status("", &map), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_groups), cmocka_unit_test(path_arguments),
		cmocka_unit_test(tables),     cmocka_unit_test(damage),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests_name("dm_status", tests, NULL, NULL);
}
