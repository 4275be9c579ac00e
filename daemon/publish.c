/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/counters.h"
#include "common/clock.h"
#include "common/parse.h"
#include "daemon/hold.h"
#include "daemon/log.h"
#include "daemon/quick/quick.h"

static int compare_records(const void *left, const void *right)
{
	const struct board_path *a = left, *b = right;

	if (a->sid != b->sid)
		return a->sid < b->sid ? -1 : 1;
	return (a->lun > b->lun) - (a->lun < b->lun);
}

static uint64_t wwid_hash(const struct iscsi_identity *id)
{
	return fnv1a(FNV1A_START, id->wwid, strlen(id->wwid));
}

/* What the board says of a path now. 'hash': of its name. False: nothing. */
static bool told(const struct watch *watch, const struct iscsi_identity *id, uint64_t hash,
		 uint64_t now_ns, struct board_path *ret)
{
	const struct board_path key = {.sid = id->sid, .lun = id->lun}, *found;
	enum board_trust trust;

	if (watch->published.known) {
		found = watch->published.n ? bsearch(&key, watch->published.records,
						     watch->published.n, sizeof(key),
						     compare_records)
					   : NULL;
		if (!found || found->name_hash != hash)
			return false;
		*ret = *found;
	} else {
		trust = board_read_path(watch->options.board_path, id->sid, id->lun, hash, now_ns,
					ret);
		if (trust != BOARD_FRESH && trust != BOARD_STALE)
			return false;
	}
	return !*id->wwid || ret->wwid_hash == wwid_hash(id);
}

static bool told_before(const struct watch *watch, const struct lun_path *path, uint64_t now_ns,
			struct board_path *ret)
{
	return told(watch, path->id, path->name_hash, now_ns, ret);
}

static bool is_failed(const struct watch *watch, const struct lun *lun, const struct lun_path *path)
{
	return failed_has(&watch->failed, lun->wwid, &path->id->name);
}

/* Nothing counted as in flight; what cannot be counted is not nothing. */
static bool is_idle(const struct watch *watch, const struct iscsi_identity *id)
{
	uint64_t in_flight;

	return counters_in_flight(watch->options.sysfs, id->device, &in_flight) == 0 &&
	       in_flight == 0;
}

static bool is_given_up(enum device_state state)
{
	return state == DEVICE_OFFLINE || state == DEVICE_TRANSPORT_OFFLINE || state == DEVICE_GONE;
}

static bool path_ready(const struct watch *watch, const struct lun *lun,
		       const struct lun_path *path, const struct board_path *old, uint64_t now_ns)
{
	struct evidence evidence;
	struct verdict verdict = watch_judge(watch, path->id, now_ns, &evidence);
	struct hold_facts facts = {
		.in_map = path->dm != NULL,
		.dm_active = path->dm && path->dm->active,
		.answers = verdict.state == VERDICT_UP || verdict.state == VERDICT_GHOST,
		.given_up = is_given_up(path->id->device_state),
		.kept_down = old->role == ROLE_EXCLUDED || is_failed(watch, lun, path),
	};

	if (facts.in_map && !facts.dm_active)
		facts.idle = is_idle(watch, path->id);
	return hold_ready(&facts);
}

/* Everything about one LUN's paths that hold.h decides by. */
struct look {
	struct board_path old[POLICY_PATHS_MAX];
	bool on_board[POLICY_PATHS_MAX];
	struct hold_path paths[POLICY_PATHS_MAX];
	bool keep_old; /* the new plan is not for telling yet */
};

/* The first path over which no reload may be caused; -1: none. */
static int look_for_blocker(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
			    struct look *look)
{
	for (size_t i = 0; i < lun->n_paths; i++)
		look->paths[i].ready = path_ready(watch, lun, &lun->paths[i], &look->old[i], now_ns);
	return hold_blocker(look->paths, lun->n_paths);
}

/* The product's own plan gives way to a policy in prio_args (prio_decide.h): what multipathd has made
 * of it is told by the map only, when a policy is set now. */
static bool may_be_overruled(const struct lun *lun, const struct board_path *old)
{
	return lun->entry && (old->flags & BOARD_PATH_BUILT_IN);
}

/* Must the LUN wait? Index of the path it waits for; -1: no. */
static int look_at_lun(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
		       struct look *look)
{
	bool told_any = false, reorders;
	int blocker;

	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct lun_path *path = &lun->paths[i];

		look->old[i] = (struct board_path){.role = ROLE_NONE};
		look->on_board[i] = told_before(watch, path, now_ns, &look->old[i]);
		look->paths[i] = (struct hold_path){
			.told = look->on_board[i] && look->old[i].role != ROLE_NONE &&
				!may_be_overruled(lun, &look->old[i]),
			.old_role = (enum role)look->old[i].role,
			.old_priority = look->old[i].priority,
			.role = path->plan.role,
			.priority = path->plan.priority,
		};
		told_any |= look->paths[i].told;
	}
	reorders = told_any ? hold_reorders(look->paths, lun->n_paths)
			    : lun->map && !lun_order_in_force(lun);
	look->keep_old = false;
	if (!reorders && !hold_only_renumbers(look->paths, lun->n_paths))
		return -1;
	blocker = look_for_blocker(watch, lun, now_ns, look);
	look->keep_old = blocker >= 0;
	return reorders ? blocker : -1;
}

const struct lun_path *publish_waits_for(const struct watch *watch, const struct lun *lun,
					 uint64_t now_ns)
{
	struct look *look;
	int blocker;

	if (!watch->store_loaded || lun->n_paths > POLICY_PATHS_MAX)
		return NULL;
	look = calloc(1, sizeof(*look));
	if (!look)
		return NULL;
	blocker = look_at_lun(watch, lun, now_ns, look);
	free(look);
	return blocker < 0 ? NULL : &lun->paths[blocker];
}

static struct board_path planned(const struct lun *lun, const struct lun_path *path,
				 uint64_t now_ns)
{
	struct board_path record = {.sid = path->id->sid,
				    .lun = path->id->lun,
				    .role = path->plan.role,
				    .name_hash = path->name_hash,
				    .wwid_hash = wwid_hash(path->id),
				    .priority = path->plan.priority,
				    .plan_ns = now_ns};

	if (path->plan.role != ROLE_NONE) {
		record.policy = (uint16_t)policy_index(lun->setting->policy);
		record.flags = lun->entry ? 0 : BOARD_PATH_BUILT_IN;
	}
	return record;
}

/* The same but for its age? Then it keeps that. */
static bool same_plan(const struct board_path *a, const struct board_path *b)
{
	return a->role == b->role && a->priority == b->priority && a->policy == b->policy;
}

/* Until daemon/quick/ looks, what a former daemon has found stands. */
static unsigned int hung_before(const struct look *look, size_t i)
{
	return look->on_board[i] ? look->old[i].flags & BOARD_PATH_HUNG : 0U;
}

/* The record of one path. False: it needs none. */
static bool make_record(const struct watch *watch, const struct lun *lun, size_t i, bool keep_old,
			const struct look *look, uint64_t now_ns, struct board_path *ret)
{
	const struct lun_path *path = &lun->paths[i];
	bool failed = is_failed(watch, lun, path);
	unsigned int built_in;

	*ret = planned(lun, path, now_ns);
	if (keep_old && look->on_board[i])
		*ret = look->old[i];
	else if (keep_old)
		ret->role = ROLE_NONE, ret->priority = PRIORITY_LOWEST;
	else if (look->on_board[i] && same_plan(ret, &look->old[i]))
		ret->plan_ns = look->old[i].plan_ns;
	built_in = ret->role != ROLE_NONE ? ret->flags & BOARD_PATH_BUILT_IN : 0U;
	ret->flags = (uint16_t)(built_in | (failed ? BOARD_PATH_FAILED : 0U) |
				(watch->quick ? quick_path_flags(watch->quick, lun, path)
					      : hung_before(look, i)));
	return ret->role != ROLE_NONE || ret->flags;
}

/* Where it stands among those that wait, which are sorted, or would stand. */
static size_t held_place(const struct watch *watch, uint64_t hash)
{
	size_t low = 0, high = watch->n_held;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (watch->held[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int hold(struct watch *watch, size_t place, uint64_t hash)
{
	uint64_t *grown = reallocarray(watch->held, watch->n_held + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memmove(&grown[place + 1], &grown[place], (watch->n_held - place) * sizeof(*grown));
	grown[place] = hash;
	watch->held = grown;
	watch->n_held++;
	return 0;
}

static void hold_no_more(struct watch *watch, size_t place)
{
	watch->n_held--;
	memmove(&watch->held[place], &watch->held[place + 1],
		(watch->n_held - place) * sizeof(*watch->held));
}

/* Note that the LUN waits (or does no more), and say so once. */
static void note_hold(struct watch *watch, const struct lun *lun, int blocker, uint64_t now_ns)
{
	uint64_t hash = fnv1a(FNV1A_START, lun->wwid, strlen(lun->wwid));
	size_t place = held_place(watch, hash);
	bool before = place < watch->n_held && watch->held[place] == hash;
	const char *name = *lun->alias ? lun->alias : lun->wwid;
	char text[PUBLISH_WAIT_TEXT_MAX];

	if ((blocker >= 0) == before)
		return;
	if (blocker < 0) {
		hold_no_more(watch, place);
		log_line(LOG_NOTICE, "%s: its new policy is carried out now", name);
		return;
	}
	if (hold(watch, place, hash) < 0)
		return; /* said the next time */
	log_line(LOG_NOTICE, "%s: its new policy waits for %s", name,
		 publish_wait_text(watch, &lun->paths[blocker], now_ns, text, sizeof(text)));
}

static size_t publish_lun(struct watch *watch, const struct lun *lun, uint64_t now_ns,
			  struct look *look, struct board_path *records)
{
	size_t n = 0;
	int blocker = -1;
	bool keep_old;

	if (lun->n_paths > POLICY_PATHS_MAX)
		return 0;
	blocker = look_at_lun(watch, lun, now_ns, look);
	if (watch->store_loaded)
		note_hold(watch, lun, blocker, now_ns);
	keep_old = !watch->store_loaded || look->keep_old;
	for (size_t i = 0; i < lun->n_paths; i++)
		if (make_record(watch, lun, i, keep_old, look, now_ns, &records[n]))
			n++;
	return n;
}

/* No plan (no memory for one): what the board says of each path stays. */
static size_t publish_again(const struct watch *watch, uint64_t now_ns, struct board_path *records)
{
	size_t n = 0;

	for (size_t i = 0; i < watch->inventory.n_disks; i++) {
		const struct iscsi_identity *id = &watch->inventory.disks[i];

		n += told(watch, id, path_name_hash(&id->name), now_ns, &records[n]);
	}
	return n;
}

int publish_paths(struct watch *watch, uint64_t now_ns, struct board_path *records, size_t *ret_n)
{
	struct look *look;
	size_t n = 0;

	if (!watch->planned) {
		*ret_n = publish_again(watch, now_ns, records);
		return 0;
	}
	look = calloc(1, sizeof(*look));
	if (!look)
		return -ENOMEM;
	for (size_t i = 0; i < watch->luns.n; i++)
		n += publish_lun(watch, &watch->luns.luns[i], now_ns, look, &records[n]);
	free(look);
	*ret_n = n;
	return 0;
}

bool publish_may_reload(const struct watch *watch, const struct lun *lun, uint64_t now_ns,
			uint64_t *ret_plan_ns)
{
	uint64_t plan_ns = 0;

	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct lun_path *path = &lun->paths[i];
		struct board_path old = {.role = ROLE_NONE};

		if (!told_before(watch, path, now_ns, &old) || !path->dm ||
		    !path_ready(watch, lun, path, &old, now_ns))
			return false;
		if (old.plan_ns > plan_ns)
			plan_ns = old.plan_ns;
	}
	*ret_plan_ns = plan_ns;
	return true;
}

int publish_done(struct watch *watch, const struct board_path *records, size_t n)
{
	struct board_path *copy = calloc(n + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, records, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), compare_records);
	free(watch->published.records);
	watch->published = (struct published){.known = true, .records = copy, .n = n};
	return 0;
}

void published_free(struct published *published)
{
	free(published->records);
	*published = (struct published){.known = false};
}

const char *publish_wait_text(const struct watch *watch, const struct lun_path *path,
			      uint64_t now_ns, char *buffer, size_t size)
{
	char portal[PORTAL_TEXT_MAX], reason[VERDICT_TEXT_MAX];
	struct evidence evidence;
	struct verdict verdict = watch_judge(watch, path->id, now_ns, &evidence);

	portal_format(&path->id->name.portal, portal, sizeof(portal));
	if (verdict.reason == REASON_SUSPECT_UNTESTED)
		snprintf(buffer, size, "portal %s (%s for %llu ms)", portal,
			 probe_state_name(evidence.probe.state),
			 (unsigned long long)evidence.probe.trouble_ms);
	else if (verdict.state == VERDICT_UP || verdict.state == VERDICT_GHOST)
		snprintf(buffer, size, "portal %s (%s is failed in the kernel's map, I/O in flight)",
			 portal, path->id->device);
	else
		snprintf(buffer, size, "portal %s (%s)", portal,
			 verdict_text(&evidence, &verdict, reason, sizeof(reason)));
	return buffer;
}
