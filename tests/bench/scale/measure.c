/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it costs when nothing is wrong: idle, status, a change of policies. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/bench/scale/run.h"

#define REPEAT	 5
#define CHANGES	 3
#define POLICIES "/etc/mpathiscsi/policies.conf"
/* The rarest of what the daemon does by itself is a look for disks that no event told of
 * (LIST_EVERY_S and LIST_DISKS_PER_S of daemon/watch.c), at a tick of 2 s. */
#define LIST_EVERY_S	 30
#define LIST_DISKS_PER_S 256
#define TICK_S		 2

static unsigned int idle_s(const struct scale_run *run)
{
	unsigned int round_s =
		LIST_EVERY_S + run->luns * SCALE_PORTALS / LIST_DISKS_PER_S + TICK_S;

	return run->idle_s ? run->idle_s : round_s;
}

static void measure_idle(struct scale_run *run, double *result)
{
	uint64_t n_reads = run->shared->n_diskstats, begin_ns = clock_now_ns();
	double begin_s = scale_daemon_cpu_s(&run->daemon), ms;

	while (clock_now_ns() - begin_ns < idle_s(run) * NS_PER_S)
		scale_daemon_listen(&run->daemon, 100);
	ms = scale_since_ms(begin_ns);
	n_reads = run->shared->n_diskstats - n_reads;
	result[IDLE] = (scale_daemon_cpu_s(&run->daemon) - begin_s) * 1e5 / ms;
	result[DISKSTATS] = (double)(n_reads * run->shared->diskstats_ns) / 1e4 / ms;
	run->idle_ms = ms;
	run->idle_reads = n_reads;
}

struct took {
	double ms, cpu_ms;
};

__attribute__((noreturn)) static void command_failed(const struct scale_run *run,
						     const char *const *argv)
{
	FILE *in = fopen(SCALE_COMMAND_ERRORS, "re");
	char words[1024] = "";
	size_t n = in ? fread(words, 1, sizeof(words) - 1, in) : 0;

	words[n] = '\0';
	scale_die("%u paths: %s %s failed: %s\nthe daemon says:\n%s",
		  run->luns * SCALE_PORTALS, argv[0], argv[1], words, run->daemon.text);
}

static struct took command(struct scale_run *run, const char *const *argv)
{
	double before_s = scale_daemon_cpu_s(&run->daemon), own_s = 0;
	struct took took = {.ms = scale_command(&run->daemon, run->build, argv, &own_s)};

	if (took.ms < 0)
		command_failed(run, argv);
	took.cpu_ms = (own_s + scale_daemon_cpu_s(&run->daemon) - before_s) * 1000;
	return took;
}

static void note(const struct took *took, size_t n, double *result, enum scale_measure ms)
{
	double values[REPEAT];

	for (size_t i = 0; i < n; i++)
		values[i] = took[i].ms;
	result[ms] = scale_median(values, n);
	for (size_t i = 0; i < n; i++)
		values[i] = took[i].cpu_ms;
	result[ms + 1] = scale_median(values, n);
}

static void measure_status(struct scale_run *run, double *result)
{
	const char *const argv[] = {"mpathiscsi", "status", NULL};
	struct took took[REPEAT];

	for (size_t i = 0; i < REPEAT; i++)
		took[i] = command(run, argv);
	note(took, REPEAT, result, STATUS);
}

static bool prefers(const struct scale_run *run, unsigned int lun, unsigned int place)
{
	const struct scale_map *map = &run->shared->maps[lun];

	return map->paths[place].group == 0 && map->n_groups >= 2;
}

/* In force means: the daemon has seen the kernel's tables say it, of every LUN. */
static void measure_set_all(struct scale_run *run, double *result)
{
	char active[64];
	const char *const argv[] = {"mpathiscsi",    "policy",	 "set",	 "--default",
				    "failover-only", "--active", active, NULL};
	struct took took[CHANGES];

	for (unsigned int i = 0; i < CHANGES; i++) {
		snprintf(active, sizeof(active), "portal=10.0.%u.2", i + 2);
		took[i] = command(run, argv);
		for (unsigned int lun = 0; lun < run->luns; lun++)
			if (!prefers(run, lun, i + 1))
				scale_die("LUN %u: the policy is not in force", lun);
	}
	note(took, CHANGES, result, SET_ALL);
}

/* A section for each LUN. */
static void write_sections(const struct scale_run *run, unsigned int portal)
{
	FILE *out = fopen(POLICIES, "we");

	for (unsigned int lun = 0; out && lun < run->luns; lun++)
		fprintf(out,
			"[lun %s]\npolicy = failover-only\nactive = portal=10.0.%u.2\n\n",
			run->shared->maps[lun].wwid, portal);
	if (!out || fclose(out))
		scale_die("%s cannot be written", POLICIES);
}

static unsigned int wanted_place;

static bool all_prefer(struct scale_run *run)
{
	for (unsigned int lun = run->luns; lun-- > 0;)
		if (!prefers(run, lun, wanted_place))
			return false;
	return true;
}

/* The same where every LUN has a policy of its own: from the change of the file until the
 * last LUN's is in force. */
static void measure_set_luns(struct scale_run *run, double *result)
{
	struct took took[CHANGES];

	for (unsigned int i = 0; i < CHANGES; i++) {
		double before_s = scale_daemon_cpu_s(&run->daemon);
		uint64_t begin_ns = clock_now_ns();

		wanted_place = i + 4;
		write_sections(run, wanted_place + 1);
		scale_wait_for(run, all_prefer, "the policy of each LUN");
		took[i].ms = scale_since_ms(begin_ns);
		took[i].cpu_ms = (scale_daemon_cpu_s(&run->daemon) - before_s) * 1000;
	}
	note(took, CHANGES, result, SET_LUNS);
}

void scale_measure_calm(struct scale_run *run, double *result)
{
	measure_idle(run, result);
	measure_status(run, result);
	measure_set_all(run, result);
	measure_set_luns(run, result);
	result[RSS] = scale_daemon_rss_mib(&run->daemon);
}
