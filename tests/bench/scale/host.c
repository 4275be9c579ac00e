/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host of one size, and the daemon on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "tests/bench/scale/run.h"

#define LOOK_MS	 10 /* multipathd, at the board */
#define POLICIES "/etc/mpathiscsi/policies.conf"
#define SETTINGS "/etc/mpathiscsi/mpathiscsid.conf"

double scale_since_ms(uint64_t begin_ns)
{
	return (double)(clock_now_ns() - begin_ns) / 1e6;
}

static int compare_ms(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

double scale_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_ms);
	return values[n / 2];
}

bool scale_comes(struct scale_run *run, bool (*condition)(struct scale_run *run),
		 unsigned int seconds)
{
	uint64_t begin_ns = clock_now_ns();

	while (!condition(run)) {
		scale_daemon_listen(&run->daemon, 1);
		if (clock_now_ns() - begin_ns > seconds * NS_PER_S)
			return false;
	}
	return true;
}

void scale_wait_for(struct scale_run *run, bool (*condition)(struct scale_run *run),
		    const char *what)
{
	if (!scale_comes(run, condition, SCALE_WAIT_S))
		scale_die("%u paths: %s did not come in %d s; the daemon says:\n%s",
			  run->luns * SCALE_PORTALS, what, SCALE_WAIT_S,
			  run->daemon.text);
}

static bool on_board(const struct scale_run *run, unsigned int lun, unsigned int portal)
{
	struct board_path path;

	return board_read_path(NULL, portal, lun, run->shared->names[portal],
			       clock_now_ns(), &path) == BOARD_FRESH;
}

/* Every path; asked for the last LUN's first, so that waiting is cheap. */
static bool plan_complete(struct scale_run *run)
{
	for (unsigned int lun = run->luns; lun-- > 0;)
		for (unsigned int n = 1; n <= SCALE_PORTALS; n++)
			if (!on_board(run, lun, n))
				return false;
	return true;
}

unsigned int scale_count_lines(const struct scale_run *run, const char *phrase)
{
	unsigned int n = 0;

	for (const char *p = run->daemon.text; (p = strstr(p, phrase));
	     p += strlen(phrase))
		n++;
	return n;
}

void scale_forget_lines(struct scale_run *run)
{
	run->daemon.length = 0;
	run->daemon.text[0] = '\0';
}

static bool all_quick(struct scale_run *run)
{
	return scale_count_lines(run, ": quick, armed with") >= SCALE_PORTALS;
}

/* A session's connection, and what the kernel says of it. */
static void log_in(struct scale_run *run, unsigned int place)
{
	struct scale_login *login = &run->shared->logins[place];

	*login = (struct scale_login){.sid = place + 1, .portal = place + 1};
	login->port = scale_iscsid_login(&run->iscsid, place, login->portal);
}

static void make_session(struct scale_run *run, unsigned int place)
{
	struct scale_login *login = &run->shared->logins[place];

	log_in(run, place);
	scale_tree_login(SCALE_SYSFS, login);
	for (unsigned int lun = 0; lun < run->luns; lun++)
		scale_tree_add_disk(SCALE_SYSFS, login, place, lun);
	run->shared->names[login->portal] = scale_path_name(place);
}

/* What is not in the tree. */
static void make_rest(struct scale_run *run)
{
	memset(run->shared->maps, 0, sizeof(run->shared->maps));
	run->shared->n_maps = 0;
	for (unsigned int lun = 0; lun < run->luns; lun++)
		scale_map_add(run->shared, lun, SCALE_PORTALS);
	scale_diskstats_make(run->luns);
	run->shared->diskstats_ns = (uint64_t)scale_diskstats_ns(&run->cost, run->luns);
	scale_write(POLICIES, "[default]\npolicy = round-robin");
	scale_write(SETTINGS, "[timing]\nstable_ms = 1000");
	unlink("/run/mpathiscsi/board");
	run->multipathd = scale_multipathd_start(run->shared, LOOK_MS);
}

void scale_host_make(struct scale_run *run)
{
	scale_iscsid_start(&run->iscsid);
	if (mount("scale", SCALE_SYSFS, "tmpfs", 0, "nr_inodes=0,size=2g") < 0)
		scale_die("mounting over %s: %s", SCALE_SYSFS, strerror(errno));
	scale_tree_make(SCALE_SYSFS);
	for (unsigned int lun = 0; lun < run->luns; lun++)
		scale_tree_add_lun(SCALE_SYSFS, lun);
	for (unsigned int place = 0; place < SCALE_PORTALS; place++)
		make_session(run, place);
	make_rest(run);
}

/* Every portal listens and answers. */
static void mend_portals(const struct scale_run *run)
{
	for (unsigned int portal = 1; portal <= SCALE_PORTALS; portal++) {
		const uint8_t open[] = {'o', (uint8_t)portal},
			      answer[] = {'a', (uint8_t)portal};

		if (write(run->target, open, sizeof(open)) != sizeof(open) ||
		    write(run->target, answer, sizeof(answer)) != sizeof(answer))
			scale_die("the target is gone");
	}
}

void scale_host_mend(struct scale_run *run)
{
	scale_end(run->multipathd);
	mend_portals(run);
	for (unsigned int place = 0; place < SCALE_PORTALS; place++) {
		log_in(run, place);
		scale_tree_session(SCALE_SYSFS, &run->shared->logins[place], true);
	}
	make_rest(run);
}

void scale_host_free(struct scale_run *run)
{
	scale_end(run->multipathd);
	scale_end(run->iscsid.pid);
	close(run->iscsid.commands);
	mend_portals(run);
	if (umount2(SCALE_SYSFS, MNT_DETACH) < 0)
		scale_die("clearing up: %s", strerror(errno));
}

void scale_start(struct scale_run *run, double *result)
{
	uint64_t begin_ns = clock_now_ns();

	scale_daemon_start(&run->daemon, run->build);
	scale_wait_for(run, plan_complete, "the plan of all LUNs");
	result[FIRST_PLAN_CPU] = scale_daemon_cpu_s(&run->daemon) * 1000;
	result[FIRST_PLAN] = scale_since_ms(begin_ns);
	scale_wait_for(run, all_quick, "every session being quick");
}
