/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon costs as a host grows: the same 16 sessions with more and more LUNs, 16
 * paths each. Started by tests/bench/run-scale in namespaces of its own.
 *
 * usage: scale BUILD-FOLDER IDLE-SECONDS STRICT(0|1) PATHS…
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/scale/run.h"

#define LIMIT_S 1500  /* for the whole */
#define LARGEST 16384 /* paths: here the targets hold */

/* A figure that grows by n·log n over these sizes has its exponent there, from 1.1
 * to 1.2. May be above it: at the tail, where sizes are four times apart, as much as 23 %
 * more of one figure than of the other. On a host that is busy with other tests, 50 %. */
#define TOLERANCE      0.15
#define TOLERANCE_BUSY 0.3

enum growth { TOLD, BY_CLOCK, BY_COUNT };

static const struct {
	const char *name;
	double limit;	    /* at 16,384 paths; 0: none */
	enum growth growth; /* BY_CLOCK: judged only where the host is ours */
} measures[MEASURES] = {
	[RSS] = {"rss_mib", 64, BY_COUNT},
	[PEAK] = {"peak_mib", 64, BY_COUNT},
	[IDLE] = {"idle_cpu_pct", 2, BY_COUNT},
	[DISKSTATS] = {"diskstats_pct", 0, TOLD},
	[FIRST_PLAN] = {"first_plan_ms", 2000, BY_CLOCK},
	[FIRST_PLAN_CPU] = {"first_plan_cpu_ms", 0, BY_COUNT},
	[SET_ALL] = {"set_all_ms", 0, BY_CLOCK},
	[SET_ALL_CPU] = {"set_all_cpu_ms", 0, BY_COUNT},
	[SET_LUNS] = {"set_luns_ms", 0, BY_CLOCK},
	[SET_LUNS_CPU] = {"set_luns_cpu_ms", 0, BY_COUNT},
	[STATUS] = {"status_ms", 300, BY_CLOCK},
	[STATUS_CPU] = {"status_cpu_ms", 0, BY_COUNT},
	[REACT] = {"react_ms", 300, BY_CLOCK},
	[REACT_MAX] = {"react_max_ms", 300, TOLD},
	[REACT_CPU] = {"react_cpu_ms", 0, BY_COUNT},
	[SILENT] = {"silent_ms", 300, BY_CLOCK},
	[SILENT_CPU] = {"silent_cpu_ms", 0, BY_COUNT},
	[HANG] = {"hang_ms", 0, BY_CLOCK},
	[HANG_CPU] = {"hang_cpu_ms", 0, BY_COUNT},
	[HANG_STATUS] = {"hang_status_ms", 0, BY_CLOCK},
};

pid_t scale_fork(const char *name)
{
	pid_t pid = fork();

	if (pid == 0)
		scale_become(name);
	return pid;
}

static void tell(const struct scale_run *run, const double *result)
{
	printf("RESULT scale paths=%u luns=%u paths_per_lun=%d idle_s=%.0f "
	       "diskstats_reads=%llu "
	       "diskstats_read_ms=%.2f silent_tries=%u hang_left=%llu hang_unanswered=%u",
	       run->luns * SCALE_PORTALS, run->luns, SCALE_PORTALS, run->idle_ms / 1000,
	       (unsigned long long)run->idle_reads,
	       (double)run->shared->diskstats_ns / 1e6, run->silent_tries,
	       (unsigned long long)run->hang_left, run->hang_unanswered);
	for (enum scale_measure m = 0; m < MEASURES; m++)
		printf(" %s=%.*f", measures[m].name, m == IDLE || m == DISKSTATS ? 2 : 1,
		       result[m]);
	putchar('\n');
	fflush(stdout);
}

static void measure(struct scale_run *run, double *result)
{
	double again[MEASURES];

	scale_host_make(run);
	scale_start(run, result);
	scale_measure_calm(run, result);
	scale_measure_losses(run, result);
	scale_daemon_stop(&run->daemon);
	scale_host_mend(run);
	scale_start(run, again);
	scale_measure_hang(run, result);
	tell(run, result);
	/* Unanswered means within ten seconds: not to be asked of a host that is busy. */
	run->failed |= run->hang_left || (run->strict && run->hang_unanswered);
	if (run->hang_left) /* it has its hands full */
		scale_daemon_kill(&run->daemon);
	else
		scale_daemon_stop(&run->daemon);
	scale_host_free(run);
}

/* Slope of the line through the logarithms, least squares. by_paths: of n·log n itself,
 * for comparison. */
static double slope(const struct scale_run *run, size_t first, bool by_paths,
		    enum scale_measure m)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (size_t i = first; i < run->n_sizes; i++) {
		double a = log(run->paths[i]), b = log(fmax(run->result[i][m], 1e-3));

		if (by_paths)
			b = a + log(a);
		n++, x += a, y += b, xx += a * a, xy += a * b;
	}
	return (n * xy - x * y) / (n * xx - x * x);
}

static bool grows_well(const struct scale_run *run, enum scale_measure m, size_t first)
{
	double tolerance = run->strict ? TOLERANCE : TOLERANCE_BUSY;

	if (measures[m].growth == TOLD ||
	    (measures[m].growth == BY_CLOCK && !run->strict))
		return true;
	return slope(run, first, false, m) <= slope(run, first, true, m) + tolerance;
}

/* Less than a round of what it does by itself shows what goes on between, at most. */
static bool is_short(const struct scale_run *run, enum scale_measure m)
{
	return m == IDLE && run->idle_s;
}

static bool is_within(const struct scale_run *run, enum scale_measure m)
{
	size_t last = run->n_sizes - 1;

	return !run->strict || run->paths[last] < LARGEST || measures[m].limit <= 0 ||
	       run->result[last][m] <= measures[m].limit;
}

/* 'tail': between the two largest sizes, where nothing constant hides the growth. */
static bool judge(const struct scale_run *run)
{
	size_t tail = run->n_sizes - 2;
	bool good = !run->failed;

	printf("RESULT scale_growth n_log_n=%.2f n_log_n_tail=%.2f tolerance=%.2f\n",
	       slope(run, 0, true, 0), slope(run, tail, true, 0),
	       run->strict ? TOLERANCE : TOLERANCE_BUSY);
	for (enum scale_measure m = 0; m < MEASURES; m++) {
		bool grows = is_short(run, m) ||
			     (grows_well(run, m, 0) && grows_well(run, m, tail));
		bool within = is_short(run, m) || is_within(run, m);

		printf("RESULT scale_growth measure=%s exponent=%.2f tail=%.2f%s%s\n",
		       measures[m].name, slope(run, 0, false, m),
		       slope(run, tail, false, m), grows ? "" : " FAILED=growth",
		       within ? "" : " FAILED=target");
		good &= grows && within;
	}
	if (run->failed)
		puts("RESULT scale_trouble FAILED: paths that hung were not failed, "
		     "`status` "
		     "was not answered, or a silent target was not seen");
	return good;
}

/* The first process of its namespace ignores what it has no handler for; all others end
 * with it. */
static void on_signal(int number)
{
	_exit(number == SIGALRM ? 124 : 128 + number);
}

static void start(struct scale_run *run, char **argv)
{
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGALRM, on_signal);
	alarm(LIMIT_S);
	run->build = argv[1];
	run->idle_s = (unsigned int)strtoul(argv[2], NULL, 10);
	run->strict = *argv[3] == '1';
	run->shared = scale_shared_open(true);
	if (!run->shared)
		scale_die("%s: %s", SCALE_SHARED, strerror(errno));
	run->cost = scale_diskstats_measure();
	printf("RESULT scale_diskstats line_ns=%.0f skip_ns=%.0f cpus=%ld\n",
	       run->cost.line_ns, run->cost.skip_ns, sysconf(_SC_NPROCESSORS_CONF));
	fflush(stdout); /* before there are children */
	scale_network();
	scale_portals_start(&run->target);
}

int main(int argc, char **argv)
{
	static struct scale_run run;

	if (argc < 6 || argc - 4 > SCALE_SIZES_MAX)
		scale_die("usage: scale BUILD-FOLDER IDLE-SECONDS STRICT PATHS PATHS…");
	start(&run, argv);
	for (int i = 4; i < argc; i++) {
		run.paths[run.n_sizes] = (unsigned int)strtoul(argv[i], NULL, 10);
		run.luns = run.paths[run.n_sizes] / SCALE_PORTALS;
		if (run.luns < 1 || run.luns > SCALE_LUNS_MAX)
			scale_die("%s: from 16 to 16384 paths", argv[i]);
		measure(&run, run.result[run.n_sizes++]);
	}
	return judge(&run) ? 0 : 1;
}
