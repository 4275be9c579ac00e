/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_ARRAY_FIXTURE_H
#define MPATHISCSI_TEST_ARRAY_FIXTURE_H

/*
 * An array of many LUNs, each in a map over the same sessions, all in order since long, and a
 * board of its own. Path p of LUN l is paths[l * PATHS + p]. Include behind <cmocka.h>.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/publish.h"
#include "daemon/quick/hang_state.h"
#include "daemon/quick/state.h"

#define LUNS  300
#define PATHS 8 /* over a session and a portal each; the first half is one controller */

struct array {
	struct watch watch;
	struct quick quick;
	struct quick_session sessions[PATHS];
	struct watched_session watched[PATHS];
	uint32_t place[QUICK_PLACES];
	struct lun luns[LUNS];
	struct dm_map maps[LUNS];
	struct mp_map mp_maps[LUNS];
	struct iscsi_identity ids[LUNS * PATHS];
	struct lun_path paths[LUNS * PATHS];
	struct disk_load loads[LUNS * PATHS];
	uint64_t now_ns;
	char folder[128], board[160];
};

static inline void array_path(struct array *a, unsigned int l, unsigned int p)
{
	unsigned int i = l * PATHS + p;
	struct iscsi_identity *id = &a->ids[i];
	char portal[PORTAL_TEXT_MAX];

	*id = (struct iscsi_identity){ .devt = makedev(8, i),
				       .is_iscsi = true,
				       .transport = "iscsi_tcp",
				       .sid = p + 1,
				       .lun = l,
				       .device_state = DEVICE_RUNNING,
				       .session_state = SESSION_LOGGED_IN };
	snprintf(id->device, sizeof(id->device), "sd%u", i);
	snprintf(id->wwid, sizeof(id->wwid), "naa.6%06u", l);
	snprintf(portal, sizeof(portal), "10.0.%u.2:3260", p + 1);
	assert_int_equal(portal_parse(portal, ISCSI_DEFAULT_PORT, &id->name.portal), 0);
	strcpy(id->name.target, "iqn.2026-01.example:array");
	id->name.tpgt = p < PATHS / 2 ? 1 : 2;
	a->maps[l].paths[p] = (struct dm_path){ .devt = id->devt, .active = true };
	a->paths[i] = (struct lun_path){ .id = id,
					 .dm = &a->maps[l].paths[p],
					 .plan = { .role = ROLE_ACTIVE },
					 .name_hash = path_name_hash(&id->name) };
	a->loads[i] = (struct disk_load){ .devt = id->devt, .completed = 100 };
}

static inline void array_lun(struct array *a, unsigned int l)
{
	static const struct policy_setting all = { .policy = &policy_round_robin_with_subset };

	snprintf(a->maps[l].name, sizeof(a->maps[l].name), "unit-test-%u-%u",
		 (unsigned int)getpid(), l);
	a->maps[l].queues = true;
	a->maps[l].n_paths = PATHS;
	a->luns[l] = (struct lun){ .alias = a->maps[l].name, .map = &a->maps[l], .setting = &all,
				   .paths = &a->paths[l * PATHS], .n_paths = PATHS };
	snprintf(a->luns[l].wwid, sizeof(a->luns[l].wwid), "36%06u", l);
	strcpy(a->mp_maps[l].wwid, a->luns[l].wwid);
	a->mp_maps[l].queueing = MP_QUEUEING_ON;
	for (unsigned int p = 0; p < PATHS; p++)
		array_path(a, l, p);
}

static inline void array_sessions(struct array *a)
{
	for (unsigned int p = 0; p < PATHS; p++) {
		a->watched[p].id = &a->ids[p];
		a->sessions[p] = (struct quick_session){ .sid = p + 1,
							 .present = true,
							 .healthy = true,
							 .logged_in_ns = 1,
							 .tcp_known = true,
							 .stock_ms = 15000,
							 .levers_on = true,
							 .levers = { .quick = true } };
	}
}

static inline void array_relate(struct array *a)
{
	a->quick = (struct quick){ .watch = &a->watch,
				   .settings_known = true,
				   .switched = { .by = SWITCH_ON },
				   .sessions = a->sessions,
				   .n_sessions = PATHS,
				   .place = a->place,
				   .maps = a->mp_maps,
				   .n_maps = LUNS,
				   .maps_fresh = true,
				   .polling_s = 5 };
	settings_profile(PROFILE_DEFAULT, &a->quick.settings);
	a->quick.settings.timing.fence = false;
	a->quick.settings.timing.release = true;
	a->quick.hangs = calloc(1, sizeof(*a->quick.hangs));
	assert_non_null(a->quick.hangs);
	a->quick.loads = (struct disk_loads){ .disks = a->loads, .n = LUNS * PATHS };
	a->watch.quick = &a->quick;
	a->watch.options.sysfs = "/nonexistent/sys";
	a->watch.options.board_path = a->board;
	a->watch.sessions = a->watched;
	a->watch.n_sessions = PATHS;
	a->watch.luns = (struct lun_table){ .luns = a->luns, .n = LUNS, .paths = a->paths };
	a->watch.inventory.disks = a->ids;
	a->watch.inventory.n_disks = LUNS * PATHS;
	a->watch.inventory.generation = 1;
	a->watch.planned = a->watch.store_loaded = true;
}

static inline int array_set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct array *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	for (unsigned int l = 0; l < LUNS; l++)
		array_lun(a, l);
	array_sessions(a);
	array_relate(a);
	snprintf(a->folder, sizeof(a->folder), "%s/array.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(a->folder));
	snprintf(a->board, sizeof(a->board), "%s/board", a->folder);
	assert_int_equal(board_new(a->board, (unsigned int)-1, &a->watch.board), 0);
	a->now_ns = 1000 * NS_PER_S;
	watch_publish(&a->watch);
	*state = a;
	return 0;
}

static inline int array_tear_down(void **state)
{
	struct array *a = *state;

	board_free(a->watch.board);
	published_free(&a->watch.published);
	hangs_free(a->quick.hangs);
	unlink(a->board);
	rmdir(a->folder);
	free(a);
	return 0;
}

#define WITH_ARRAY(test) cmocka_unit_test_setup_teardown(test, array_set_up, array_tear_down)

#endif
