/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/crowd.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/integration/evil/measure.h"
#include "tests/integration/evil/show.h"

#define CROWD_MS      10000
#define CPU_CROWD_MAX 300 /* thousandths of a CPU, engine and child each */
#ifdef __SANITIZE_ADDRESS__
#define RSS_GROWTH_KIB (1UL << 20) /* what was freed is kept for a while */
#define RSS_CROWD_KIB  (1UL << 20)
#else
/* From the last round but one to the last: a hundred bytes of each connection would be more. (What
 * the C library keeps for later grows a little in the first rounds.) */
#define RSS_GROWTH_KIB 64
/* What a crowd may leave behind for the next one to use. */
#define RSS_CROWD_KIB 4096
#endif

struct cost {
	unsigned long engine_kib, child_kib;
	unsigned int fds; /* of both */
};

enum { BEFORE, AFTER_LAST_BUT_ONE, AFTER_LAST, COSTS };

static struct cost cost_of(const struct trial *trial)
{
	pid_t child = trial_child(trial);

	return (struct cost){.engine_kib = measure_rss_kib(getpid()),
			     .child_kib = measure_rss_kib(child),
			     .fds = measure_fds(getpid()) + measure_fds(child)};
}

/* Only the healthy portal again, and its cost when all else has been closed. */
static struct cost settle(sd_event *event, struct trial *trial, unsigned int fds)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;

	trial_set(trial, false);
	show_run(event, trial, 1, 500);
	while (cost_of(trial).fds > fds && clock_now_ns() < end_ns)
		show_run(event, trial, 1, 50);
	return cost_of(trial);
}

static unsigned long sum_kib(const struct cost *cost)
{
	return cost->engine_kib + cost->child_kib;
}

/* A round. NULL, or what is wrong. */
static const char *judge_round(const struct trial *crowd, const struct trial *control,
			       unsigned int engine_cpu)
{
	if (trial_deaths(crowd))
		return "the child died";
	if (!show_gapless(crowd, control))
		return "the healthy portal had gaps";
	if (show_too_busy(crowd, CPU_CROWD_MAX) || engine_cpu > CPU_CROWD_MAX)
		return "took too much of a CPU";
	return NULL;
}

/* What is left of all rounds. */
static const char *judge_costs(const struct trial *crowd, const struct cost *costs)
{
	if (costs[AFTER_LAST].fds != costs[BEFORE].fds ||
	    costs[AFTER_LAST_BUT_ONE].fds != costs[BEFORE].fds)
		return "descriptors are left";
	for (int i = 0; i < COSTS; i++)
		if (!costs[i].engine_kib || !costs[i].child_kib)
			return "memory was not measured";
	if (sum_kib(&costs[AFTER_LAST]) > sum_kib(&costs[AFTER_LAST_BUT_ONE]) + RSS_GROWTH_KIB ||
	    sum_kib(&costs[AFTER_LAST]) > sum_kib(&costs[BEFORE]) + RSS_CROWD_KIB)
		return "memory grows";
	for (size_t i = 0; i < crowd->n; i++)
		if (crowd->evil[i].told_secret)
			return "a secret was told";
	return NULL;
}

static void print_costs(const struct cost *costs, unsigned int engine_cpu)
{
	static const char *const when[] = {"before", "after the last but one", "after the last time"};

	for (int i = 0; i < COSTS; i++)
		printf("%s: engine %lu KiB, child %lu KiB, %u descriptors\n", when[i],
		       costs[i].engine_kib, costs[i].child_kib, costs[i].fds);
	printf("CPU of the engine with all at once: %.1f %%\n", engine_cpu / 10.0);
}

/* One round: the crowd comes, and is watched. The engine's share of a CPU, in thousandths. */
static unsigned int watch(sd_event *event, struct trial *crowd, struct trial *both)
{
	uint64_t begin_ns = clock_now_ns(), cpu_ns = measure_cpu_ns(getpid());

	trial_set(crowd, true);
	trial_count(&both[0]);
	trial_count(&both[1]);
	show_run(event, both, 2, CROWD_MS);
	trial_stop(&both[0]);
	trial_stop(&both[1]);
	cpu_ns = measure_cpu_ns(getpid()) - cpu_ns;
	return (unsigned int)(cpu_ns * 1000 / (clock_now_ns() - begin_ns + 1));
}

static bool begin(sd_event *event, const char *child_path, struct trial *both)
{
	struct probe_config config;

	probe_config_default(&config);
	config.child_path = child_path;
	return !trial_begin(&both[0], event, &config, 0, evil_count) &&
	       !trial_begin(&both[1], event, &config, 0, 0) && !trial_set(&both[0], false) &&
	       show_all_up(event, both, 2);
}

void crowd_run(sd_event *event, const char *child_path, int rounds, struct crowd_result *ret)
{
	static struct trial both[2];
	struct trial *crowd = &both[0], *control = &both[1];
	struct cost costs[COSTS] = {{0}};
	const char *wrong = "cannot set up";

	if (begin(event, child_path, both)) {
		unsigned int cpu = 0;

		wrong = NULL;
		costs[BEFORE] = settle(event, crowd, 0);
		for (int round = 1; round <= rounds; round++) {
			cpu = watch(event, crowd, both);
			show_row(round == 1 ? "all at once" : "all at once, again", "all", "",
				 crowd, 0);
			show_control(control);
			fflush(stdout);
			wrong = wrong ? wrong : judge_round(crowd, control, cpu);
			costs[round < rounds ? AFTER_LAST_BUT_ONE : AFTER_LAST] =
				settle(event, crowd, costs[BEFORE].fds);
		}
		print_costs(costs, cpu);
		wrong = wrong ? wrong : judge_costs(crowd, costs);
	}
	if (wrong)
		printf("FAILED all at once: %s\n", wrong);
	*ret = (struct crowd_result){
		.before = {sum_kib(&costs[BEFORE]), costs[BEFORE].fds},
		.after = {sum_kib(&costs[AFTER_LAST]), costs[AFTER_LAST].fds},
		.deaths = crowd->engine ? trial_deaths(crowd) : 0,
		.ok = !wrong};
	trial_end(crowd);
	trial_end(control);
}
