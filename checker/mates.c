/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/mates.h"

#include <pthread.h>
#include <stdlib.h>

struct mates {
	struct mates *next;
	unsigned int holders;
	uint32_t sid;
	uint64_t name_hash;
	uint64_t well_ns, odd_ns;
};

/* Held for a few instructions. */
static struct {
	pthread_mutex_t lock;
	struct mates *first;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct mates *find(uint32_t sid, uint64_t name_hash)
{
	struct mates *mates = table.first;

	while (mates && (mates->sid != sid || mates->name_hash != name_hash))
		mates = mates->next;
	return mates;
}

struct mates *mates_join(uint32_t sid, uint64_t name_hash)
{
	struct mates *mates, *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return NULL;
	pthread_mutex_lock(&table.lock);
	mates = find(sid, name_hash);
	if (!mates) {
		*fresh = (struct mates){ .next = table.first, .sid = sid, .name_hash = name_hash };
		mates = table.first = fresh;
		fresh = NULL;
	}
	mates->holders++;
	pthread_mutex_unlock(&table.lock);
	free(fresh);
	return mates;
}

void mates_leave(struct mates *mates)
{
	struct mates **p = &table.first;
	bool last;

	if (!mates)
		return;
	pthread_mutex_lock(&table.lock);
	last = --mates->holders == 0;
	if (last) {
		while (*p != mates)
			p = &(*p)->next;
		*p = mates->next;
	}
	pthread_mutex_unlock(&table.lock);
	if (last)
		free(mates);
}

static void keep_latest(uint64_t *time_ns, uint64_t now_ns)
{
	pthread_mutex_lock(&table.lock);
	if (now_ns > *time_ns)
		*time_ns = now_ns;
	pthread_mutex_unlock(&table.lock);
}

void mates_well(struct mates *mates, uint64_t sent_ns)
{
	if (mates)
		keep_latest(&mates->well_ns, sent_ns);
}

void mates_odd(struct mates *mates, uint64_t now_ns)
{
	if (mates)
		keep_latest(&mates->odd_ns, now_ns);
}

void mates_look(struct mates *mates, uint64_t *ret_well_ns, uint64_t *ret_odd_ns)
{
	*ret_well_ns = *ret_odd_ns = 0;
	if (!mates)
		return;
	pthread_mutex_lock(&table.lock);
	*ret_well_ns = mates->well_ns;
	*ret_odd_ns = mates->odd_ns;
	pthread_mutex_unlock(&table.lock);
}
