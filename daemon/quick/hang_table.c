/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which LUNs hang on which paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/analyzer.h"
#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/quick/hang_state.h"

#define ACTIVE_MS  5000	  /* in dm, so long after it was failed: it was brought back */
#define FORGET_MS  600000 /* a path that is not there any more, or was in order for so long */

uint64_t hang_lun_hash(const struct lun *lun)
{
	return fnv1a(FNV1A_START, lun->wwid, strlen(lun->wwid));
}

static uint64_t path_key(uint64_t wwid_hash, uint64_t name_hash)
{
	return fnv1a(wwid_hash, &name_hash, sizeof(name_hash));
}

static struct hang *find(const struct hangs *hangs, uint64_t wwid, const struct lun_path *path)
{
	size_t cursor = 0, at;

	do {
		at = hash_index_next(&hangs->by_path, path_key(wwid, path->name_hash), &cursor);
		if (at == HASH_INDEX_NONE)
			return NULL;
	} while (hangs->table[at].wwid_hash != wwid ||
		 hangs->table[at].name_hash != path->name_hash);
	return &hangs->table[at];
}

struct hang *hang_find(const struct hangs *hangs, const struct lun *lun,
		       const struct lun_path *path)
{
	return hangs && hangs->n ? find(hangs, hang_lun_hash(lun), path) : NULL;
}

/* What grew is freed by hangs_free(). */
NO_LEAK_BEGIN
/* Room for one more. */
static int grow(struct hangs *hangs)
{
	struct hang *grown = reallocarray(hangs->table, hangs->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	hangs->table = grown;
	return 0;
}
NO_LEAK_END

struct hang *hang_add(struct hangs *hangs, const struct lun *lun, const struct lun_path *path)
{
	uint64_t wwid = hang_lun_hash(lun);
	struct hang *hang = find(hangs, wwid, path);

	if (hang)
		return hang;
	if (grow(hangs) < 0 ||
	    hash_index_add(&hangs->by_path, path_key(wwid, path->name_hash), hangs->n) < 0)
		return NULL;
	hang = &hangs->table[hangs->n++];
	*hang = (struct hang){.wwid_hash = wwid, .name_hash = path->name_hash};
	return hang;
}

bool hangs_any(const struct hangs *hangs)
{
	for (size_t i = 0; hangs && i < hangs->n; i++)
		if (hangs->table[i].is)
			return true;
	return false;
}

static struct damping_limits limits_of(const struct quick *quick)
{
	return (struct damping_limits){.half_life_s = quick->settings.flap_half_life_s,
				       .hold = quick->settings.flap_hold,
				       .reuse = quick->settings.flap_reuse};
}

void hang_begin(const struct quick *quick, struct hang *hang, const struct silence *io,
		uint64_t now_ns)
{
	const struct damping_limits limits = limits_of(quick);

	hang->is = true;
	hang->was_stuck = io->since_ns != 0;
	hang->freed = hang->seen_failed = false;
	hang->since_ns = io->since_ns ? io->since_ns : now_ns;
	hang->failed_ns = hang->seen_ns = now_ns;
	if (!hang->was_stuck)
		return; /* no fault of its own: no penalty */
	damping_step(&hang->damping, &limits, true, now_ns);
	damping_step(&hang->damping, &limits, false, now_ns);
}

void hangs_adopt(const struct quick *quick, uint64_t now_ns)
{
	const struct lun_table *table = &quick->watch->luns;

	for (size_t i = 0; i < table->n; i++)
		for (size_t j = 0; j < table->luns[i].n_paths; j++) {
			const struct iscsi_identity *id = table->luns[i].paths[j].id;
			const struct silence unknown = {.known = false};
			struct board_path record;
			struct hang *hang;
			enum board_trust trust = board_read_path(
				quick->watch->options.board_path, id->sid, id->lun,
				path_name_hash(&id->name), now_ns, &record);

			if ((trust != BOARD_FRESH && trust != BOARD_STALE) ||
			    !(record.flags & BOARD_PATH_HUNG) ||
			    record.wwid_hash != fnv1a(FNV1A_START, id->wwid, strlen(id->wwid)))
				continue;
			hang = hang_add(quick->hangs, &table->luns[i], &table->luns[i].paths[j]);
			if (!hang)
				continue;
			hang_begin(quick, hang, &unknown, now_ns);
			hang->was_stuck = true;
		}
}

static int compare_disks(const void *left, const void *right)
{
	const struct hang_disk *a = left, *b = right;

	return (a->devt > b->devt) - (a->devt < b->devt);
}

const struct silence *hang_silence(const struct hangs *hangs, dev_t devt)
{
	const struct hang_disk key = {.devt = devt}, *found;

	if (!hangs || !hangs->disks)
		return NULL;
	found = bsearch(&key, hangs->disks, hangs->n_disks, sizeof(key), compare_disks);
	return found ? &found->io : NULL;
}

int hang_sync_disks(struct hangs *hangs, const struct inventory *inventory)
{
	struct hang_disk *disks;

	if (hangs->disks && hangs->generation == inventory->generation &&
	    hangs->n_disks == inventory->n_disks)
		return 0;
	disks = calloc(inventory->n_disks + 1, sizeof(*disks));
	if (!disks)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_disks; i++) {
		const struct silence *old = hang_silence(hangs, inventory->disks[i].devt);

		disks[i].devt = inventory->disks[i].devt;
		if (old)
			disks[i].io = *old;
	}
	qsort(disks, inventory->n_disks, sizeof(*disks), compare_disks);
	free(hangs->disks);
	hangs->disks = disks;
	hangs->n_disks = inventory->n_disks;
	hangs->generation = inventory->generation;
	return 0;
}

/* Brought back: the checker does that once a READ has been answered. */
static bool is_over(const struct quick *quick, const struct hang *hang,
		    const struct lun_path *path, uint64_t now_ns)
{
	const struct silence *io = hang_silence(quick->hangs, path->id->devt);

	if (!path->dm || !path->dm->active || !io)
		return false;
	if (io->since_ns && io->moved_ns <= hang->failed_ns)
		return false; /* stuck as before */
	return hang->seen_failed || now_ns - hang->failed_ns > ACTIVE_MS * NS_PER_MS;
}

static bool look_at(struct quick *quick, const struct lun *lun, const struct lun_path *path,
		    struct hang *hang, uint64_t now_ns)
{
	const struct damping_limits limits = limits_of(quick);
	bool held = hang->damping.held;

	hang->seen_ns = now_ns;
	if (hang->is && path->dm && !path->dm->active)
		hang->seen_failed = true;
	if (hang->is && is_over(quick, hang, path, now_ns)) {
		char name[QUICK_NAME_MAX];

		hang->is = false;
		hang->ended_ns = now_ns;
		log_line(LOG_NOTICE, "%s: %s: the LUN answers here again after %llu s",
			 *lun->alias ? lun->alias : lun->wwid,
			 hang_path_name(path, name, sizeof(name)),
			 (unsigned long long)((now_ns - hang->since_ns) / NS_PER_S));
		damping_step(&hang->damping, &limits, true, now_ns);
		return true;
	}
	damping_step(&hang->damping, &limits, !hang->is || !hang->was_stuck, now_ns);
	return hang->damping.held != held;
}

bool hang_look(struct quick *quick, const struct lun *lun, uint64_t now_ns)
{
	bool news = false;

	for (size_t i = 0; i < lun->n_paths && quick->hangs->n; i++) {
		struct hang *hang = hang_find(quick->hangs, lun, &lun->paths[i]);

		if (hang)
			news |= look_at(quick, lun, &lun->paths[i], hang, now_ns);
	}
	return news;
}

void hangs_tidy(struct hangs *hangs, uint64_t now_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < hangs->n; i++) {
		const struct hang *hang = &hangs->table[i];
		uint64_t since = hang->is ? hang->seen_ns : hang->ended_ns;

		if (now_ns - since < FORGET_MS * NS_PER_MS)
			hangs->table[n++] = *hang;
	}
	if (n == hangs->n)
		return;
	hangs->n = n;
	hash_index_clear(&hangs->by_path);
	for (size_t i = 0; i < n; i++)
		hash_index_add(&hangs->by_path,
			       path_key(hangs->table[i].wwid_hash, hangs->table[i].name_hash), i);
}

void hangs_free(struct hangs *hangs)
{
	if (!hangs)
		return;
	free(hangs->disks);
	free(hangs->table);
	hash_index_free(&hangs->by_path);
	free(hangs->refusals);
	hash_index_free(&hangs->by_lun);
	free(hangs);
}

/* Another path that is no case of its own. */
static bool has_other(const struct quick *quick, const struct lun *lun,
		      const struct lun_path *path)
{
	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct lun_path *other = &lun->paths[i];
		const struct hang *hang = hang_find(quick->hangs, lun, other);
		const struct quick_session *session = quick_session(quick, other->id->sid);

		if (other != path && !(hang && hang->is) && other->dm && other->dm->active &&
		    session && session->healthy && other->plan.role != ROLE_EXCLUDED)
			return true;
	}
	return false;
}

unsigned int quick_hang_flags(const struct quick *quick, const struct lun *lun,
			      const struct lun_path *path, uint64_t now_ns)
{
	const struct hang *hang = hang_find(quick->hangs, lun, path);
	struct damping_limits limits;

	if (!hang || !hang->is)
		return 0;
	limits = limits_of(quick);
	if (!hang->damping.held || !has_other(quick, lun, path))
		return BOARD_PATH_HUNG;
	return BOARD_PATH_HUNG | BOARD_PATH_HELD |
	       board_penalty_flags(damping_penalty(&hang->damping, &limits, now_ns));
}
