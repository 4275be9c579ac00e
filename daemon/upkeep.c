/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/quick/quick.h"

static bool lingers(const struct watch *watch, const struct lun *lun, const struct lun_path *path,
		    uint64_t now_ns)
{
	struct evidence evidence;

	return path->dm && !path->dm->active && path->plan.role != ROLE_EXCLUDED &&
	       !failed_has(&watch->failed, lun->wwid, &path->id->name) &&
	       !quick_path_flags(watch->quick, lun, path) &&
	       watch_judge(watch, path->id, now_ns, &evidence).state == VERDICT_UP;
}

static void say_memory(struct watch *watch, int r, uint64_t now_ns)
{
	unsigned int failures;

	if (r == 0)
		complaint_works(&watch->following);
	else if (complaint_fails(&watch->following, r, now_ns, &failures) != COMPLAINT_NONE)
		log_line(LOG_ERR, "following failed paths: %s", strerror(-r));
}

/* Paths that multipathd keeps failed for no reason of theirs. */
static void watch_lingering(struct watch *watch)
{
	const struct iscsi_identity **paths = calloc(watch->inventory.n_disks + 1, sizeof(*paths));
	uint64_t now_ns = clock_now_ns();
	size_t n = 0, i, j;

	for (i = 0; paths && i < watch->luns.n; i++)
		for (j = 0; j < watch->luns.luns[i].n_paths; j++)
			if (lingers(watch, &watch->luns.luns[i], &watch->luns.luns[i].paths[j],
				    now_ns))
				paths[n++] = watch->luns.luns[i].paths[j].id;
	say_memory(watch, paths ? lingering_update(&watch->lingering, paths, n, now_ns) : -ENOMEM,
		   now_ns);
	free(paths);
}

static void on_regrouped(void *arg, int error, const char *reply)
{
	(void)arg;
	(void)reply;
	if (error < 0 && error != -ECANCELED)
		log_line(LOG_WARNING, "multipathd did not reload a map: %s", strerror(-error));
}

static void ask_regroup(struct watch *watch, const struct lun *lun)
{
	char request[DM_NAME_TEXT_MAX + 16];
	int r;

	if (strpbrk(lun->alias, " \t\"%"))
		return;
	snprintf(request, sizeof(request), "reload map %s", lun->alias);
	log_line(LOG_NOTICE, "%s: its groups are out of order and every path works: reload",
		 lun->alias);
	r = multipathd_submit(watch->multipathd, request, 10000, on_regrouped, NULL);
	if (r < 0)
		on_regrouped(NULL, r, NULL);
}

/* Tables that multipathd has left out of order. */
static void watch_regroup(struct watch *watch)
{
	const struct lun **luns = calloc(watch->luns.n + 1, sizeof(*luns));
	struct regroup_lun *out = calloc(watch->luns.n + 1, sizeof(*out));
	uint64_t now_ns = clock_now_ns();
	size_t n = 0, i;

	for (i = 0; luns && out && i < watch->luns.n; i++) {
		const struct lun *lun = &watch->luns.luns[i];

		if (!lun->entry || !lun->map || lun_order_in_force(lun) ||
		    publish_waits_for(watch, lun, now_ns) ||
		    !publish_may_reload(watch, lun, now_ns, &out[n].plan_ns))
			continue;
		out[n].id = fnv1a(FNV1A_START, lun->wwid, strlen(lun->wwid));
		luns[n++] = lun;
	}
	if (luns && out && regroup_step(&watch->regroup, out, n, now_ns) == 0)
		for (i = 0; i < n; i++)
			if (out[i].due)
				ask_regroup(watch, luns[i]);
	free(luns);
	free(out);
}

void upkeep_step(struct watch *watch)
{
	watch_lingering(watch);
	watch_regroup(watch);
}
