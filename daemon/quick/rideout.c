/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A LUN without any usable path, because quick sessions have failed all at once. Stock would
 * have its I/O wait below dm, in the blocked queues of the disks, until the sessions come back
 * or recovery_tmo ends; ours waits in dm, where it becomes an error as soon as somebody turns
 * queueing off (a multipathd that stops does), and where it goes on only after multipathd's
 * next check. So the paths are given back to dm: those whose disks are still blocked, and
 * those that work again.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/quick/borrow_decide.h"
#include "daemon/quick/map_message.h"
#include "daemon/quick/state.h"

#define AGAIN_MS	1000  /* a path that works, and failed again */

static bool has_usable(const struct lun *lun)
{
	for (size_t i = 0; i < lun->n_paths; i++)
		if (lun->paths[i].dm && lun->paths[i].dm->active)
			return true;
	return false;
}

static bool is_back(const struct quick_session *session, const struct iscsi_identity *id,
		    uint64_t now_ns)
{
	return session->logged_in_ns && session->healthy && id->device_state == DEVICE_RUNNING &&
	       now_ns - session->logged_in_ns < QUICK_AFTER_LOGIN_MS * NS_PER_MS &&
	       now_ns - session->reinstated_ns > AGAIN_MS * NS_PER_MS;
}

static bool is_waiting(const struct quick_session *session, const struct iscsi_identity *id)
{
	return !session->logged_in_ns && id->device_state == DEVICE_BLOCKED;
}

static void ride_out(struct quick *quick, const struct lun *lun, uint64_t now_ns)
{
	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct lun_path *path = &lun->paths[i];
		struct quick_session *session = quick_session(quick, path->id->sid);
		int r;

		if (!session || !path->dm || !session->lost_quick ||
		    path->plan.role == ROLE_EXCLUDED ||
		    failed_has(&quick->watch->failed, lun->wwid, &path->id->name))
			continue;
		if (!is_waiting(session, path->id) && !is_back(session, path->id, now_ns))
			continue;
		r = map_reinstate_path(lun->map->name, path->id->devt);
		if (r == 0) {
			quick->n_reinstated++;
			log_line(LOG_NOTICE,
				 "%s: no usable path; %s is given back to the map, %s",
				 lun->map->name, path->id->device,
				 session->logged_in_ns ? "it works again"
						       : "its disk waits for the session");
		}
	}
}

void quick_ride_out(struct quick *quick, uint64_t now_ns)
{
	const struct lun_table *table = &quick->watch->luns;
	size_t i;

	if (!quick_acts(quick))
		return;
	for (i = 0; i < table->n; i++)
		if (table->luns[i].map && !has_usable(&table->luns[i]))
			ride_out(quick, &table->luns[i], now_ns);
	for (i = 0; i < quick->n_sessions; i++)
		if (quick->sessions[i].logged_in_ns &&
		    now_ns - quick->sessions[i].reinstated_ns > AGAIN_MS * NS_PER_MS)
			quick->sessions[i].reinstated_ns = now_ns;
}
