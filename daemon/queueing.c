/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/queueing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/array_conf.h"
#include "daemon/multipathd_client.h"
#include "daemon/multipathd_config.h"

#define ASK_MS 2000

const char *queueing_text(bool queues, const struct mp_map *map, unsigned int interval,
			  char *buffer, size_t size)
{
	unsigned int every = interval ? interval : POLLING_INTERVAL_DEFAULT;

	if (!queues)
		snprintf(buffer, size, "I/O fails at once");
	else if (map && map->queueing == MP_QUEUEING_ON)
		snprintf(buffer, size, "I/O waits until a path is back, however long");
	else if (map && map->queueing == MP_QUEUEING_CHECKS)
		snprintf(buffer, size,
			 "I/O waits for about %u s, then fails (no_path_retry %u, every %u s)",
			 map->retries * every, map->retries, every);
	else if (map && map->queueing == MP_QUEUEING_SECONDS)
		snprintf(buffer, size, "I/O waits for %u s more, then fails", map->seconds);
	else
		snprintf(buffer, size, "I/O waits (for how long, multipathd does not say)");
	return buffer;
}

static unsigned int ask_interval(uint64_t deadline_ns)
{
	struct mp_config config = {0};
	char *reply = NULL;

	if (multipathd_call(NULL, MP_SHOW_CONFIG, deadline_ns, &reply) < 0)
		return 0;
	if (mp_config_parse(reply, &config) < 0)
		config.polling_interval = 0;
	free(reply);
	return config.polling_interval;
}

const char *queueing_ask(bool queues, const char *wwid, char *buffer, size_t size)
{
	uint64_t deadline_ns = clock_now_ns() + ASK_MS * NS_PER_MS;
	const struct mp_map *map = NULL;
	struct mp_map *maps = NULL;
	size_t n = 0, i;

	if (queues && multipathd_maps(NULL, deadline_ns, &maps, &n) < 0)
		n = 0;
	for (i = 0; i < n; i++)
		if (!strcmp(maps[i].wwid, wwid))
			map = &maps[i];
	queueing_text(queues, map, map ? ask_interval(deadline_ns) : 0, buffer, size);
	free(maps);
	return buffer;
}
