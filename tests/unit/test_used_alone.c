/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a disk without a multipath map: by what the kernel lists, and by I/O. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/quick/raw_use.h"
#include "daemon/quick/used_alone.h"
#include "tests/unit/sysfs/tree.h"

#define OTHERS                                                                                   \
	"22 1 253:0 / / rw shared:1 - ext4 /dev/mapper/root rw\n"                                \
	"23 22 8:160 / /srv rw - xfs /dev/sdk rw\n"                                              \
	"24 22 0:40 / /pool rw - btrfs /dev/sdbc rw\n"
#define NO_SWAP "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

struct scene {
	struct tree tree;
	char mountinfo[TREE_PATH], swaps[TREE_PATH];
};

static const struct iscsi_identity sdb = {.device = "sdb"};

static bool used(const struct scene *s)
{
	const struct used_alone_roots roots = {
		.sysfs = s->tree.root, .mountinfo = s->mountinfo, .swaps = s->swaps};

	return used_alone(&roots, &sdb);
}

static void set(struct scene *s, const char *mounts, const char *swaps)
{
	tree_bytes(&s->tree, "mountinfo", mounts, strlen(mounts));
	tree_bytes(&s->tree, "swaps", swaps, strlen(swaps));
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	tree_new(&s->tree);
	tree_path(&s->tree, "mountinfo", s->mountinfo);
	tree_path(&s->tree, "swaps", s->swaps);
	tree_file(&s->tree, "block/sdb/dev", "8:16");
	tree_dir(&s->tree, "block/sdb/holders");
	tree_file(&s->tree, "block/sdb/sdb1/dev", "8:17");
	tree_dir(&s->tree, "block/sdb/sdb1/holders");
	tree_dir(&s->tree, "block/sdb/queue");
	tree_dir(&s->tree, "fs/btrfs/features");
	set(s, OTHERS, NO_SWAP);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	tree_free(&s->tree);
	free(s);
	return 0;
}

static void test_not_used(void **state)
{
	assert_false(used(*state));
}

static void test_mounted(void **state)
{
	static const char *const lines[] = {
		"30 22 8:16 / /home/data rw - ext4 /dev/sdb rw\n",
		"30 22 8:17 / /home/data rw - ext4 /dev/sdb1 rw\n",
		/* by a name that is no node */
		"30 22 8:17 / /home/data rw - ext4 /dev/disk/by-label/data rw\n",
		/* with a number that is no disk's */
		"30 22 0:41 / /home/data rw - btrfs /dev/sdb rw\n",
		"30 22 0:41 /sub /home/data rw shared:9 master:1 - btrfs /dev/sdb1 rw\n",
	};
	struct scene *s = *state;
	char text[1024];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", OTHERS, lines[i]);
		set(s, text, NO_SWAP);
		assert_true(used(s));
		set(s, lines[i], NO_SWAP);
		assert_true(used(s));
	}
}

static void test_swap(void **state)
{
	struct scene *s = *state;

	set(s, OTHERS, NO_SWAP "/dev/sdc1 partition 8 0 -2\n");
	assert_false(used(s));
	set(s, OTHERS, NO_SWAP "/dev/sdb1 partition 8 0 -2\n");
	assert_true(used(s));
	/* a kernel without swap */
	assert_int_equal(unlink(s->swaps), 0);
	assert_false(used(s));
}

/* Of a file system on several disks mountinfo names one. */
static void test_btrfs(void **state)
{
	struct scene *s = *state;

	tree_dir(&s->tree, "fs/btrfs/6a1b/devices/sdc");
	assert_false(used(s));
	tree_dir(&s->tree, "fs/btrfs/6a1b/devices/sdb1");
	assert_true(used(s));
}

static void test_held(void **state)
{
	struct scene *s = *state;

	tree_dir(&s->tree, "block/sdb/sdb1/holders/dm-3");
	assert_true(used(s));
}

static void test_unreadable(void **state)
{
	struct scene *s = *state;

	assert_int_equal(unlink(s->mountinfo), 0);
	assert_true(used(s));
	set(s, OTHERS, NO_SWAP);
	assert_false(used(s));
	tree_bytes(&s->tree, "block/sdb/dev", "?\n", 2);
	assert_true(used(s));
}

/* ---- by its I/O ---- */

#define START (1000 * NS_PER_S)
#define IDLE  (RAW_USE_IDLE_S * NS_PER_S)

static bool does(struct raw_uses *uses, unsigned int disk, uint64_t completed, uint64_t now_ns)
{
	const struct counters counters = {.valid = true, .at_ns = now_ns, .completed = completed};

	return raw_uses_look(uses, makedev(8, disk), &counters);
}

static void test_io(void **state)
{
	struct raw_uses uses = {.n = 0};
	struct counters counters = {.valid = true, .completed = 7};

	(void)state;
	/* not watched for long enough */
	assert_true(does(&uses, 16, 7, START));
	assert_true(does(&uses, 16, 7, START + IDLE - 1));
	assert_false(does(&uses, 16, 7, START + IDLE));
	/* something was read */
	assert_true(does(&uses, 16, 8, START + IDLE + 1));
	assert_true(does(&uses, 16, 8, START + 2 * IDLE));
	assert_false(does(&uses, 16, 8, START + 2 * IDLE + 1));
	/* something does not end */
	counters = (struct counters){
		.valid = true, .at_ns = START + 3 * IDLE, .completed = 8, .in_flight = 1};
	assert_true(raw_uses_look(&uses, makedev(8, 16), &counters));
	/* nothing is counted */
	counters.valid = false;
	counters.at_ns = START + 9 * IDLE;
	assert_true(raw_uses_look(&uses, makedev(8, 16), &counters));
	raw_uses_free(&uses);
	assert_int_equal(uses.n, 0);
}

/* Each disk by itself, in whatever order they come; those that are gone are forgotten. */
static void test_io_of_many(void **state)
{
	struct raw_uses uses = {.n = 0};

	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		assert_true(does(&uses, i * 89 % 200, i, START));
	assert_int_equal(uses.n, 200);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(does(&uses, i * 89 % 200, i + (i % 3 == 0), START + IDLE),
				 i % 3 == 0);
	assert_int_equal(uses.n, 200);
	for (unsigned int i = 0; i < 100; i++)
		does(&uses, i, 0, START + 2 * IDLE - 1);
	raw_uses_forget(&uses, START + 2 * IDLE);
	assert_int_equal(uses.n, 100);
	raw_uses_free(&uses);
}

#define T(test)	 cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_not_used),
		T(test_mounted),
		T(test_swap),
		T(test_btrfs),
		T(test_held),
		T(test_unreadable),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_io_of_many),
	};

	return cmocka_run_group_tests_name("used alone", tests, NULL, NULL);
}
