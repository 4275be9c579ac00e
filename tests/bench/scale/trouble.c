/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it costs when something is wrong: portals that close, one that falls silent, a
 * controller on which all I/O hangs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/scale/run.h"

#define FIRST_LOST   4 /* portals that close their connections, from here on … */
#define N_LOST	     5 /* … so many, one after the other */
#define FIRST_SILENT 12
#define SILENT_TRIES 3
#define SILENT_S     20	    /* a verdict takes three */
#define HUNG	     0x00ff /* the places of one controller: half of all */
#define N_HUNG	     (SCALE_PORTALS / 2)
/* Watched from the moment in which I/O stands still, which may take six seconds to tell.
 */
#define HANG_S	   15
#define HANG_MAX_S 60  /* … and longer where not all is done by then */
#define ASK_MS	   100 /* between two questions */

static char verdict[128]; /* what the daemon logs when it is sure */

static bool is_said(struct scale_run *run)
{
	return scale_count_lines(run, verdict) > 0;
}

/* When the daemon logged it, by its own stamp: CLOCK_MONOTONIC, to the millisecond. */
static double said_ms(const struct scale_run *run)
{
	const char *line = strstr(run->daemon.text, verdict);

	while (line > run->daemon.text && line[-1] != '\n')
		line--;
	return strtod(line, NULL) * 1000;
}

static bool paths_failed(struct scale_run *run)
{
	return run->shared->n_failed >= run->luns;
}

static void tell_target(const struct scale_run *run, char what, unsigned int portal)
{
	const uint8_t command[] = {(uint8_t)what, (uint8_t)portal};

	if (write(run->target, command, sizeof(command)) != sizeof(command))
		scale_die("the target is gone");
}

/* From the moment in which the daemon has said so until the last of the portal's paths is
 * failed in dm. *ret_cpu_ms: all that it has spent on it, from before_s on. */
static double reaction_ms(struct scale_run *run, unsigned int portal, double before_s,
			  double *ret_cpu_ms)
{
	double ms;

	scale_wait_for(run, paths_failed, "the end of all paths over the portal");
	ms = (double)run->shared->last_failed_ns / 1e6 - said_ms(run);
	*ret_cpu_ms = (scale_daemon_cpu_s(&run->daemon) - before_s) * 1000;
	for (unsigned int lun = 0; lun < run->luns; lun++)
		if (run->shared->maps[lun].paths[portal - 1].active)
			scale_die("LUN %u: its path over portal %u is still active", lun,
				  portal);
	return fmax(ms, 1); /* the stamp's resolution */
}

static double begin_trouble(struct scale_run *run)
{
	run->shared->n_failed = 0;
	scale_forget_lines(run);
	return scale_daemon_cpu_s(&run->daemon);
}

/* The portal ends all its connections. */
static double lose_portal(struct scale_run *run, unsigned int portal, double *ret_cpu_ms)
{
	double before_s = begin_trouble(run);

	snprintf(verdict, sizeof(verdict), "10.0.%u.2:3260 over p%u: connection lost",
		 portal, portal);
	scale_tree_session(SCALE_SYSFS, &run->shared->logins[portal - 1], false);
	tell_target(run, 'c', portal);
	scale_wait_for(run, is_said, verdict);
	return reaction_ms(run, portal, before_s, ret_cpu_ms);
}

/* The portal takes everything and answers nothing, and I/O is in flight there. -1: no
 * verdict. */
static double silence_portal(struct scale_run *run, unsigned int portal,
			     double *ret_cpu_ms)
{
	double before_s = begin_trouble(run), ms = -1;

	snprintf(verdict, sizeof(verdict),
		 "10.0.%u.2:3260 over p%u: the target does not answer", portal, portal);
	scale_diskstats_in_flight(run->luns, 1U << (portal - 1));
	tell_target(run, 's', portal);
	if (scale_comes(run, is_said, SILENT_S)) {
		ms = reaction_ms(run, portal, before_s, ret_cpu_ms);
		scale_tree_session(SCALE_SYSFS, &run->shared->logins[portal - 1], false);
	} else {
		tell_target(run, 'a', portal);
	}
	scale_diskstats_in_flight(run->luns, 0);
	return ms;
}

/* Time in which it could not run itself is nobody's silence to the daemon: on a busy host
 * it may be unsure for good. */
static void measure_silence(struct scale_run *run, double *result)
{
	run->silent_tries = 0;
	for (unsigned int i = 0; i < SILENT_TRIES && !run->silent_tries; i++) {
		result[SILENT] =
			silence_portal(run, FIRST_SILENT + i, &result[SILENT_CPU]);
		if (result[SILENT] > 0)
			run->silent_tries = i + 1;
	}
	if (!run->silent_tries)
		run->failed = true;
}

void scale_measure_losses(struct scale_run *run, double *result)
{
	double ms[N_LOST], cpu_ms[N_LOST];

	for (unsigned int i = 0; i < N_LOST; i++)
		ms[i] = lose_portal(run, FIRST_LOST + i, &cpu_ms[i]);
	result[REACT] = scale_median(ms, N_LOST);
	result[REACT_MAX] = ms[N_LOST - 1]; /* they are sorted now */
	result[REACT_CPU] = scale_median(cpu_ms, N_LOST);
	measure_silence(run, result);
	result[RSS] = fmax(result[RSS], scale_daemon_rss_mib(&run->daemon));
	result[PEAK] = scale_daemon_peak_mib(&run->daemon);
}

/* --- a controller that hangs --- */

struct hang {
	uint64_t begin_ns;
	unsigned int stuck; /* places whose I/O stands still, a bit each */
	double longest_ms;  /* that nobody was answered */
	unsigned int unanswered;
};

/* Connections that the daemon has ended: the kernel says so, and gives their I/O back. */
static void follow(struct scale_run *run, struct hang *hang)
{
	unsigned int before = hang->stuck;

	for (unsigned int place = 0; place < SCALE_PORTALS; place++)
		if (hang->stuck & 1U << place &&
		    !scale_iscsid_lives(&run->iscsid, place)) {
			scale_tree_session(SCALE_SYSFS, &run->shared->logins[place],
					   false);
			hang->stuck &= ~(1U << place);
		}
	if (hang->stuck != before)
		scale_diskstats_in_flight(run->luns, hang->stuck);
}

/* Of one LUN: what counts is when it is answered, not how much there is to say. */
static void ask(struct scale_run *run, struct hang *hang)
{
	const char *const argv[] = {"mpathiscsi", "status", "mpath0", NULL};
	uint64_t begin_ns = clock_now_ns();
	double own_s;

	if (scale_command(&run->daemon, run->build, argv, &own_s) < 0)
		hang->unanswered++;
	hang->longest_ms = fmax(hang->longest_ms, scale_since_ms(begin_ns));
}

static bool is_done(const struct scale_run *run)
{
	return run->shared->n_failed >= (uint64_t)run->luns * N_HUNG;
}

/* The daemon's CPU time, from the moment in which I/O stands still, of which nobody can
 * tell it from slow I/O for six seconds; it is watched for as long in any case. */
static void watch_hang(struct scale_run *run, struct hang *hang)
{
	for (;;) {
		uint64_t since_ns = clock_now_ns() - hang->begin_ns, begin_ns;

		if (since_ns > HANG_MAX_S * NS_PER_S ||
		    (since_ns > HANG_S * NS_PER_S && is_done(run)))
			return;
		follow(run, hang);
		ask(run, hang);
		for (begin_ns = clock_now_ns(); scale_since_ms(begin_ns) < ASK_MS;)
			scale_daemon_listen(&run->daemon, 10);
	}
}

void scale_measure_hang(struct scale_run *run, double *result)
{
	struct hang hang = {.stuck = HUNG};
	double before_s = begin_trouble(run);

	hang.begin_ns = clock_now_ns();
	run->shared->last_failed_ns = hang.begin_ns;
	scale_diskstats_in_flight(run->luns, HUNG);
	watch_hang(run, &hang);
	result[HANG_CPU] = (scale_daemon_cpu_s(&run->daemon) - before_s) * 1000;
	result[HANG] = (double)(run->shared->last_failed_ns - hang.begin_ns) / 1e6;
	result[HANG_STATUS] = hang.longest_ms;
	result[RSS] = fmax(result[RSS], scale_daemon_rss_mib(&run->daemon));
	result[PEAK] = fmax(result[PEAK], scale_daemon_peak_mib(&run->daemon));
	run->hang_left = (uint64_t)run->luns * N_HUNG - run->shared->n_failed;
	run->hang_unanswered = hang.unanswered;
}
