/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inventory: read once, then kept up to date without reading everything again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/sysmacros.h>

#include "daemon/inventory.h"
#include "tests/unit/sysfs/tree.h"

struct scene {
	struct tree tree;
	struct inventory inventory;
};

static void add(struct scene *s, const char *device, unsigned int session,
		unsigned int lun)
{
	char wwid[32];

	snprintf(wwid, sizeof(wwid), "naa.6001%u", lun);
	tree_add_disk(&s->tree,
		      &(struct tree_disk){.device = device,
					  .major = 8,
					  .minor = session * 16 + lun,
					  .host = session,
					  .lun = lun,
					  .parent = "platform",
					  .transport = "iscsi_tcp",
					  .vendor = "LIO-ORG",
					  .model = "disk",
					  .wwid = wwid,
					  .state = "running",
					  .session = session,
					  .target = "iqn.2026-01.org.example:array",
					  .tpgt = "1",
					  .iface = "p1",
					  .netdev = "default",
					  .initiator = "iqn.2026-01.org.example:host",
					  .source = "10.0.1.1",
					  .address = "10.0.1.2",
					  .port = "3260",
					  .local_port = "40000",
					  .persistent_address = "10.0.1.2",
					  .persistent_port = "3260",
					  .session_state = "LOGGED_IN",
					  .connection_state = "up",
					  .recovery_tmo = "5",
					  .header_digest = "0",
					  .data_digest = "0"});
}

static int setup(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	tree_new(&s.tree);
	add(&s, "sda", 1, 1);
	add(&s, "sdb", 1, 2);
	add(&s, "sdc", 2, 1);
	assert_int_equal(inventory_read(s.tree.root, NULL, NULL, &s.inventory), 0);
	assert_int_equal(s.inventory.n_disks, 3);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	inventory_free(&s->inventory);
	tree_free(&s->tree);
	return 0;
}

static struct iscsi_identity *disk(struct scene *s, const char *device)
{
	for (size_t i = 0; i < s->inventory.n_disks; i++)
		if (!strcmp(s->inventory.disks[i].device, device))
			return &s->inventory.disks[i];
	fail_msg("no %s", device);
	return NULL;
}

static void read_again(struct scene *s, const struct inventory_news *news)
{
	struct inventory fresh;

	assert_int_equal(inventory_read(s->tree.root, &s->inventory, news, &fresh), 0);
	inventory_free(&s->inventory);
	s->inventory = fresh;
}

static void scsi_file(struct scene *s, unsigned int session, unsigned int lun,
		      const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path),
		 "devices/platform/host%u/session%u/target%u:0:0/%u:0:0:%u/%s", session,
		 session, session, session, lun, name);
	tree_file(&s->tree, path, text);
}

static void of_a_session(void **state)
{
	struct scene *s = *state;
	const uint32_t *disks;
	size_t n;

	disks = inventory_session(&s->inventory, 1, &n);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s->inventory.disks[disks[i]].sid, 1);
	inventory_session(&s->inventory, 2, &n);
	assert_int_equal(n, 1);
	inventory_session(&s->inventory, 3, &n);
	assert_int_equal(n, 0);
}

/* New disks are found, and those that have gone are left out; the number says so. */
static void come_and_go(void **state)
{
	struct scene *s = *state;
	uint64_t before = s->inventory.generation;

	read_again(s, NULL);
	assert_int_equal(s->inventory.generation, before);
	add(s, "sdd", 2, 2);
	read_again(s, NULL);
	assert_int_equal(s->inventory.n_disks, 4);
	assert_string_equal(disk(s, "sdd")->wwid, "naa.60012");
	assert_true(s->inventory.generation != before);
	tree_remove(&s->tree, "block/sdd");
	read_again(s, NULL);
	assert_int_equal(s->inventory.n_disks, 3);
	assert_int_equal(s->inventory.generation, before);
}

/* What an event named is read whole, by either of its names; other disks are taken over.
 */
static void news_of_a_disk(void **state)
{
	struct scene *s = *state;
	struct inventory_news news = {.n = 0};

	scsi_file(s, 1, 1, "wwid", "naa.6999");
	scsi_file(s, 1, 2, "wwid", "naa.6999");
	scsi_file(s, 2, 1, "wwid", "naa.6999");
	inventory_news_add(&news, "1:0:0:2");
	read_again(s, &news);
	assert_string_equal(disk(s, "sdb")->wwid, "naa.6999");
	assert_string_equal(disk(s, "sdc")->wwid,
			    "naa.6999"); /* the first of its session */
	for (int i = 0; i <= INVENTORY_NEWS_MAX; i++)
		inventory_news_add(&news, "sdx");
	assert_true(news.all);
	read_again(s, &news);
	assert_string_equal(disk(s, "sda")->wwid, "naa.6999");
}

/* Another LUN in a disk's place without any event: found when its turn comes. */
static void remapped_without_a_word(void **state)
{
	struct scene *s = *state;
	unsigned int found = 0;

	assert_int_equal(
		inventory_refresh(s->tree.root, &s->inventory, INVENTORY_TURN, &found),
		0);
	assert_int_equal(found, 0);
	scsi_file(s, 1, 2, "wwid", "naa.6999");
	assert_int_equal(
		inventory_refresh(s->tree.root, &s->inventory, INVENTORY_EVENTS, &found),
		0);
	assert_int_equal(found, 0);
	assert_int_equal(
		inventory_refresh(s->tree.root, &s->inventory, INVENTORY_TURN, &found),
		0);
	assert_true(found & INVENTORY_GONE);
	read_again(s, NULL);
	assert_string_equal(disk(s, "sdb")->wwid, "naa.6999");
}

/* A session's state is read at every refresh, and with it that of its disks. */
static void session_lost_and_back(void **state)
{
	struct scene *s = *state;
	unsigned int found = 0;

	scsi_file(s, 1, 1, "state", "blocked");
	scsi_file(s, 1, 2, "state", "blocked");
	tree_file(&s->tree, "class/iscsi_session/session1/state", "FAILED");
	assert_int_equal(
		inventory_refresh(s->tree.root, &s->inventory, INVENTORY_EVENTS, &found),
		0);
	for (const char *const *name = (const char *const[]){"sda", "sdb", NULL}; *name;
	     name++) {
		assert_int_equal(disk(s, *name)->session_state, SESSION_FAILED);
		assert_int_equal(disk(s, *name)->device_state, DEVICE_BLOCKED);
	}
	assert_int_equal(disk(s, "sdc")->session_state, SESSION_LOGGED_IN);
	scsi_file(s, 1, 1, "state", "running");
	scsi_file(s, 1, 2, "state", "running");
	tree_file(&s->tree, "class/iscsi_session/session1/state", "LOGGED_IN");
	assert_int_equal(
		inventory_refresh(s->tree.root, &s->inventory, INVENTORY_EVENTS, &found),
		0);
	assert_int_equal(disk(s, "sdb")->session_state, SESSION_LOGGED_IN);
	assert_int_equal(disk(s, "sdb")->device_state, DEVICE_RUNNING);
}

static unsigned int found_at_turn(struct scene *s)
{
	unsigned int found = 0;

	assert_int_equal(
		inventory_refresh(s->tree.root, &s->inventory, INVENTORY_TURN, &found), 0);
	return found;
}

/* A session that stands is looked at every time, and read whole now and then. */
static void session_stands(void **state)
{
	struct scene *s = *state;
	int turns = 1;

	assert_int_equal(found_at_turn(s), 0);
	/* another connection, of which nothing else was seen */
	tree_file(&s->tree, "class/iscsi_connection/connection1:0/address", "10.0.1.9");
	tree_file(&s->tree, "class/iscsi_connection/connection1:0/local_port", "40001");
	assert_int_equal(found_at_turn(s), INVENTORY_SESSIONS);
	assert_int_equal(disk(s, "sdb")->local_port, 40001);
	assert_int_equal(disk(s, "sdb")->current.address.bytes[3], 9);
	assert_int_equal(disk(s, "sdc")->local_port, 40000);
	assert_int_equal(found_at_turn(s), 0);
	/* what does not show in the connection */
	tree_file(&s->tree, "class/iscsi_connection/connection1:0/data_digest", "1");
	while (!disk(s, "sda")->data_digest && turns < 20) {
		assert_int_equal(found_at_turn(s) & ~INVENTORY_SESSIONS, 0);
		turns++;
	}
	assert_in_range(turns, 2, 9);
	/* one that is lost is told of as long as it is */
	tree_file(&s->tree, "class/iscsi_session/session1/state", "FAILED");
	assert_int_equal(found_at_turn(s), INVENTORY_SESSIONS);
	assert_int_equal(found_at_turn(s), INVENTORY_SESSIONS);
	assert_int_equal(disk(s, "sdb")->session_state, SESSION_FAILED);
}

/* A disk that exists and is not over iSCSI makes a map mixed; one that has gone does not. */
static void mixed_maps(void **state)
{
	struct dm_map maps[3] = {
		{.n_paths = 2, .paths = {{.devt = makedev(8, 17)}, {.devt = makedev(65, 0)}}},
		{.n_paths = 2, .paths = {{.devt = makedev(8, 17)}, {.devt = makedev(65, 16)}}},
		{.n_paths = 1, .paths = {{.devt = makedev(65, 0)}}},
	};
	struct scene *s = *state;
	struct inventory inventory = s->inventory;

	tree_add_disk(&s->tree, &(struct tree_disk){.device = "sdq",
						    .major = 65,
						    .minor = 0,
						    .host = 9,
						    .lun = 1,
						    .parent = "pci0000:00/0000:00:04.0/virtio1",
						    .vendor = "LIO-ORG",
						    .model = "disk",
						    .wwid = "naa.60011",
						    .state = "running"});
	inventory.maps = maps;
	inventory.n_maps = 3;
	assert_int_equal(inventory_mark_mixed(s->tree.root, &inventory), 0);
	assert_true(maps[0].mixed);
	assert_false(maps[1].mixed);
	assert_false(maps[2].mixed); /* none of ours */
	maps[0].paths[1].devt = makedev(8, 18);
	assert_int_equal(inventory_mark_mixed(s->tree.root, &inventory), 0);
	assert_false(maps[0].mixed);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(of_a_session),	      SCENE(come_and_go),
		SCENE(news_of_a_disk),	      SCENE(remapped_without_a_word),
		SCENE(session_lost_and_back), SCENE(session_stands),
		SCENE(mixed_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
