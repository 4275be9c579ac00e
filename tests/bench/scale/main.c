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
#include <sys/mount.h>
#include <unistd.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "tests/bench/scale/scale.h"

#define SIZES_MAX 16
#define REPEAT	  5
#define LOOK_MS	  10 /* multipathd, at the board */
#define LIMIT_S	  350 /* for the whole */
#define WAIT_S	  60  /* for what has to come: a busy host is slow, not wrong */
#define POLICIES  "/etc/mpathiscsi/policies.conf"
#define SETTINGS  "/etc/mpathiscsi/mpathiscsid.conf"
#define SYSFS	  "/sys"

/* What takes time is measured by the clock, for people, and in CPU time of daemon and
 * command, for the growth: that holds on a busy host, too. */
enum measure {
	RSS,
	IDLE,
	FIRST_PLAN,
	FIRST_PLAN_CPU,
	SET_ALL,
	SET_ALL_CPU,
	STATUS,
	STATUS_CPU,
	REACT,
	MEASURES
};

static const struct {
	const char *name;
	double limit;	     /* at 16,384 paths; 0: none */
	double exponent_max; /* n·log n over these sizes is 1.15; 0: told only */
} measures[MEASURES] = {
	[RSS] = {"rss_mib", 64, 1.2},
	[IDLE] = {"idle_cpu_pct", 2, 1.2},
	[FIRST_PLAN] = {"first_plan_ms", 2000, 0},
	[FIRST_PLAN_CPU] = {"first_plan_cpu_ms", 0, 1.2},
	[SET_ALL] = {"set_all_ms", 0, 0},
	[SET_ALL_CPU] = {"set_all_cpu_ms", 0, 1.2},
	[STATUS] = {"status_ms", 300, 0},
	[STATUS_CPU] = {"status_cpu_ms", 0, 1.2},
	[REACT] = {"react_ms", 300, 1.2},
};

struct run {
	const char *build;
	unsigned int idle_s;
	bool strict;
	size_t n_sizes;
	unsigned int paths[SIZES_MAX];
	double result[SIZES_MAX][MEASURES];
	/* the present size */
	unsigned int luns;
	struct scale_shared *shared;
	struct scale_daemon daemon;
	struct scale_iscsid iscsid;
	int target;
};

pid_t scale_fork(const char *name)
{
	pid_t pid = fork();

	if (pid == 0)
		scale_become(name);
	return pid;
}

static double since_ms(uint64_t begin_ns)
{
	return (double)(clock_now_ns() - begin_ns) / 1e6;
}

static int compare_ms(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_ms);
	return values[n / 2];
}

/* Wait for condition(run), listening to the daemon meanwhile. */
static void wait_for(struct run *run, bool (*condition)(struct run *run),
		     const char *what)
{
	uint64_t begin_ns = clock_now_ns();

	while (!condition(run)) {
		scale_daemon_listen(&run->daemon, 1);
		if (clock_now_ns() - begin_ns > WAIT_S * NS_PER_S)
			scale_die(
				"%u paths: %s did not come in %d s; the daemon says:\n%s",
				run->luns * SCALE_PORTALS, what, WAIT_S,
				run->daemon.text);
	}
}

static bool on_board(const struct run *run, unsigned int lun, unsigned int portal)
{
	struct board_path path;

	return board_read_path(NULL, portal, lun, run->shared->names[portal], clock_now_ns(),
			       &path) == BOARD_FRESH;
}

/* Every path; asked for the last LUN's first, so that waiting is cheap. */
static bool plan_complete(struct run *run)
{
	for (unsigned int lun = run->luns; lun-- > 0;)
		for (unsigned int n = 1; n <= SCALE_PORTALS; n++)
			if (!on_board(run, lun, n))
				return false;
	return true;
}

static unsigned int count_lines(const struct run *run, const char *phrase)
{
	unsigned int n = 0;

	for (const char *p = run->daemon.text; (p = strstr(p, phrase));
	     p += strlen(phrase))
		n++;
	return n;
}

static bool all_quick(struct run *run)
{
	return count_lines(run, ": quick, armed with") >= SCALE_PORTALS;
}

static void make_session(struct run *run, unsigned int place)
{
	struct scale_login *login = &run->shared->logins[place];

	*login = (struct scale_login){.sid = place + 1, .portal = place + 1};
	login->port = scale_iscsid_login(&run->iscsid, place, login->portal);
	scale_tree_login(SYSFS, login);
	for (unsigned int lun = 0; lun < run->luns; lun++)
		scale_tree_add_disk(SYSFS, login, place, lun);
	run->shared->names[login->portal] = scale_path_name(place);
}

/* As long as the kernel's: a line for each disk and map. */
static void make_diskstats(const struct run *run)
{
	FILE *out = fopen("/proc/diskstats", "we");

	for (unsigned int i = 0; out && i < run->luns * SCALE_PORTALS; i++)
		fprintf(out,
			"%4u %7u sd%u 93482 0 747856 4711 81264 0 650112 9923 0 8004 "
			"14634 0 0 0 0 0 0\n",
			SCALE_MAJOR, i, i);
	for (unsigned int i = 0; out && i < run->luns; i++)
		fprintf(out,
			"%4u %7u dm-%u 93482 0 747856 4711 81264 0 650112 9923 0 8004 "
			"14634 0 0 0 0 0 0\n",
			SCALE_DM_MAJOR, i, i);
	if (!out || fclose(out))
		scale_die("/proc/diskstats: %s", strerror(errno));
}

static void make_host(struct run *run)
{
	memset(run->shared->maps, 0, sizeof(run->shared->maps));
	run->shared->n_maps = 0;
	if (mount("scale", SYSFS, "tmpfs", 0, "nr_inodes=0,size=2g") < 0)
		scale_die("mounting over %s: %s", SYSFS, strerror(errno));
	scale_tree_make(SYSFS);
	for (unsigned int lun = 0; lun < run->luns; lun++) {
		scale_tree_add_lun(SYSFS, lun);
		scale_map_add(run->shared, lun, SCALE_PORTALS);
	}
	for (unsigned int place = 0; place < SCALE_PORTALS; place++)
		make_session(run, place);
	make_diskstats(run);
	scale_write(POLICIES, "[default]\npolicy = round-robin");
	scale_write(SETTINGS, "[timing]\nstable_ms = 1000");
	unlink("/run/mpathiscsi/board");
}

static double measure_idle(struct run *run)
{
	uint64_t begin_ns = clock_now_ns();
	double begin_s = scale_daemon_cpu_s(&run->daemon);

	while (clock_now_ns() - begin_ns < run->idle_s * NS_PER_S)
		scale_daemon_listen(&run->daemon, 100);
	return (scale_daemon_cpu_s(&run->daemon) - begin_s) * 1e5 / since_ms(begin_ns);
}

struct took {
	double ms, cpu_ms;
};

static struct took command(struct run *run, const char *const *argv)
{
	double before_s = scale_daemon_cpu_s(&run->daemon), own_s = 0;
	struct took took = {.ms = scale_command(run->build, argv, &own_s)};

	if (took.ms < 0)
		scale_die("%u paths: %s %s failed; the daemon says:\n%s",
			  run->luns * SCALE_PORTALS, argv[0], argv[1], run->daemon.text);
	took.cpu_ms = (own_s + scale_daemon_cpu_s(&run->daemon) - before_s) * 1000;
	scale_daemon_listen(&run->daemon, 0);
	return took;
}

static void note(const struct took *took, size_t n, double *result, enum measure ms)
{
	double values[REPEAT];

	for (size_t i = 0; i < n; i++)
		values[i] = took[i].ms;
	result[ms] = median(values, n);
	for (size_t i = 0; i < n; i++)
		values[i] = took[i].cpu_ms;
	result[ms + 1] = median(values, n);
}

static void measure_status(struct run *run, double *result)
{
	const char *const argv[] = {"mpathiscsi", "status", NULL};
	struct took took[REPEAT];

	for (size_t i = 0; i < REPEAT; i++)
		took[i] = command(run, argv);
	note(took, REPEAT, result, STATUS);
}

/* In force means: the daemon has seen the kernel's tables say it, of every LUN. */
static void measure_set_all(struct run *run, double *result)
{
	char active[64];
	const char *const argv[] = {"mpathiscsi",    "policy",	 "set",	 "--default",
				    "failover-only", "--active", active, NULL};
	struct took took[3];

	for (unsigned int i = 0; i < 3; i++) {
		snprintf(active, sizeof(active), "portal=10.0.%u.2", i + 2);
		took[i] = command(run, argv);
		for (unsigned int lun = 0; lun < run->luns; lun++)
			if (run->shared->maps[lun].paths[i + 1].group != 0 ||
			    run->shared->maps[lun].n_groups < 2)
				scale_die("LUN %u: the policy is not in force", lun);
	}
	note(took, 3, result, SET_ALL);
}

#define LOST "10.0.4.2:3260 over p4: connection lost"

static bool portal_lost(struct run *run)
{
	return count_lines(run, LOST) > 0;
}

/* When the daemon logged it, by its own stamp: CLOCK_MONOTONIC, to the millisecond. */
static double lost_ms(const struct run *run)
{
	const char *line = strstr(run->daemon.text, LOST);

	while (line > run->daemon.text && line[-1] != '\n')
		line--;
	return strtod(line, NULL) * 1000;
}

static bool paths_failed(struct run *run)
{
	return run->shared->n_failed >= run->luns;
}

/* Portal 4, which carries all I/O, ends all its connections. From the moment in which the
 * daemon says so until the last of its paths is failed in dm. */
static double measure_react(struct run *run)
{
	const uint8_t cut[] = {'c', 4};
	double ms;

	run->shared->n_failed = 0;
	run->daemon.length = 0;
	run->daemon.text[0] = '\0';
	scale_tree_session(SYSFS, &run->shared->logins[3], false);
	if (write(run->target, cut, sizeof(cut)) != sizeof(cut))
		scale_die("the target is gone");
	wait_for(run, portal_lost, "the loss of portal 4");
	wait_for(run, paths_failed, "the end of all paths over portal 4");
	ms = (double)run->shared->last_failed_ns / 1e6 - lost_ms(run);
	for (unsigned int lun = 0; lun < run->luns; lun++)
		if (run->shared->maps[lun].paths[3].active)
			scale_die("LUN %u: its path over portal 4 is still active", lun);
	return fmax(ms, 1); /* the stamp's resolution */
}

static void measure(struct run *run, double *result)
{
	const uint8_t open[] = {'o', 4};
	uint64_t begin_ns;
	pid_t multipathd;

	scale_iscsid_start(&run->iscsid);
	make_host(run);
	multipathd = scale_multipathd_start(run->shared, LOOK_MS);
	begin_ns = clock_now_ns();
	scale_daemon_start(&run->daemon, run->build);
	wait_for(run, plan_complete, "the plan of all LUNs");
	result[FIRST_PLAN_CPU] = scale_daemon_cpu_s(&run->daemon) * 1000;
	result[FIRST_PLAN] = since_ms(begin_ns);
	wait_for(run, all_quick, "every session being quick");
	result[IDLE] = measure_idle(run);
	measure_status(run, result);
	measure_set_all(run, result);
	result[RSS] = scale_daemon_rss_mib(&run->daemon);
	result[REACT] = measure_react(run);
	printf("RESULT scale paths=%u luns=%u paths_per_lun=%d idle_s=%u peak_mib=%.1f",
	       run->luns * SCALE_PORTALS, run->luns, SCALE_PORTALS, run->idle_s,
	       scale_daemon_peak_mib(&run->daemon));
	for (enum measure m = 0; m < MEASURES; m++)
		printf(" %s=%.*f", measures[m].name, m == IDLE ? 2 : 1, result[m]);
	putchar('\n');
	fflush(stdout);
	scale_daemon_stop(&run->daemon);
	scale_end(multipathd);
	scale_end(run->iscsid.pid);
	close(run->iscsid.commands);
	if (write(run->target, open, sizeof(open)) != sizeof(open) ||
	    umount2(SYSFS, MNT_DETACH) < 0)
		scale_die("clearing up: %s", strerror(errno));
}

/* Slope of the line through the logarithms, least squares. */
static double exponent(const struct run *run, enum measure m, size_t first)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (size_t i = first; i < run->n_sizes; i++) {
		double a = log(run->paths[i]), b = log(fmax(run->result[i][m], 1e-3));

		n++, x += a, y += b, xx += a * a, xy += a * b;
	}
	return (n * xy - x * y) / (n * xx - x * x);
}

/* Not strict: with a margin so wide that only another order of growth is beyond it. */
static bool fits(const struct run *run, enum measure m, double all)
{
	size_t last = run->n_sizes - 1;
	double max = measures[m].exponent_max;

	if (max > 0 && all > max + (run->strict ? 0 : 0.3))
		return false;
	return !run->strict || run->paths[last] < 16384 || measures[m].limit <= 0 ||
	       run->result[last][m] <= measures[m].limit;
}

/* 'tail': between the two largest sizes, where nothing constant hides the growth. */
static bool judge(const struct run *run)
{
	bool good = true;

	for (enum measure m = 0; m < MEASURES; m++) {
		double all = exponent(run, m, 0);
		bool is_good = fits(run, m, all);

		printf("RESULT scale_growth measure=%s exponent=%.2f tail=%.2f%s\n",
		       measures[m].name, all, exponent(run, m, run->n_sizes - 2),
		       is_good ? "" : " FAILED");
		good &= is_good;
	}
	return good;
}

/* The first process of its namespace ignores what it has no handler for; all others end
 * with it. */
static void on_signal(int number)
{
	_exit(number == SIGALRM ? 124 : 128 + number);
}

int main(int argc, char **argv)
{
	struct run run = {.n_sizes = 0};

	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGALRM, on_signal);
	alarm(LIMIT_S);
	if (argc < 6 || argc - 4 > SIZES_MAX)
		scale_die("usage: scale BUILD-FOLDER IDLE-SECONDS STRICT PATHS PATHS…");
	run.build = argv[1];
	run.idle_s = (unsigned int)strtoul(argv[2], NULL, 10);
	run.strict = *argv[3] == '1';
	run.shared = scale_shared_open(true);
	if (!run.shared)
		scale_die("%s: %s", SCALE_SHARED, strerror(errno));
	scale_network();
	scale_portals_start(&run.target);
	for (int i = 4; i < argc; i++) {
		run.paths[run.n_sizes] = (unsigned int)strtoul(argv[i], NULL, 10);
		run.luns = run.paths[run.n_sizes] / SCALE_PORTALS;
		if (run.luns < 1 || run.luns > SCALE_LUNS_MAX)
			scale_die("%s: from 16 to 16384 paths", argv[i]);
		measure(&run, run.result[run.n_sizes++]);
	}
	return judge(&run) ? 0 : 1;
}
