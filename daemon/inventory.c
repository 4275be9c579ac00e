/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dm_maps.h"

struct collector {
	const char *sysfs;
	struct inventory *inventory;
	size_t room;
};

static int add_disk(const char *device, void *arg)
{
	struct collector *c = arg;
	struct inventory *inventory = c->inventory;
	int r;

	if (inventory->n_disks == c->room) {
		size_t room = c->room ? 2 * c->room : 16;
		struct iscsi_identity *bigger =
			reallocarray(inventory->disks, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		inventory->disks = bigger;
		c->room = room;
	}
	r = identity_by_name(c->sysfs, device, &inventory->disks[inventory->n_disks]);
	if (r == 0 && inventory->disks[inventory->n_disks].is_iscsi)
		inventory->n_disks++;
	return 0; /* a disk that cannot be read now is not there now */
}

static int compare_disks(const void *left, const void *right)
{
	const struct iscsi_identity *a = left, *b = right;
	int r = strcmp(a->wwid, b->wwid);

	if (r == 0)
		r = path_name_compare(&a->name, &b->name);
	if (r == 0)
		r = (a->devt > b->devt) - (a->devt < b->devt);
	return r;
}

int inventory_read(const char *sysfs, struct inventory *ret)
{
	struct inventory inventory = {0};
	struct collector collector = {.sysfs = sysfs, .inventory = &inventory};
	int r = identity_each_disk(sysfs, add_disk, &collector);

	if (r == 0)
		r = dm_maps_read(&inventory.maps, &inventory.n_maps);
	if (r < 0) {
		inventory_free(&inventory);
		return r;
	}
	if (inventory.n_disks > 1)
		qsort(inventory.disks, inventory.n_disks, sizeof(inventory.disks[0]), compare_disks);
	*ret = inventory;
	return 0;
}

/* Same maps with the same members? States and groups may differ. */
static bool same_members(const struct inventory *inventory, const struct dm_map *maps, size_t n)
{
	size_t i, j;

	if (n != inventory->n_maps)
		return false;
	for (i = 0; i < n; i++) {
		const struct dm_map *old = &inventory->maps[i];

		if (strcmp(old->uuid, maps[i].uuid) || strcmp(old->name, maps[i].name) ||
		    old->n_paths != maps[i].n_paths)
			return false;
		for (j = 0; j < maps[i].n_paths; j++)
			if (!dm_map_path(old, maps[i].paths[j].devt))
				return false;
	}
	return true;
}

int inventory_refresh(const char *sysfs, struct inventory *inventory, bool *ret_changed)
{
	struct dm_map *maps;
	bool changed = false;
	size_t n, i;
	int r = dm_maps_read(&maps, &n);

	if (r < 0)
		return r;
	for (i = 0; i < inventory->n_disks; i++)
		if (identity_refresh(sysfs, &inventory->disks[i]) < 0)
			changed = true;
	if (!same_members(inventory, maps, n))
		changed = true;
	free(inventory->maps);
	inventory->maps = maps;
	inventory->n_maps = n;
	*ret_changed = changed;
	return 0;
}

void inventory_free(struct inventory *inventory)
{
	free(inventory->disks);
	free(inventory->maps);
	memset(inventory, 0, sizeof(*inventory));
}
