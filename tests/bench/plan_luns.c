/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the daemon takes for a host of many LUNs: reading a sysfs tree made for it, the
 * policies file, the plan of every LUN, and the board, all by the code that the daemon runs.
 * Maps are given as the status texts of the kernel, since no such maps are here. Prints a
 * RESULT line with the worst of several rounds (of reading the median); exit status 1 when
 * plan and board took a second or more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/board_file.h"
#include "common/clock.h"
#include "daemon/publish.h"
#include "tests/unit/sysfs/tree.h"

#define LUNS   200
#define PATHS  4
#define DISKS  (LUNS * PATHS)
#define ROUNDS 5
#define LIMIT_MS 1000.0

/* The longest that each step took, in ms; of reading, which is mostly the file system's
 * work, each round. */
struct times {
	double parse, plan, board, change;
	double read[ROUNDS];
	unsigned int round;
};

struct scene {
	struct tree tree;
	struct watch watch;
	struct watched_session sessions[PATHS];
	struct board_path *records;
	char board_path[160];
};

static double since_ms(uint64_t begin_ns)
{
	return (double)(clock_now_ns() - begin_ns) / 1e6;
}

static void worst(double *at, double ms)
{
	if (ms > *at)
		*at = ms;
}

/* LUNs 1 … of one target over four sessions, portals 10.0.1.2 … 10.0.4.2. */
static void add_disk(struct tree *tree, unsigned int path, unsigned int lun)
{
	char device[16], target[8], address[16], source[16], netdev[8], wwid[64], model[16];
	unsigned int number = path * LUNS + lun;

	snprintf(device, sizeof(device), "sd%u", number);
	snprintf(target, sizeof(target), "%u", path);
	snprintf(address, sizeof(address), "10.0.%u.2", path);
	snprintf(source, sizeof(source), "10.0.%u.1", path);
	snprintf(netdev, sizeof(netdev), "p%u", path);
	snprintf(model, sizeof(model), "disk%u", lun);
	snprintf(wwid, sizeof(wwid), "naa.60014050000000000000000000%06u", lun);
	tree_add_disk(tree, &(struct tree_disk){
				    .device = device, .major = 8, .minor = number,
				    .host = path, .lun = lun, .parent = "platform",
				    .transport = "iscsi_tcp", .vendor = "LIO-ORG", .model = model,
				    .wwid = wwid, .state = "running", .session = path,
				    .target = "iqn.2026-01.org.example:array", .tpgt = "1",
				    .iface = netdev, .netdev = netdev,
				    .initiator = "iqn.2026-01.org.example:host", .source = source,
				    .address = address, .port = "3260", .local_port = "40000",
				    .persistent_address = address, .persistent_port = "3260",
				    .session_state = "LOGGED_IN", .connection_state = "up",
				    .recovery_tmo = "5", .header_digest = "None",
				    .data_digest = "None"});
}

/* All LUNs with a policy of their own; odd ones failover-only over portal 'active'. */
static char *policies_text(unsigned int active)
{
	size_t size = LUNS * 320, used = 0;
	char *text = malloc(size);

	assert_non_null(text);
	for (unsigned int lun = 1; lun <= LUNS; lun++)
		used += (size_t)snprintf(
			text + used, size - used,
			lun % 2 ? "[lun 360014050000000000000000000%06u]\npolicy = failover-only\n"
				  "active = portal=10.0.%u.2\n\n"
				: "[lun 360014050000000000000000000%06u]\n"
				  "policy = round-robin-with-subset\nactive = portal=10.0.%u.2\n"
				  "active = portal=10.0.4.0/24\nstandby = iface=p3\n\n",
			lun, active);
	assert_true(used < size);
	return text;
}

/* One group a path, in the order of the portals, every path active. */
static void add_maps(struct inventory *inventory)
{
	char status[256];

	inventory->maps = calloc(LUNS, sizeof(*inventory->maps));
	assert_non_null(inventory->maps);
	inventory->n_maps = LUNS;
	for (unsigned int lun = 1; lun <= LUNS; lun++) {
		struct dm_map *map = &inventory->maps[lun - 1];
		size_t used = (size_t)snprintf(status, sizeof(status), "2 0 0 0 %d 1", PATHS);

		for (unsigned int path = 1; path <= PATHS; path++)
			used += (size_t)snprintf(status + used, sizeof(status) - used,
						 " %c 0 1 0 8:%u A 0", path == 1 ? 'A' : 'E',
						 path * LUNS + lun);
		assert_int_equal(dm_map_parse_status(status, map), 0);
		snprintf(map->name, sizeof(map->name), "mpath%u", lun);
		snprintf(map->uuid, sizeof(map->uuid), "mpath-360014050000000000000000000%06u", lun);
	}
}

static void load(struct scene *s, unsigned int active, struct times *times)
{
	char message[STORE_MESSAGE_MAX], *text = policies_text(active);
	struct watch *watch = &s->watch;
	uint64_t begin_ns = clock_now_ns();

	store_free(&watch->store);
	assert_int_equal(store_parse(text, "policies.conf", &watch->store, message), 0);
	worst(&times->parse, since_ms(begin_ns));
	assert_int_equal(watch->store.n, LUNS);
	watch->store_loaded = true;
	free(text);
}

static double plan(struct scene *s)
{
	struct watch *watch = &s->watch;
	uint64_t begin_ns = clock_now_ns();
	double ms;

	lun_table_free(&watch->luns);
	assert_int_equal(lun_table_make(&watch->inventory, &watch->store, &watch->luns), 0);
	ms = since_ms(begin_ns);
	watch->planned = true;
	assert_int_equal(watch->luns.n, LUNS);
	assert_int_equal(watch->luns.luns[0].n_paths, PATHS);
	return ms;
}

/* The board as watch_publish() writes it. */
static double publish(struct scene *s)
{
	struct watch *watch = &s->watch;
	struct board_session sessions[PATHS];
	struct board_content content = {.sessions = sessions, .n_sessions = PATHS,
					.paths = s->records};
	uint64_t begin_ns = clock_now_ns();

	for (size_t i = 0; i < PATHS; i++)
		watch_session_record(watch, &watch->sessions[i], begin_ns, &sessions[i]);
	assert_int_equal(publish_paths(watch, begin_ns, s->records, &content.n_paths), 0);
	assert_int_equal(content.n_paths, DISKS);
	assert_int_equal(board_publish(watch->board, &content, begin_ns, NULL), 0);
	assert_int_equal(publish_done(watch, s->records, content.n_paths), 0);
	return since_ms(begin_ns);
}

/* What the prioritizer of LUN 1's path over a portal would read: the plan has arrived. */
static int priority_on_board(const struct scene *s, unsigned int sid)
{
	struct board_path record;

	for (size_t i = 0; i < s->watch.inventory.n_disks; i++) {
		const struct iscsi_identity *id = &s->watch.inventory.disks[i];

		if (id->lun != 1 || id->sid != sid)
			continue;
		assert_int_equal(board_read_path(s->board_path, sid, 1, path_name_hash(&id->name),
						 clock_now_ns(), &record),
				 BOARD_FRESH);
		return record.priority;
	}
	fail_msg("no path of LUN 1 over session %u", sid);
	return -1;
}

/* A daemon's first look at the host, then a policies file that is another for every LUN. */
static void one_round(struct scene *s, struct times *times)
{
	struct watch *watch = &s->watch;
	uint64_t begin_ns = clock_now_ns();

	assert_int_equal(inventory_read(s->tree.root, NULL, NULL, &watch->inventory), 0);
	times->read[times->round++] = since_ms(begin_ns);
	assert_int_equal(watch->inventory.n_disks, DISKS);
	add_maps(&watch->inventory);
	for (size_t i = 0; i < PATHS; i++)
		s->sessions[i] = (struct watched_session){
			.id = &watch->inventory.disks[i], .not_probed = "no probe here"};
	watch->sessions = s->sessions;
	watch->n_sessions = PATHS;
	assert_int_equal(board_new(s->board_path, (unsigned int)-1, &watch->board), 0);
	load(s, 2, times);
	worst(&times->plan, plan(s));
	worst(&times->board, publish(s));
	assert_int_equal(priority_on_board(s, 2), PRIORITY_BEST);

	load(s, 1, times);
	begin_ns = clock_now_ns();
	plan(s);
	publish(s);
	worst(&times->change, since_ms(begin_ns));
	assert_int_equal(priority_on_board(s, 1), PRIORITY_BEST);
	assert_true(priority_on_board(s, 2) < PRIORITY_BEST);

	lun_table_free(&watch->luns);
	store_free(&watch->store);
	published_free(&watch->published);
	board_free(watch->board);
	remove(s->board_path);
	inventory_free(&watch->inventory);
}

static int compare_ms(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void many_luns(void **state)
{
	static struct scene s;
	struct times times = {0};

	(void)state;
	tree_new(&s.tree);
	for (unsigned int lun = 1; lun <= LUNS; lun++)
		for (unsigned int path = 1; path <= PATHS; path++)
			add_disk(&s.tree, path, lun);
	s.records = calloc(DISKS + 1, sizeof(*s.records));
	assert_non_null(s.records);
	snprintf(s.board_path, sizeof(s.board_path), "%s/board", s.tree.root);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		s.watch = (struct watch){
			.options = {.sysfs = s.tree.root, .board_path = s.board_path}};
		one_round(&s, &times);
	}
	tree_free(&s.tree);
	free(s.records);
	qsort(times.read, ROUNDS, sizeof(times.read[0]), compare_ms);
	printf("RESULT policies case=plan200 luns=%d paths=%d plan_ms=%.1f board_ms=%.1f "
	       "change_ms=%.1f parse_ms=%.1f limit_ms=%.0f rounds=%d read_median_ms=%.1f\n",
	       LUNS, DISKS, times.plan, times.board, times.change, times.parse, LIMIT_MS,
	       ROUNDS, times.read[ROUNDS / 2]);
	assert_true(times.plan + times.board < LIMIT_MS);
	assert_true(times.change < LIMIT_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(many_luns)};

	return cmocka_run_group_tests_name("plan of many LUNs", tests, NULL, NULL);
}
