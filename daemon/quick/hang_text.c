/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of LUNs that hang: that nothing is done, and what is said. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/analyzer.h"
#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/quick/hang_state.h"

#define REFUSAL_MS 1000 /* shorter ones are not worth a line */

static struct hang_refusal *refusal_of(const struct hangs *hangs, const struct lun *lun)
{
	uint64_t hash = hangs->n_refusals ? hang_lun_hash(lun) : 0;
	size_t cursor = 0, at = hash_index_next(&hangs->by_lun, hash, &cursor);

	return at == HASH_INDEX_NONE ? NULL : &hangs->refusals[at];
}

/* What grew is freed by hangs_free(). */
NO_LEAK_BEGIN
/* Room for one more. */
static int refusals_grow(struct hangs *hangs)
{
	struct hang_refusal *grown =
		reallocarray(hangs->refusals, hangs->n_refusals + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	hangs->refusals = grown;
	return 0;
}
NO_LEAK_END

static struct hang_refusal *refusal_add(struct hangs *hangs, const struct lun *lun,
					uint64_t now_ns)
{
	struct hang_refusal *refusal = refusal_of(hangs, lun);
	uint64_t hash = hang_lun_hash(lun);

	if (refusal)
		return refusal;
	if (refusals_grow(hangs) < 0 ||
	    hash_index_add(&hangs->by_lun, hash, hangs->n_refusals) < 0)
		return NULL;
	refusal = &hangs->refusals[hangs->n_refusals++];
	*refusal = (struct hang_refusal){.wwid_hash = hash, .since_ns = now_ns};
	return refusal;
}

/* The last one takes its place. */
static void refusal_remove(struct hangs *hangs, struct hang_refusal *refusal)
{
	size_t at = (size_t)(refusal - hangs->refusals), last = --hangs->n_refusals;

	hash_index_remove(&hangs->by_lun, refusal->wwid_hash, at);
	if (at == last)
		return;
	*refusal = hangs->refusals[last];
	hash_index_remove(&hangs->by_lun, refusal->wwid_hash, last);
	hash_index_add(&hangs->by_lun, refusal->wwid_hash, at);
}

void hang_refused(struct quick *quick, const struct lun *lun, const char *why, uint64_t now_ns)
{
	struct hangs *hangs = quick->hangs;
	struct hang_refusal *refusal;

	if (!*why) {
		refusal = refusal_of(hangs, lun);
		if (refusal)
			refusal_remove(hangs, refusal);
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
