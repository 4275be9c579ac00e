/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUNs that hang on some paths: from what is counted to what is judged. */
#include "daemon/quick/hang.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/quick/hang_state.h"
#include "daemon/quick/state.h"

#define LOOK_SILENT_MS 200
#define LATE_MS	       400

/* --- what is counted --- */

static bool is_wanted(const struct quick *quick)
{
	const struct quick_settings *settings = &quick->settings;

	if (!quick_acts(quick))
		return false;
	for (size_t i = 0; i < settings->n_targets; i++)
		if (settings->targets[i].timing.lun_dead_ms)
			return true;
	return settings->timing.lun_dead_ms != 0;
}

/* Both lists are sorted: the search goes on where the last one ended. */
static const struct disk_load *next_load(const struct disk_loads *loads, dev_t devt, size_t *at)
{
	while (*at < loads->n && loads->disks[*at].devt < devt)
		++*at;
	return *at < loads->n && loads->disks[*at].devt == devt ? &loads->disks[*at] : NULL;
}

/* By what was read at this very look, if anything was. */
static int count(struct quick *quick, uint64_t lost_ns, uint64_t now_ns)
{
	struct hangs *hangs = quick->hangs;
	struct disk_loads own = {.n = 0};
	const struct disk_loads *loads = quick->loads.n ? &quick->loads : &own;
	size_t at = 0;
	int r = quick->loads.n ? 0 : quick_loads(quick, &own);

	if (r < 0)
		return r;
	hangs->silent = hangs->waiting = false;
	for (size_t i = 0; i < hangs->n_disks; i++) {
		const struct disk_load *load = next_load(loads, hangs->disks[i].devt, &at);
		const struct silence_sample sample = {
			.now_ns = now_ns,
			.lost_ns = lost_ns,
			.counted = load != NULL,
			.in_flight = load ? load->in_flight : 0,
			.completed = load ? load->completed : 0,
		};
		struct silence *io = &hangs->disks[i].io;

		silence_step(io, &sample);
		hangs->waiting |= io->since_ns != 0;
		hangs->silent |= io->since_ns && now_ns - io->since_ns >= HANG_SILENT_MS * NS_PER_MS;
	}
	disk_loads_free(&own);
	return 0;
}

/* --- from paths to what is judged --- */

static unsigned int same_before(const struct lun *lun, size_t i,
				bool (*same)(const struct path_name *, const struct path_name *))
{
	for (size_t j = 0; j < i; j++)
		if (same(&lun->paths[j].id->name, &lun->paths[i].id->name))
			return (unsigned int)j;
	return (unsigned int)i;
}

static bool same_group(const struct path_name *a, const struct path_name *b)
{
	return a->tpgt == b->tpgt && !strcmp(a->target, b->target);
}

static bool same_portal(const struct path_name *a, const struct path_name *b)
{
	return portal_compare(&a->portal, &b->portal) == 0;
}

static bool answers(const struct quick_session *session, const struct iscsi_identity *id)
{
	return session && session->logged_in_ns && session->healthy &&
	       session->verdict != SUSPICION_GROWING && !session->given_up && !session->tcp_gone &&
	       id->device_state == DEVICE_RUNNING;
}

static void paths_of(const struct quick *quick, const struct lun *lun, struct silence_path *ret)
{
	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct lun_path *path = &lun->paths[i];
		const struct quick_timing *timing =
			settings_timing(&quick->settings, path->id->name.target);
		const struct silence *io = hang_silence(quick->hangs, path->id->devt);
		uint32_t limit = timing->lun_dead_ms;

		if (limit && limit < timing->floor_ms)
			limit = timing->floor_ms;
		ret[i] = (struct silence_path){
			.limit_ms = limit,
			.group = same_before(lun, i, same_group),
			.portal = same_before(lun, i, same_portal),
			.answers = answers(quick_session(quick, path->id->sid), path->id),
			.usable = quick_path_usable(quick, lun, path),
		};
		if (io)
			ret[i].io = *io;
	}
}

/* --- looking --- */

/* So many LUNs are begun with at one look: each costs messages to dm, and all else that this
 * thread does waits meanwhile. */
#define BEGIN_A_LOOK 128

static enum silence_verdict judge(const struct quick *quick, const struct lun *lun,
				  uint64_t now_ns, struct hang_case *ret)
{
	ret->lun = lun;
	ret->now_ns = now_ns;
	paths_of(quick, lun, ret->paths);
	return silence_judge(ret->paths, lun->n_paths, now_ns, ret->hung);
}

/* LUNs whose I/O hangs on some paths, and is not being freed yet, from the one on that the last
 * look has not come to. Returns how many. */
static size_t list_hanging(struct quick *quick, uint64_t now_ns, const struct lun **ret)
{
	const struct lun_table *table = &quick->watch->luns;
	struct hang_case c;
	size_t n = 0;

	for (size_t i = 0; i < table->n; i++) {
		const struct lun *lun = &table->luns[(quick->hangs->next_lun + i) % table->n];
		enum silence_verdict verdict;

		if (!lun->map || lun->n_paths > POLICY_PATHS_MAX)
			continue;
		verdict = judge(quick, lun, now_ns, &c);
		if (verdict != SILENCE_HUNG) {
			hang_refused(quick, lun, verdict ? silence_text(verdict) : "", now_ns);
			continue;
		}
		if (!hang_any_stuck(quick, &c))
			continue;
		hang_doom_add(quick, &c);
		ret[n++] = lun;
	}
	return n;
}

/* What is done about one that hangs: something at this look, nothing, or the next look goes on
 * with it. */
static enum hang_word begin(struct quick *quick, const struct hang_case *c, size_t *n_begun,
			    bool *news)
{
	const char *why = "";
	enum hang_word word = hang_doom_ask(quick, c, &why);

	if (word == HANG_LATER)
		return word;
	hang_refused(quick, c->lun, why, c->now_ns);
	if (word == HANG_MAY_NOT || hang_is_noted(quick, c))
		return word;
	if (*n_begun == BEGIN_A_LOOK) {
		quick->hangs->hurry = true;
		return HANG_LATER;
	}
	++*n_begun;
	*news |= hang_note(quick, c);
	hang_doom_outdated(quick);
	return word;
}

/* Begins with those of 'luns' that may be helped, and leaves only these in it. The checker hears
 * of it before dm does. Returns how many. */
static size_t begin_all(struct quick *quick, uint64_t now_ns, const struct lun **luns, size_t n)
{
	const struct lun_table *table = &quick->watch->luns;
	size_t n_kept = 0, n_begun = 0;
	bool news = false, left = false;
	struct hang_case c;

	for (size_t i = 0; i < n; i++) {
		enum hang_word word;

		judge(quick, luns[i], now_ns, &c);
		word = begin(quick, &c, &n_begun, &news);
		if (word == HANG_MAY)
			luns[n_kept++] = luns[i];
		if (word == HANG_LATER && !left)
			quick->hangs->next_lun = (size_t)(luns[i] - table->luns);
		left |= word == HANG_LATER;
	}
	if (news)
		watch_publish(quick->watch);
	return n_kept;
}

/* True: the board has to say something else now. */
static bool act_on_all(struct quick *quick, uint64_t now_ns, const struct lun **luns, size_t n)
{
	uint64_t freed = quick->hangs->n_freed;
	struct hang_case c;
	bool news = false;

	for (size_t i = 0; i < n; i++) {
		if (judge(quick, luns[i], now_ns, &c) != SILENCE_HUNG)
			continue; /* its session was given up for another one */
		/* One session fewer: what was found of this LUN may not hold any more. */
		if (quick->hangs->n_freed != freed && !hang_doom_together(quick, &c))
			continue;
		news |= hang_act(quick, &c);
	}
	return news;
}

static bool look_at_all(struct quick *quick, uint64_t now_ns)
{
	const struct lun_table *table = &quick->watch->luns;
	const struct lun **luns = calloc(table->n + 1, sizeof(*luns));
	bool news = false;
	size_t n;

	if (!luns)
		return false; /* the next look is soon */
	hang_doom_begin(quick);
	n = list_hanging(quick, now_ns, luns);
	if (n) {
		hang_doom_decide(quick, now_ns);
		n = begin_all(quick, now_ns, luns, n);
		news = act_on_all(quick, now_ns, luns, n);
	}
	free(luns);
	for (size_t i = 0; i < table->n && quick->hangs->n; i++)
		if (table->luns[i].map && table->luns[i].n_paths <= POLICY_PATHS_MAX)
			news |= hang_look(quick, &table->luns[i], now_ns);
	return news;
}

static uint64_t period_ms(const struct quick *quick)
{
	uint64_t pause_ms = disk_loads_pause_ms(quick->loads_cost_us, quick->hangs->silent);

	return quick->hangs->silent && pause_ms < LOOK_SILENT_MS ? LOOK_SILENT_MS : pause_ms;
}

/* Is it time to look? *ret_lost_ns: how much later it is than it should be. */
static bool is_due(const struct quick *quick, uint64_t now_ns, uint64_t *ret_lost_ns)
{
	const struct hangs *hangs = quick->hangs;
	uint64_t period = period_ms(quick) * NS_PER_MS;
	uint64_t since = hangs->looked_ns ? now_ns - hangs->looked_ns : period;

	*ret_lost_ns = since > period + LATE_MS * NS_PER_MS ? since - period : 0;
	return since >= period || hangs->hurry;
}

static bool start(struct quick *quick, uint64_t now_ns)
{
	quick->hangs = calloc(1, sizeof(*quick->hangs));
	if (quick->hangs)
		hangs_adopt(quick, now_ns);
	return quick->hangs != NULL;
}

static void stop(struct quick *quick)
{
	bool any = hangs_any(quick->hangs);

	hangs_free(quick->hangs);
	quick->hangs = NULL;
	if (any)
		watch_publish(quick->watch);
}

void quick_hang(struct quick *quick, uint64_t now_ns)
{
	uint64_t lost_ns;

	if (!is_wanted(quick)) {
		stop(quick);
		return;
	}
	if (!quick->hangs && !start(quick, now_ns))
		return;
	if (!is_due(quick, now_ns, &lost_ns))
		return;
	quick->hangs->looked_ns = now_ns;
	quick->hangs->hurry = false;
	if (hang_sync_disks(quick->hangs, &quick->watch->inventory) < 0 ||
	    count(quick, lost_ns, now_ns) < 0)
		return;
	/* No I/O waits anywhere, nothing hung before, nothing to take back: as mostly. */
	if (!quick->hangs->waiting && !quick->hangs->n && !quick->hangs->n_refusals)
		return;
	if (look_at_all(quick, now_ns))
		watch_publish(quick->watch);
	hangs_tidy(quick->hangs, now_ns);
}
