/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/disk_link.h"
#include "common/identity.h"
#include "common/parse.h"
#include "common/sysfs.h"

#define LINK_TEXT_MAX 1024

/*
 * Walking from sessions down to their disks:
 * class/iscsi_session/sessionS/device/targetH:C:I/H:C:I:L/block/sdX
 */
struct walk {
	bool one_lun; /* visit only LUN number 'lun' */
	uint64_t lun;
	/* Called for each disk; 'scsi' is the descriptor of H:C:I:L. Non-zero stops. */
	int (*disk)(int scsi, const char *device, void *arg);
	void *arg;
	int result; /* what stopped the walk */
};

struct scsi_place {
	struct walk *walk;
	int scsi; /* descriptor of H:C:I:L */
};

static int visit_block(int dir, const char *entry, void *arg)
{
	struct scsi_place *place = arg;
	int r = place->walk->disk(place->scsi, entry, place->walk->arg);

	(void)dir;
	if (r == 0)
		return 0;
	place->walk->result = r;
	return 1; /* never mistaken for an error of the walk itself */
}

/* Directories that vanish on the way hold nothing; anything else is told. */
static int nothing_there(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -ENOTDIR ? 0 : r;
}

static int visit_lun(int target, const char *entry, void *arg)
{
	struct scsi_place place = { .walk = arg };
	unsigned int host, channel, id;
	uint64_t lun;
	int r;

	if (scsi_address_parse(entry, &host, &channel, &id, &lun) < 0)
		return 0;
	place.scsi = sysfs_open_dir(target, entry);
	if (place.scsi < 0)
		return nothing_there(place.scsi);
	r = sysfs_each(place.scsi, "block", visit_block, &place);
	close(place.scsi);
	return nothing_there(r);
}

/* targetH:C:I: all of its LUNs, or the wanted one by its name, however many there are. */
static int visit_target(int session, const char *entry, void *arg)
{
	const char *address = entry + strlen("target");
	struct walk *walk = arg;
	char name[64];
	int target, r;

	if (strncmp(entry, "target", strlen("target")) != 0)
		return 0;
	if (!walk->one_lun)
		return nothing_there(sysfs_each(session, entry, visit_lun, walk));
	r = snprintf(name, sizeof(name), "%s:%llu", address, (unsigned long long)walk->lun);
	if (r < 0 || (size_t)r >= sizeof(name))
		return 0;
	target = sysfs_open_dir(session, entry);
	if (target < 0)
		return nothing_there(target);
	r = visit_lun(target, name, walk);
	close(target);
	return r;
}

static int visit_session(int sessions, const char *entry, void *arg)
{
	char path[64];
	int r = snprintf(path, sizeof(path), "%s/device", entry);

	if (r < 0 || (size_t)r >= sizeof(path))
		return 0;
	return nothing_there(sysfs_each(sessions, path, visit_target, arg));
}

/* What stopped the walk, 0 when through, or its own -errno. */
static int walk_sessions(int root, struct walk *walk)
{
	int r = nothing_there(sysfs_each(root, "class/iscsi_session", visit_session, walk));

	return r == 1 ? walk->result : r;
}

struct each_disk {
	int (*fn)(const char *device, void *arg);
	void *arg;
};

static int call_fn(int scsi, const char *device, void *arg)
{
	struct each_disk *each = arg;

	(void)scsi;
	return each->fn(device, each->arg);
}

int identity_each_disk(const char *sysfs, int (*fn)(const char *device, void *arg), void *arg)
{
	struct each_disk each = { .fn = fn, .arg = arg };
	struct walk walk = { .disk = call_fn, .arg = &each };
	int root = sysfs_open_root(sysfs), r;

	if (root < 0)
		return root;
	r = walk_sessions(root, &walk);
	close(root);
	return r;
}

struct each_link {
	int (*fn)(const char *device, const struct disk_link *link, void *arg);
	void *arg;
	int result;
};

static int visit_link(int block, const char *entry, void *arg)
{
	struct each_link *each = arg;
	struct disk_link link;
	char text[LINK_TEXT_MAX];

	if (sysfs_link(block, entry, text, sizeof(text)) < 0 || disk_link_parse(text, &link) < 0 ||
	    !link.has_session || !link.has_address)
		return 0;
	each->result = each->fn(entry, &link, each->arg);
	return each->result != 0;
}

int identity_each_link(const char *sysfs,
		       int (*fn)(const char *device, const struct disk_link *link, void *arg),
		       void *arg)
{
	struct each_link each = { .fn = fn, .arg = arg };
	int root = sysfs_open_root(sysfs), r;

	if (root < 0)
		return root;
	r = nothing_there(sysfs_each(root, "block", visit_link, &each));
	close(root);
	return r == 1 ? each.result : r;
}

struct siblings {
	const char *sysfs;
	const struct iscsi_identity *self;
	struct iscsi_identity *paths; /* the first min(n, max) in order */
	size_t max, n;
};

static int compare_paths(const struct iscsi_identity *a, const struct iscsi_identity *b)
{
	int c = path_name_compare(&a->name, &b->name);

	if (c)
		return c;
	return a->devt < b->devt ? -1 : a->devt > b->devt;
}

/* Keep the smallest 'max', so that what is kept does not depend on directory order. */
static void insert_path(struct siblings *list, const struct iscsi_identity *path)
{
	size_t kept = list->n < list->max ? list->n : list->max, at = kept;

	list->n++;
	while (at > 0 && compare_paths(path, &list->paths[at - 1]) < 0)
		at--;
	if (at >= list->max)
		return;
	if (kept == list->max)
		kept--;
	memmove(&list->paths[at + 1], &list->paths[at], (kept - at) * sizeof(*path));
	list->paths[at] = *path;
}

static int take_sibling(int scsi, const char *device, void *arg)
{
	struct siblings *list = arg;
	struct iscsi_identity path;
	char wwid[DEVICE_WWID_MAX];
	int r;

	if (sysfs_text(scsi, "wwid", wwid, sizeof(wwid)) < 0 ||
	    strcmp(wwid, list->self->wwid) != 0)
		return 0;
	r = identity_by_name(list->sysfs, device, &path);
	if (r == -ENODEV)
		return 0; /* vanished meanwhile */
	if (r < 0)
		return r;
	if (path.devt != list->self->devt && path.is_iscsi && path.lun == list->self->lun &&
	    strcmp(path.wwid, list->self->wwid) == 0)
		insert_path(list, &path);
	return 0;
}

int identity_siblings(const char *sysfs, const struct iscsi_identity *id,
		      struct iscsi_identity *paths, size_t max, size_t *ret_n)
{
	struct siblings list = { .sysfs = sysfs, .self = id, .paths = paths, .max = max };
	struct walk walk = {
		.one_lun = true, .lun = id->lun, .disk = take_sibling, .arg = &list
	};
	int root, r = 0;

	insert_path(&list, id);
	if (id->is_iscsi && id->wwid[0]) {
		root = sysfs_open_root(sysfs);
		if (root < 0)
			return root;
		r = walk_sessions(root, &walk);
		close(root);
	}
	if (r == 0)
		*ret_n = list.n;
	return r;
}
