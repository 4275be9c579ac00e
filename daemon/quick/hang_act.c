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

bool hang_is_stuck(const struct quick *quick, const struct hang_case *c, size_t i)
{
	const struct quick_session *session = quick_session(quick, c->lun->paths[i].id->sid);

	return c->hung[i] && c->paths[i].io.since_ns && session && session->logged_in_ns &&
	       !session->given_up;
}

bool hang_any_stuck(const struct quick *quick, const struct hang_case *c)
{
	for (size_t i = 0; i < c->lun->n_paths; i++)
		if (hang_is_stuck(quick, c, i))
			return true;
	return false;
}

bool hang_is_noted(const struct quick *quick, const struct hang_case *c)
{
	for (size_t i = 0; i < c->lun->n_paths; i++) {
		const struct hang *hang = hang_find(quick->hangs, c->lun, &c->lun->paths[i]);

		if (c->hung[i] && !(hang && hang->is))
			return false;
	}
	return true;
}

bool hang_note(struct quick *quick, const struct hang_case *c)
{
	bool news = false;

	for (size_t i = 0; i < c->lun->n_paths; i++) {
		char name[QUICK_NAME_MAX];
		struct hang *hang;

		if (!c->hung[i])
			continue;
		hang = hang_add(quick->hangs, c->lun, &c->lun->paths[i]);
		if (!hang || hang->is)
			continue;
		hang_begin(quick, hang, &c->paths[i].io, c->now_ns);
		news = true;
		log_line(LOG_WARNING, "%s: %s: %s; new I/O goes elsewhere", lun_name(c->lun),
			 hang_path_name(&c->lun->paths[i], name, sizeof(name)),
			 c->paths[i].io.since_ns ? "its I/O hangs here, though the portal answers"
						 : "of the port group on which its I/O hangs");
	}
	quick->hangs->n_hangs += news;
	return news;
}

/* Again, too, where somebody has brought the path back. */
static void fail_hung(struct quick *quick, const struct hang_case *c)
{
	for (size_t i = 0; i < c->lun->n_paths; i++) {
		const struct lun_path *path = &c->lun->paths[i];
		struct hang *hang = hang_find(quick->hangs, c->lun, path);
		int r;

		if (!c->hung[i] || !hang || !path->dm || !path->dm->active ||
		    c->now_ns - hang->told_ns < FAIL_AGAIN_MS * NS_PER_MS)
			continue;
		hang->told_ns = c->now_ns;
		r = map_fail_path(c->lun->map->name, path->id->devt);
		if (r < 0 && r != -EINVAL)
			log_line(LOG_WARNING, "%s: failing path %s: %s", lun_name(c->lun),
				 path->id->device, strerror(-r));
	}
}

/* Other LUNs that were silent on the same session may hang as well: let a READ show it. */
static bool note_companions(struct quick *quick, unsigned int sid, uint64_t now_ns)
{
	const struct lun_table *table = &quick->watch->luns;
	bool news = false;

	for (size_t i = 0; i < table->n; i++)
		for (size_t j = 0; table->luns[i].map && j < table->luns[i].n_paths; j++) {
			const struct lun_path *path = &table->luns[i].paths[j];
			const struct silence *io;
			struct hang *hang;

			if (path->id->sid != sid || !path->dm)
				continue;
			io = hang_silence(quick->hangs, path->id->devt);
			if (!io || !io->since_ns ||
			    now_ns - io->since_ns < HANG_SILENT_MS * NS_PER_MS)
				continue;
			hang = hang_add(quick->hangs, &table->luns[i], path);
			if (!hang || hang->is)
				continue;
			hang_begin(quick, hang, io, now_ns);
			news = true;
		}
	return news;
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

/* Each session once a look, however many LUNs hang on it. True: other LUNs were noted. */
static bool free_stuck(struct quick *quick, const struct hang_case *c)
{
	char text[HANG_TEXT_MAX + DEVICE_WWID_MAX];
	bool news = false;

	for (size_t i = 0; i < c->lun->n_paths; i++) {
		struct quick_session *session = quick_session(quick, c->lun->paths[i].id->sid);
		struct hang *hang = hang_find(quick->hangs, c->lun, &c->lun->paths[i]);

		if (!hang || !hang_is_stuck(quick, c, i) || session->ended_for_ns == c->now_ns)
			continue;
		session->ended_for_ns = c->now_ns;
		snprintf(text, sizeof(text), "%llu I/Os of %s hang there",
			 (unsigned long long)c->paths[i].io.in_flight, lun_name(c->lun));
		session->in_flight = in_flight_of(quick, session->sid); /* for the log */
		if (quick_end_session(quick, session, text, c->now_ns) < 0)
			continue;
		hang->freed = true;
		quick->hangs->n_freed++;
		news |= note_companions(quick, session->sid, c->now_ns);
	}
	return news;
}

static uint64_t failed_ns(const struct quick *quick, const struct hang_case *c)
{
	uint64_t last = 0;

	for (size_t i = 0; i < c->lun->n_paths; i++) {
		const struct hang *hang = hang_find(quick->hangs, c->lun, &c->lun->paths[i]);

		if (c->hung[i] && hang && hang->is && hang->failed_ns > last)
			last = hang->failed_ns;
	}
	return last;
}

bool hang_act(struct quick *quick, const struct hang_case *c)
{
	fail_hung(quick, c);
	return silence_may_free(c->paths, c->lun->n_paths, c->hung, failed_ns(quick, c),
				c->now_ns) &&
	       free_stuck(quick, c);
}
