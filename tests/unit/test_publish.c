/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/probe_talk.h"
#include "daemon/publish.h"
#include "tests/unit/memory_fixture.h"
#include "tests/unit/sysfs/tree.h"

#define WWID "naa.60000000000000000e00000000010001"
#define LUN  "360000000000000000e00000000010001"
#define NOW  (100 * NS_PER_S)

#define APART	"2 0 0 0 3 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 A 0 E 0 1 0 8:48 A 0"
#define FAILED3 "2 0 0 0 3 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 A 0 E 0 1 0 8:48 F 1"
#define FIRST	"[lun " LUN "]\npolicy = failover-only\nactive = portal=10.0.1.2\n"
#define SECOND	"[lun " LUN "]\npolicy = failover-only\nactive = portal=10.0.2.2\n"

/* A host with one LUN over portals 10.0.1.2 … 10.0.3.2, sessions 1 … 3. */
struct scene {
	struct watch watch;
	struct iscsi_identity disks[3];
	struct dm_map map;
	struct board_path records[3];
	size_t n;
};

static void plan(struct scene *s, const char *policy)
{
	char message[STORE_MESSAGE_MAX];

	lun_table_free(&s->watch.luns);
	store_free(&s->watch.store);
	if (store_parse(policy, "test", &s->watch.store, message) != 0)
		fail_msg("%s", message);
	s->watch.store_loaded = true;
	s->watch.planned = true;
	assert_int_equal(lun_table_make(&s->watch.inventory, &s->watch.store, &s->watch.luns), 0);
	assert_int_equal(s->watch.luns.n, 1);
}

static void set_map(struct scene *s, const char *status)
{
	assert_int_equal(dm_map_parse_status(status, &s->map), 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	char portal[32];

	assert_non_null(s);
	for (unsigned int i = 0; i < 3; i++) {
		struct iscsi_identity *id = &s->disks[i];

		*id = (struct iscsi_identity){.devt = makedev(8, 16 * (i + 1)),
					      .is_iscsi = true,
					      .sid = i + 1,
					      .lun = 1,
					      .device_state = DEVICE_RUNNING,
					      .session_state = SESSION_LOGGED_IN};
		snprintf(id->device, sizeof(id->device), "sd%u", i);
		snprintf(id->wwid, sizeof(id->wwid), WWID);
		snprintf(id->name.target, sizeof(id->name.target), "iqn.2026-01.org.example:a");
		snprintf(portal, sizeof(portal), "10.0.%u.2", i + 1);
		assert_int_equal(portal_parse(portal, 3260, &id->name.portal), 0);
	}
	s->map = (struct dm_map){.name = "mpatha", .uuid = "mpath-" LUN};
	set_map(s, APART);
	s->watch.inventory = (struct inventory){
		.disks = s->disks, .n_disks = 3, .maps = &s->map, .n_maps = 1};
	s->watch.options.sysfs = "/nowhere";
	s->watch.options.board_path = "/nowhere/board";
	s->watch.published.known = true;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	lun_table_free(&s->watch.luns);
	store_free(&s->watch.store);
	published_free(&s->watch.published);
	failed_free(&s->watch.failed);
	free(s->watch.held);
	free(s);
	return 0;
}

/* Publish, and remember it as told. "1000 999 998" by session; "-" without a record. */
static const char *told(struct scene *s, uint64_t now_ns)
{
	static char text[64];
	size_t used = 0;

	assert_int_equal(publish_paths(&s->watch, now_ns, s->records, &s->n), 0);
	assert_int_equal(publish_done(&s->watch, s->records, s->n), 0);
	for (unsigned int sid = 1; sid <= 3; sid++) {
		const char *found = "-";
		char number[16];

		for (size_t i = 0; i < s->n; i++) {
			if (s->records[i].sid != sid)
				continue;
			snprintf(number, sizeof(number), "%d%s", s->records[i].priority,
				 s->records[i].flags & BOARD_PATH_FAILED ? "!" : "");
			found = number;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 sid > 1 ? " " : "", found);
	}
	return text;
}

static const struct lun_path *waits_for(struct scene *s)
{
	return publish_waits_for(&s->watch, &s->watch.luns.luns[0], NOW);
}

static void healthy_change_at_once(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	assert_string_equal(told(s, NOW), "1000 999 998");
	plan(s, SECOND);
	assert_null(waits_for(s));
	assert_string_equal(told(s, NOW), "999 1000 998");
	assert_int_equal(s->watch.n_held, 0);
}

/* The order changes while the kernel recovers a session: the old one stays, until it is done. */
static void change_waits(void **state)
{
	struct scene *s = *state;
	char text[PUBLISH_WAIT_TEXT_MAX];

	plan(s, FIRST);
	told(s, NOW);
	s->disks[2].session_state = SESSION_FAILED;
	plan(s, SECOND);
	assert_non_null(waits_for(s));
	assert_int_equal(waits_for(s)->id->sid, 3);
	publish_wait_text(&s->watch, waits_for(s), NOW, text, sizeof(text));
	assert_non_null(strstr(text, "portal 10.0.3.2:3260 ("));
	assert_string_equal(told(s, NOW), "1000 999 998");
	assert_string_equal(told(s, NOW), "1000 999 998");
	assert_int_equal(s->watch.n_held, 1);
	/* back to what is told: nothing to wait for */
	plan(s, FIRST);
	assert_null(waits_for(s));
	plan(s, SECOND);
	s->disks[2].session_state = SESSION_LOGGED_IN;
	assert_string_equal(told(s, NOW), "999 1000 998");
	assert_int_equal(s->watch.n_held, 0);
}

/* What the kernel has given up holds nobody back; a policy that goes waits as well. */
static void given_up_is_no_reason(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	told(s, NOW);
	s->disks[2].session_state = SESSION_FAILED;
	plan(s, "");
	assert_string_equal(told(s, NOW), "1000 999 998");
	s->disks[2].device_state = DEVICE_TRANSPORT_OFFLINE;
	set_map(s, FAILED3);
	plan(s, SECOND);
	assert_string_equal(told(s, NOW), "999 1000 998");
	plan(s, "");
	assert_string_equal(told(s, NOW), "- - -");
}

/* The first policy: the live table is what it is compared with. */
static void first_policy(void **state)
{
	struct scene *s = *state;

	s->disks[2].session_state = SESSION_FAILED;
	plan(s, SECOND);
	assert_string_equal(told(s, NOW), "- - -");
	plan(s, FIRST);
	assert_string_equal(told(s, NOW), "1000 999 998");
}

/* A path that logs in anew joins at once, even at the head, and even while another is silent;
 * when the order must wait it has no record yet. */
static void joining(void **state)
{
	struct scene *s = *state;

	s->watch.inventory.n_disks = 2;
	plan(s, "[lun " LUN "]\npolicy = failover-only\nactive = portal=10.0.3.2\n");
	assert_string_equal(told(s, NOW), "1000 999 -");
	s->disks[1].session_state = SESSION_FAILED;
	s->watch.inventory.n_disks = 3;
	plan(s, "[lun " LUN "]\npolicy = failover-only\nactive = portal=10.0.3.2\n");
	assert_string_equal(told(s, NOW), "999 998 1000");
	s->watch.inventory.n_disks = 2;
	/* one that leaves does not renumber the others while one is silent */
	plan(s, FIRST);
	assert_null(waits_for(s));
	assert_string_equal(told(s, NOW), "999 998 -");
	s->disks[1].session_state = SESSION_LOGGED_IN;
	assert_string_equal(told(s, NOW), "1000 999 -");
}

static void excluding(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	told(s, NOW);
	s->disks[0].session_state = SESSION_FAILED;
	plan(s, FIRST "exclude = portal=10.0.3.2\n");
	assert_int_equal(waits_for(s)->id->sid, 1);
	assert_string_equal(told(s, NOW), "1000 999 998");
	s->disks[0].session_state = SESSION_LOGGED_IN;
	assert_string_equal(told(s, NOW), "1000 999 1");
	assert_int_equal(s->records[2].role, ROLE_EXCLUDED);
}

/* What an operator failed is told at once, also of a LUN without a policy, and changes no
 * priority. */
static void operator_failed(void **state)
{
	struct scene *s = *state;

	plan(s, "");
	assert_int_equal(failed_add(&s->watch.failed, LUN, &s->disks[1].name), 0);
	assert_string_equal(told(s, NOW), "- 1000! -");
	assert_int_equal(s->records[0].role, ROLE_NONE);
	plan(s, FIRST);
	assert_string_equal(told(s, NOW), "1000 999! 998");
	s->disks[0].session_state = SESSION_FAILED;
	failed_remove(&s->watch.failed, LUN, &s->disks[1].name);
	assert_string_equal(told(s, NOW), "1000 999 998");
}

/* A broken file from the start: what the board says stays; the plan keeps its age. */
static void board_stays(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	told(s, NOW);
	told(s, NOW + NS_PER_S);
	assert_int_equal(s->records[0].plan_ns, NOW);
	plan(s, "");
	s->watch.store_loaded = false;
	assert_string_equal(told(s, NOW), "1000 999 998");
	/* another LUN in the place of the old one */
	for (int i = 0; i < 3; i++)
		snprintf(s->disks[i].wwid, sizeof(s->disks[i].wwid), "naa.6999");
	assert_string_equal(told(s, NOW), "- - -");
}

/* No memory for a plan: nothing is withdrawn, and nothing is read from the plan that is gone. */
static void planless(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	assert_string_equal(told(s, NOW), "1000 999 998");
	lun_table_free(&s->watch.luns);
	s->watch.planned = false;
	assert_string_equal(told(s, NOW), "1000 999 998");
	assert_string_equal(told(s, NOW + NS_PER_S), "1000 999 998");
}

/* Where a LUN hung before the daemon was started anew: nobody forgets that until it has looked. */
static void hung_stays(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	told(s, NOW);
	s->watch.published.records[1].flags = BOARD_PATH_HUNG | BOARD_PATH_HELD;
	told(s, NOW);
	assert_int_equal(s->records[0].flags, 0);
	assert_int_equal(s->records[1].flags, BOARD_PATH_HUNG);
	plan(s, ""); /* without a policy, too */
	told(s, NOW);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->records[0].sid, 2);
	assert_int_equal(s->records[0].flags, BOARD_PATH_HUNG);
	/* another LUN in its place */
	snprintf(s->disks[1].wwid, sizeof(s->disks[1].wwid), "naa.6999");
	told(s, NOW);
	assert_int_equal(s->n, 0);
}

/* The group's order is the product's own until a policy is set: what multipathd has made of that is
 * told by the map, which is in this order already. */
static void own_plan_overruled(void **state)
{
	struct scene *s = *state;

	s->disks[0].access = ACCESS_NON_OPTIMIZED;
	s->disks[1].access = s->disks[2].access = ACCESS_OPTIMIZED;
	plan(s, "");
	assert_string_equal(told(s, NOW), "999 1000 1000");
	assert_int_equal(s->records[0].flags, BOARD_PATH_BUILT_IN);
	s->disks[2].session_state = SESSION_FAILED;
	plan(s, FIRST);
	assert_null(waits_for(s));
	assert_string_equal(told(s, NOW), "1000 999 998");
	assert_int_equal(s->records[0].flags, 0);
}

/* Of a LUN with more paths than a policy takes nothing is told, and it waits for nothing. */
static void too_many_paths(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	told(s, NOW);
	s->disks[2].session_state = SESSION_FAILED;
	plan(s, SECOND);
	s->watch.luns.luns[0].n_paths = POLICY_PATHS_MAX + 1;
	assert_null(waits_for(s));
	assert_string_equal(told(s, NOW), "- - -");
}

/* As long as the file is not read nobody waits for what it may say. */
static void not_loaded(void **state)
{
	struct scene *s = *state;

	plan(s, FIRST);
	told(s, NOW);
	s->disks[2].session_state = SESSION_FAILED;
	plan(s, SECOND);
	s->watch.store_loaded = false;
	assert_null(waits_for(s));
}

static bool may_reload(struct scene *s, uint64_t *ret_plan_ns)
{
	*ret_plan_ns = 1;
	return publish_may_reload(&s->watch, &s->watch.luns.luns[0], NOW, ret_plan_ns);
}

/* Only with all paths told, in the map, and such that nothing can be stuck on them. */
static void reload(void **state)
{
	struct scene *s = *state;
	uint64_t plan_ns;

	plan(s, FIRST);
	assert_false(may_reload(s, &plan_ns));
	told(s, NOW - 5 * NS_PER_S);
	assert_true(may_reload(s, &plan_ns));
	assert_int_equal(plan_ns, NOW - 5 * NS_PER_S);
	s->watch.published.records[1].plan_ns = NOW - NS_PER_S; /* the newest counts */
	assert_true(may_reload(s, &plan_ns));
	assert_int_equal(plan_ns, NOW - NS_PER_S);
	s->disks[1].session_state = SESSION_FAILED;
	assert_false(may_reload(s, &plan_ns));
	assert_int_equal(plan_ns, 1);
	s->disks[1].session_state = SESSION_LOGGED_IN;
	set_map(s, "2 0 0 0 2 1 A 0 1 0 8:16 A 0 E 0 1 0 8:32 A 0"); /* one is not in it */
	plan(s, FIRST);
	assert_false(may_reload(s, &plan_ns));
	set_map(s, APART);
	plan(s, FIRST);
	assert_true(may_reload(s, &plan_ns));
	s->watch.published.records[0].name_hash++; /* another path in its place */
	assert_false(may_reload(s, &plan_ns));
}

/* A failed path with nothing in flight is no reason to wait, if that can be known. */
static void failed_and_idle(void **state)
{
	static const struct tree_disk disk = {
		.device = "sd2", .major = 8, .minor = 48, .host = 2, .lun = 1, .parent = "platform",
		.transport = "iscsi_tcp", .vendor = "IET", .model = "DISK", .wwid = WWID,
		.state = "running",
	};
	struct scene *s = *state;
	char text[PUBLISH_WAIT_TEXT_MAX];
	struct tree tree;

	tree_new(&tree);
	tree_add_disk(&tree, &disk);
	tree_file(&tree, "block/sd2/queue/iostats", "1");
	tree_file(&tree, "block/sd2/inflight", "       0        3");
	s->watch.options.sysfs = tree.root;
	plan(s, FIRST);
	told(s, NOW);
	set_map(s, FAILED3);
	plan(s, SECOND);
	assert_int_equal(waits_for(s)->id->sid, 3);
	publish_wait_text(&s->watch, waits_for(s), NOW, text, sizeof(text));
	assert_string_equal(text, "portal 10.0.3.2:3260 (sd2 is failed in the kernel's map, I/O in "
				  "flight)");
	tree_file(&tree, "block/sd2/inflight", "       0        0");
	assert_null(waits_for(s));
	/* Silent, it may have I/O that is not counted, unless an operator has kept it down. */
	s->disks[2].session_state = SESSION_FAILED;
	assert_non_null(waits_for(s));
	assert_int_equal(failed_add(&s->watch.failed, LUN, &s->disks[2].name), 0);
	assert_null(waits_for(s));
	failed_free(&s->watch.failed);
	for (enum device_state is = 0; is <= DEVICE_GONE; is++) {
		s->disks[2].device_state = is;
		assert_int_equal(waits_for(s) == NULL, is == DEVICE_OFFLINE ||
							       is == DEVICE_TRANSPORT_OFFLINE ||
							       is == DEVICE_GONE);
	}
	tree_remove(&tree, "block/sd2/inflight");
	s->disks[2].device_state = DEVICE_RUNNING;
	s->disks[2].session_state = SESSION_LOGGED_IN;
	assert_non_null(waits_for(s)); /* what cannot be counted is not nothing */
	tree_free(&tree);
}

/* A portal that has fallen silent, by the probe's word alone. */
static void portal_silent(void **state)
{
	struct scene *s = *state;
	struct probe_engine *engine = calloc(1, sizeof(*engine));
	struct watched_session watched[3] = {{.id = &s->disks[0]}, {.id = &s->disks[1]},
					     {.id = &s->disks[2], .probed = true}};
	char text[PUBLISH_WAIT_TEXT_MAX];
	struct probe_slot *slot;

	assert_non_null(engine);
	watched[2].target.name = s->disks[2].name;
	watched[2].target.current = s->disks[2].name.portal;
	snprintf(watched[2].target.initiator, sizeof(watched[2].target.initiator), "iqn.x:host");
	assert_int_equal(probe_slots_set(&engine->slots, &watched[2].target, 1), 0);
	s->watch.probes = engine;
	s->watch.sessions = watched;
	s->watch.n_sessions = 3;
	plan(s, FIRST);
	told(s, NOW);
	plan(s, SECOND);
	assert_null(waits_for(s));
	slot = probe_slots_by_name(&engine->slots, &watched[2].target.name);
	slot->report = (struct probe_report){.state = PROBE_SILENT,
					     .updated_ns = NOW,
					     .last_good_ns = NOW - NS_PER_S,
					     .silent_since_ns = NOW - 812 * NS_PER_MS,
					     .misses = 3};
	assert_int_equal(waits_for(s)->id->sid, 3);
	publish_wait_text(&s->watch, waits_for(s), NOW, text, sizeof(text));
	assert_string_equal(text, "portal 10.0.3.2:3260 (silent for 812 ms)");
	assert_string_equal(told(s, NOW), "1000 999 998");
	probe_slots_free(&engine->slots);
	free(engine);
}

/* The board's file, as a daemon before this one has left it. */
static void former_daemon(void **state)
{
	struct scene *s = *state;
	char folder[] = "/tmp/publish.XXXXXX", path[64];
	struct board_content content = {.paths = s->records};
	struct board *board;
	uint64_t now_ns = clock_now_ns();

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/board", folder);
	assert_int_equal(board_new(path, (gid_t)-1, &board), 0);
	plan(s, FIRST);
	told(s, now_ns);
	content.n_paths = s->n;
	assert_int_equal(board_publish(board, &content, now_ns, NULL), 0);
	board_free(board);
	published_free(&s->watch.published);
	s->watch.options.board_path = path;
	/* the new order waits, by what the file says of the old one; long after, too */
	s->disks[2].session_state = SESSION_FAILED;
	plan(s, SECOND);
	assert_int_equal(waits_for(s)->id->sid, 3);
	assert_int_equal(publish_paths(&s->watch, now_ns + 3600 * NS_PER_S, s->records, &s->n), 0);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->records[0].priority, 1000);
	assert_int_equal(unlink(path), 0);
	assert_non_null(waits_for(s)); /* there is none: the map is asked, */
	plan(s, FIRST);
	assert_null(waits_for(s)); /* and is as this one has it */
	assert_int_equal(rmdir(folder), 0);
}

/* Without memory nothing is told anew, and what was told stays remembered. */
static void no_memory(void **state)
{
	struct scene *s = *state;
	struct memory memory;
	int published, done;
	bool waits;

	if (!memory_can_be_taken())
		skip();
	plan(s, FIRST);
	told(s, NOW);
	plan(s, SECOND);
	s->disks[2].session_state = SESSION_FAILED;
	memory_take(&memory);
	waits = waits_for(s) != NULL;
	published = publish_paths(&s->watch, NOW, s->records, &s->n);
	done = publish_done(&s->watch, s->records, 1);
	memory_give_back(&memory);
	assert_false(waits);
	assert_int_equal(published, -ENOMEM);
	assert_int_equal(done, -ENOMEM);
	assert_int_equal(s->watch.published.n, 3);
	assert_string_equal(told(s, NOW), "1000 999 998");
}

#define MANY 300

/* Whatever is told, in whatever order, is found again: all of it and nothing else. */
static void found_again(void **state)
{
	struct scene *s = *state;
	struct iscsi_identity *disks = calloc(MANY, sizeof(*disks));
	struct board_path records[MANY], again[MANY];
	unsigned int seed = 20261122;
	size_t n = 0, n_told = 0;

	assert_non_null(disks);
	for (unsigned int i = 0; i < MANY; i++) {
		size_t at = n ? (size_t)rand_r(&seed) % (n + 1) : 0;

		disks[i] = (struct iscsi_identity){
			.is_iscsi = true, .sid = i % 7 + 1, .lun = i / 7};
		snprintf(disks[i].name.target, sizeof(disks[i].name.target), "iqn.x:%u", i);
		if (rand_r(&seed) % 3 == 0)
			continue; /* nothing to tell of it */
		records[n] = records[at];
		records[at] = (struct board_path){.sid = disks[i].sid,
						  .lun = disks[i].lun,
						  .name_hash = path_name_hash(&disks[i].name),
						  .priority = (int32_t)i};
		n++;
	}
	s->watch.inventory.disks = disks;
	s->watch.inventory.n_disks = MANY;
	assert_int_equal(publish_done(&s->watch, records, n), 0);
	s->watch.planned = false;
	assert_int_equal(publish_paths(&s->watch, NOW, again, &n_told), 0);
	assert_int_equal(n_told, n);
	for (size_t i = 0; i < n; i++) /* in the order of the disks */
		assert_true(again[i].sid == disks[again[i].priority].sid &&
			    (!i || again[i].priority > again[i - 1].priority));
	assert_int_equal(publish_done(&s->watch, NULL, 0), 0);
	assert_int_equal(publish_paths(&s->watch, NOW, again, &n_told), 0);
	assert_int_equal(n_told, 0);
	free(disks);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(healthy_change_at_once), SCENE(change_waits),
		SCENE(given_up_is_no_reason),  SCENE(first_policy),
		SCENE(joining),		       SCENE(excluding),
		SCENE(operator_failed),	       SCENE(board_stays),
		SCENE(planless),	       SCENE(hung_stays),
		SCENE(own_plan_overruled),     SCENE(too_many_paths),
		SCENE(not_loaded),	       SCENE(reload),
		SCENE(failed_and_idle),	       SCENE(portal_silent),
		SCENE(former_daemon),	       SCENE(no_memory),
		SCENE(found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
