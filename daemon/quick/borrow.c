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

/* Where the map stands among those that are borrowed, or would stand. */
static size_t place_of(const struct quick *quick, const char *map)
{
	size_t low = 0, high = quick->n_borrowed;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(quick->borrowed[middle].name, map) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct borrowed_map *find(const struct quick *quick, const char *map)
{
	size_t place = place_of(quick, map);

	return place < quick->n_borrowed && !strcmp(quick->borrowed[place].name, map)
		       ? &quick->borrowed[place]
		       : NULL;
}

static struct borrowed_map *add(struct quick *quick, const char *map)
{
	size_t place = place_of(quick, map), behind = quick->n_borrowed - place;
	struct borrowed_map *grown =
		reallocarray(quick->borrowed, quick->n_borrowed + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	memmove(&grown[place + 1], &grown[place], behind * sizeof(*grown));
	grown[place] = (struct borrowed_map){.needed = true};
	copy_text(grown[place].name, sizeof(grown[place].name), map);
	quick->borrowed = grown;
	quick->n_borrowed++;
	log_line(LOG_NOTICE,
		 "%s: queueing was turned off while its sessions are silent: on again until that "
		 "is over",
		 map);
	return &grown[place];
}

/* Borrows, or keeps what is borrowed, as long as it is needed. */
static void look_at_lun(struct quick *quick, const struct lun *lun, uint64_t now_ns)
{
	struct borrowed_map *borrowed = find(quick, lun->map->name);

	if ((!borrowed && lun->map->queues) || !needs_queueing(quick, lun, now_ns))
		return;
	if (borrowed)
		borrowed->needed = true;
	else if (!add(quick, lun->map->name))
		return;
	if (!lun->map->queues)
		map_queue(lun->map->name, true);
}

static void give_back(struct quick *quick, size_t index)
{
	struct borrowed_map *borrowed = &quick->borrowed[index];

	if (multipathd_not_running(quick->maps_error))
		map_queue(borrowed->name, false);
	log_line(LOG_NOTICE, "%s: queueing is multipathd's affair again", borrowed->name);
	quick->n_borrowed--;
	memmove(borrowed, borrowed + 1, (quick->n_borrowed - index) * sizeof(*borrowed));
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

	for (i = 0; i < quick->n_borrowed; i++)
		quick->borrowed[i].needed = false;
	for (i = 0; quick_acts(quick) && i < table->n; i++)
		if (table->luns[i].map)
			look_at_lun(quick, &table->luns[i], now_ns);
	for (i = quick->n_borrowed; i-- > 0;)
		if (!quick->borrowed[i].needed && knows_multipathd(quick))
			give_back(quick, i);
}

void quick_give_back_queueing(struct quick *quick)
{
	while (quick->n_borrowed)
		give_back(quick, quick->n_borrowed - 1);
	free(quick->borrowed);
	quick->borrowed = NULL;
}
