/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store that was read: which entry is whose. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/store.h"

void store_free(struct store *store)
{
	size_t i;

	for (i = 0; i < store->n; i++)
		free(store->entries[i].setting);
	free(store->entries);
	store->entries = NULL;
	store->n = 0;
}

const struct store_entry *store_find(const struct store *store, const struct store_lun *lun)
{
	const struct store_entry *best = NULL;
	size_t closest = STORE_NO_MATCH, i;

	for (i = 0; i < store->n; i++) {
		size_t match = store_name_match(&store->entries[i].name, lun);

		if (match >= closest)
			continue;
		closest = match;
		best = &store->entries[i];
	}
	return best;
}

const struct store_entry *store_entry_named(const struct store *store,
					    const struct store_name *name)
{
	size_t i;

	for (i = 0; i < store->n; i++)
		if (store_name_equal(&store->entries[i].name, name))
			return &store->entries[i];
	return NULL;
}

int store_with(const struct store *store, const struct store_name *name,
	       struct policy_setting *setting, struct store *ret)
{
	struct store_entry *entries = calloc(store->n + 1, sizeof(*entries));
	size_t n = 0, i;

	if (!entries)
		return -ENOMEM;
	for (i = 0; i < store->n; i++)
		if (!store_name_equal(&store->entries[i].name, name))
			entries[n++] = store->entries[i];
	if (setting)
		entries[n++] = (struct store_entry){.name = *name, .setting = setting};
	*ret = (struct store){.entries = entries, .n = n};
	return 0;
}
