/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_LAB_H
#define MPATHISCSI_PROBE_LAB_H

/*
 * What the integration programs of the probe engine share: the real engine with the real
 * child on an event loop, a log of what it said, waiting for conditions, processes and
 * commands around it. Runs in the network namespace that tests/integration/run makes.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <systemd/sd-event.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/probe.h"

#define LAB_INITIATOR "iqn.2026-01.example.host:integration"
#define LAB_LOG_MAX   4096
#define LAB_OUTPUT    65536

struct lab_seen {
	char target[ISCSI_NAME_MAX];
	enum probe_state state;
	uint64_t at_ns;
};

struct lab {
	sd_event *event;
	struct probe_engine *engine;
	struct probe_config config;
	struct lab_seen log[LAB_LOG_MAX];
	size_t n_log;
	char why[512]; /* of the failure of the present case */
	char output[LAB_OUTPUT];
};

struct lab_case {
	const char *name;
	bool (*run)(struct lab *lab);
};

static inline void __attribute__((format(printf, 2, 3)))
lab_fail(struct lab *lab, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(lab->why, sizeof(lab->why), format, arguments);
	va_end(arguments);
}

/* End the case with a reason unless 'condition' holds. */
#define REQUIRE(lab, condition, ...)                                                     \
	do {                                                                             \
		if (!(condition)) {                                                      \
			lab_fail((lab), __VA_ARGS__);                                    \
			return false;                                                    \
		}                                                                        \
	} while (0)

static inline void lab_changed(const struct probe_target *target,
			       const struct probe_report *report, void *arg)
{
	struct lab *lab = arg;
	struct lab_seen *seen;

	if (lab->n_log == LAB_LOG_MAX)
		return;
	seen = &lab->log[lab->n_log++];
	memcpy(seen->target, target->name.target, sizeof(seen->target));
	seen->state = report->state;
	seen->at_ns = clock_now_ns();
	if (getenv("LAB_VERBOSE"))
		fprintf(stderr,
			"  %s: %s misses %u error %d status 0x%04x rtt %u us: %s\n",
			target->name.target, probe_state_name(report->state),
			report->misses, report->error, report->login_status,
			report->rtt_us, report->text);
}

/* A fresh engine for each case: nothing of one case is left in the next. */
static inline bool lab_begin(struct lab *lab)
{
	lab->n_log = 0;
	lab->why[0] = 0;
	return sd_event_new(&lab->event) >= 0 &&
	       !probe_engine_new(lab->event, &lab->config, lab_changed, lab,
				 &lab->engine);
}

static inline void lab_end(struct lab *lab)
{
	probe_engine_free(lab->engine);
	lab->engine = NULL;
	lab->event = sd_event_unref(lab->event);
}

/* Turn the loop until 'condition' or for 'ms'. Returns whether it came true. */
static inline bool lab_wait(struct lab *lab,
			    bool (*condition)(struct lab *, const void *),
			    const void *arg, unsigned int ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (!condition(lab, arg)) {
		if (clock_now_ns() >= end_ns)
			return false;
		if (sd_event_run(lab->event, 20000) < 0)
			return false;
	}
	return true;
}

static inline bool lab_never(struct lab *lab, const void *arg)
{
	(void)lab;
	(void)arg;
	return false;
}

/* Let time pass, for cases that prove that something does not happen. */
static inline void lab_watch(struct lab *lab, unsigned int ms)
{
	lab_wait(lab, lab_never, NULL, ms);
}

struct lab_want {
	const struct probe_target *target;
	enum probe_state state;
};

static inline bool lab_is(struct lab *lab, const void *arg)
{
	const struct lab_want *want = arg;
	const struct probe_report *report = probe_engine_find(lab->engine, want->target);

	return report && report->state == want->state;
}

static inline bool lab_wait_state(struct lab *lab, const struct probe_target *target,
				  enum probe_state state, unsigned int ms)
{
	const struct lab_want want = {target, state};

	return lab_wait(lab, lab_is, &want, ms);
}

static inline const char *lab_state(struct lab *lab, const struct probe_target *target)
{
	const struct probe_report *report = probe_engine_find(lab->engine, target);

	return report ? probe_state_name(report->state) : "not probed";
}

static inline const char *lab_text(struct lab *lab, const struct probe_target *target)
{
	const struct probe_report *report = probe_engine_find(lab->engine, target);

	return report ? report->text : "";
}

#define REQUIRE_STATE(lab, who, wanted, ms)                                              \
	REQUIRE(lab, lab_wait_state(lab, who, wanted, ms),                               \
		"%s:%d: %s is %s (%s), not %s", __FILE__, __LINE__, (who)->name.target,  \
		lab_state(lab, who), lab_text(lab, who), probe_state_name(wanted))

/* Was this state seen since entry 'from' of the log? */
static inline bool lab_saw(const struct lab *lab, size_t from,
			   const struct probe_target *target, enum probe_state state)
{
	for (size_t i = from; i < lab->n_log; i++)
		if (lab->log[i].state == state &&
		    !strcmp(lab->log[i].target, target->name.target))
			return true;
	return false;
}

static inline struct probe_target lab_target(const char *name, const char *portal)
{
	struct probe_target target = {.kernel_logged_in = true};

	if (copy_text(target.name.target, sizeof(target.name.target), name) ||
	    copy_text(target.name.iface, sizeof(target.name.iface), "default") ||
	    copy_text(target.initiator, sizeof(target.initiator), LAB_INITIATOR) ||
	    portal_parse(portal, ISCSI_DEFAULT_PORT, &target.name.portal)) {
		fprintf(stderr, "bad test target %s at %s\n", name, portal);
		abort();
	}
	target.name.tpgt = 1;
	return target;
}

/* Run a command, its output into lab->output. Returns its exit status, 255 if none. */
static inline int __attribute__((format(printf, 2, 3)))
lab_sh(struct lab *lab, const char *format, ...)
{
	char command[1024];
	size_t length = 0, n;
	va_list arguments;
	FILE *pipe;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	pipe = popen(command, "re");
	if (!pipe)
		return 255;
	while ((n = fread(lab->output + length, 1, sizeof(lab->output) - 1 - length,
			  pipe)))
		length += n;
	lab->output[length] = 0;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Start a program in the background, its words into a file of the working directory. */
static inline pid_t lab_start(const char *log, char *const arguments[])
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	execvp(arguments[0], arguments);
	_exit(127);
}

static inline void lab_stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static inline bool lab_run_case(struct lab *lab, const struct lab_case *test)
{
	uint64_t start_ns = clock_now_ns();
	bool ok = false;

	if (!lab_begin(lab))
		lab_fail(lab, "cannot make an engine");
	else
		ok = test->run(lab);
	lab_end(lab);
	printf("%s %s (%.1f s)%s%s\n", ok ? "ok    " : "FAILED", test->name,
	       (double)(clock_now_ns() - start_ns) / NS_PER_S, ok ? "" : ": ",
	       ok ? "" : lab->why);
	fflush(stdout);
	return ok;
}

/* Run all cases, or those whose names contain one of the words; prints one line each and
 * "N passed, N failed"; the exit status of the program. */
static inline int lab_main(struct lab *lab, const struct lab_case *cases, size_t n,
			   int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	for (size_t i = 0; i < n; i++) {
		bool wanted = argc < 2;

		for (int j = 1; j < argc; j++)
			wanted |= strstr(cases[i].name, argv[j]) != NULL;
		if (!wanted)
			continue;
		if (lab_run_case(lab, &cases[i]))
			passed++;
		else
			failed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed ? 1 : 0;
}

static inline void lab_init(struct lab *lab)
{
	const char *child = getenv("PROBE_CHILD");

	memset(lab, 0, sizeof(*lab));
	probe_config_default(&lab->config);
	lab->config.child_path = child ? child : TEST_BUILD_DIR "/mpathiscsi-probe";
	lab->config.user = "nobody"; /* whether it has a user of its own here or not */
}

#endif
