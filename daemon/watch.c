/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/credentials.h"
#include "daemon/log.h"
#include "daemon/lun_warning.h"
#include "daemon/publish.h"
#include "daemon/quick/quick.h"
#include "daemon/upkeep.h"

/* What the board says of paths is looked through at least so often, on large hosts less so. */
#define PATHS_EVERY_S	 5
#define PATHS_DISKS_PER_S 512
#define BEAT_US	  500000  /* board; far below BOARD_STALE_MS */
#define SLACK_US  100000  /* timers that have time share a waking */
#define TICK_US	  1000000 /* states, and whatever no event told us */
#define TICK_IDLE_US 2000000 /* where there is no I/O and no trouble */
/* How often disks are looked for that no event told of, and on large hosts how much less often. */
#define LIST_EVERY_S	 30
#define LIST_DISKS_PER_S 256
#define REFRESH_DISKS_MAX 512 /* more take too long to look at ten times a second */
#define GATHER_US 100000  /* uevents come in showers: wait for the end, but not long */

const struct watched_session *watch_session(const struct watch *watch, unsigned int sid)
{
	size_t low = 0, high = watch->n_sessions;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (watch->sessions[middle].id->sid < sid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < watch->n_sessions && watch->sessions[low].id->sid == sid ?
		       &watch->sessions[low] :
		       NULL;
}

void watch_session_record(const struct watch *watch, const struct watched_session *session,
			  uint64_t now_ns, struct board_session *ret)
{
	const struct probe_report *report = NULL;

	*ret = (struct board_session){.sid = session->id->sid,
				      .name_hash = path_name_hash(&session->id->name),
				      .updated_ns = now_ns,
				      .doubted = quick_doubted(watch->quick, session->id->sid)};
	if (session->probed)
		report = probe_engine_find(watch->probes, &session->target);
	if (!report)
		return;
	ret->state = report->state;
	ret->last_good_ns = report->last_good_ns;
	ret->silent_since_ns = report->silent_since_ns;
	ret->rtt_us = report->rtt_us;
	ret->rtt_var_us = report->rtt_var_us;
	ret->misses = report->misses;
	ret->login_status = report->login_status;
	ret->error = report->error;
}

struct verdict watch_judge(const struct watch *watch, const struct iscsi_identity *id,
			   uint64_t now_ns, struct evidence *ret_evidence)
{
	const struct watched_session *session = watch_session(watch, id->sid);
	struct evidence evidence = {.is_iscsi = true,
				    .portal = id->name.portal,
				    .device = id->device_state,
				    .session = id->session_state};
	struct board_session record;

	if (session) {
		watch_session_record(watch, session, now_ns, &record);
		evidence_set_board(&evidence, BOARD_FRESH, &record, now_ns);
	}
	*ret_evidence = evidence;
	return verdict_judge(&evidence);
}

/* Log a session's state of health when it becomes another. */
static void say_changes(struct watch *watch, uint64_t now_ns)
{
	char text[VERDICT_TEXT_MAX], portal[PORTAL_TEXT_MAX];
	struct evidence evidence;
	size_t i;

	for (i = 0; i < watch->n_sessions; i++) {
		struct watched_session *session = &watch->sessions[i];
		const struct path_name *name = &session->id->name;
		struct verdict verdict = watch_judge(watch, session->id, now_ns, &evidence);

		if (verdict.reason == session->said)
			continue;
		portal_format(&name->portal, portal, sizeof(portal));
		if (verdict_worth_saying(session->said, verdict.reason)) {
			if (!probe_log_may_judge(&session->log, now_ns))
				continue; /* later, as it is then */
			log_line(verdict.state == VERDICT_UP ? LOG_INFO : LOG_WARNING,
				 "%s over %s: %s", portal, *name->netdev ? name->netdev : name->iface,
				 verdict_text(&evidence, &verdict, text, sizeof(text)));
		}
		session->said = verdict.reason;
	}
}

static void say_process(struct watch *watch)
{
	struct probe_engine_status status;

	probe_engine_status(watch->probes, &status);
	probe_log_process(&watch->probes_log, &status, clock_now_ns());
}

static void say_board(struct watch *watch, int r, bool repaired)
{
	if (repaired)
		log_line(LOG_WARNING, "the board was damaged or replaced: made anew");
	if (r == watch->board_error)
		return;
	if (r < 0)
		log_line(LOG_ERR,
			 "writing the board failed: %s; the checker goes on without the probes",
			 strerror(-r));
	else
		log_line(LOG_NOTICE, "writing the board works again");
	watch->board_error = r;
}

/* What was told, for the next change to be compared with. */
static int tell_board(struct watch *watch, const struct board_content *content, uint64_t now_ns,
		      bool *ret_repaired)
{
	int r = board_publish(watch->board, content, now_ns, ret_repaired);

	return r < 0 ? r : publish_done(watch, content->paths, content->n_paths);
}

static struct board_session *session_records(const struct watch *watch, uint64_t now_ns)
{
	struct board_session *sessions = calloc(watch->n_sessions + 1, sizeof(*sessions));

	for (size_t i = 0; sessions && i < watch->n_sessions; i++)
		watch_session_record(watch, &watch->sessions[i], now_ns, &sessions[i]);
	return sessions;
}

void watch_publish(struct watch *watch)
{
	uint64_t now_ns = clock_now_ns();
	struct board_session *sessions = session_records(watch, now_ns);
	struct board_path *paths = calloc(watch->inventory.n_disks + 1, sizeof(*paths));
	struct board_content content = {
		.sessions = sessions, .n_sessions = watch->n_sessions, .paths = paths};
	bool repaired = false;
	int r = -ENOMEM;

	if (sessions && paths)
		r = publish_paths(watch, now_ns, paths, &content.n_paths);
	if (r == 0)
		r = tell_board(watch, &content, now_ns, &repaired);
	watch->publish_paths = r < 0;
	watch->paths_ns = now_ns;
	say_board(watch, r, repaired);
	say_changes(watch, now_ns);
	free(sessions);
	free(paths);
}

/* What the board says of paths can only be another than it was when something was read anew, or
 * as long as something waits for its time. */
static bool must_look_at_paths(const struct watch *watch, uint64_t now_ns)
{
	uint64_t every_s = PATHS_EVERY_S + watch->inventory.n_disks / PATHS_DISKS_PER_S;

	return watch->publish_paths || watch->n_held || watch->board_error ||
	       quick_flags_paths(watch->quick) || now_ns - watch->paths_ns >= every_s * NS_PER_S;
}

void watch_publish_sessions(struct watch *watch)
{
	uint64_t now_ns = clock_now_ns();
	struct board_session *sessions;
	int r;

	sessions = session_records(watch, now_ns);
	r = sessions ? board_publish_sessions(watch->board, sessions, watch->n_sessions, now_ns)
		     : -ENOMEM;
	free(sessions);
	if (r < 0)
		watch_publish(watch);
	else
		say_changes(watch, now_ns);
}

/* The beat: sessions, and of paths what has changed. */
static void publish_beat(struct watch *watch)
{
	if (must_look_at_paths(watch, clock_now_ns()))
		watch_publish(watch);
	else
		watch_publish_sessions(watch);
}

static bool same_probe(const struct path_name *a, const struct path_name *b)
{
	return path_name_compare(a, b) == 0;
}

static void on_probe(const struct probe_target *target, const struct probe_report *report,
		     void *arg)
{
	struct watch *watch = arg;
	size_t i;

	for (i = 0; i < watch->n_sessions; i++) {
		struct watched_session *session = &watch->sessions[i];

		if (!same_probe(&session->id->name, &target->name))
			continue;
		probe_log_change(&session->log, target, report, clock_now_ns());
		break; /* one line for all sessions of that name */
	}
	publish_beat(watch);
}

static void describe_target(struct watch *watch, struct watched_session *session)
{
	const struct iscsi_identity *id = session->id;
	struct probe_target *target = &session->target;
	int r;

	*target = (struct probe_target){.name = id->name,
					.current = id->current,
					.header_digest = id->header_digest,
					.kernel_logged_in = id->session_state == SESSION_LOGGED_IN};
	copy_text(target->initiator, sizeof(target->initiator), id->initiator);
	session->probed = false;
	session->not_probed = "";
	if (strcmp(id->transport, "iscsi_tcp")) {
		session->not_probed = "hardware iSCSI: no probe of its own";
		return;
	}
	if (!*id->initiator || !*id->name.target || !portal_known(&id->name.portal)) {
		session->not_probed = "session attributes are not readable";
		return;
	}
	r = credentials_read(watch->options.sysfs, id->sid, &target->chap);
	if (r < 0) {
		session->not_probed = "its CHAP credentials are not readable";
		watch->probes_told = false;
		return;
	}
	session->probed = true;
}

/*
 * What cannot be read while the connection is down: the digest reads 0, the source address
 * and (for a portal configured by host name) the portal are gone. The values seen before
 * hold: a policy's source= must not lose its path because the path has failed.
 */
static void keep_known(struct iscsi_identity *id, const struct iscsi_identity *before)
{
	if (!before || id->session_state == SESSION_LOGGED_IN)
		return;
	id->header_digest = before->header_digest;
	if (id->name.source.family == AF_UNSPEC)
		id->name.source = before->name.source;
	if (!portal_known(&id->name.portal))
		id->name.portal = before->name.portal;
}

static int probe_sessions(struct watch *watch)
{
	struct probe_target *targets = calloc(watch->n_sessions + 1, sizeof(*targets));
	size_t n = 0, i;
	int r;

	if (!targets)
		return -ENOMEM;
	watch->probes_told = true;
	for (i = 0; i < watch->n_sessions; i++) {
		describe_target(watch, &watch->sessions[i]);
		if (watch->sessions[i].probed && n == PROBE_MAX_TARGETS) {
			watch->sessions[i].probed = false;
			watch->sessions[i].not_probed = "more sessions than can be probed";
		}
		if (watch->sessions[i].probed)
			targets[n++] = watch->sessions[i].target;
	}
	r = probe_engine_set(watch->probes, targets, n);
	explicit_bzero(targets, (watch->n_sessions + 1) * sizeof(*targets));
	free(targets);
	/* The engine has its copy; ours is only a key from here on. */
	for (i = 0; i < watch->n_sessions; i++)
		explicit_bzero(&watch->sessions[i].target.chap,
			       sizeof(watch->sessions[i].target.chap));
	watch->probes_told &= r == 0;
	return r;
}

/* One entry per session of the inventory, by sid, keeping what was said of it before. */
static int list_sessions(struct watch *watch, struct inventory *inventory)
{
	struct watched_session *sessions =
		calloc(inventory->n_disks + 1, sizeof(*sessions));
	size_t n = 0, i;

	if (!sessions)
		return -ENOMEM;
	for (i = 0; i < inventory->n_disks; i++) {
		struct iscsi_identity *id = &inventory->disks[inventory->by_session[i]];
		const struct watched_session *before = watch_session(watch, id->sid);

		keep_known(id, before ? before->id : NULL);
		if (n && sessions[n - 1].id->sid == id->sid)
			continue;
		sessions[n].id = id;
		sessions[n].said = before ? before->said : REASON_NONE;
		if (before)
			sessions[n].log = before->log;
		n++;
	}
	free(watch->sessions);
	watch->sessions = sessions;
	watch->n_sessions = n;
	return 0;
}

/* To be called whenever inventory or store were replaced: the old plan points into them, and
 * goes also if there is no memory for a new one. */
static int replan(struct watch *watch)
{
	lun_table_free(&watch->luns);
	watch->publish_paths = true;
	watch->planned = inventory_mark_mixed(watch->options.sysfs, &watch->inventory) == 0 &&
			 lun_table_make(&watch->inventory, &watch->store, &watch->luns) == 0;
	return watch->planned ? 0 : -ENOMEM;
}

/* The whole step. */
static int rescan(struct watch *watch)
{
	struct inventory inventory;
	int r = inventory_read(watch->options.sysfs, &watch->inventory, &watch->news, &inventory);

	if (r < 0)
		return r;
	watch->news = (struct inventory_news){.n = 0};
	watch->look_for_disks = false;
	watch->listed_ns = clock_now_ns();
	r = list_sessions(watch, &inventory);
	if (r < 0) {
		inventory_free(&inventory);
		return r;
	}
	inventory_free(&watch->inventory);
	watch->inventory = inventory;
	r = replan(watch);
	if (r == 0)
		r = probe_sessions(watch);
	if (r == 0)
		quick_look(watch->quick);
	if (r == 0)
		watch_publish(watch);
	return r;
}

static void say_reading(struct watch *watch, int r)
{
	unsigned int failures;

	if (r == 0) {
		if (complaint_works(&watch->reading))
			log_line(LOG_NOTICE, "reading paths and maps works again");
		return;
	}
	switch (complaint_fails(&watch->reading, r, clock_now_ns(), &failures)) {
	case COMPLAINT_FAILS:
		log_line(LOG_ERR, "reading paths and maps failed: %s; trying again and again",
			 strerror(-r));
		break;
	case COMPLAINT_STILL:
		log_line(LOG_ERR, "reading paths and maps still fails: %s; failed %u times more",
			 strerror(-r), failures);
		break;
	case COMPLAINT_NONE:
		break;
	}
}

static void rescan_or_say(struct watch *watch)
{
	say_reading(watch, rescan(watch));
}

/* Counted from now, not from when it should have been: no volley after a standstill. */
static int again_in(struct watch *watch, sd_event_source *timer, uint64_t delay_us)
{
	uint64_t now;

	sd_event_now(watch->event, CLOCK_MONOTONIC, &now);
	return sd_event_source_set_time(timer, now + delay_us);
}

static int on_beat(sd_event_source *source, uint64_t usec, void *arg)
{
	struct watch *watch = arg;

	(void)usec;
	publish_beat(watch);
	say_process(watch);
	return again_in(watch, source, BEAT_US);
}

static void refresh(struct watch *watch, enum inventory_effort effort)
{
	unsigned int found = 0;
	int r = inventory_refresh(watch->options.sysfs, &watch->inventory, effort, &found);

	if (r == 0 && (found & INVENTORY_PLAN))
		r = replan(watch);
	else if (r == 0 && (found & INVENTORY_ORDER))
		lun_table_relink(&watch->luns);
	watch->publish_paths |= (found & ~INVENTORY_SESSIONS) != 0;
	if (r < 0 || (found & INVENTORY_GONE)) {
		rescan_or_say(watch);
		return;
	}
	if ((found & INVENTORY_SESSIONS) || !watch->probes_told)
		r = probe_sessions(watch);
	if (r < 0)
		say_reading(watch, r);
	quick_look(watch->quick);
}

void watch_refresh(struct watch *watch)
{
	bool small = watch->inventory.n_disks <= REFRESH_DISKS_MAX;

	refresh(watch, small ? INVENTORY_MAPS : INVENTORY_EVENTS);
}

/* Disks that came without an event, or with one that was lost. */
static bool must_list(const struct watch *watch)
{
	uint64_t every_s = LIST_EVERY_S + watch->inventory.n_disks / LIST_DISKS_PER_S;

	return clock_now_ns() - watch->listed_ns >= every_s * NS_PER_S;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct watch *watch = arg;

	(void)usec;
	if (must_list(watch))
		rescan_or_say(watch);
	refresh(watch, quick_in_trouble(watch->quick) ? INVENTORY_MAPS : INVENTORY_TURN);
	upkeep_step(watch);
	return again_in(watch, source, quick_in_haste(watch->quick) ? TICK_US : TICK_IDLE_US);
}

static int on_rescan(sd_event_source *source, uint64_t usec, void *arg)
{
	struct watch *watch = arg;

	(void)source;
	(void)usec;
	if (watch->look_for_disks)
		rescan_or_say(watch);
	else
		refresh(watch, INVENTORY_EVENTS);
	return 0;
}

void watch_refresh_soon(struct watch *watch)
{
	int enabled = SD_EVENT_OFF;

	/* Not pushed further by the next event: a storm must not starve us. */
	sd_event_source_get_enabled(watch->rescan, &enabled);
	if (enabled != SD_EVENT_OFF)
		return;
	again_in(watch, watch->rescan, GATHER_US);
	sd_event_source_set_enabled(watch->rescan, SD_EVENT_ONESHOT);
}

void watch_rescan_soon(struct watch *watch)
{
	watch->look_for_disks = true;
	watch_refresh_soon(watch);
}

void watch_disk_changed(struct watch *watch, const char *device)
{
	if (device)
		inventory_news_add(&watch->news, device);
	else
		watch->news.all = true;
	watch_rescan_soon(watch);
}

bool watch_store_missing(const struct watch *watch)
{
	/* A first reading that failed leaves the board's plan in force. */
	bool in_force = watch->store.n > 0 || (!watch->store_loaded && *watch->store_message);

	return in_force && watch->options.store_path && store_is_missing(watch->options.store_path);
}

static int store_failed(struct watch *watch, int r, const char *text)
{
	watch->store_error = POLICY_INVALID_PARAMETER;
	snprintf(watch->store_message, sizeof(watch->store_message), "%.300s: %s",
		 watch->options.store_path, text);
	return r;
}

/* Of no text at all. */
#define HASH_MISSING 0

static int load_store(struct watch *watch)
{
	const char *path = watch->options.store_path;
	struct store store;
	char *text;
	int r;

	if (watch_store_missing(watch)) {
		watch->store_hash = HASH_MISSING;
		return store_failed(watch, -ENOENT, WATCH_STORE_MISSING);
	}
	r = store_read_file(path, &text);
	if (r < 0) {
		watch->store_hash = HASH_MISSING;
		return store_failed(watch, r, store_read_error(r));
	}
	watch->store_hash = store_is_missing(path) ? HASH_MISSING :
						     fnv1a(FNV1A_START, text, strlen(text));
	watch->store_error = store_parse(text, path, &store, watch->store_message);
	free(text);
	if (watch->store_error != POLICY_OK)
		return -EINVAL;
	store_free(&watch->store);
	watch->store = store;
	watch->store_loaded = true;
	watch->store_message[0] = '\0';
	return replan(watch);
}

int watch_reload(struct watch *watch)
{
	int r = load_store(watch);

	if (r < 0) {
		log_line(LOG_ERR, "%s; the policies in force stay", watch->store_message);
		return r;
	}
	log_line(LOG_INFO, "policies read: %zu section%s", watch->store.n,
		 watch->store.n == 1 ? "" : "s");
	watch_publish(watch);
	rescan_or_say(watch);
	lun_log_warnings(&watch->luns);
	return 0;
}

void watch_reload_changed(struct watch *watch)
{
	uint64_t hash = HASH_MISSING;
	char *text;

	if (store_read_file(watch->options.store_path, &text) == 0) {
		if (!store_is_missing(watch->options.store_path))
			hash = fnv1a(FNV1A_START, text, strlen(text));
		free(text);
		/* As long as there is a complaint, the text of that hash may not be in force. */
		if (hash == watch->store_hash && !*watch->store_message)
			return;
	}
	watch_reload(watch); /* it has logged what was wrong; what is in force stays */
}

static int add_timers(struct watch *watch)
{
	uint64_t now;
	int r;

	sd_event_now(watch->event, CLOCK_MONOTONIC, &now);
	r = sd_event_add_time(watch->event, &watch->beat, CLOCK_MONOTONIC, now + BEAT_US, SLACK_US,
			      on_beat, watch);
	if (r >= 0)
		r = sd_event_add_time(watch->event, &watch->tick, CLOCK_MONOTONIC, now + TICK_US,
				      SLACK_US, on_tick, watch);
	if (r >= 0)
		r = sd_event_add_time(watch->event, &watch->rescan, CLOCK_MONOTONIC, now, 0,
				      on_rescan, watch);
	if (r >= 0)
		r = sd_event_source_set_enabled(watch->rescan, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_enabled(watch->beat, SD_EVENT_ON);
	if (r >= 0)
		r = sd_event_source_set_enabled(watch->tick, SD_EVENT_ON);
	return r;
}

static void load_failed(struct watch *watch)
{
	const char *path = watch->options.failed_path ? watch->options.failed_path
						      : FAILED_DEFAULT_PATH;
	int r = failed_load(path, &watch->failed);

	if (r < 0)
		log_line(LOG_ERR, "%s: %s; some of what operators failed may be in use", path,
			 strerror(-r));
}

int watch_start(sd_event *event, const struct watch_options *options, struct watch *watch)
{
	int r;

	*watch = (struct watch){.options = *options, .event = event};
	r = board_new(options->board_path, (unsigned int)-1, &watch->board);
	if (r < 0)
		return r;
	r = probe_engine_new(event, &options->probe, on_probe, watch, &watch->probes);
	if (r < 0)
		return r;
	if (load_store(watch) < 0)
		log_line(LOG_ERR, "%s; the last plan on the board, if any, stays",
			 watch->store_message);
	load_failed(watch);
	r = multipathd_new(event, NULL, &watch->multipathd);
	if (r >= 0)
		r = add_timers(watch);
	if (r >= 0)
		r = rescan(watch);
	if (r < 0)
		return r;
	lun_log_warnings(&watch->luns);
	return quick_new(watch, &watch->quick);
}

void watch_stop(struct watch *watch)
{
	multipathd_free(watch->multipathd); /* it calls back */
	quick_free(watch->quick);
	watch->quick = NULL;
	probe_engine_free(watch->probes);
	board_free(watch->board);
	sd_event_source_disable_unref(watch->tick);
	sd_event_source_disable_unref(watch->beat);
	sd_event_source_disable_unref(watch->rescan);
	published_free(&watch->published);
	free(watch->held);
	failed_free(&watch->failed);
	lingering_free(&watch->lingering);
	regroup_free(&watch->regroup);
	lun_table_free(&watch->luns);
	free(watch->sessions);
	inventory_free(&watch->inventory);
	store_free(&watch->store);
	*watch = (struct watch){.board = NULL};
}
