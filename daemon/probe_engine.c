/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: what is wanted (slots), the child that does it, and what the child says.
 * All of it level-triggered: each slot knows what the child has been told; push() tells
 * what is missing. A child that is gone has been told nothing.
 */
#include "daemon/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/probe_rtt.h"
#include "daemon/probe_talk.h"

#ifndef LIBEXECDIR
#error "LIBEXECDIR: the folder of mpathiscsi-probe"
#endif

#define RESTART_MIN_MS 200
#define RESTART_MAX_MS 10000
/* A child that lived so long did well: its successor comes at once. */
#define LASTED_NS (10 * NS_PER_S)
/* A REMOVE not carried out in this time: the child does not work. */
#define LEAVE_NS   (5 * NS_PER_S)
#define GOODBYE_MS 600
/* A program that does not run by then waits for a disk: no child will, before that is back. */
#define START_MAX_MS 5000
#define SLACK_US   50000 /* of looks: they share a waking with other timers */

static uint32_t random32(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == (ssize_t)sizeof(random))
		return random;
	return (uint32_t)(clock_now_ns() >> 8); /* only for jitter */
}

/* Before the descriptors are closed: epoll knows files, not their numbers. */
static void let_go(struct probe_engine *engine)
{
	engine->messages = sd_event_source_disable_unref(engine->messages);
	engine->end = sd_event_source_disable_unref(engine->end);
}

/* No child any more: no evidence either, and everything is to be told again. */
static void child_gone(struct probe_engine *engine, const char *why)
{
	uint64_t now_ns = clock_now_ns();

	probe_wire_text(engine->status.last_failure, sizeof(engine->status.last_failure),
			why);
	if (now_ns - engine->started_ns >= LASTED_NS)
		engine->status.failures = 0;
	engine->restart_ns =
		now_ns + probe_backoff_ms(engine->status.failures, RESTART_MIN_MS,
					  RESTART_MAX_MS, random32()) *
				 NS_PER_MS;
	engine->status.failures++;
	engine->status.pid = 0;
	probe_slots_forget_child(&engine->slots);
	for (size_t i = 0; i < engine->slots.n; i++) {
		struct probe_slot *slot = engine->slots.slots[i];

		if (probe_slot_clear(slot))
			probe_talk_changed(engine, slot);
	}
	probe_fences_lost(engine);
}

/*
 * It is reaped when it has ended, and nothing is started before: there are never two. Not waited
 * for: a process in which the kernel waits for a disk does not even die of a kill, and that disk
 * may be waiting for us.
 */
static void dismiss(struct probe_engine *engine, const char *why)
{
	engine->messages = sd_event_source_disable_unref(engine->messages);
	probe_process_kill(&engine->process);
	child_gone(engine, why);
}

/* Before its descriptors are closed: what it said last. */
static void reap(struct probe_engine *engine, char *why, size_t size)
{
	let_go(engine);
	if (engine->process.pid)
		probe_stderr_end(&engine->words, engine->process.words, clock_now_ns());
	probe_process_reap(&engine->process, why, size);
}

/* Has it ended, by itself or dismissed? */
static void bury(struct probe_engine *engine)
{
	bool dismissed = !engine->messages;
	char why[PROBE_TEXT_MAX] = "";

	if (!probe_process_ended(&engine->process))
		return;
	reap(engine, why, sizeof(why));
	if (!dismissed)
		child_gone(engine, why);
}

static int on_messages(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct probe_engine *engine = arg;

	(void)source;
	(void)fd;
	(void)revents;
	if (probe_talk_hear(engine))
		dismiss(engine, "killed: it sent nonsense");
	else
		probe_talk_push(engine);
	return 0;
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	(void)source;
	(void)fd;
	(void)revents;
	bury(arg);
	return 0;
}

static int watch(struct probe_engine *engine)
{
	int error = sd_event_add_io(engine->event, &engine->messages,
				    engine->process.socket, EPOLLIN, on_messages, engine);

	if (error < 0)
		return error;
	return sd_event_add_io(engine->event, &engine->end, engine->process.pidfd,
			       EPOLLIN, on_end, engine);
}

static void start_child(struct probe_engine *engine)
{
	char why[PROBE_TEXT_MAX];
	int error = probe_spawn(engine->child_path, &engine->user, &engine->process);

	engine->started_ns = clock_now_ns();
	engine->status.starts++;
	engine->quiet_ms = 0;
	engine->heard = false;
	engine->said = 0;
	engine->looked_ns = engine->started_ns;
	if (error) {
		snprintf(why, sizeof(why), "cannot start it: %s", strerror(-error));
		child_gone(engine, why);
		return;
	}
	engine->status.pid = engine->process.pid;
	error = watch(engine);
	if (error < 0) {
		snprintf(why, sizeof(why), "cannot talk to it: %s", strerror(-error));
		dismiss(engine, why);
		return;
	}
	probe_talk_introduce(engine);
}

static bool leaves_too_slowly(const struct probe_engine *engine, uint64_t now_ns)
{
	for (size_t i = 0; i < engine->slots.n; i++) {
		const struct probe_slot *slot = engine->slots.slots[i];

		if (slot->stage == SLOT_LEAVING && now_ns - slot->leave_ns > LEAVE_NS)
			return true;
	}
	return false;
}

/* How long it may say nothing: that is counted anew from when its program runs. */
static uint32_t patience_ms(struct probe_engine *engine)
{
	bool ran = engine->process.start < 0;

	if (!probe_process_started(&engine->process))
		return START_MAX_MS;
	if (!ran)
		engine->quiet_ms = 0;
	return engine->config.child_dead_ms;
}

/*
 * Counted in our own looks, not in time: when it was us who slept (a stopped machine, a
 * starved daemon) the child is not to blame.
 */
static void look_at_child(struct probe_engine *engine, uint64_t now_ns)
{
	uint32_t patience = patience_ms(engine);

	/* Here alone, so that no child can wake us by what it writes. */
	probe_stderr_read(&engine->words, engine->process.words, now_ns);
	if (probe_talk_hear(engine)) {
		dismiss(engine, "killed: it sent nonsense");
		return;
	}
	engine->quiet_ms = engine->heard ? 0 : engine->quiet_ms + PROBE_BEAT_MS;
	engine->heard = false;
	engine->said = 0;
	engine->looked_ns = now_ns;
	engine->most_slots = engine->slots.n;
	probe_fences_overdue(engine, now_ns);
	if (engine->quiet_ms >= patience)
		dismiss(engine, engine->process.start < 0 ? "killed: it hung"
							  : "killed: it did not start");
	else if (leaves_too_slowly(engine, now_ns))
		dismiss(engine, "killed: it did not end a probe");
	else
		probe_talk_push(engine);
}

static void arm(struct probe_engine *engine, uint64_t now_ns)
{
	uint64_t next_ns = now_ns + PROBE_BEAT_MS * NS_PER_MS;
	bool needed = engine->slots.n || engine->process.pid;

	for (size_t i = 0; i < PROBE_MAX_FENCES; i++)
		if (engine->fences[i].id && engine->fences[i].end_ns < next_ns)
			next_ns = engine->fences[i].end_ns;
	/* Then, or a beat later while its predecessor does not die. */
	if (!engine->messages && engine->restart_ns < next_ns &&
	    (engine->restart_ns > now_ns || !engine->process.pid))
		next_ns = engine->restart_ns;
	sd_event_source_set_time(engine->timer, next_ns / NS_PER_US + 1);
	sd_event_source_set_enabled(engine->timer,
				    needed ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void advance(struct probe_engine *engine)
{
	uint64_t now_ns = clock_now_ns();

	if (!engine->process.pid && engine->slots.n && now_ns >= engine->restart_ns) {
		start_child(engine);
		probe_talk_push(engine);
	}
	arm(engine, now_ns);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct probe_engine *engine = arg;

	(void)source;
	(void)usec;
	if (engine->messages)
		look_at_child(engine, clock_now_ns());
	else
		bury(engine);
	advance(engine);
	return 0;
}

int probe_engine_set(struct probe_engine *engine, const struct probe_target *targets,
		     size_t n)
{
	int error = probe_slots_set(&engine->slots, targets, n);

	if (error)
		return error;
	if (engine->messages)
		probe_talk_push(engine);
	advance(engine);
	return 0;
}

void probe_engine_hurry(struct probe_engine *engine, bool hurry)
{
	if (engine->hurry == hurry)
		return;
	engine->hurry = hurry;
	if (engine->messages)
		probe_talk_push(engine);
}

const struct probe_report *probe_engine_find(const struct probe_engine *engine,
					     const struct probe_target *target)
{
	const struct probe_slot *slot =
		probe_slots_by_name(&engine->slots, &target->name);

	return slot && slot->wanted ? &slot->report : NULL;
}

void probe_engine_status(const struct probe_engine *engine,
			 struct probe_engine_status *ret)
{
	*ret = engine->status;
}

static int set_up(struct probe_engine *engine, const struct probe_config *config)
{
	int error = probe_user_find(config->user, &engine->user);

	if (error)
		return error;
	if (engine->user.shared)
		log_line(LOG_WARNING,
			 "there is no user _mpathiscsi: the probe runs as nobody, and whatever else "
			 "does may kill it; run systemd-sysusers, then restart mpathiscsid");
	engine->child_path = strdup(config->child_path ? config->child_path
						       : LIBEXECDIR "/mpathiscsi-probe");
	if (!engine->child_path)
		return -ENOMEM;
	error = sd_event_add_time(engine->event, &engine->timer, CLOCK_MONOTONIC, 0, SLACK_US,
				  on_timer, engine);
	if (error < 0)
		return error;
	return sd_event_source_set_enabled(engine->timer, SD_EVENT_OFF);
}

int probe_engine_new(sd_event *event, const struct probe_config *config,
		     probe_changed_fn changed, void *arg, struct probe_engine **ret)
{
	struct probe_engine *engine;
	int error;

	if (probe_config_check(config))
		return -EINVAL;
	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	engine->event = sd_event_ref(event);
	engine->config = *config;
	engine->config.child_path = engine->config.user = NULL;
	engine->changed = changed;
	engine->hurry = true;
	engine->arg = arg;
	probe_process_init(&engine->process);
	error = set_up(engine, config);
	if (error < 0) {
		probe_engine_free(engine);
		return error;
	}
	*ret = engine;
	return 0;
}

void probe_engine_free(struct probe_engine *engine)
{
	char ended[PROBE_TEXT_MAX];

	if (!engine)
		return;
	let_go(engine);
	if (engine->process.socket >= 0)
		shutdown(engine->process.socket,
			 SHUT_RDWR); /* the child sees it, and logs out */
	probe_process_finish(&engine->process, GOODBYE_MS);
	reap(engine, ended, sizeof(ended));
	sd_event_source_disable_unref(engine->timer);
	sd_event_unref(engine->event);
	probe_slots_free(&engine->slots);
	free(engine->child_path);
	free(engine);
}
