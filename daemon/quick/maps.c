/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What multipathd says of queueing: asked now and then, the last answer holds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/multipathd_config.h"
#include "daemon/quick/state.h"

#define ASK_MS	       5000
/* The whole configuration is a long text, for multipathd too. One that was away has read it anew. */
#define ASK_CONFIG_MS  30000
#define ASK_TIMEOUT_MS 4000
#define POLLING_S      5 /* multipathd's own, where it does not tell */

static int compare_maps(const void *left, const void *right)
{
	const struct mp_map *a = left, *b = right;

	return strcmp(a->wwid, b->wwid);
}

static void on_maps(void *arg, int error, const char *reply)
{
	struct quick *quick = arg;
	struct mp_map *maps;
	size_t n;

	quick->maps_pending = false;
	quick->maps_fresh = false;
	quick->maps_error = error;
	if (error < 0 || mp_maps_parse(reply, &maps, &n) < 0)
		return;
	if (n)
		qsort(maps, n, sizeof(*maps), compare_maps);
	free(quick->maps);
	quick->maps = maps;
	quick->n_maps = n;
	quick->maps_fresh = true;
	quick_look(quick);
}

static void on_config(void *arg, int error, const char *reply)
{
	struct quick *quick = arg;
	struct mp_config config;

	if (error == 0 && mp_config_parse(reply, &config) == 0)
		quick->polling_s = config.polling_interval;
}

void quick_ask_maps(struct quick *quick, uint64_t now_ns)
{
	if (quick->maps_pending || (quick->maps_asked_ns &&
				    now_ns - quick->maps_asked_ns < ASK_MS * NS_PER_MS))
		return;
	quick->maps_asked_ns = now_ns;
	if (!quick->maps_fresh || !quick->config_asked_ns ||
	    now_ns - quick->config_asked_ns >= ASK_CONFIG_MS * NS_PER_MS) {
		quick->config_asked_ns = now_ns;
		multipathd_submit(quick->watch->multipathd, MP_SHOW_CONFIG, ASK_TIMEOUT_MS,
				  on_config, quick);
	}
	quick->maps_pending = multipathd_submit(quick->watch->multipathd, MP_SHOW_MAPS,
						ASK_TIMEOUT_MS, on_maps, quick) == 0;
}

static const struct mp_map *find_map(const struct quick *quick, const char *wwid)
{
	size_t low = 0, high = quick->n_maps;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(quick->maps[middle].wwid, wwid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < quick->n_maps && !strcmp(quick->maps[low].wwid, wwid) ? &quick->maps[low] : NULL;
}

enum map_queueing quick_queueing(const struct quick *quick, const struct lun *lun,
				 uint32_t *ret_ms)
{
	unsigned int polling_s = quick->polling_s ? quick->polling_s : POLLING_S;
	const struct mp_map *map = find_map(quick, lun->wwid);

	*ret_ms = 0;
	if (!map)
		return QUEUEING_UNKNOWN;
	switch (map->queueing) {
	case MP_QUEUEING_ON:
		return QUEUEING_ALWAYS;
	case MP_QUEUEING_CHECKS:
		*ret_ms = map->retries > UINT32_MAX / 1000 / polling_s
				  ? UINT32_MAX
				  : map->retries * polling_s * 1000;
		return QUEUEING_COUNT;
	case MP_QUEUEING_SECONDS: /* the count has begun: what is left of it */
		*ret_ms = map->seconds * 1000;
		return QUEUEING_COUNT;
	case MP_QUEUEING_UNSET:
	case MP_QUEUEING_OFF:
		return QUEUEING_OFF;
	}
	return QUEUEING_UNKNOWN;
}
