/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From LUNs, their paths and the sessions below them to what decide.h asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/quick/state.h"
#include "daemon/quick/used_alone.h"

bool quick_path_usable(const struct quick *quick, const struct lun *lun,
		       const struct lun_path *path)
{
	const struct quick_session *session = quick_session(quick, path->id->sid);

	return path->dm && path->dm->active && path->plan.role != ROLE_EXCLUDED &&
	       !failed_has(&quick->watch->failed, lun->wwid, &path->id->name) && session &&
	       session->healthy && path->id->device_state == DEVICE_RUNNING &&
	       !(quick_path_flags(quick, lun, path));
}

/* A probe asks four times a second, and at once when a hurry begins (pace.h): by then a portal that
 * lives has answered. */
#define PROOF_MS 300

uint64_t quick_unproven_since(const struct quick_session *session, uint64_t now_ns)
{
	uint64_t since = session->suspicion.unacked_ns;

	return since && now_ns > since && now_ns - since >= PROOF_MS * NS_PER_MS ? since : 0;
}

uint64_t quick_trouble_since(const struct quick_session *session)
{
	uint64_t since = session->suspicion.since_ns, link = link_lost_since(session);

	return link > since ? link : since;
}

/* The other paths of the LUN, for the session of path 'self'. 'sessions': those of its paths. */
static void count_others(const struct lun *lun, size_t self,
			 const struct quick_session *const *sessions, const bool *usable,
			 uint64_t now_ns, struct decide_lun *ret)
{
	const struct lun_path *mine = &lun->paths[self];
	const struct quick_session *session = sessions[self];
	uint64_t since = session ? quick_trouble_since(session) : 0, proof = 0;
	size_t n = lun->n_paths < POLICY_PATHS_MAX ? lun->n_paths : POLICY_PATHS_MAX;

	if (session)
		proof = quick_unproven_since(session, now_ns);
	if (session && session->doomed_since_ns)
		since = session->doomed_since_ns;
	for (size_t i = 0; i < n; i++) {
		const struct lun_path *path = &lun->paths[i];
		const struct quick_session *other = sessions[i];

		if (!usable[i] || path->id->sid == mine->id->sid)
			continue;
		if (other && other->doomed_since_ns)
			continue; /* goes together with this one */
		/* They may all have gone silent in the same instant: who has not answered since
		 * this one stopped to is no help. */
		if (proof && (!other || other->answered_ns <= proof))
			continue;
		ret->others++;
		/* Without a suspicion there is nothing that it must have answered since. */
		if (since && (!other || other->answered_ns <= since))
			continue;
		ret->others_since++;
		ret->others_other_portal =
			ret->others_other_portal ||
			portal_compare(&path->id->name.portal, &mine->id->name.portal) != 0;
		ret->others_other_link = ret->others_other_link ||
					 (session && other && link_is_other(session, other));
	}
}

static size_t index_of(const struct quick *quick, unsigned int sid)
{
	const struct quick_session *session = quick_session(quick, sid);

	return session ? (size_t)(session - quick->sessions) : quick->n_sessions;
}

/* A disk that is in no map. */
static void facts_of_use(const struct quick *quick, const struct iscsi_identity *id,
			 uint64_t now_ns, struct decide_lun *ret)
{
	const struct used_alone_roots roots = {.sysfs = quick->watch->options.sysfs};
	struct counters counters;

	counters_read(roots.sysfs, id->device, now_ns, &counters);
	ret->used_raw = !quick->raw_uses || raw_uses_look(quick->raw_uses, id->devt, &counters);
	ret->used_alone = used_alone(&roots, id);
}

/* 'next': where the next LUN of each session goes, as index_of() counts. */
static void facts_of_lun(const struct quick *quick, const struct lun *lun, size_t *next,
			 uint64_t now_ns, struct quick_facts *facts)
{
	const struct quick_session *sessions[POLICY_PATHS_MAX];
	bool usable[POLICY_PATHS_MAX] = {false};
	size_t n = lun->n_paths < POLICY_PATHS_MAX ? lun->n_paths : POLICY_PATHS_MAX, i;
	enum map_queueing queueing;
	uint32_t queueing_ms;

	queueing = quick_queueing(quick, lun, &queueing_ms);
	for (i = 0; i < n; i++) {
		usable[i] = quick_path_usable(quick, lun, &lun->paths[i]);
		sessions[i] = quick_session(quick, lun->paths[i].id->sid);
	}
	for (i = 0; i < n; i++) {
		size_t place = next[index_of(quick, lun->paths[i].id->sid)]++;
		struct decide_lun *ret = &facts->luns[place];

		*ret = (struct decide_lun){.in_map = lun->paths[i].dm != NULL,
					   .live_queues = lun->map && lun->map->queues,
					   .this_usable = usable[i]};
		if (!ret->in_map)
			facts_of_use(quick, lun->paths[i].id, now_ns, ret);
		ret->queueing = queueing;
		ret->queueing_ms = queueing_ms;
		count_others(lun, i, sessions, usable, now_ns, ret);
		facts->which[place] = lun;
	}
}

/* Where each session's LUNs begin: one more entry than sessions, the last for paths of
 * sessions that are not in the table. */
static size_t count(const struct quick *quick, size_t *first)
{
	const struct lun_table *table = &quick->watch->luns;
	size_t n = 0, i, j;

	for (i = 0; i < table->n; i++)
		for (j = 0; j < table->luns[i].n_paths; j++)
			first[index_of(quick, table->luns[i].paths[j].id->sid)]++;
	for (i = 0; i <= quick->n_sessions; i++) {
		size_t here = first[i];

		first[i] = n;
		n += here;
	}
	return n;
}

static void fill(const struct quick *quick, struct quick_facts *facts, size_t *next)
{
	const struct lun_table *table = &quick->watch->luns;
	const uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < table->n; i++)
		facts_of_lun(quick, &table->luns[i], next, now_ns, facts);
}

int quick_facts_make(const struct quick *quick, struct quick_facts *ret)
{
	size_t n_sessions = quick->n_sessions, n;
	size_t *next = calloc(n_sessions + 2, sizeof(*next));

	*ret = (struct quick_facts){.first = calloc(n_sessions + 2, sizeof(*ret->first))};
	if (!next || !ret->first)
		goto no_memory;
	n = count(quick, ret->first);
	memcpy(next, ret->first, (n_sessions + 1) * sizeof(*next));
	ret->luns = calloc(n + 1, sizeof(*ret->luns));
	ret->which = calloc(n + 1, sizeof(*ret->which));
	if (!ret->luns || !ret->which)
		goto no_memory;
	fill(quick, ret, next);
	free(next);
	return 0;

no_memory:
	free(next);
	quick_facts_free(ret);
	return -ENOMEM;
}

void quick_facts_free(struct quick_facts *facts)
{
	free(facts->luns);
	free(facts->which);
	free(facts->first);
	*facts = (struct quick_facts){.luns = NULL};
}

struct decide_session quick_facts_of(const struct quick *quick, const struct quick_facts *facts,
				     size_t index, uint64_t now_ns)
{
	const struct quick_session *session = &quick->sessions[index];
	const struct iscsi_identity *id = quick_identity(quick, session->sid);
	const struct quick_timing *timing =
		settings_timing(&quick->settings, id ? id->name.target : "");

	return (struct decide_session){
		.enabled = quick_acts(quick),
		.software = id && !strcmp(id->transport, "iscsi_tcp"),
		.arm = timing->arm,
		.release = timing->release,
		.logged_in = session->logged_in_ns != 0,
		.logged_in_ms = session->logged_in_ns
					? (now_ns - session->logged_in_ns) / NS_PER_MS
					: 0,
		.socket_known = session->tcp_known,
		.link_lost = link_is_lost(session),
		.stock_ms = session->stock_ms,
		.luns = &facts->luns[facts->first[index]],
		.n_luns = facts->first[index + 1] - facts->first[index],
	};
}
