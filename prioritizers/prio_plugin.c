/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libprioiscsi.so, prio "iscsi": the one file that knows multipath-tools' prioritizer
 * interface. libmultipath calls getprio(path, args), with a third argument (a timeout) before
 * 0.9.6, under multipathd's one lock; of struct path only the device name at its start has
 * kept its place from 0.8.5 to 0.15, and nothing else is looked at.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/host_log.h"
#include "common/identity.h"
#include "common/parse.h"
#include "prioritizers/prio_lookup.h"

#define PRIORITY_UNDEFINED (-1) /* multipath-tools' PRIO_UNDEF: keeps the old one if it can */

#define LEVEL_ERROR  1
#define LEVEL_CHANGE 2
#define LEVEL_DETAIL 3

/* The part of libmultipath's struct path that never moved: FILE_NAME_SIZE 256 at offset 0. */
struct path {
	char dev[256];
};

int getprio(struct path *path, char *args) __attribute__((visibility("default")));

/* Hosts with several threads call without multipathd's lock (libmpathpersist). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct prio_memory memory;

/* Is this the first time that the message is to be given? */
static bool first_time(const char *text, const char *problem)
{
	struct prio_key key = { .kind = PRIO_KIND_SAID };

	key.hash = fnv1a(FNV1A_START, text, strlen(text) + 1);
	key.hash = fnv1a(key.hash, problem, strlen(problem));
	if (prio_memory_find(&memory, &key))
		return false;
	prio_memory_add(&memory, &key);
	return true;
}

static void log_args(const char *device, const char *args, const struct prio_report *report)
{
	if (report->args_cut && first_time(args, "cut"))
		host_log(LEVEL_ERROR,
			 "%s: iscsi prioritizer: prio_args is %d characters long: multipathd cuts "
			 "it there; name paths by networks, or leave prio_args empty and use "
			 "'mpathiscsi policy set'",
			 device, PRIO_ARGS_CUT_LENGTH);
	if (report->args_problem[0] && first_time(args, report->args_problem))
		host_log(LEVEL_ERROR,
			 "%s: iscsi prioritizer: prio_args has no effect: %s (in '%.160s')", device,
			 report->args_problem, args);
	if (report->answer.source != PRIO_BY_ARGS)
		return;
	if (report->args_exclude && first_time(args, "exclude"))
		host_log(LEVEL_ERROR,
			 "%s: iscsi prioritizer: prio_args excludes this path: without mpathiscsid "
			 "it only comes last, and is used when no other path is left (in '%.160s')",
			 device, args);
	if (report->args_warning[0] && first_time(args, report->args_warning))
		host_log(LEVEL_ERROR, "%s: iscsi prioritizer: warning: %s (in '%.160s')", device,
			 report->args_warning, args);
}

/* Every answer in detail, and one line where an operator sees it for each change. */
static void log_answer(const char *device, const struct prio_report *report)
{
	const struct prio_answer *now = &report->answer, *before = &report->before;
	bool say_board = report->is_iscsi && report->trust != BOARD_FRESH;
	const char *semicolon = say_board ? "; " : "";
	const char *board = say_board ? board_trust_text(report->trust) : "";
	const char *source = prio_source_text(now->source);

	if (before->source == PRIO_BY_NOTHING ||
	    (before->source == now->source && before->priority == now->priority))
		host_log(LEVEL_DETAIL, "%s: iscsi prioritizer: %d (%s%s%s)", device, now->priority,
			 source, semicolon, board);
	else
		host_log(LEVEL_CHANGE, "%s: iscsi prioritizer: %d (%s%s%s), was %d (%s)", device,
			 now->priority, source, semicolon, board, before->priority,
			 prio_source_text(before->source));
}

/* For tests: another place than the usual one. Ignored in set-user-ID programs. */
static const char *override(const char *name)
{
	const char *value = secure_getenv(name);

	return value && value[0] ? value : NULL;
}

static int prio_of(const char *device, const char *args)
{
	struct prio_report report;
	struct prio_request request = {
		.sysfs = override("MPATHISCSI_SYSFS"),
		.board = override("MPATHISCSI_BOARD"),
		.device = device,
		.args = args,
		.now_ns = clock_now_ns(),
		.memory = &memory,
	};
	char text[64];
	int r = prio_lookup(&request, &report);

	if (r < 0) {
		host_log(LEVEL_DETAIL, "%s: iscsi prioritizer: no priority: %s", device,
			 strerror_r(-r, text, sizeof(text)));
		return PRIORITY_UNDEFINED;
	}
	log_args(device, args, &report);
	log_answer(device, &report);
	return report.answer.priority;
}

int getprio(struct path *path, char *args)
{
	char device[DEVICE_NAME_MAX];
	int cancel, priority;

	if (!memchr(path->dev, '\0', sizeof(path->dev)) ||
	    copy_text(device, sizeof(device), path->dev) < 0)
		return PRIORITY_UNDEFINED;
	/* multipathd cancels its threads at shutdown: not while we hold the lock */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&lock);
	priority = prio_of(device, args ? args : "");
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(cancel, NULL);
	return priority;
}
