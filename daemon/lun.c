/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"

/* A disk on its way into a LUN. */
struct member {
	char wwid[DEVICE_WWID_MAX];
	const struct iscsi_identity *id;
	const struct dm_map *map;
	const struct dm_path *dm;
};

/* udev writes "_" for blanks, one for several, none at the end (util_replace_whitespace()). */
static void join_words(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != ' ')
			*to++ = *from;
		else if (from[1] && from[1] != ' ')
			*to++ = '_';
	}
	*to = '\0';
}

void lun_wwid_from_sysfs(const char *sysfs_wwid, char *buffer, size_t size)
{
	static const struct {
		const char *prefix, *digit;
	} kinds[] = {{"naa.", "3"}, {"eui.", "2"}, {"t10.", "1"}};
	const char *digit = "", *rest = sysfs_wwid;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strncmp(sysfs_wwid, kinds[i].prefix, 4)) {
			digit = kinds[i].digit;
			rest = sysfs_wwid + 4;
		}
	}
	snprintf(buffer, size, "%s%s", digit, rest);
	join_words(buffer);
}

/* All paths of all maps, by device number; of one that is in two maps the first map's. */
struct mapped {
	dev_t devt;
	const struct dm_map *map;
	const struct dm_path *dm;
};

struct mapped_paths {
	struct mapped *paths;
	size_t n;
};

static int compare_mapped(const void *left, const void *right)
{
	const struct mapped *a = left, *b = right;

	if (a->devt != b->devt)
		return a->devt < b->devt ? -1 : 1;
	return (a->dm > b->dm) - (a->dm < b->dm);
}

static int list_mapped(const struct inventory *inventory, struct mapped_paths *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < inventory->n_maps; i++)
		n += inventory->maps[i].n_paths;
	*ret = (struct mapped_paths){.paths = calloc(n + 1, sizeof(*ret->paths))};
	if (!ret->paths)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_maps; i++)
		for (size_t j = 0; j < inventory->maps[i].n_paths; j++) {
			const struct dm_map *map = &inventory->maps[i];

			ret->paths[ret->n++] =
				(struct mapped){map->paths[j].devt, map, &map->paths[j]};
		}
	qsort(ret->paths, ret->n, sizeof(*ret->paths), compare_mapped);
	return 0;
}

static void find_map(const struct mapped_paths *mapped, struct member *member)
{
	size_t low = 0, high = mapped->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (mapped->paths[middle].devt < member->id->devt)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == mapped->n || mapped->paths[low].devt != member->id->devt)
		return;
	member->map = mapped->paths[low].map;
	member->dm = mapped->paths[low].dm;
}

static void fill_member(const struct mapped_paths *mapped, const struct iscsi_identity *id,
			struct member *member)
{
	member->id = id;
	find_map(mapped, member);
	if (member->map)
		copy_text(member->wwid, sizeof(member->wwid), dm_map_wwid(member->map));
	if (!*member->wwid && *id->wwid)
		lun_wwid_from_sysfs(id->wwid, member->wwid, sizeof(member->wwid));
	if (!*member->wwid)
		snprintf(member->wwid, sizeof(member->wwid), "(no WWID: %s)", id->device);
}

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int r = strcmp(a->wwid, b->wwid);

	if (r == 0)
		r = path_name_compare(&a->id->name, &b->id->name);
	if (r == 0)
		r = (a->id->devt > b->id->devt) - (a->id->devt < b->id->devt);
	return r;
}

size_t lun_policy_paths(const struct lun *lun, struct policy_path *paths)
{
	size_t i;

	for (i = 0; i < lun->n_paths && i < POLICY_PATHS_MAX; i++) {
		const struct iscsi_identity *id = lun->paths[i].id;

		paths[i] = (struct policy_path){
			.name = id->name, .access = id->access, .preferred = id->preferred};
	}
	return lun->n_paths;
}

/* What holds without a section; NULL: nothing. */
static const struct policy_setting *built_in(const struct lun *lun)
{
	static const struct policy_setting by_access = {.policy = &policy_round_robin_with_subset};

	if ((lun->map && lun->map->mixed) || lun->n_paths > POLICY_PATHS_MAX)
		return NULL;
	for (size_t i = 0; i < lun->n_paths; i++)
		if (lun->paths[i].id->access != ACCESS_UNKNOWN)
			return &by_access;
	return NULL;
}

static void make_plan(struct lun *lun)
{
	struct policy_path paths[POLICY_PATHS_MAX];
	struct plan_path plan[POLICY_PATHS_MAX];
	size_t i, n = lun_policy_paths(lun, paths);

	lun->setting = lun->entry ? lun->entry->setting : built_in(lun);
	if (plan_make(lun->setting, paths, n, plan) < 0)
		return;
	for (i = 0; i < lun->n_paths; i++)
		lun->paths[i].plan = plan[i];
}

/* The LUN's targets in the order of its paths, each once. Returns how many. */
static size_t list_targets(const struct lun *lun, const char **targets)
{
	size_t n = 0, i, j;

	for (i = 0; i < lun->n_paths && n < POLICY_PATHS_MAX; i++) {
		for (j = 0; j < n && strcmp(targets[j], lun->paths[i].id->name.target); j++)
			;
		if (j == n)
			targets[n++] = lun->paths[i].id->name.target;
	}
	return n;
}

/* The LUN as sections are found for it; 'targets': room for POLICY_PATHS_MAX. */
static struct store_lun key_of(const struct lun *lun, const char **targets)
{
	const struct iscsi_identity *first = lun->paths[0].id;

	return (struct store_lun){.wwid = lun->wwid,
				  .alias = lun->alias,
				  .targets = targets,
				  .n_targets = list_targets(lun, targets),
				  .vendor = first->vendor,
				  .product = first->product};
}

const struct store_entry *lun_find_entry(const struct lun *lun, const struct store *store)
{
	const char *targets[POLICY_PATHS_MAX];
	const struct store_lun key = key_of(lun, targets);

	return store_find(store, &key);
}

static const struct store_entry *find_entry(const struct lun *lun,
					    const struct store_index *sections)
{
	const char *targets[POLICY_PATHS_MAX];
	const struct store_lun key = key_of(lun, targets);

	return store_index_find(sections, &key);
}

/* One LUN from the members first…first+n-1. */
static void fill_lun(struct lun *lun, const struct member *first, size_t n,
		     const struct store_index *sections)
{
	size_t i;

	copy_text(lun->wwid, sizeof(lun->wwid), first->wwid);
	lun->n_paths = n;
	for (i = 0; i < n; i++) {
		lun->paths[i] = (struct lun_path){
			.id = first[i].id,
			.dm = first[i].dm,
			.name_hash = path_name_hash(&first[i].id->name)};
		if (first[i].map)
			lun->map = first[i].map;
	}
	lun->alias = lun->map ? lun->map->name : "";
	lun->entry = find_entry(lun, sections);
	if (lun->entry)
		lun->scope = lun->entry->name.scope;
	make_plan(lun);
}

static void fill_table(struct lun_table *table, const struct member *members, size_t n,
		       const struct store_index *sections)
{
	size_t first, end;

	for (first = 0; first < n; first = end) {
		struct lun *lun = &table->luns[table->n++];

		for (end = first + 1; end < n; end++)
			if (strcmp(members[end].wwid, members[first].wwid))
				break;
		lun->paths = &table->paths[first];
		fill_lun(lun, &members[first], end - first, sections);
	}
}

int lun_table_make(const struct inventory *inventory, const struct store *store,
		   struct lun_table *ret)
{
	size_t n = inventory->n_disks, i;
	struct member *members = calloc(n + 1, sizeof(*members));
	struct lun_table table = {.luns = calloc(n + 1, sizeof(*table.luns)),
				  .paths = calloc(n + 1, sizeof(*table.paths))};
	struct mapped_paths mapped = {.n = 0};
	struct store_index sections = {.n = 0};

	if (!members || !table.luns || !table.paths || list_mapped(inventory, &mapped) < 0 ||
	    store_index_make(store, &sections) < 0) {
		free(mapped.paths);
		free(members);
		lun_table_free(&table);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		fill_member(&mapped, &inventory->disks[i], &members[i]);
	free(mapped.paths);
	qsort(members, n, sizeof(*members), compare_members);
	fill_table(&table, members, n, &sections);
	store_index_free(&sections);
	free(members);
	*ret = table;
	return 0;
}

void lun_table_relink(struct lun_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		for (size_t j = 0; table->luns[i].map && j < table->luns[i].n_paths; j++) {
			struct lun_path *path = &table->luns[i].paths[j];

			if (path->dm)
				path->dm = dm_map_path(table->luns[i].map, path->id->devt);
		}
}

void lun_table_free(struct lun_table *table)
{
	free(table->luns);
	free(table->paths);
	memset(table, 0, sizeof(*table));
}

const struct lun *lun_find(const struct lun_table *table, const char *name)
{
	size_t i;

	for (i = 0; i < table->n; i++)
		if (!strcmp(table->luns[i].wwid, name) ||
		    (*name && !strcmp(table->luns[i].alias, name)))
			return &table->luns[i];
	return NULL;
}

/* Two paths of one LUN stand in the table as in the plan? */
static bool same_order(const struct lun_path *a, const struct lun_path *b)
{
	if (a->plan.role == ROLE_EXCLUDED || b->plan.role == ROLE_EXCLUDED || !a->dm->active ||
	    !b->dm->active)
		return true;
	if (a->plan.group == b->plan.group)
		return a->dm->group == b->dm->group;
	return (a->plan.group < b->plan.group) == (a->dm->group < b->dm->group) &&
	       a->dm->group != b->dm->group;
}

bool lun_order_in_force(const struct lun *lun)
{
	size_t i, j;

	if (!lun->setting)
		return true;
	if (!lun->map)
		return false;
	for (i = 0; i < lun->n_paths; i++)
		for (j = i + 1; j < lun->n_paths; j++)
			if (lun->paths[i].dm && lun->paths[j].dm &&
			    !same_order(&lun->paths[i], &lun->paths[j]))
				return false;
	return true;
}

static bool share(const struct plan_path *a, const struct plan_path *b)
{
	return a->role != ROLE_EXCLUDED && b->role != ROLE_EXCLUDED && a->group == b->group;
}

bool lun_plan_shares(const struct plan_path *plan, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (share(&plan[i], &plan[j]))
				return true;
	return false;
}

bool lun_selector_is(const struct lun *lun, const char *selector)
{
	size_t word = strcspn(selector, " ");

	return lun->map && strlen(lun->map->selector) == word &&
	       !strncmp(lun->map->selector, selector, word);
}

bool lun_selector_in_force(const struct lun *lun)
{
	size_t i, j;

	if (!lun->entry || lun_selector_is(lun, lun->entry->setting->policy->selector))
		return true;
	for (i = 0; i < lun->n_paths; i++)
		for (j = 0; j < i; j++)
			if (share(&lun->paths[i].plan, &lun->paths[j].plan))
				return false;
	return true;
}

static bool exclusion_in_force(const struct lun *lun)
{
	size_t i;

	for (i = 0; i < lun->n_paths; i++)
		if (lun->paths[i].plan.role == ROLE_EXCLUDED && lun->paths[i].dm &&
		    lun->paths[i].dm->active)
			return false;
	return true;
}

bool lun_in_force(const struct lun *lun)
{
	return lun_order_in_force(lun) && lun_selector_in_force(lun) && exclusion_in_force(lun);
}

int lun_current_group(const struct lun *lun)
{
	const struct dm_map *map = lun->map;
	size_t i;

	if (!map)
		return -1;
	for (i = 0; i < map->n_groups; i++)
		if (map->group_state[i] == 'A')
			return (int)i;
	for (i = 0; i < map->n_paths; i++)
		if (map->paths[i].active)
			return (int)map->paths[i].group;
	return -1;
}
