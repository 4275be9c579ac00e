/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A malicious target can at worst have its own path marked down: no crash, no growth, no stall
 * of other portals, no share of a CPU worth the name, no flood of the log. The engine and its
 * child are the daemon's own; beside the evil portals (evil/) there is always a healthy one of a
 * real target, and a second healthy probe without evil tells what the machine itself does to
 * answers meanwhile.
 *
 * First every behaviour in an engine of its own, so that each answers for itself; then all of
 * them in one engine, twice, for what remains of them.
 *
 * usage: evil_target [WORD…]   (behaviours whose names hold a word; then no crowd)
 * Environment: EVIL_ROUNDS (all at once so often; default 4, at least 2), EVIL_VERBOSE (what the probes say).
 */
#include <sys/mman.h>

#include "tests/integration/evil/crowd.h"
#include "tests/integration/evil/healthy.h"
#include "tests/integration/evil/show.h"
#include "tests/integration/probe_lab.h"

#define AT_A_TIME	30
#define ALONE_MS	5000
#define FENCE_MS	800
#define CPU_ALONE_MAX	100 /* thousandths of a CPU */

/* Changes of state that are told: a few for each NOP or new connection. */
#define CHANGES_MAX(trial) (5 + (trial)->took_ns / (trial)->interval_ns * 3)

static struct evil_seen *seen;
static struct trial trials[AT_A_TIME + 1];
static unsigned int shown, good, deaths;

/* NULL, or what is wrong. */
static const char *judge(const struct trial *trial, const struct trial *control)
{
	const struct evil *evil = &evil_table[trial->first];
	const struct trial_evil *was = &trial->evil[0];
	unsigned int silent = 1U << PROBE_NONE | 1U << PROBE_CONNECTING;

	if (trial_deaths(trial))
		return "the child died";
	if (!seen[trial->first].acted)
		return "was never shown";
	if (was->states & ~(evil->may | silent))
		return "a state that must not be";
	if (silent & 1U << was->last)
		return "no verdict";
	if (!show_gapless(trial, control))
		return "the healthy portal had gaps";
	if (show_too_busy(trial, CPU_ALONE_MAX))
		return "took too much of a CPU";
	if (was->changes > CHANGES_MAX(trial))
		return "told too often";
	if (was->told_secret || seen[trial->first].leaked)
		return "a secret was told";
	if (was->fences != 1)
		return "a fence without end";
	return NULL;
}

static void report(const struct trial *trial, const struct trial *control)
{
	static const char *const phases[] = {"accept", "login", "online", "nop"};
	const struct evil *evil = &evil_table[trial->first];
	const char *wrong = judge(trial, control);

	shown++;
	good += !wrong;
	deaths += trial_deaths(trial);
	show_row(evil->name, phases[evil->when], probe_state_name(trial->evil[0].last), trial,
		  trial->evil[0].changes);
	if (!wrong)
		return;
	printf("FAILED %s: %s; states seen:", evil->name, wrong);
	for (unsigned int state = 0; state < PROBE_STATE_MAX; state++)
		if (trial->evil[0].states & 1U << state)
			printf(" %s", probe_state_name(state));
	printf("\n");
}

static bool told(const struct trial *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!trial_fences_told(&list[i]))
			return false;
	return true;
}

static void fence_all(struct lab *lab, struct trial *list, size_t n)
{
	uint64_t end_ns = clock_now_ns() + (FENCE_MS + 2000) * NS_PER_MS;

	for (size_t i = 0; i < n; i++)
		trial_fence(&list[i], FENCE_MS);
	while (!told(list, n) && clock_now_ns() < end_ns)
		show_run(lab->event, list, n, 20);
}

/* These behaviours, each with an engine of its own, and one engine without any. */
static bool run_alone(struct lab *lab, const size_t *which, size_t n)
{
	struct trial *control = &trials[n];
	bool ok = true;

	for (size_t i = 0; i <= n; i++)
		ok &= !trial_begin(&trials[i], lab->event, &lab->config, i < n ? which[i] : 0,
				   i < n);
	ok = ok && show_all_up(lab->event, trials, n + 1);
	for (size_t i = 0; i <= n; i++)
		trial_count(&trials[i]);
	show_run(lab->event, trials, n + 1, ALONE_MS);
	for (size_t i = 0; i <= n; i++)
		trial_stop(&trials[i]);
	fence_all(lab, trials, n);
	for (size_t i = 0; i < n; i++)
		report(&trials[i], control);
	show_control(control);
	fflush(stdout);
	for (size_t i = 0; i <= n; i++)
		trial_end(&trials[i]);
	return ok;
}

static bool each_alone(struct lab *lab, int argc, char **argv)
{
	size_t which[AT_A_TIME], n = 0;
	bool ok = true;

	show_heading();
	for (size_t i = 0; i < evil_count; i++) {
		bool wanted = argc < 2;

		for (int j = 1; j < argc; j++)
			wanted |= strstr(evil_table[i].name, argv[j]) != NULL;
		if (wanted)
			which[n++] = i;
		if (n == AT_A_TIME || (n && i + 1 == evil_count)) {
			ok &= run_alone(lab, which, n);
			n = 0;
		}
	}
	return ok;
}

static pid_t start_healthy(struct lab *lab)
{
	char *const arguments[] = {(char[]){"tgtd"}, (char[]){"-f"}, NULL};
	uint64_t end_ns = clock_now_ns() + 10 * NS_PER_S;
	pid_t pid = lab_start("tgtd-evil.log", arguments);

	while (lab_sh(lab, "tgtadm --op show --mode sys 2>&1"))
		if (clock_now_ns() > end_ns)
			return -1;
	if (lab_sh(lab, "tgtadm --lld iscsi --op new --mode target --tid 1 -T " HEALTHY_NAME " 2>&1") ||
	    lab_sh(lab, "tgtadm --lld iscsi --op bind --mode target --tid 1 -I ALL 2>&1"))
		return -1;
	return pid;
}

/* Many attempts in a short time, but patient enough for a machine that is busy with other things. */
static void hurry(struct probe_config *config)
{
	config->interval_ms = 100;
	config->nop_deadline_ms = 500;
	config->connect_timeout_ms = 2000;
	config->login_timeout_ms = 2500;
	config->retry_min_ms = 50;
	config->retry_max_ms = 400;
	config->slow_retry_ms = 400;
	config->silent_relogin_ms = 1500;
	config->tcp_interval_ms = 200;
	config->login_retry_ms = 500;
}

static int rounds(void)
{
	const char *text = getenv("EVIL_ROUNDS");
	long n = text ? strtol(text, NULL, 10) : 4;

	return n > 2 ? (int)n : 2;
}

static int finish(bool ran, const struct crowd_result *crowd)
{
	unsigned int passed = good, failed = shown - good;

	if (crowd) {
		passed += crowd->ok;
		failed += !crowd->ok;
		printf("RESULT evil behaviours=%u ok=%u child_deaths=%u rss_before_kib=%lu "
		       "rss_after_kib=%lu fds_before=%u fds_after=%u\n",
		       shown, good, deaths + crowd->deaths, crowd->before.kib, crowd->after.kib,
		       crowd->before.fds, crowd->after.fds);
	}
	printf("%u passed, %u failed\n", passed, failed + !ran);
	return !ran || failed;
}

int main(int argc, char **argv)
{
	static struct lab lab;
	struct crowd_result crowd;
	pid_t tgtd, evil = -1;
	bool all = argc < 2, ran = false;
	int status;

	lab_init(&lab);
	hurry(&lab.config);
	seen = mmap(NULL, evil_count * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	tgtd = start_healthy(&lab);
	if (seen != MAP_FAILED && tgtd > 0)
		evil = evil_start(seen);
	if (evil > 0 && sd_event_new(&lab.event) >= 0)
		ran = each_alone(&lab, argc, argv);
	if (!ran)
		printf("FAILED: cannot set up: %s\n", lab.output);
	if (ran && all)
		crowd_run(lab.event, lab.config.child_path, rounds(), &crowd);
	status = finish(ran, ran && all ? &crowd : NULL);
	sd_event_unref(lab.event);
	lab_stop(&evil);
	lab_stop(&tgtd);
	return status;
}
