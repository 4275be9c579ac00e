/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/forecast.h"

static bool can_carry(const struct forecast_path *path)
{
	return path->placed && path->usable && !path->excluded;
}

static int first_group(const struct forecast_path *paths, size_t n, bool disabled, int without)
{
	int best = -1;

	for (size_t i = 0; i < n; i++) {
		int group = (int)paths[i].group;

		if (!can_carry(&paths[i]) || paths[i].disabled != disabled || group == without)
			continue;
		if (best < 0 || group < best)
			best = group;
	}
	return best;
}

int forecast_next(const struct forecast_path *paths, size_t n, int group)
{
	int next = first_group(paths, n, false, group);

	return next >= 0 ? next : first_group(paths, n, true, group);
}

int forecast_group(const struct forecast_path *paths, size_t n)
{
	return forecast_next(paths, n, -1);
}

bool forecast_carries(const struct forecast_path *path, int group)
{
	return group >= 0 && can_carry(path) && path->group == (unsigned int)group;
}

void forecast_plan(const struct plan_path *plan, const bool *usable, size_t n,
		   struct forecast_path *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct forecast_path){.group = plan[i].group,
						.placed = true,
						.usable = usable[i],
						.excluded = plan[i].role == ROLE_EXCLUDED};
}

static struct forecast_path from_table(const struct dm_map *map, const struct lun_path *path,
				       bool usable)
{
	if (!map || !path->dm)
		return (struct forecast_path){.usable = usable};
	return (struct forecast_path){.group = path->dm->group,
				      .placed = true,
				      .usable = usable,
				      .excluded = path->plan.role == ROLE_EXCLUDED,
				      .disabled = map->group_state[path->dm->group] == 'D'};
}

void forecast_now(const struct lun *lun, struct forecast_path *out)
{
	for (size_t i = 0; i < lun->n_paths && i < POLICY_PATHS_MAX; i++) {
		const struct dm_path *dm = lun->paths[i].dm;
		bool active = dm && dm->active;

		out[i] = from_table(lun->map, &lun->paths[i], active);
		/* One that should be excluded and is not yet does carry I/O. */
		out[i].excluded = out[i].excluded && !active;
	}
}

enum forecast_basis forecast_lun(const struct lun *lun, const bool *usable,
				 struct forecast_path *out)
{
	bool planned = lun->setting && lun->map && lun_in_force(lun);

	for (size_t i = 0; i < lun->n_paths && i < POLICY_PATHS_MAX; i++) {
		out[i] = from_table(lun->map, &lun->paths[i], usable[i]);
		/* Paths outside the map carry nothing until multipathd takes them in. */
		if (planned)
			out[i].group = lun->paths[i].plan.group;
	}
	return planned ? FORECAST_PLAN : FORECAST_KERNEL;
}
