/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A multipathd that stops turns queueing off, on every map (queue_without_daemon no). With stock
 * that hurts nobody while sessions are silent: their I/O waits below dm. I/O that was issued
 * quick comes back to dm when its connection ends, and would be failed there. So while a LUN has
 * such I/O on sessions that are silent, just lost, or back but not yet in use, queueing is turned
 * on again, and given back as soon as the LUN has a path that I/O can go to.
 *
 * Given back to whom? A multipathd that runs decides about queueing by itself, also of a map that
 * it finds queueing when it starts; until it has read the map it says "off" of it. So it is turned
 * off only for one that does not run, as that one would have left it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/log.h"
#include "daemon/multipathd_client.h"
#include "daemon/quick/borrow_decide.h"
#include "daemon/quick/map_message.h"
#include "daemon/quick/state.h"

/* After a connection has ended: for as long as stock's timers would have kept its I/O below dm. */
#define AFTER_LOSS_MS 15000 /* where they are not known */

static uint64_t age_ms(uint64_t since_ns, uint64_t now_ns)
{
	return now_ns > since_ns ? (now_ns - since_ns) / NS_PER_MS : 0;
}

static struct borrow_path about(const struct quick *quick, const struct lun *lun,
				const struct lun_path *path, const struct quick_session *session,
				uint64_t now_ns)
{
	return (struct borrow_path){
		.usable = quick_path_usable(quick, lun, path),
		.connected = session->logged_in_ns && !session->tcp_gone,
		.quick_io = quick_holds_quick_io(session),
		.unproven = quick_unproven_since(session, now_ns),
		.was_quick = session->lost_quick,
		.ended_ms = age_ms(session->lost_ns, now_ns),
		.back_ms = age_ms(session->logged_in_ns, now_ns),
		.stock_ms = session->stock_ms == UINT32_MAX ? AFTER_LOSS_MS : session->stock_ms,
	};
}

static bool needs_queueing(const struct quick *quick, const struct lun *lun, uint64_t now_ns)
{
	struct borrow_path paths[POLICY_PATHS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < lun->n_paths && n < POLICY_PATHS_MAX; i++) {
		const struct lun_path *path = &lun->paths[i];
		const struct quick_session *session = quick_session(quick, path->id->sid);

		if (session && path->dm)
			paths[n++] = about(quick, lun, path, session, now_ns);
	}
	return borrow_needed(paths, n);
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

static void give_back(struct quick *quick, size_t index)
{
	if (multipathd_not_running(quick->maps_error))
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

/* Does it run, or not? One that is starting, or stuck, says neither. */
static bool knows_multipathd(const struct quick *quick)
{
	return quick->maps_fresh || multipathd_not_running(quick->maps_error);
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
		if (!is_needed(quick, quick->borrowed[i], now_ns) && knows_multipathd(quick))
			give_back(quick, i);
}

void quick_give_back_queueing(struct quick *quick)
{
	while (quick->n_borrowed)
		give_back(quick, quick->n_borrowed - 1);
	free(quick->borrowed);
	quick->borrowed = NULL;
}
