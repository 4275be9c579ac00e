/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "tests/integration/evil/healthy.h"
#include "tests/integration/evil/measure.h"

static int make_target(const char *name, const char *portal, struct probe_target *ret)
{
	*ret = (struct probe_target){.kernel_logged_in = true};
	ret->name.tpgt = 1;
	if (copy_text(ret->name.target, sizeof(ret->name.target), name) ||
	    copy_text(ret->name.iface, sizeof(ret->name.iface), "default") ||
	    copy_text(ret->initiator, sizeof(ret->initiator), HEALTHY_INITIATOR) ||
	    portal_parse(portal, ISCSI_DEFAULT_PORT, &ret->name.portal))
		return -EINVAL;
	return 0;
}

static int make_evil(size_t behaviour, struct probe_target *ret)
{
	unsigned int is = evil_table[behaviour].is;
	char portal[PORTAL_TEXT_MAX];

	evil_address(behaviour, portal, sizeof(portal));
	if (make_target(EVIL_NAME, portal, ret))
		return -EINVAL;
	ret->header_digest = is & EVIL_DIGEST;
	if (is & EVIL_CHAP) {
		strcpy(ret->chap.user, EVIL_USER);
		strcpy(ret->chap.password, EVIL_PASSWORD);
	}
	if (is & EVIL_MUTUAL) {
		strcpy(ret->chap.user_in, EVIL_USER_IN);
		strcpy(ret->chap.password_in, EVIL_PASSWORD_IN);
	}
	return 0;
}

static void look_at(struct trial_evil *evil, const struct probe_report *report)
{
	evil->states |= 1U << report->state;
	evil->last = report->state;
	evil->told_secret |= strstr(report->text, EVIL_PASSWORD) ||
			     strstr(report->text, EVIL_PASSWORD_IN);
}

static void say(size_t behaviour, const struct probe_report *report)
{
	fprintf(stderr, "  %s: %s misses %u error %d status 0x%04x: %s\n",
		evil_table[behaviour].name, probe_state_name(report->state), report->misses,
		report->error, report->login_status, report->text);
}

static void on_change(const struct probe_target *target, const struct probe_report *report,
		      void *arg)
{
	struct trial *trial = arg;
	size_t behaviour = (size_t)target->name.portal.address.bytes[3] - 1;

	if (strcmp(target->name.target, EVIL_NAME))
		return;
	if (getenv("EVIL_VERBOSE"))
		say(behaviour, report);
	trial->evil[behaviour - trial->first].changes++;
	look_at(&trial->evil[behaviour - trial->first], report);
}

int trial_set(struct trial *trial, bool evil)
{
	static struct probe_target targets[TRIAL_EVIL_MAX + 1];
	size_t n = evil ? trial->n : 0;

	if (make_target(HEALTHY_NAME, HEALTHY_PORTAL, &targets[0]))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (make_evil(trial->first + i, &targets[i + 1]))
			return -EINVAL;
	return probe_engine_set(trial->engine, targets, n + 1);
}

int trial_begin(struct trial *trial, sd_event *event, const struct probe_config *config,
		size_t first, size_t n)
{
	int r;

	*trial = (struct trial){
		.interval_ns = config->interval_ms * NS_PER_MS, .first = first, .n = n};
	r = probe_engine_new(event, config, on_change, trial, &trial->engine);
	return r < 0 ? r : trial_set(trial, n > 0);
}

static const struct probe_report *healthy_report(const struct trial *trial)
{
	struct probe_target healthy;

	if (make_target(HEALTHY_NAME, HEALTHY_PORTAL, &healthy))
		return NULL;
	return probe_engine_find(trial->engine, &healthy);
}

bool trial_is_up(const struct trial *trial)
{
	const struct probe_report *report = healthy_report(trial);

	return report && report->state == PROBE_UP;
}

/*
 * How many answers should have come since the last one, but did not? Not those that the child did
 * not get a CPU for: on a busy machine that says nothing about evil. (What it does with a CPU that
 * it gets is counted.)
 */
static void count_until(struct trial *trial, uint64_t ns)
{
	uint64_t wait_ns = measure_wait_ns(trial->pid);
	uint64_t gap_ns = ns - trial->beat_ns;
	uint64_t due;

	gap_ns -= wait_ns - trial->beat_wait_ns < gap_ns ? wait_ns - trial->beat_wait_ns : gap_ns;
	due = (gap_ns + trial->interval_ns / 2) / trial->interval_ns;
	if (due > 1)
		trial->missed += (unsigned int)due - 1;
	trial->beat_wait_ns = wait_ns;
}

void trial_look(struct trial *trial)
{
	const struct probe_report *report = healthy_report(trial);

	if (!trial->counting || !report || report->last_good_ns <= trial->beat_ns)
		return;
	count_until(trial, report->last_good_ns);
	trial->beat_ns = report->last_good_ns;
	trial->beats++;
}

void trial_count(struct trial *trial)
{
	const struct probe_report *report = healthy_report(trial);

	trial->beat_ns = report ? report->last_good_ns : clock_now_ns();
	trial->beats = trial->missed = 0;
	trial->begin_ns = clock_now_ns();
	trial->pid = trial_child(trial);
	trial->cpu_ns = measure_cpu_ns(trial->pid);
	trial->wait_ns = trial->beat_wait_ns = measure_wait_ns(trial->pid);
	trial->counting = true;
}

void trial_stop(struct trial *trial)
{
	uint64_t now_ns = clock_now_ns();
	struct probe_target target;

	trial_look(trial);
	if (now_ns > trial->beat_ns + trial->interval_ns)
		count_until(trial, now_ns - trial->interval_ns);
	trial->counting = false;
	trial->took_ns = now_ns - trial->begin_ns;
	trial->cpu_ns = measure_cpu_ns(trial->pid) - trial->cpu_ns;
	trial->wait_ns = measure_wait_ns(trial->pid) - trial->wait_ns;
	if (trial_child(trial) != trial->pid)
		trial->cpu_ns = trial->wait_ns = 0; /* it died, which is worse */
	for (size_t i = 0; i < trial->n; i++) {
		const struct probe_report *report = NULL;

		if (!make_evil(trial->first + i, &target))
			report = probe_engine_find(trial->engine, &target);
		if (report)
			look_at(&trial->evil[i], report);
	}
}

static void on_fenced(unsigned int sid, const struct probe_fence_result *result, void *arg)
{
	struct trial_evil *evil = arg;

	(void)sid;
	evil->fences++;
	evil->told_secret |= strstr(result->text, EVIL_PASSWORD) != NULL;
}

unsigned int trial_fence(struct trial *trial, unsigned int deadline_ms)
{
	struct probe_target target;
	unsigned int n = 0;

	for (size_t i = 0; i < trial->n; i++)
		n += !make_evil(trial->first + i, &target) &&
		     !probe_engine_fence(trial->engine, &target, 4711, deadline_ms, on_fenced,
					 &trial->evil[i]);
	return n;
}

bool trial_fences_told(const struct trial *trial)
{
	bool all = true;

	for (size_t i = 0; i < trial->n; i++)
		all &= trial->evil[i].fences > 0;
	return all;
}

unsigned int trial_deaths(const struct trial *trial)
{
	struct probe_engine_status status;

	probe_engine_status(trial->engine, &status);
	return status.starts - 1;
}

pid_t trial_child(const struct trial *trial)
{
	struct probe_engine_status status;

	probe_engine_status(trial->engine, &status);
	return status.pid;
}

unsigned int trial_cpu(const struct trial *trial)
{
	return trial->took_ns ? (unsigned int)(trial->cpu_ns * 1000 / trial->took_ns) : 0;
}

unsigned int trial_demand(const struct trial *trial)
{
	uint64_t free_ns = trial->took_ns - trial->wait_ns;

	if (trial->wait_ns >= trial->took_ns || trial->cpu_ns >= free_ns)
		return 1000;
	return (unsigned int)(trial->cpu_ns * 1000 / free_ns);
}

void trial_end(struct trial *trial)
{
	probe_engine_free(trial->engine);
	trial->engine = NULL;
}
