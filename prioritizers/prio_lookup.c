/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prioritizers/prio_lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/identity.h"
#include "common/parse.h"

/* Nearly every LUN has no more paths than this; a host's memory may be locked, so that a
 * buffer for all that is allowed would cost at each call. */
#define PATHS_AT_FIRST 16

/* All paths of a LUN and their plan: too large for the stacks of a host's threads. */
struct lun_paths {
	size_t n, self; /* self: index of the disk that was asked about */
	struct iscsi_identity *identity;
	struct policy_path *path;
	struct plan_path *plan;
};

static void free_paths(struct lun_paths *paths)
{
	free(paths->identity);
	free(paths->path);
	free(paths->plan);
	*paths = (struct lun_paths){ .n = 0 };
}

static int new_paths(struct lun_paths *paths, size_t max)
{
	paths->identity = calloc(max, sizeof(*paths->identity));
	paths->path = calloc(max, sizeof(*paths->path));
	paths->plan = calloc(max, sizeof(*paths->plan));
	return paths->identity && paths->path && paths->plan ? 0 : -ENOMEM;
}

/* ---- what is remembered ---- */

static struct prio_key device_key(const char *device)
{
	return (struct prio_key){ .kind = PRIO_KIND_DEVICE,
				  .hash = fnv1a(FNV1A_START, device, strlen(device)) };
}

static struct prio_key plan_key(const struct iscsi_identity *id)
{
	return (struct prio_key){ .kind = PRIO_KIND_PLAN,
				  .sid = id->sid,
				  .lun = id->lun,
				  .hash = path_name_hash(&id->name) };
}

static uint64_t wwid_hash(const struct iscsi_identity *id)
{
	return fnv1a(FNV1A_START, id->wwid, strlen(id->wwid));
}

/* Without a readable WWID there is nothing to contradict. */
static bool same_lun(const struct iscsi_identity *id, uint64_t hash)
{
	return id->wwid[0] == '\0' || wwid_hash(id) == hash;
}

/*
 * The source address, and a portal that was configured by host name, can be read only while
 * the connection is up. What a rule of a policy says about them must not change when the
 * connection fails: keep what was seen last in this session.
 */
static void complete_name(struct prio_memory *memory, unsigned int sid, struct path_name *name)
{
	struct prio_key key = { .kind = PRIO_KIND_SESSION, .sid = sid };
	struct prio_entry *entry;

	key.hash = fnv1a(FNV1A_START, name->target, strlen(name->target));
	key.hash = fnv1a(key.hash, name->iface, strlen(name->iface));
	entry = prio_memory_add(memory, &key);
	if (name->source.family != AF_UNSPEC)
		entry->source = name->source;
	else
		name->source = entry->source;
	if (portal_known(&name->portal))
		entry->portal = name->portal;
	else
		name->portal = entry->portal;
}

/* ---- the board ---- */

static void read_board(const struct prio_request *request, const struct iscsi_identity *id,
		       struct prio_facts *facts)
{
	uint64_t hash = path_name_hash(&id->name);
	struct board_session session;
	struct board_path path;

	facts->trust = board_read_path(request->board, id->sid, id->lun, hash, request->now_ns,
				       &path);
	if (facts->trust == BOARD_FRESH || facts->trust == BOARD_STALE) {
		facts->same_lun = same_lun(id, path.wwid_hash);
		facts->role = (enum role)path.role;
		facts->board_priority = path.priority;
		facts->built_in = facts->same_lun && (path.flags & BOARD_PATH_BUILT_IN);
	}
	if (facts->trust == BOARD_NO_RECORD)
		facts->session_on_board = board_read_session(request->board, id->sid, hash,
							     request->now_ns,
							     &session) == BOARD_FRESH;
}

/* Bring together what the board says now and what it said earlier. */
static void remember_board(const struct prio_request *request, const struct iscsi_identity *id,
			   struct prio_facts *facts)
{
	struct prio_key key = plan_key(id);
	struct prio_answer answer = prio_decide(facts);
	struct prio_entry *entry;

	if (answer.source == PRIO_BY_BOARD) {
		entry = prio_memory_add(request->memory, &key);
		entry->answer = answer;
		entry->built_in = facts->built_in;
		entry->wwid_hash = wwid_hash(id);
		return;
	}
	if (prio_policy_withdrawn(facts))
		prio_memory_forget(request->memory, &key);
	entry = prio_memory_find(request->memory, &key);
	if (!entry || !same_lun(id, entry->wwid_hash))
		return;
	facts->remembered = true;
	facts->remembered_priority = entry->answer.priority;
	facts->built_in = entry->built_in;
}

/* ---- prio_args ---- */

static int list_paths(const struct prio_request *request, const struct iscsi_identity *id,
		      size_t max, struct lun_paths *paths)
{
	int r = new_paths(paths, max);

	if (r == 0)
		r = identity_siblings(request->sysfs, id, paths->identity, max, &paths->n);
	if (r == 0 && paths->n > max)
		r = -E2BIG;
	if (r < 0)
		free_paths(paths);
	return r;
}

/* The paths of the LUN of 'id', for the caller to free; also when this fails. */
static int find_paths(const struct prio_request *request, const struct iscsi_identity *id,
		      struct lun_paths *paths)
{
	int r = list_paths(request, id, PATHS_AT_FIRST, paths);

	if (r == -E2BIG)
		r = list_paths(request, id, POLICY_PATHS_MAX, paths);
	if (r < 0)
		return r;
	for (size_t i = 0; i < paths->n; i++) {
		struct iscsi_identity *path = &paths->identity[i];

		complete_name(request->memory, path->sid, &path->name);
		paths->path[i] = (struct policy_path){ .name = path->name,
						       .access = path->access,
						       .preferred = path->preferred };
		if (path->devt == id->devt)
			paths->self = i;
	}
	return 0;
}

static bool any_on_board(const struct prio_request *request, const struct lun_paths *paths)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct prio_facts facts = { .is_iscsi = true };
		enum prio_source source;

		read_board(request, &paths->identity[i], &facts);
		remember_board(request, &paths->identity[i], &facts);
		source = prio_decide(&facts).source;
		if (!facts.built_in && (source == PRIO_BY_BOARD || source == PRIO_BY_LAST_PLAN))
			return true;
	}
	return false;
}

static int plan_by_args(const struct prio_request *request, const struct iscsi_identity *id,
			const struct policy_setting *setting, struct prio_facts *facts,
			struct prio_report *report)
{
	struct lun_paths paths = { .n = 0 };
	int r = find_paths(request, id, &paths);

	if (r == 0)
		r = plan_make(setting, paths.path, paths.n, paths.plan);
	if (r == 0) {
		facts->has_args_plan = true;
		facts->args_priority = paths.plan[paths.self].priority;
		facts->siblings_on_board = any_on_board(request, &paths);
		report->args_exclude = paths.plan[paths.self].role == ROLE_EXCLUDED;
		policy_warning(setting, paths.path, paths.plan, paths.n, report->args_warning);
	}
	free_paths(&paths);
	return r;
}

/* Returns -errno when the policy counts but the paths it is about cannot be listed. */
static int use_args(const struct prio_request *request, const struct iscsi_identity *id,
		    struct prio_facts *facts, struct prio_report *report)
{
	struct policy_setting *setting = malloc(sizeof(*setting));
	int r = setting ? 0 : -ENOMEM;

	if (r == 0 &&
	    policy_setting_parse(request->args, setting, report->args_problem) == POLICY_OK)
		r = plan_by_args(request, id, setting, facts, report);
	free(setting);
	if (r != -E2BIG)
		return r;
	snprintf(report->args_problem, sizeof(report->args_problem),
		 "the LUN has more than %d paths", POLICY_PATHS_MAX);
	return 0;
}

/* ---- without a policy ---- */

static void read_access_state(const struct prio_request *request, char *buffer, size_t size,
			      struct prio_facts *facts)
{
	char preferred[8];
	uint64_t number;

	if (identity_attribute(request->sysfs, request->device, "device/access_state", buffer,
			       size) < 0)
		return;
	facts->has_access_state = true;
	facts->access_state = buffer;
	facts->preferred = identity_attribute(request->sysfs, request->device,
					      "device/preferred_path", preferred,
					      sizeof(preferred)) == 0 &&
			   parse_uint(preferred, 0, UINT32_MAX, &number) == 0 && number != 0;
}

/* -errno: something could not be read that the answer hangs on. */
static int look_up(const struct prio_request *request, struct iscsi_identity *id,
		   struct prio_report *report)
{
	bool args = request->args && request->args[0];
	struct prio_facts facts = { .is_iscsi = id->is_iscsi };
	char access_state[32];
	int r = 0;

	if (id->is_iscsi) {
		complete_name(request->memory, id->sid, &id->name);
		read_board(request, id, &facts);
		remember_board(request, id, &facts);
	}
	report->is_iscsi = id->is_iscsi;
	report->trust = facts.trust;
	report->args_cut = args && strlen(request->args) == PRIO_ARGS_CUT_LENGTH;
	report->answer = prio_decide(&facts);
	if ((report->answer.source == PRIO_BY_BOARD || report->answer.source == PRIO_BY_LAST_PLAN) &&
	    !(args && facts.built_in))
		return 0;
	if (args && id->is_iscsi)
		r = use_args(request, id, &facts, report);
	read_access_state(request, access_state, sizeof(access_state), &facts);
	report->answer = prio_decide(&facts);
	return r;
}

int prio_lookup(const struct prio_request *request, struct prio_report *ret)
{
	struct prio_key key = device_key(request->device);
	const struct prio_entry *known = prio_memory_find(request->memory, &key);
	struct prio_report report = { .before = { 0, PRIO_BY_NOTHING } };
	struct iscsi_identity id;
	int r;

	if (known)
		report.before = known->answer;
	r = identity_by_name(request->sysfs, request->device, &id);
	if (r == 0)
		r = look_up(request, &id, &report);
	if (r == -ENODEV) {
		prio_memory_forget(request->memory, &key);
		return r;
	}
	if (r < 0 && report.before.source == PRIO_BY_NOTHING)
		return r;
	if (r < 0)
		report.answer = report.before;
	prio_memory_add(request->memory, &key)->answer = report.answer;
	*ret = report;
	return 0;
}
