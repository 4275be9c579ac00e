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

/* 'seen': what was read at this very look; empty: nothing was. */
static int count(struct hangs *hangs, const struct disk_loads *seen, uint64_t lost_ns,
		 uint64_t now_ns)
{
	struct disk_loads own = {.n = 0};
	const struct disk_loads *loads = seen->n ? seen : &own;
	size_t at = 0;
	int r = seen->n ? 0 : disk_loads_read(NULL, &own);

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

static void look_at_lun(struct quick *quick, const struct lun *lun, uint64_t now_ns)
{
	struct silence_path paths[POLICY_PATHS_MAX];
	bool hung[POLICY_PATHS_MAX];
	enum silence_verdict verdict;

	paths_of(quick, lun, paths);
	verdict = silence_judge(paths, lun->n_paths, now_ns, hung);
	if (verdict == SILENCE_HUNG)
		hang_act(quick, lun, paths, hung, now_ns);
	else if (verdict == SILENCE_NONE)
		hang_refused(quick, lun, "", now_ns);
	else
		hang_refused(quick, lun, silence_text(verdict), now_ns);
	if (hang_look(quick, lun, now_ns))
		watch_publish(quick->watch);
}

/* Is it time to look? *ret_lost_ns: how much later it is than it should be. */
static bool is_due(const struct hangs *hangs, uint64_t now_ns, uint64_t *ret_lost_ns)
{
	uint64_t look_ms = disk_loads_every_ms(hangs->n_disks);
	uint64_t period = (hangs->silent ? LOOK_SILENT_MS : look_ms) * NS_PER_MS;
	uint64_t since = hangs->looked_ns ? now_ns - hangs->looked_ns : period;

	*ret_lost_ns = since > period + LATE_MS * NS_PER_MS ? since - period : 0;
	return since >= period;
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
	const struct lun_table *table = &quick->watch->luns;
	uint64_t lost_ns;

	if (!is_wanted(quick)) {
		stop(quick);
		return;
	}
	if (!quick->hangs && !start(quick, now_ns))
		return;
	if (!is_due(quick->hangs, now_ns, &lost_ns))
		return;
	quick->hangs->looked_ns = now_ns;
	if (hang_sync_disks(quick->hangs, &quick->watch->inventory) < 0 ||
	    count(quick->hangs, &quick->loads, lost_ns, now_ns) < 0)
		return;
	/* No I/O waits anywhere, nothing hung before, nothing to take back: as mostly. */
	if (!quick->hangs->waiting && !quick->hangs->n && !quick->hangs->n_refusals)
		return;
	for (size_t i = 0; i < table->n; i++)
		if (table->luns[i].map && table->luns[i].n_paths <= POLICY_PATHS_MAX)
			look_at_lun(quick, &table->luns[i], now_ns);
	hangs_tidy(quick->hangs, now_ns);
}
