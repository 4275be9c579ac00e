/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of LUNs that hang: why nothing is done, and what is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/quick/hang_state.h"

#define REFUSAL_MS 1000 /* shorter ones are not worth a line */

static struct hang_refusal *refusal_of(const struct hangs *hangs, const struct lun *lun)
{
	uint64_t hash = hangs->n_refusals ? hang_lun_hash(lun) : 0;

	for (size_t i = 0; i < hangs->n_refusals; i++)
		if (hangs->refusals[i].wwid_hash == hash)
			return &hangs->refusals[i];
	return NULL;
}

static struct hang_refusal *refusal_add(struct hangs *hangs, const struct lun *lun,
					uint64_t now_ns)
{
	struct hang_refusal *refusal = refusal_of(hangs, lun), *grown;

	if (refusal)
		return refusal;
	grown = reallocarray(hangs->refusals, hangs->n_refusals + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	hangs->refusals = grown;
	refusal = &grown[hangs->n_refusals++];
	*refusal = (struct hang_refusal){.wwid_hash = hang_lun_hash(lun), .since_ns = now_ns};
	return refusal;
}

void hang_refused(struct quick *quick, const struct lun *lun, const char *why, uint64_t now_ns)
{
	struct hangs *hangs = quick->hangs;
	struct hang_refusal *refusal;

	if (!*why) {
		refusal = refusal_of(hangs, lun);
		if (refusal)
			*refusal = hangs->refusals[--hangs->n_refusals];
		return;
	}
	refusal = refusal_add(hangs, lun, now_ns);
	if (!refusal)
		return;
	if (strncmp(refusal->why, why, sizeof(refusal->why) - 1)) {
		snprintf(refusal->why, sizeof(refusal->why), "%s", why);
		refusal->said = false;
		refusal->since_ns = now_ns;
	}
	if (refusal->said || now_ns - refusal->since_ns < REFUSAL_MS * NS_PER_MS)
		return;
	refusal->said = true;
	hangs->n_refused++;
	log_line(LOG_WARNING, "%s: its I/O hangs, but nothing is done: %s",
		 *lun->alias ? lun->alias : lun->wwid, why);
}

static size_t index_of(const struct quick *quick, const struct quick_session *session)
{
	return (size_t)(session - quick->sessions);
}

static const char *release_refusal(const struct quick *quick, const struct quick_session *session,
				   uint64_t now_ns)
{
	const struct decide_limits limits = {.stable_ms = quick->settings.stable_ms};
	struct decide_session about;
	struct quick_decision decision;
	struct quick_facts facts;

	if (quick_facts_make(quick, &facts) < 0)
		return "out of memory";
	about = quick_facts_of(quick, &facts, index_of(quick, session), now_ns);
	decision = decide_release(&about, &limits);
	quick_facts_free(&facts);
	return decision.reason == QUICK_YES ? NULL : quick_reason_text(decision.reason);
}

const char *hang_refusal(struct quick *quick, const struct lun_path *path, uint64_t now_ns)
{
	const struct quick_session *session = quick_session(quick, path->id->sid);

	if (!session)
		return "its session is not known";
	if (!session->levers_on || !session->levers.quick)
		return "its session is not quick";
	/* The target is alive and keeps the command: nothing we could do makes it drop that. */
	if (settings_timing(&quick->settings, path->id->name.target)->fence)
		return "the target has not said that it will not carry the I/O out later "
		       "(fence = reinstate)";
	return release_refusal(quick, session, now_ns);
}

/* --- what is said --- */

const char *hang_path_name(const struct lun_path *path, char *buffer, size_t size)
{
	const struct path_name *name = &path->id->name;
	char portal[PORTAL_TEXT_MAX];

	portal_format(&name->portal, portal, sizeof(portal));
	snprintf(buffer, size, "%s over %s", portal, *name->netdev ? name->netdev : name->iface);
	return buffer;
}

static const char *outcome(const struct hang *hang, const struct silence *io)
{
	if (hang->freed)
		return "its session was given up, and a READ must be answered before it is used "
		       "again";
	if (io && io->since_ns)
		return "new I/O goes elsewhere";
	return "not used until a READ is answered";
}

const char *quick_hang_text(const struct quick *quick, const struct lun *lun,
			    const struct lun_path *path, uint64_t now_ns, char *buffer, size_t size)
{
	const struct hang *hang = hang_find(quick->hangs, lun, path);
	const struct hang_refusal *refusal = quick->hangs ? refusal_of(quick->hangs, lun) : NULL;
	const struct silence *io = hang_silence(quick->hangs, path->id->devt);

	*buffer = '\0';
	if (hang && hang->is)
		snprintf(buffer, size, "I/O of this LUN %s since %llu s; %s",
			 hang->was_stuck ? "hangs here" : "hangs on this port group",
			 (unsigned long long)((now_ns - hang->since_ns) / NS_PER_S),
			 outcome(hang, io));
	else if (refusal && refusal->said && io && io->since_ns)
		snprintf(buffer, size, "I/O of this LUN hangs here since %llu s, but nothing is "
				       "done: %s",
			 (unsigned long long)((now_ns - io->since_ns) / NS_PER_S), refusal->why);
	return buffer;
}

void quick_hang_forgive(struct quick *quick, const struct lun *lun, const struct lun_path *path)
{
	struct hang *hang = hang_find(quick->hangs, lun, path);

	if (hang)
		damping_forgive(&hang->damping);
}

void quick_hang_report(const struct quick *quick, struct json_object *counters)
{
	const struct hangs *hangs = quick->hangs;

	json_object_object_add(counters, "hangs",
			       json_object_new_int64(hangs ? (int64_t)hangs->n_hangs : 0));
	json_object_object_add(counters, "hang_releases",
			       json_object_new_int64(hangs ? (int64_t)hangs->n_freed : 0));
	json_object_object_add(counters, "hang_refused",
			       json_object_new_int64(hangs ? (int64_t)hangs->n_refused : 0));
}
