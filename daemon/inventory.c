/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/analyzer.h"
#include "common/disk_link.h"
#include "common/parse.h"

/* Each disk and map is read again after so many refreshes at the latest, of which there is one a
 * second, or one every other second where nothing goes on; so many at least are read each time. */
#define DISKS_ROUND 128
#define DISKS_MIN   8
#define MAPS_ROUND  8
#define MAPS_MIN    8
/* Of a session that stands only so many refreshes read all of its attributes once. */
#define SESSIONS_ROUND 8

void inventory_news_add(struct inventory_news *news, const char *device)
{
	if (news->n == INVENTORY_NEWS_MAX ||
	    copy_text(news->devices[news->n], DEVICE_NAME_MAX, device) < 0)
		news->all = true;
	else
		news->n++;
}

static bool is_news(const struct inventory_news *news, const char *device,
		    const struct disk_link *link)
{
	char address[DEVICE_NAME_MAX];

	if (news->all || !news->n)
		return news->all;
	snprintf(address, sizeof(address), "%u:%u:%u:%llu", link->host, link->channel,
		 link->id, (unsigned long long)link->lun);
	for (size_t i = 0; i < news->n; i++)
		if (!strcmp(news->devices[i], device) ||
		    !strcmp(news->devices[i], address))
			return true;
	return false;
}

/* Disks of a former inventory by name. */
struct named {
	const char *name;
	const struct iscsi_identity *disk;
};

struct collector {
	const char *sysfs;
	const struct inventory_news *news;
	struct named *before;
	size_t n_before;
	struct inventory *inventory;
	size_t room;
	size_t *sessions; /* for each session its first disk, sorted by sid */
	size_t n_sessions, sessions_room;
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static const struct iscsi_identity *disk_before(const struct collector *c,
						const char *device,
						const struct disk_link *link)
{
	const struct named key = {.name = device}, *found;
	const struct iscsi_identity *disk;

	if (!c->n_before || is_news(c->news, device, link))
		return NULL;
	found = bsearch(&key, c->before, c->n_before, sizeof(key), compare_named);
	disk = found ? found->disk : NULL;
	return disk && disk->is_iscsi && disk->sid == link->session &&
			       disk->host == link->host &&
			       disk->channel == link->channel && disk->id == link->id &&
			       disk->lun == link->lun
		       ? disk
		       : NULL;
}

/* Where a session stands or would have to be put. */
static size_t session_place(const struct collector *c, unsigned int sid)
{
	size_t low = 0, high = c->n_sessions;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->inventory->disks[c->sessions[middle]].sid < sid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first disk of the session that was read in this round; NULL: none yet. */
static const struct iscsi_identity *session_seen(const struct collector *c,
						 unsigned int sid)
{
	size_t at = session_place(c, sid);

	if (at == c->n_sessions || c->inventory->disks[c->sessions[at]].sid != sid)
		return NULL;
	return &c->inventory->disks[c->sessions[at]];
}

/* The array with room for one more than 'n'; NULL, and the old one as it was: no memory. */
static void *grown(void *array, size_t *room, size_t n, size_t size)
{
	size_t wanted = *room ? 2 * *room : 16;
	void *bigger;

	if (n < *room)
		return array;
	bigger = reallocarray(array, wanted, size);
	if (bigger)
		*room = wanted;
	return bigger;
}

static int note_session(struct collector *c, unsigned int sid, size_t disk)
{
	size_t at = session_place(c, sid);
	size_t *sessions = grown(c->sessions, &c->sessions_room, c->n_sessions, sizeof(*sessions));

	if (!sessions)
		return -ENOMEM;
	c->sessions = sessions;
	memmove(&c->sessions[at + 1], &c->sessions[at],
		(c->n_sessions - at) * sizeof(*c->sessions));
	c->sessions[at] = disk;
	c->n_sessions++;
	return 0;
}

/* The kernel blocks and unblocks a session's disks with it. */
static bool session_matters(const struct iscsi_identity *before,
			    const struct iscsi_identity *now)
{
	return now->session_state != SESSION_LOGGED_IN ||
	       now->session_state != before->session_state ||
	       now->connection_state != before->connection_state;
}

NO_LEAK_BEGIN /* the array of disks is the inventory's: inventory_free() */
static int add_disk(const char *device, const struct disk_link *link, void *arg)
{
	struct collector *c = arg;
	struct inventory *inventory = c->inventory;
	const struct iscsi_identity *before = disk_before(c, device, link), *like;
	struct iscsi_identity *disk, *disks = grown(inventory->disks, &c->room, inventory->n_disks,
						    sizeof(*disks));
	int r = 0;

	if (!disks)
		return -ENOMEM;
	inventory->disks = disks;
	disk = &disks[inventory->n_disks];
	like = session_seen(c, link->session);
	if (before && like) {
		*disk = *before;
		identity_copy_session(disk, like);
		if (session_matters(before, like))
			r = identity_refresh_disk(c->sysfs, disk);
	} else {
		r = identity_by_name_like(c->sysfs, device, like, disk);
	}
	if (r < 0 || !disk->is_iscsi)
		return 0; /* a disk that cannot be read now is not there now */
	if (!like)
		r = note_session(c, disk->sid, inventory->n_disks);
	inventory->n_disks++;
	return r;
}
NO_LEAK_END

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

static int compare_sessions(const void *left, const void *right, void *arg)
{
	const struct iscsi_identity *disks = arg;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	if (disks[a].sid != disks[b].sid)
		return disks[a].sid < disks[b].sid ? -1 : 1;
	return (a > b) - (a < b);
}

static int make_index(struct inventory *inventory)
{
	size_t n = inventory->n_disks;

	inventory->by_session = calloc(n + 1, sizeof(*inventory->by_session));
	if (!inventory->by_session)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		inventory->by_session[i] = (uint32_t)i;
	qsort_r(inventory->by_session, n, sizeof(*inventory->by_session),
		compare_sessions, inventory->disks);
	return 0;
}

const uint32_t *inventory_session(const struct inventory *inventory, unsigned int sid,
				  size_t *ret_n)
{
	size_t low = 0, high = inventory->by_session ? inventory->n_disks : 0, end;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (inventory->disks[inventory->by_session[middle]].sid < sid)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; inventory->by_session && end < inventory->n_disks; end++)
		if (inventory->disks[inventory->by_session[end]].sid != sid)
			break;
	*ret_n = end - low;
	return inventory->by_session ? inventory->by_session + low : NULL;
}

static uint64_t generation_of(const struct inventory *inventory)
{
	uint64_t hash = FNV1A_START;

	for (size_t i = 0; i < inventory->n_disks; i++) {
		const struct iscsi_identity *id = &inventory->disks[i];

		hash = fnv1a(hash, id->device, strlen(id->device));
		hash = fnv1a(hash, &id->devt, sizeof(id->devt));
		hash = fnv1a(hash, &id->sid, sizeof(id->sid));
		hash = fnv1a(hash, &id->lun, sizeof(id->lun));
	}
	return hash;
}

static int know_before(struct collector *c, const struct inventory *before)
{
	if (!before || !before->n_disks)
		return 0;
	c->before = calloc(before->n_disks, sizeof(*c->before));
	if (!c->before)
		return -ENOMEM;
	for (size_t i = 0; i < before->n_disks; i++)
		c->before[i] = (struct named){before->disks[i].device, &before->disks[i]};
	c->n_before = before->n_disks;
	qsort(c->before, c->n_before, sizeof(*c->before), compare_named);
	return 0;
}

static int compare_devts(const void *left, const void *right)
{
	dev_t a = *(const dev_t *)left, b = *(const dev_t *)right;

	return (a > b) - (a < b);
}

/* Is there a disk of that number, and is it over another transport? */
static bool is_other(const char *sysfs, dev_t devt)
{
	struct iscsi_identity id;

	return identity_by_devt(sysfs, devt, &id) == 0 && !id.is_iscsi;
}

static bool is_mixed(const char *sysfs, const struct dm_map *map, const dev_t *ours, size_t n)
{
	bool known[DM_MAP_PATHS_MAX];
	size_t n_known = 0;

	for (size_t i = 0; i < map->n_paths; i++) {
		known[i] = bsearch(&map->paths[i].devt, ours, n, sizeof(*ours), compare_devts);
		n_known += known[i];
	}
	/* The many maps that are none of ours are not looked at. */
	for (size_t i = 0; n_known && i < map->n_paths; i++)
		if (!known[i] && is_other(sysfs, map->paths[i].devt))
			return true;
	return false;
}

int inventory_mark_mixed(const char *sysfs, struct inventory *inventory)
{
	size_t n = inventory->n_disks;
	dev_t *ours = calloc(n + 1, sizeof(*ours));

	if (!ours)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ours[i] = inventory->disks[i].devt;
	qsort(ours, n, sizeof(*ours), compare_devts);
	for (size_t i = 0; i < inventory->n_maps; i++)
		inventory->maps[i].mixed = is_mixed(sysfs, &inventory->maps[i], ours, n);
	free(ours);
	return 0;
}

int inventory_read(const char *sysfs, const struct inventory *before,
		   const struct inventory_news *news, struct inventory *ret)
{
	const struct inventory_news nothing = {.n = 0};
	struct inventory inventory = {.turn = before ? before->turn : 0,
				      .round = before ? before->round : 0};
	struct collector c = {
		.sysfs = sysfs, .news = news ? news : &nothing, .inventory = &inventory};
	int r = know_before(&c, before);

	if (r == 0)
		r = identity_each_link(sysfs, add_disk, &c);
	free(c.before);
	free(c.sessions);
	if (r == 0)
		r = dm_maps_read(&inventory.maps, &inventory.n_maps, &inventory.listing);
	if (r == 0 && inventory.n_disks > 1)
		qsort(inventory.disks, inventory.n_disks, sizeof(inventory.disks[0]),
		      compare_disks);
	if (r == 0)
		r = make_index(&inventory);
	inventory.generation = generation_of(&inventory);
	if (r < 0) {
		inventory_free(&inventory);
		return r;
	}
	*ret = inventory;
	return 0;
}

static bool same_in_plans(const struct iscsi_identity *a, const struct iscsi_identity *b)
{
	return a->access == b->access && a->preferred == b->preferred &&
	       path_name_compare(&a->name, &b->name) == 0;
}

/* Everything that identity_refresh_session() may change. */
static bool same_session(const struct iscsi_identity *a, const struct iscsi_identity *b)
{
	return a->local_port == b->local_port &&
	       portal_compare(&a->current, &b->current) == 0 &&
	       a->header_digest == b->header_digest && a->data_digest == b->data_digest &&
	       path_name_compare(&a->name, &b->name) == 0 &&
	       ip_address_compare(&a->name.source, &b->name.source) == 0;
}

static unsigned int refresh_disk(const char *sysfs, struct iscsi_identity *disk,
				 bool wwid_too)
{
	const enum access_state access = disk->access;
	const bool preferred = disk->preferred;
	char wwid[DEVICE_WWID_MAX] = "";

	if ((wwid_too ? identity_refresh_disk_wwid(sysfs, disk, wwid)
		      : identity_refresh_disk(sysfs, disk)) < 0)
		return INVENTORY_GONE;
	/* Another LUN may have been put there without a word. */
	if (wwid_too && *disk->wwid && *wwid && strcmp(wwid, disk->wwid) != 0) {
		disk->is_iscsi = false; /* not what it was: to be read whole */
		return INVENTORY_GONE;
	}
	return access == disk->access && preferred == disk->preferred ? 0
								      : INVENTORY_PLAN;
}

/*
 * One session: what was read of it holds for all its disks. They themselves are read when
 * it is not logged in or has just become another: then the kernel blocks and unblocks
 * them.
 */
static unsigned int refresh_session(const char *sysfs, struct inventory *inventory, bool whole,
				    const uint32_t *members, size_t n)
{
	struct iscsi_identity *first = &inventory->disks[members[0]];
	const struct iscsi_identity before = *first;
	unsigned int found = INVENTORY_SESSIONS;

	if (!whole && first->connection_state == CONNECTION_UP &&
	    identity_session_stands(sysfs, first))
		return 0;
	if (identity_refresh_session(sysfs, first) < 0)
		return INVENTORY_GONE;
	/* As always: then the others say the same, too. */
	if (!session_matters(&before, first) && same_session(&before, first))
		return 0;
	if (!same_in_plans(&before, first))
		found |= INVENTORY_PLAN;
	for (size_t i = 0; i < n; i++) {
		struct iscsi_identity *disk = &inventory->disks[members[i]];

		if (i)
			identity_copy_session(disk, first);
		if (session_matters(&before, first))
			found |= refresh_disk(sysfs, disk, false);
	}
	return found;
}

static unsigned int refresh_sessions(const char *sysfs, struct inventory *inventory, bool whole)
{
	unsigned int found = 0;
	size_t i, n;

	for (i = 0; i < inventory->n_disks; i += n) {
		unsigned int sid = inventory->disks[inventory->by_session[i]].sid;

		for (n = 1; i + n < inventory->n_disks; n++)
			if (inventory->disks[inventory->by_session[i + n]].sid != sid)
				break;
		found |= refresh_session(sysfs, inventory, whole, &inventory->by_session[i], n);
	}
	return found;
}

static size_t turns(size_t n, size_t round, size_t min)
{
	return n / round > min ? n / round : min;
}

static unsigned int refresh_disks(const char *sysfs, struct inventory *inventory,
				  size_t n)
{
	unsigned int found = 0;

	for (size_t i = 0; i < n && i < inventory->n_disks; i++) {
		inventory->turn = (inventory->turn + 1) % inventory->n_disks;
		found |= refresh_disk(sysfs, &inventory->disks[inventory->turn], true);
	}
	return found;
}

int inventory_refresh(const char *sysfs, struct inventory *inventory,
		      enum inventory_effort effort, unsigned int *ret_found)
{
	bool whole = effort != INVENTORY_TURN || inventory->round++ % SESSIONS_ROUND == 0;
	size_t maps = 0, disks = 0;
	unsigned int found = 0, dm = 0;
	int r;

	if (effort != INVENTORY_EVENTS) {
		maps = turns(inventory->listing.n,
			     effort == INVENTORY_MAPS ? 1 : MAPS_ROUND, MAPS_MIN);
		disks = turns(inventory->n_disks, DISKS_ROUND, DISKS_MIN);
	}
	r = dm_maps_refresh(inventory->maps, &inventory->listing, maps, &dm);
	if (r < 0)
		return r;
	found |= refresh_sessions(sysfs, inventory, whole);
	found |= refresh_disks(sysfs, inventory, disks);
	if (dm & DM_MAPS_OTHERS)
		found |= INVENTORY_GONE;
	if (dm & DM_MAPS_MEMBERS)
		found |= INVENTORY_PLAN;
	if (dm & DM_MAPS_ORDER)
		found |= INVENTORY_ORDER;
	*ret_found = found;
	return 0;
}

void inventory_free(struct inventory *inventory)
{
	free(inventory->disks);
	free(inventory->maps);
	free(inventory->by_session);
	dm_listing_free(&inventory->listing);
	memset(inventory, 0, sizeof(*inventory));
}
