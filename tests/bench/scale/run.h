/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_SCALE_RUN_H
#define TESTS_BENCH_SCALE_RUN_H

/* One run of the bench of scale over its sizes; for main.c, measure.c and trouble.c. */

#include "tests/bench/scale/scale.h"

#define SCALE_SIZES_MAX 16
#define SCALE_WAIT_S	60 /* for what has to come: a busy host is slow, not wrong */
#define SCALE_SYSFS	"/sys"

/* What takes time is measured by the clock, for people, and in CPU time of daemon and
 * command, for the growth: that holds on a busy host, too. */
enum scale_measure {
	RSS,
	PEAK,
	IDLE,
	DISKSTATS, /* of that: what the kernel's own file would cost */
	FIRST_PLAN,
	FIRST_PLAN_CPU,
	SET_ALL, /* [default] */
	SET_ALL_CPU,
	SET_LUNS, /* a section for each LUN */
	SET_LUNS_CPU,
	STATUS,
	STATUS_CPU,
	REACT,
	REACT_MAX,
	REACT_CPU,
	SILENT,
	SILENT_CPU,
	HANG,
	HANG_CPU,
	HANG_STATUS,
	MEASURES
};

struct scale_run {
	const char *build;
	unsigned int idle_s; /* 0: a whole round of the longest period */
	bool strict;
	size_t n_sizes;
	unsigned int paths[SCALE_SIZES_MAX];
	double result[SCALE_SIZES_MAX][MEASURES];
	bool failed; /* something beside the figures */
	struct scale_diskstats_cost cost;
	/* the present size */
	unsigned int luns;
	double idle_ms;		      /* how long idle was watched, … */
	uint64_t idle_reads;	      /* … and how often it has read /proc/diskstats */
	unsigned int silent_tries;    /* 0: none led to a verdict */
	uint64_t hang_left;	      /* paths that hung and were never failed */
	unsigned int hang_unanswered; /* `status`, meanwhile */
	struct scale_shared *shared;
	struct scale_daemon daemon;
	struct scale_iscsid iscsid;
	pid_t multipathd;
	int target;
};

/* host.c: all that is there but the daemon; and the daemon, started until it has a plan
 * of all. */
void scale_host_make(struct scale_run *run);
void scale_host_free(struct scale_run *run);
/* All sessions and paths as they were at first, whatever has befallen them; multipathd,
 * too. */
void scale_host_mend(struct scale_run *run);
void scale_start(struct scale_run *run, double *result);
/* Wait for condition(run), listening to the daemon meanwhile: so long, or until the bench
 * is given up. */
bool scale_comes(struct scale_run *run, bool (*condition)(struct scale_run *run),
		 unsigned int seconds);
void scale_wait_for(struct scale_run *run, bool (*condition)(struct scale_run *run),
		    const char *what);
unsigned int scale_count_lines(const struct scale_run *run, const char *phrase);
void scale_forget_lines(struct scale_run *run);
double scale_since_ms(uint64_t begin_ns);
double scale_median(double *values, size_t n);

/* measure.c: nothing is wrong. */
void scale_measure_calm(struct scale_run *run, double *result);

/* trouble.c: portals that close or fall silent; a controller that hangs. */
void scale_measure_losses(struct scale_run *run, double *result);
void scale_measure_hang(struct scale_run *run, double *result);

#endif
