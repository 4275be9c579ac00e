/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/quick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/admit.h"
#include "daemon/log.h"
#include "daemon/quick/settings_fit.h"
#include "daemon/quick/hang_state.h"
#include "daemon/quick/state.h"

#define BEAT_US	 (PACE_QUICK_MS * 1000)
#define HURRY_US 20000 /* after a loss: its commands have come up by then */
#define SLACK_US	 5000 /* of a beat, … */
#define SLACK_IDLE_US	 50000 /* … that has time: it shares its waking with others */
#define LOST_JUST_NOW_MS  2000

bool quick_acts(const struct quick *quick)
{
	return switch_is_on(&quick->switched) && quick->settings_known;
}

/*
 * All portals of a LUN silent in the same instant: then its sessions must not be ended by their own
 * time-outs, one after the other, while the stock timers would ride it out. What is unanswered is
 * decided anew at every beat, before the shortest time-out ends it.
 */
static bool must_decide_now(const struct quick *quick, uint64_t now_ns)
{
	for (size_t i = 0; i < quick->n_sessions; i++)
		if (quick->sessions[i].present &&
		    quick_unproven_since(&quick->sessions[i], now_ns))
			return true;
	return false;
}

static void next_beat(struct quick *quick, uint64_t now_ns)
{
	uint64_t wait_us = quick->pace.beat_ms * 1000ULL, now_us;

	sd_event_now(quick->watch->event, CLOCK_MONOTONIC, &now_us);
	sd_event_source_set_time_accuracy(quick->beat, quick->pace.beat_ms > PACE_QUICK_MS ?
							       SLACK_IDLE_US : SLACK_US);
	sd_event_source_set_time(quick->beat, now_us + links_wait_us(quick, now_ns, wait_us));
}

/* A hurry begins at once, with the look that has found its reason. */
static void keep_pace(struct quick *quick, uint64_t now_ns)
{
	const struct pace before = quick->pace;
	struct pace_facts facts = quick_sessions_pace(quick, now_ns);

	facts.trouble |= quick->n_borrowed || (quick->hangs && quick->hangs->n);
	quick->pace = pace_of(&facts);
	probe_engine_hurry(quick->watch->probes, quick->pace.hurry);
	if (quick->pace.beat_ms < before.beat_ms)
		next_beat(quick, now_ns);
}

/* What can be done at any time: look, and act on what cannot wait. */
static void step(struct quick *quick, bool late, uint64_t now_ns)
{
	links_look(quick->links, quick, now_ns);
	quick_sessions_look(quick, late, now_ns);
	keep_pace(quick, now_ns);
	quick_on_losses(quick, now_ns);
	if (must_decide_now(quick, now_ns))
		quick_act(quick, now_ns);
	quick_give_up(quick, now_ns);
	quick_end_before_kernel(quick, now_ns);
	quick_hang(quick, now_ns);
	disk_loads_free(&quick->loads); /* they are of this moment */
}

void quick_say_memory(struct quick *quick, int r, uint64_t now_ns)
{
	unsigned int failures;

	if (r == 0)
		complaint_works(&quick->memory);
	else if (complaint_fails(&quick->memory, r, now_ns, &failures) != COMPLAINT_NONE)
		log_line(LOG_ERR, "deciding what is quick: %s", strerror(-r));
}

void quick_look(struct quick *quick)
{
	uint64_t now_ns = clock_now_ns();

	if (!quick)
		return;
	quick_say_memory(quick, quick_sessions_sync(quick, now_ns), now_ns);
	step(quick, false, now_ns);
	quick_hold_out(quick, now_ns);
	quick_act(quick, now_ns);
	if (quick->raw_uses)
		raw_uses_forget(quick->raw_uses, now_ns);
	quick_borrow_queueing(quick, now_ns);
	quick_ride_out(quick, now_ns);
	quick_tune(quick, now_ns);
	quick_ask_maps(quick, now_ns);
}

/* A verdict must not rest on time during which nobody looked: counted by our own clock. */
static bool was_late(struct quick *quick, uint64_t now_ns)
{
	bool late = quick->beat_ns && pace_was_missed(&quick->pace, now_ns - quick->beat_ns);

	quick->beat_ns = now_ns;
	return late;
}

/* Then what dm makes of it is of interest at once: a LUN may be without a path (rideout.c). */
static bool must_see_dm(const struct quick *quick, uint64_t now_ns)
{
	if (must_decide_now(quick, now_ns) || quick->n_borrowed)
		return true;
	for (size_t i = 0; i < quick->n_sessions; i++)
		if (quick->sessions[i].present && quick->sessions[i].lost_quick &&
		    (!quick->sessions[i].logged_in_ns || quick->sessions[i].tcp_gone) &&
		    now_ns - quick->sessions[i].lost_ns < LOST_JUST_NOW_MS * NS_PER_MS)
			return true;
	return false;
}

bool quick_in_haste(const struct quick *quick)
{
	return !quick || quick->pace.hurry;
}

bool quick_in_trouble(const struct quick *quick)
{
	return quick && must_see_dm(quick, clock_now_ns());
}

bool quick_flags_paths(struct quick *quick)
{
	bool any = quick && quick->hangs && quick->hangs->n, before;

	for (size_t i = 0; quick && i < quick->n_sessions; i++)
		any |= quick->sessions[i].held;
	before = quick && quick->flagged;
	if (quick)
		quick->flagged = any;
	return any || before;
}

void quick_hurry(struct quick *quick)
{
	uint64_t now;

	sd_event_now(quick->watch->event, CLOCK_MONOTONIC, &now);
	sd_event_source_set_time(quick->beat, now + HURRY_US);
}

static int on_beat(sd_event_source *source, uint64_t usec, void *arg)
{
	struct quick *quick = arg;
	uint64_t now_ns = clock_now_ns();

	(void)source;
	(void)usec;
	step(quick, was_late(quick, now_ns), now_ns);
	if (quick_sessions_came_back(quick) || must_see_dm(quick, now_ns))
		watch_refresh(quick->watch);
	next_beat(quick, now_ns);
	return 0;
}

static void on_connection_error(void *arg)
{
	struct quick *quick = arg;

	step(quick, false, clock_now_ns());
}

/* A link that stays down is to be dealt with when its time is over, not at the beat after that. */
static void on_link(struct quick *quick)
{
	uint64_t now_ns = clock_now_ns();

	step(quick, false, now_ns);
	next_beat(quick, now_ns);
}

static void read_switch(struct quick *quick)
{
	const struct watch_options *options = &quick->watch->options;
	bool before = switch_is_on(&quick->switched);

	switch_read(options->switch_path, NULL, &quick->switched);
	if (switch_is_on(&quick->switched) == before)
		return;
	if (switch_is_on(&quick->switched))
		log_line(LOG_NOTICE, "switched on");
	else
		log_line(LOG_NOTICE, "switched off (%s): nothing is armed, given up or held out",
			 quick->switched.text);
}

/* Swapped in only if whole and if it goes with the sessions there are. */
static int load_settings(struct quick *quick, const char *path, char *message)
{
	struct quick_settings *fresh = malloc(sizeof(*fresh));
	char finding[SETTINGS_MESSAGE_MAX] = "";
	enum settings_fit fit = SETTINGS_FIT;
	int r = fresh ? settings_load(path, fresh, message) : -ENOMEM;

	if (!fresh)
		snprintf(message, SETTINGS_MESSAGE_MAX, "%.100s: out of memory", path);
	if (r == 0)
		fit = quick_settings_fit(quick, fresh, finding);
	if (fit != SETTINGS_FIT)
		snprintf(message, SETTINGS_MESSAGE_MAX, "%.100s: %.400s", path, finding);
	if (fit == SETTINGS_REFUSED)
		r = -EINVAL;
	else if (fit == SETTINGS_WARNING)
		log_line(LOG_WARNING, "%s", message);
	if (r == 0)
		quick->settings = *fresh;
	free(fresh);
	return r;
}

int quick_reload(struct quick *quick)
{
	const char *path = quick->watch->options.settings_path;
	char message[SETTINGS_MESSAGE_MAX] = "";
	int r;

	read_switch(quick);
	r = load_settings(quick, path ? path : SETTINGS_DEFAULT_PATH, message);
	memcpy(quick->complaint, message, sizeof(message));
	if (r < 0)
		log_line(LOG_ERR, "%s; %s", message,
			 quick->settings_known ? "the settings in force stay"
					       : "nothing is armed, given up or held out");
	else
		quick->complaint[0] = '\0';
	quick->settings_known |= r == 0;
	quick_look(quick);
	return r;
}

const char *quick_complaint(const struct quick *quick)
{
	return quick ? quick->complaint : "";
}

/* What is missing makes us slower, never wrong. */
static void open_doors(struct quick *quick)
{
	int r = connections_new(&quick->connections);

	if (r < 0) {
		quick->connections = NULL;
		log_line(LOG_WARNING, "sock_diag: %s: no session can be made quick", strerror(-r));
	}
	r = iscsi_events_new(quick->watch->event, on_connection_error, quick, &quick->events);
	if (r < 0)
		log_line(LOG_INFO, "no events of the kernel's iSCSI: %s", strerror(-r));
	r = links_new(quick->watch->event, quick, on_link, &quick->links);
	if (r < 0)
		log_line(LOG_WARNING, "rtnetlink: %s: a lost link is found by its silence only",
			 strerror(-r));
}

static int start(struct quick *quick)
{
	sd_event *event = quick->watch->event;
	uint64_t now;
	int r = levers_new(quick->watch->options.sysfs, quick->watch->options.levers_path,
			   &quick->levers);

	if (r < 0)
		return r;
	open_doors(quick);
	settings_profile(PROFILE_DEFAULT, &quick->settings);
	sd_event_now(event, CLOCK_MONOTONIC, &now);
	r = sd_event_add_time(event, &quick->beat, CLOCK_MONOTONIC, now + BEAT_US, SLACK_US,
			      on_beat, quick);
	if (r >= 0)
		r = sd_event_source_set_enabled(quick->beat, SD_EVENT_ON);
	return r;
}

int quick_new(struct watch *watch, struct quick **ret)
{
	struct quick *quick = calloc(1, sizeof(*quick));
	int r;

	if (!quick)
		return -ENOMEM;
	quick->watch = watch;
	quick->doubt_start = quick_doubt_start(clock_now_ns());
	quick->place = calloc(QUICK_PLACES, sizeof(*quick->place));
	quick->raw_uses = calloc(1, sizeof(*quick->raw_uses));
	r = quick->place && quick->raw_uses ? start(quick) : -ENOMEM;
	if (r < 0) {
		quick_free(quick);
		return r;
	}
	*ret = quick;
	quick_reload(quick);
	return 0;
}

void quick_free(struct quick *quick)
{
	if (!quick)
		return;
	quick_give_back_queueing(quick);
	if (quick->levers)
		quick_take_back(quick);
	quick->tuned = true; /* a former daemon's, too */
	quick_untune(quick);
	sd_event_source_disable_unref(quick->beat);
	iscsi_events_free(quick->events);
	links_free(quick->links);
	connections_free(quick->connections);
	levers_free(quick->levers);
	disk_loads_free(&quick->loads);
	hangs_free(quick->hangs);
	if (quick->raw_uses)
		raw_uses_free(quick->raw_uses);
	free(quick->raw_uses);
	free(quick->maps);
	free(quick->place);
	for (size_t i = 0; i < quick->n_sessions; i++)
		lun_ask_put(quick->sessions[i].poke);
	free(quick->sessions);
	free(quick);
}

void quick_settings_changed(struct watch *watch)
{
	if (!watch->quick)
		return;
	quick_reload(watch->quick);
	admit_group(watch, watch->quick->settings.group);
}

const char *quick_group(const struct quick *quick)
{
	return quick ? quick->settings.group : "";
}
