/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store that was read: which entry is whose. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int compare_names(const struct store_entry *entry, enum store_scope scope, const char *name,
			 const char *product)
{
	int r = (entry->name.scope > scope) - (entry->name.scope < scope);

	if (r == 0)
		r = strcmp(entry->name.name, name);
	return r ? r : strcmp(entry->name.product, product);
}

/* Of entries of one name the first in the file has effect. */
static int compare_entries(const void *left, const void *right)
{
	const struct store_entry *const *a = left, *const *b = right;
	int r = compare_names(*a, (*b)->name.scope, (*b)->name.name, (*b)->name.product);

	return r ? r : (*a > *b) - (*a < *b);
}

int store_index_make(const struct store *store, struct store_index *ret)
{
	const struct store_entry **entries = calloc(store->n + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < store->n; i++)
		entries[i] = &store->entries[i];
	qsort(entries, store->n, sizeof(*entries), compare_entries);
	*ret = (struct store_index){.entries = entries, .n = store->n};
	return 0;
}

void store_index_free(struct store_index *index)
{
	free(index->entries);
	*index = (struct store_index){.n = 0};
}

static const struct store_entry *first_named(const struct store_index *index,
					     enum store_scope scope, const char *name,
					     const char *product)
{
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_names(index->entries[middle], scope, name, product) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < index->n && !compare_names(index->entries[low], scope, name, product)
		       ? index->entries[low]
		       : NULL;
}

/* In the order of store_name_match(): what it calls closest is looked for first. */
const struct store_entry *store_index_find(const struct store_index *index,
					   const struct store_lun *lun)
{
	const struct store_entry *found = NULL;

	if (*lun->wwid)
		found = first_named(index, STORE_LUN, lun->wwid, "");
	if (!found && *lun->alias)
		found = first_named(index, STORE_LUN, lun->alias, "");
	for (size_t i = 0; i < lun->n_targets && !found; i++)
		found = first_named(index, STORE_TARGET, lun->targets[i], "");
	if (!found)
		found = first_named(index, STORE_PRODUCT, lun->vendor, lun->product);
	return found ? found : first_named(index, STORE_DEFAULT, "", "");
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
