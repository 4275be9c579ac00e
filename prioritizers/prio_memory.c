/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prioritizers/prio_memory.h"

#include <stdbool.h>

#include "common/parse.h"

_Static_assert((PRIO_MEMORY_SLOTS & (PRIO_MEMORY_SLOTS - 1)) == 0, "not a power of two");

static bool same_key(const struct prio_key *a, const struct prio_key *b)
{
	return a->kind == b->kind && a->sid == b->sid && a->lun == b->lun && a->hash == b->hash;
}

static struct prio_entry *slot(struct prio_memory *memory, const struct prio_key *key, size_t i)
{
	uint64_t words[] = { (uint64_t)key->kind, key->sid, key->lun, key->hash };
	uint64_t hash = fnv1a(FNV1A_START, words, sizeof(words));

	/* keys are small numbers in a row, which FNV leaves in clumps: take the upper bits */
	hash = ((hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL) >> 32;
	return &memory->slots[(hash + i) & (PRIO_MEMORY_SLOTS - 1)];
}

struct prio_entry *prio_memory_find(struct prio_memory *memory, const struct prio_key *key)
{
	for (size_t i = 0; i < PRIO_MEMORY_WINDOW; i++) {
		struct prio_entry *entry = slot(memory, key, i);

		if (!same_key(&entry->key, key))
			continue;
		entry->used = ++memory->uses;
		return entry;
	}
	return NULL;
}

struct prio_entry *prio_memory_add(struct prio_memory *memory, const struct prio_key *key)
{
	struct prio_entry *entry = prio_memory_find(memory, key), *oldest;

	if (entry)
		return entry;
	/* a free slot has never been used: it is the oldest */
	oldest = slot(memory, key, 0);
	for (size_t i = 1; i < PRIO_MEMORY_WINDOW; i++) {
		entry = slot(memory, key, i);
		if (entry->used < oldest->used)
			oldest = entry;
	}
	*oldest = (struct prio_entry){ .key = *key, .used = ++memory->uses };
	return oldest;
}

void prio_memory_forget(struct prio_memory *memory, const struct prio_key *key)
{
	struct prio_entry *entry = prio_memory_find(memory, key);

	if (entry)
		*entry = (struct prio_entry){ .key = { .kind = PRIO_KIND_FREE } };
}
