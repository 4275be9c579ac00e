/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hash_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 16

static void put(struct hash_index *index, const struct hash_index_slot *slot)
{
	size_t mask = index->size - 1, at = slot->hash & mask;

	while (index->slots[at].after)
		at = (at + 1) & mask;
	index->slots[at] = *slot;
	index->n++;
}

static int grow(struct hash_index *index)
{
	size_t size = index->size ? 2 * index->size : SIZE_MIN;
	struct hash_index grown = {.slots = calloc(size, sizeof(*grown.slots)), .size = size};

	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < index->size; i++)
		if (index->slots[i].after)
			put(&grown, &index->slots[i]);
	free(index->slots);
	*index = grown;
	return 0;
}

int hash_index_add(struct hash_index *index, uint64_t hash, size_t position)
{
	const struct hash_index_slot slot = {.hash = hash, .after = position + 1};

	if (2 * (index->n + 1) > index->size && grow(index) < 0)
		return -ENOMEM;
	put(index, &slot);
	return 0;
}

/* Who was put behind it because it stood in the way is put again. */
static void close_gap(struct hash_index *index, size_t gap)
{
	size_t mask = index->size - 1;

	for (size_t at = (gap + 1) & mask; index->slots[at].after; at = (at + 1) & mask) {
		const struct hash_index_slot slot = index->slots[at];

		index->slots[at].after = 0;
		index->n--;
		put(index, &slot);
	}
}

void hash_index_remove(struct hash_index *index, uint64_t hash, size_t position)
{
	size_t mask = index->size - 1, at = hash & mask;

	if (!index->size)
		return;
	while (index->slots[at].after &&
	       (index->slots[at].hash != hash || index->slots[at].after != position + 1))
		at = (at + 1) & mask;
	if (!index->slots[at].after)
		return;
	index->slots[at].after = 0;
	index->n--;
	close_gap(index, at);
}

void hash_index_clear(struct hash_index *index)
{
	if (index->size)
		memset(index->slots, 0, index->size * sizeof(*index->slots));
	index->n = 0;
}

size_t hash_index_next(const struct hash_index *index, uint64_t hash, size_t *cursor)
{
	while (index->size) {
		size_t at = (size_t)(hash + (*cursor)++) & (index->size - 1);

		if (!index->slots[at].after)
			break;
		if (index->slots[at].hash == hash)
			return index->slots[at].after - 1;
	}
	return HASH_INDEX_NONE;
}

void hash_index_free(struct hash_index *index)
{
	free(index->slots);
	*index = (struct hash_index){.n = 0};
}
