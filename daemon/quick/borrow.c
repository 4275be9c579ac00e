/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A multipathd that stops turns queueing off, on every map (queue_without_daemon no). With stock
 * that hurts nobody while sessions are silent: their I/O waits below dm. I/O that was issued
 * quick comes back to dm when its connection ends, and would be failed there. So while a LUN has
 * such I/O on sessions that are silent or just lost, queueing is turned on again, and given back
 * as soon as the LUN has a path that answers, or its I/O waits below dm again (rideout.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/quick/map_message.h"
#include "daemon/quick/state.h"

/* After a connection has ended: for as long as stock's timers would have kept its I/O below dm. */
#define AFTER_LOSS_MS 15000 /* where they are not known */

static bool in_trouble(const struct quick_session *session, uint64_t now_ns)
{
	uint64_t limit_ms = session->stock_ms == UINT32_MAX ? AFTER_LOSS_MS : session->stock_ms;

	if (!session->logged_in_ns || session->tcp_gone)
		return session->lost_quick && now_ns - session->lost_ns < limit_ms * NS_PER_MS;
	return quick_holds_quick_io(session) && quick_unproven_since(session, now_ns);
}

/* Does the LUN have quick I/O in trouble, and no path that could take it? */
static bool needs_queueing(const struct quick *quick, const struct lun *lun, uint64_t now_ns)
{
	bool trouble = false;

	for (size_t i = 0; i < lun->n_paths; i++) {
		const struct quick_session *session = quick_session(quick, lun->paths[i].id->sid);

		if (!session || !lun->paths[i].dm)
			continue;
		if (in_trouble(session, now_ns))
			trouble = true;
		else if (quick_path_usable(quick, lun, &lun->paths[i]))
			return false;
	}
	return trouble;
}

static size_t find(const struct quick *quick, const char *map)
{
	size_t i = 0;

	while (i < quick->n_borrowed && strcmp(quick->borrowed[i], map) != 0)
		i++;
	return i;
}

static void borrow(struct quick *quick, const struct lun *lun)
{
	char(*grown)[DM_NAME_TEXT_MAX];

	if (find(quick, lun->map->name) == quick->n_borrowed) {
		grown = reallocarray(quick->borrowed, quick->n_borrowed + 1, sizeof(*grown));
		if (!grown)
			return;
		quick->borrowed = grown;
		copy_text(grown[quick->n_borrowed++], sizeof(*grown), lun->map->name);
		log_line(LOG_NOTICE,
			 "%s: queueing was turned off while its sessions are silent: on again until "
			 "that is over",
			 lun->map->name);
	}
	map_queue(lun->map->name, true);
}

/* multipathd is there and wants this map to queue: then it stays so. */
static bool multipathd_queues(const struct quick *quick, const char *map)
{
	for (size_t i = 0; quick->maps_fresh && i < quick->n_maps; i++)
		if (!strcmp(quick->maps[i].alias, map))
			return quick->maps[i].queueing != MP_QUEUEING_OFF &&
			       quick->maps[i].queueing != MP_QUEUEING_UNSET;
	return false;
}

static void give_back(struct quick *quick, size_t index)
{
	if (!multipathd_queues(quick, quick->borrowed[index]))
		map_queue(quick->borrowed[index], false);
	log_line(LOG_NOTICE, "%s: queueing is multipathd's affair again", quick->borrowed[index]);
	quick->n_borrowed--;
	memmove(quick->borrowed[index], quick->borrowed[quick->n_borrowed],
		sizeof(quick->borrowed[index]));
}

static bool is_needed(const struct quick *quick, const char *map, uint64_t now_ns)
{
	const struct lun *lun = lun_find(&quick->watch->luns, map);

	return lun && lun->map && quick_acts(quick) && needs_queueing(quick, lun, now_ns);
}

void quick_borrow_queueing(struct quick *quick, uint64_t now_ns)
{
	const struct lun_table *table = &quick->watch->luns;
	size_t i;

	for (i = 0; quick_acts(quick) && i < table->n; i++)
		if (table->luns[i].map && !table->luns[i].map->queues &&
		    needs_queueing(quick, &table->luns[i], now_ns))
			borrow(quick, &table->luns[i]);
	for (i = quick->n_borrowed; i-- > 0;)
		if (!is_needed(quick, quick->borrowed[i], now_ns))
			give_back(quick, i);
}

void quick_give_back_queueing(struct quick *quick)
{
	while (quick->n_borrowed)
		give_back(quick, quick->n_borrowed - 1);
	free(quick->borrowed);
	quick->borrowed = NULL;
}
