/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_QUICK_FIXTURE_H
#define MPATHISCSI_TEST_QUICK_FIXTURE_H

/*
 * What daemon/quick/ knows of one LUN, "lun0", of PATHS paths in a map: path i over session
 * i + 1 and a portal of its own, all in order since long. Include behind <cmocka.h>.
 * With scene_open_board() what is published stands on a board of the test's own.
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

#define PATHS 3
#define LONG_AGO (5 * NS_PER_S)
#define NOW	 (1000 * NS_PER_S)

struct scene {
	struct watch watch;
	struct quick quick;
	struct quick_session sessions[PATHS];
	uint32_t place[QUICK_PLACES];
	struct iscsi_identity ids[PATHS];
	struct watched_session watched[PATHS];
	struct dm_map map;
	struct lun lun;
	struct lun_path paths[PATHS];
	struct mp_map maps[1];
	struct policy_setting setting;
	struct store_entry entry;
	char folder[32], board[48];
};

static inline void scene_path(struct scene *s, unsigned int i)
{
	struct iscsi_identity *id = &s->ids[i];
	char portal[PORTAL_TEXT_MAX];

	*id = (struct iscsi_identity){ .devt = makedev(8, 16 * (i + 1)),
				       .is_iscsi = true,
				       .transport = "iscsi_tcp",
				       .sid = i + 1,
				       .device_state = DEVICE_RUNNING };
	snprintf(id->device, sizeof(id->device), "sd%c", 'b' + (int)i);
	snprintf(id->wwid, sizeof(id->wwid), "naa.6000");
	snprintf(portal, sizeof(portal), "10.0.%u.2:3260", i + 1);
	assert_int_equal(portal_parse(portal, ISCSI_DEFAULT_PORT, &id->name.portal), 0);
	strcpy(id->name.target, "iqn.2026-01.example:array");
	snprintf(id->name.netdev, sizeof(id->name.netdev), "p%u", i + 1);
	id->name.tpgt = 1;
	s->map.paths[i] = (struct dm_path){ .devt = id->devt, .active = true };
	s->paths[i] = (struct lun_path){ .id = id,
					 .dm = &s->map.paths[i],
					 .plan = { .role = ROLE_ACTIVE },
					 .name_hash = path_name_hash(&id->name) };
	s->watched[i].id = id;
	s->sessions[i] = (struct quick_session){ .sid = i + 1,
						 .present = true,
						 .healthy = true,
						 .logged_in_ns = LONG_AGO,
						 .answered_ns = NOW,
						 .tcp_known = true,
						 .stock_ms = 15000,
						 .levers_on = true,
						 .levers = { .quick = true } };
}

static inline void scene_relate(struct scene *s)
{
	s->quick = (struct quick){ .watch = &s->watch,
				   .settings_known = true,
				   .switched = { .by = SWITCH_ON },
				   .sessions = s->sessions,
				   .n_sessions = PATHS,
				   .place = s->place,
				   .maps = s->maps,
				   .n_maps = 1,
				   .maps_fresh = true,
				   .polling_s = 5 };
	settings_profile(PROFILE_DEFAULT, &s->quick.settings);
	s->quick.settings.timing.fence = false;
	s->quick.settings.timing.release = true;
	s->quick.hangs = calloc(1, sizeof(*s->quick.hangs));
	assert_non_null(s->quick.hangs);
	s->watch.quick = &s->quick;
	s->watch.options.board_path = "/nonexistent/board";
	s->watch.options.sysfs = "/nonexistent/sys";
	s->watch.sessions = s->watched;
	s->watch.n_sessions = PATHS;
	s->watch.luns = (struct lun_table){ .luns = &s->lun, .n = 1, .paths = s->paths };
	s->watch.inventory.disks = s->ids;
	s->watch.inventory.n_disks = PATHS;
	s->watch.inventory.generation = 1;
}

static inline int scene_set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	for (unsigned int i = 0; i < PATHS; i++)
		scene_path(s, i);
	strcpy(s->map.name, "mpatha");
	s->map.queues = true;
	s->map.n_paths = PATHS;
	s->lun = (struct lun){ .wwid = "36000", .alias = "lun0", .map = &s->map,
			       .paths = s->paths, .n_paths = PATHS };
	strcpy(s->maps[0].wwid, "36000");
	s->maps[0].queueing = MP_QUEUEING_ON;
	scene_relate(s);
	*state = s;
	return 0;
}

/* From now on all is told there, with the LUN's paths as a policy places them. No map of any host
 * is meant by what is told to dm. */
static inline void scene_open_board(struct scene *s)
{
	strcpy(s->folder, "/tmp/quick.XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->board, sizeof(s->board), "%s/board", s->folder);
	s->watch.options.board_path = s->board;
	assert_int_equal(board_new(s->board, (gid_t)-1, &s->watch.board), 0);
	s->watch.planned = s->watch.store_loaded = true;
	s->setting.policy = policy_by_name("round-robin");
	s->entry.setting = &s->setting;
	s->lun.entry = &s->entry;
	s->lun.setting = &s->setting;
	for (unsigned int i = 0; i < PATHS; i++)
		s->paths[i].name_hash = path_name_hash(&s->ids[i].name);
	strcpy(s->map.name, "no-such-map-of-mpathiscsi");
}

/* BOARD_PATH_… as the checker reads them now. */
static inline unsigned int scene_told(const struct scene *s, size_t i)
{
	struct board_path record;

	assert_int_equal(board_read_path(s->board, s->ids[i].sid, s->ids[i].lun,
					 s->paths[i].name_hash, clock_now_ns(), &record),
			 BOARD_FRESH);
	return record.flags;
}

static inline int scene_tear_down(void **state)
{
	struct scene *s = *state;

	hangs_free(s->quick.hangs);
	if (*s->folder) {
		board_free(s->watch.board);
		published_free(&s->watch.published);
		failed_free(&s->watch.failed);
		free(s->watch.held);
		unlink(s->board);
		rmdir(s->folder);
	}
	free(s);
	return 0;
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set_up, scene_tear_down)

#endif
