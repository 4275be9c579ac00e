/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host of the day: 4 portals, 4 LUNs, and what the kernel, udev and multipathd make of it when
 * sessions and LUNs come and go. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/board.h"
#include "common/clock.h"
#include "tests/bench/day/day.h"

#define LOOK_MS	   1000 /* multipathd, at the board */
#define COMMAND_S  120
#define SETTLE_S   20
#define PRELOAD	   "/run/bin/dm_kernel.so:/run/bin/day_clock.so"
#define EXACT	   "glibc.malloc.tcache_count=0" /* what is cached counts as in use */
#define POLICIES   "/etc/mpathiscsi/policies.conf"
#define SETTINGS   "/etc/mpathiscsi/mpathiscsid.conf"

static void happened(struct day_world *world)
{
	world->events++;
	day_touched();
}

unsigned int world_place(const struct day_world *world, unsigned int portal)
{
	for (unsigned int i = 0; i < SCALE_PORTALS; i++)
		if (world->shared->logins[i].sid && world->shared->logins[i].portal == portal)
			return i;
	scale_die("portal %u has no session", portal);
}

static struct scale_login *login_of(const struct day_world *world, unsigned int portal)
{
	return &world->shared->logins[world_place(world, portal)];
}

/* --- maps, as multipathd keeps them with udev's help --- */

static void tell_map(const struct scale_map *map)
{
	char device[64];

	snprintf(device, sizeof(device), "/devices/virtual/block/dm-%u", map->minor);
	scale_uevent("change", device, "block", "disk");
}

/* Groups are numbered without a gap. */
static void renumber(struct scale_map *map)
{
	uint32_t n = 0;

	for (uint32_t group = 0; group < SCALE_PORTALS; group++) {
		bool used = false;

		for (uint32_t i = 0; i < map->n_paths; i++)
			if (map->paths[i].group == group) {
				map->paths[i].group = n;
				used = true;
			}
		n += used;
	}
	map->n_groups = n;
	map->current = 0;
	map->event_nr++;
}

static void map_path(struct day_world *world, unsigned int lun, unsigned int place, bool there)
{
	struct scale_map *map = &world->shared->maps[lun];
	uint32_t minor = scale_minor(lun, place), n = 0;

	pthread_mutex_lock(&world->shared->lock);
	for (uint32_t i = 0; i < map->n_paths; i++)
		if (map->paths[i].minor != minor)
			map->paths[n++] = map->paths[i];
	if (there)
		map->paths[n++] = (struct scale_path){
			.minor = minor, .group = map->n_groups, .active = true};
	map->n_paths = n;
	renumber(map);
	pthread_mutex_unlock(&world->shared->lock);
	tell_map(map);
}

/* multipathd's checker has found these paths good again. */
static void reinstate(struct day_world *world, unsigned int place)
{
	for (uint32_t lun = 0; lun < world->shared->n_maps; lun++) {
		struct scale_map *map = &world->shared->maps[lun];
		char text[64];

		snprintf(text, sizeof(text), "reinstate_path %u:%u", SCALE_MAJOR,
			 scale_minor(lun, place));
		pthread_mutex_lock(&world->shared->lock);
		scale_map_message(world->shared, map, text);
		pthread_mutex_unlock(&world->shared->lock);
		tell_map(map);
	}
}

/* --- disks and sessions --- */

static void tell_disk(const char *action, const struct scale_login *login, unsigned int place,
		      unsigned int lun)
{
	char device[256];
	unsigned int n = login->sid;

	snprintf(device, sizeof(device),
		 "/devices/platform/host%u/session%u/target%u:0:0/%u:0:0:%u/block/sd%u", n, n, n, n,
		 lun, scale_minor(lun, place));
	scale_uevent(action, device, "block", "disk");
	*strstr(device, "/block/") = '\0';
	scale_uevent(action, device, "scsi", "scsi_device");
}

static void tell_session(const char *action, const struct scale_login *login)
{
	char device[256];
	unsigned int n = login->sid;

	snprintf(device, sizeof(device),
		 "/devices/platform/host%u/session%u/iscsi_session/session%u", n, n, n);
	scale_uevent(action, device, "iscsi_session", NULL);
	snprintf(device, sizeof(device),
		 "/devices/platform/host%u/session%u/connection%u:0/iscsi_connection/connection%u:0",
		 n, n, n, n);
	scale_uevent(action, device, "iscsi_connection", NULL);
}

static void disk(struct day_world *world, unsigned int place, unsigned int lun, bool there)
{
	const struct scale_login *login = &world->shared->logins[place];

	if (there)
		scale_tree_add_disk(DAY_SYSFS, login, place, lun);
	else
		scale_tree_remove_disk(DAY_SYSFS, login, place, lun);
	tell_disk(there ? "add" : "remove", login, place, lun);
}

static unsigned int free_place(struct day_world *world)
{
	do
		world->last_place = (world->last_place + 1) % SCALE_PORTALS;
	while (world->shared->logins[world->last_place].sid);
	return world->last_place;
}

void world_login(struct day_world *world, unsigned int portal)
{
	unsigned int place = free_place(world);
	struct scale_login *login = &world->shared->logins[place];

	*login = (struct scale_login){.sid = ++world->last_sid, .portal = portal};
	login->port = scale_iscsid_login(&world->iscsid, place, portal);
	scale_tree_login(DAY_SYSFS, login);
	tell_session("add", login);
	for (uint32_t lun = 0; lun < world->shared->n_maps; lun++) {
		disk(world, place, lun, true);
		map_path(world, lun, place, true);
	}
	world->shared->names[portal] = scale_path_name(place);
	happened(world);
}

void world_logout(struct day_world *world, unsigned int portal)
{
	unsigned int place = world_place(world, portal);
	struct scale_login *login = &world->shared->logins[place];

	for (uint32_t lun = 0; lun < world->shared->n_maps; lun++) {
		map_path(world, lun, place, false);
		disk(world, place, lun, false);
	}
	scale_tree_logout(DAY_SYSFS, login);
	tell_session("remove", login);
	scale_iscsid_logout(&world->iscsid, place);
	login->sid = 0;
	happened(world);
}

static void tell_target(struct day_world *world, char what, unsigned int portal)
{
	const uint8_t command[] = {(uint8_t)what, (uint8_t)portal};

	if (write(world->target, command, sizeof(command)) != sizeof(command))
		scale_die("the target is gone");
	happened(world);
}

void world_cut(struct day_world *world, unsigned int portal)
{
	scale_tree_session(DAY_SYSFS, login_of(world, portal), false);
	tell_session("offline", login_of(world, portal));
	tell_target(world, 'c', portal);
}

void world_return(struct day_world *world, unsigned int portal)
{
	unsigned int place = world_place(world, portal);
	struct scale_login *login = &world->shared->logins[place];

	tell_target(world, 'o', portal);
	day_run_until(day_now_ns() + NS_PER_S); /* it listens again */
	login->port = scale_iscsid_login(&world->iscsid, place, portal);
	scale_tree_session(DAY_SYSFS, login, true);
	tell_session("online", login);
	happened(world);
	day_run_until(day_now_ns() + 5 * NS_PER_S); /* the checker's next turn */
	reinstate(world, place);
	happened(world);
}

void world_silent(struct day_world *world, unsigned int portal, bool silent)
{
	tell_target(world, silent ? 's' : 'a', portal);
}

void world_lun(struct day_world *world, bool there)
{
	unsigned int lun = world->luns - 1;

	if (there)
		scale_map_add(world->shared, lun, 0);
	for (unsigned int place = 0; place < SCALE_PORTALS; place++)
		if (world->shared->logins[place].sid) {
			disk(world, place, lun, there);
			map_path(world, lun, place, there);
		}
	if (!there)
		world->shared->n_maps--;
	happened(world);
}

void world_storm(struct day_world *world, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int place = world_place(world, 1 + i % DAY_PORTALS);

		tell_disk("change", &world->shared->logins[place], place, i % world->shared->n_maps);
	}
	happened(world);
}

/* --- processes --- */

void world_multipathd(struct day_world *world, bool runs)
{
	if (runs)
		world->multipathd = scale_multipathd_start(world->shared, LOOK_MS);
	else
		scale_end(world->multipathd);
	happened(world);
}

static void start_daemon(struct day_world *world)
{
	world->daemon = day_fork("mpathiscsid");
	if (world->daemon == 0) {
		int log = open(DAY_LOG, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

		dup2(log, STDERR_FILENO);
		setenv("LD_PRELOAD", PRELOAD, 1);
		setenv("GLIBC_TUNABLES", EXACT, 1);
		execl("/run/bin/mpathiscsid", "mpathiscsid", "--probe=/run/bin/probe", (char *)NULL);
		_exit(127);
	}
}

void world_command(struct day_world *world, const char *const *words)
{
	pid_t pid = day_fork("mpathiscsi");
	int status;

	if (pid == 0) {
		setenv("LD_PRELOAD", PRELOAD, 1);
		if (!freopen("/run/scale/out", "w", stdout))
			_exit(126);
		execv("/run/bin/mpathiscsi", (char *const *)(const void *)words);
		_exit(127);
	}
	status = day_run_until_ended(pid, COMMAND_S);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		scale_die("%.0f s: %s %s %s: status %#x", (double)day_now_ns() / 1e9, words[0],
			  words[1], words[2] ? words[2] : "", (unsigned int)status);
	world->events++;
}

void world_start(struct day_world *world)
{
	world->shared = scale_shared_open(true);
	if (!world->shared || mount("day", DAY_SYSFS, "tmpfs", 0, "nr_inodes=0,size=256m") < 0)
		scale_die("%s: %s", DAY_SYSFS, strerror(errno));
	scale_network();
	scale_portals_start(&world->target);
	scale_iscsid_start(&world->iscsid);
	scale_tree_make(DAY_SYSFS);
	world->luns = DAY_LUNS;
	for (unsigned int lun = 0; lun < DAY_LUNS; lun++) {
		scale_tree_add_lun(DAY_SYSFS, lun);
		scale_map_add(world->shared, lun, 0);
	}
	for (unsigned int portal = 1; portal <= DAY_PORTALS; portal++)
		world_login(world, portal);
	scale_write(POLICIES, "[default]\npolicy = round-robin");
	scale_write(SETTINGS, "[timing]\nstable_ms = 1000");
	world_multipathd(world, true);
	start_daemon(world);
	day_run_until(day_now_ns() + SETTLE_S * NS_PER_S);
	world_check(world);
}

void world_stop(struct day_world *world)
{
	int status;

	kill(world->daemon, SIGTERM);
	day_touched();
	status = day_run_until_ended(world->daemon, 60);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		scale_die("the daemon ended with status %#x; its log: " DAY_LOG,
			  (unsigned int)status);
}

void world_check(const struct day_world *world)
{
	uint64_t now_ns = day_now_ns();

	if (kill(world->daemon, 0) < 0)
		scale_die("%.0f s: the daemon is gone", (double)now_ns / 1e9);
	for (unsigned int place = 0; place < SCALE_PORTALS; place++) {
		const struct scale_login *login = &world->shared->logins[place];
		uint64_t name = world->shared->names[login->portal];
		struct board_path path;

		for (uint32_t lun = 0; login->sid && lun < world->shared->n_maps; lun++)
			if (board_read_path(NULL, login->sid, lun, name, now_ns, &path) !=
			    BOARD_FRESH)
				scale_die("%.0f s: LUN %u over portal %u is not on the board",
					  (double)now_ns / 1e9, lun, login->portal);
	}
	for (uint32_t lun = 0; lun < world->shared->n_maps; lun++)
		for (uint32_t i = 0; i < world->shared->maps[lun].n_paths; i++)
			if (!world->shared->maps[lun].paths[i].active)
				scale_die("%.0f s: LUN %u has a failed path", (double)now_ns / 1e9,
					  lun);
}
