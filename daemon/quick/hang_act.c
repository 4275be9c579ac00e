/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUNs that hang on some paths: what is done. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/quick/hang_state.h"
#include "daemon/quick/map_message.h"

#define FAIL_AGAIN_MS 2000

static const char *lun_name(const struct lun *lun)
{
	return *lun->alias ? lun->alias : lun->wwid;
}

/* Again, too, where somebody has brought the path back. */
static void fail_hung(struct quick *quick, const struct lun *lun, const bool *hung,
		      uint64_t now_ns)
{
	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct lun_path *path = &lun->paths[i];
		struct hang *hang = hang_find(quick->hangs, lun, path);
		int r;

		if (!hung[i] || !hang || !path->dm || !path->dm->active ||
		    now_ns - hang->told_ns < FAIL_AGAIN_MS * NS_PER_MS)
			continue;
		hang->told_ns = now_ns;
		r = map_fail_path(lun->map->name, path->id->devt);
		if (r < 0 && r != -EINVAL)
			log_line(LOG_WARNING, "%s: failing path %s: %s", lun_name(lun),
				 path->id->device, strerror(-r));
	}
}

/* Take note of the paths that hang; the checker hears of it before dm does. True: news. */
static bool note_hung(struct quick *quick, const struct lun *lun, const struct silence_path *paths,
		      const bool *hung, uint64_t now_ns)
{
	bool news = false;

	for (size_t i = 0; i < lun->n_paths; i++) {
		char name[QUICK_NAME_MAX];
		struct hang *hang;

		if (!hung[i])
			continue;
		hang = hang_add(quick->hangs, lun, &lun->paths[i]);
		if (!hang || hang->is)
			continue;
		hang_begin(quick, hang, &paths[i].io, now_ns);
		news = true;
		log_line(LOG_WARNING, "%s: %s: %s; new I/O goes elsewhere", lun_name(lun),
			 hang_path_name(&lun->paths[i], name, sizeof(name)),
			 paths[i].io.since_ns ? "its I/O hangs here, though the portal answers"
					      : "of the port group on which its I/O hangs");
	}
	quick->hangs->n_hangs += news;
	return news;
}

/* Is it still stuck, and not being dealt with? */
static bool is_stuck(const struct quick *quick, const struct lun_path *path,
		     const struct silence_path *state)
{
	const struct quick_session *session = quick_session(quick, path->id->sid);

	return state->io.since_ns && session && session->logged_in_ns && !session->given_up;
}

/* Other LUNs that were silent on the same session may hang as well: let a READ show it. */
static void note_companions(struct quick *quick, unsigned int sid, uint64_t now_ns)
{
	const struct lun_table *table = &quick->watch->luns;

	for (size_t i = 0; i < table->n; i++)
		for (size_t j = 0; table->luns[i].map && j < table->luns[i].n_paths; j++) {
			const struct lun_path *path = &table->luns[i].paths[j];
			const struct silence *io = hang_silence(quick->hangs, path->id->devt);
			struct hang *hang;

			if (path->id->sid != sid || !path->dm || !io || !io->since_ns ||
			    now_ns - io->since_ns < HANG_SILENT_MS * NS_PER_MS)
				continue;
			hang = hang_add(quick->hangs, &table->luns[i], path);
			if (hang && !hang->is)
				hang_begin(quick, hang, io, now_ns);
		}
	watch_publish(quick->watch);
}

static uint64_t in_flight_of(const struct quick *quick, unsigned int sid)
{
	const struct inventory *inventory = &quick->watch->inventory;
	uint64_t in_flight = 0;
	const uint32_t *disks;
	size_t n;

	disks = inventory_session(inventory, sid, &n);
	for (size_t i = 0; i < n; i++) {
		const struct silence *io =
			hang_silence(quick->hangs, inventory->disks[disks[i]].devt);

		in_flight += io ? io->in_flight : 0;
	}
	return in_flight;
}

static void free_stuck(struct quick *quick, const struct lun *lun,
		       const struct silence_path *paths, const bool *hung, uint64_t now_ns)
{
	char text[HANG_TEXT_MAX + DEVICE_WWID_MAX];

	for (size_t i = 0; i < lun->n_paths; i++) {
		struct quick_session *session = quick_session(quick, lun->paths[i].id->sid);
		struct hang *hang = hang_find(quick->hangs, lun, &lun->paths[i]);

		if (!hung[i] || !hang || !is_stuck(quick, &lun->paths[i], &paths[i]))
			continue;
		snprintf(text, sizeof(text), "%llu I/Os of %s hang there",
			 (unsigned long long)paths[i].io.in_flight, lun_name(lun));
		session->in_flight = in_flight_of(quick, session->sid); /* for the log */
		if (quick_end_session(quick, session, text, now_ns) < 0)
			continue;
		hang->freed = true;
		quick->hangs->n_freed++;
		/* Long before the next login, which takes several round trips. */
		note_companions(quick, session->sid, now_ns);
	}
}

/* May everything that is stuck be freed? Else a phrase why not. */
static const char *refusal(struct quick *quick, const struct lun *lun,
			   const struct silence_path *paths, const bool *hung, uint64_t now_ns)
{
	const char *why = NULL;

	for (size_t i = 0; i < lun->n_paths; i++)
		if (hung[i] && is_stuck(quick, &lun->paths[i], &paths[i])) {
			struct quick_session *session =
				quick_session(quick, lun->paths[i].id->sid);

			session->doomed_since_ns = paths[i].io.since_ns;
		}
	for (size_t i = 0; i < lun->n_paths && !why; i++)
		if (hung[i] && is_stuck(quick, &lun->paths[i], &paths[i]))
			why = hang_refusal(quick, &lun->paths[i], now_ns);
	for (size_t i = 0; i < quick->n_sessions; i++)
		quick->sessions[i].doomed_since_ns = 0;
	return why;
}

static uint64_t failed_ns(const struct quick *quick, const struct lun *lun, const bool *hung)
{
	uint64_t last = 0;

	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct hang *hang = hang_find(quick->hangs, lun, &lun->paths[i]);

		if (hung[i] && hang && hang->is && hang->failed_ns > last)
			last = hang->failed_ns;
	}
	return last;
}

static bool any_stuck(const struct quick *quick, const struct lun *lun,
		      const struct silence_path *paths, const bool *hung)
{
	bool any = false;

	for (size_t i = 0; i < lun->n_paths; i++)
		any |= hung[i] && is_stuck(quick, &lun->paths[i], &paths[i]);
	return any;
}

void hang_act(struct quick *quick, const struct lun *lun, const struct silence_path *paths,
	      const bool *hung, uint64_t now_ns)
{
	const char *why;

	if (!any_stuck(quick, lun, paths, hung))
		return;
	why = refusal(quick, lun, paths, hung, now_ns);
	hang_refused(quick, lun, why ? why : "", now_ns);
	if (why)
		return;
	if (note_hung(quick, lun, paths, hung, now_ns))
		watch_publish(quick->watch);
	fail_hung(quick, lun, hung, now_ns);
	if (silence_may_free(paths, lun->n_paths, hung, failed_ns(quick, lun, hung), now_ns))
		free_stuck(quick, lun, paths, hung, now_ns);
}
