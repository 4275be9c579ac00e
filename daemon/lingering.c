/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lingering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/lun_ask.h"

#define ASK_EVERY_NS (3 * NS_PER_S)

struct lingering_entry {
	dev_t devt;
	unsigned int sid;
	uint64_t asked_ns;
	uint64_t good_since_ns; /* 0: its last answer was none, or bad */
	struct lun_ask *ask;	/* the question that is out; NULL none */
};

static const struct lingering_entry *find(const struct lingering *l, const struct iscsi_identity *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].devt == id->devt && l->entries[i].sid == id->sid)
			return &l->entries[i];
	return NULL;
}

static void take_answer(struct lingering_entry *entry, uint64_t now_ns)
{
	enum lun_ask_state state = entry->ask ? lun_ask_state(entry->ask) : LUN_ASK_RUNNING;

	if (state == LUN_ASK_RUNNING)
		return;
	lun_ask_put(entry->ask);
	entry->ask = NULL;
	if (state == LUN_ASK_BAD)
		entry->good_since_ns = 0;
	else if (!entry->good_since_ns)
		entry->good_since_ns = now_ns;
}

static void ask_again(struct lingering_entry *entry, const char *device, uint64_t now_ns)
{
	if (entry->ask || (entry->asked_ns && now_ns - entry->asked_ns < ASK_EVERY_NS))
		return;
	entry->asked_ns = now_ns;
	if (lun_ask_start(device, &entry->ask) < 0)
		entry->ask = NULL; /* the next round tries again */
}

static void put_entries(struct lingering_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lun_ask_put(entries[i].ask);
	free(entries);
}

int lingering_update(struct lingering *l, const struct iscsi_identity *const *paths, size_t n,
		     uint64_t now_ns)
{
	struct lingering_entry *entries = calloc(n + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct lingering_entry *before = find(l, paths[i]);

		entries[i] = (struct lingering_entry){.devt = paths[i]->devt, .sid = paths[i]->sid};
		if (before) {
			entries[i] = *before;
			l->entries[before - l->entries].ask = NULL; /* handed over */
		}
		take_answer(&entries[i], now_ns);
		ask_again(&entries[i], paths[i]->device, now_ns);
	}
	put_entries(l->entries, l->n);
	l->entries = entries;
	l->n = n;
	return 0;
}

bool lingering_has(const struct lingering *l, const struct iscsi_identity *id)
{
	return find(l, id) != NULL;
}

uint64_t lingering_good_ms(const struct lingering *l, const struct iscsi_identity *id,
			   uint64_t now_ns)
{
	const struct lingering_entry *entry = find(l, id);

	if (!entry || !entry->good_since_ns || now_ns < entry->good_since_ns)
		return 0;
	return (now_ns - entry->good_since_ns) / NS_PER_MS;
}

void lingering_free(struct lingering *l)
{
	put_entries(l->entries, l->n);
	*l = (struct lingering){.n = 0};
}
