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

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/publish.h"

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

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(healthy_change_at_once), SCENE(change_waits),
		SCENE(given_up_is_no_reason),  SCENE(first_policy),
		SCENE(joining),		       SCENE(excluding),
		SCENE(operator_failed),	       SCENE(board_stays),
		SCENE(planless),	       SCENE(hung_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
