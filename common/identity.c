/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/disk_link.h"
#include "common/identity_session.h"
#include "common/parse.h"
#include "common/sysfs.h"

#define LINK_MAX_TEXT 1024
#define ATTRIBUTE_MAX 256 /* "device/…": path of an attribute below a disk */

static const char *const device_states[] = {
	[DEVICE_UNKNOWN] = "unknown",
	[DEVICE_RUNNING] = "running",
	[DEVICE_BLOCKED] = "blocked",
	[DEVICE_OFFLINE] = "offline",
	[DEVICE_TRANSPORT_OFFLINE] = "transport-offline",
	[DEVICE_GONE] = "gone",
};

const char *device_state_name(enum device_state state)
{
	if ((size_t)state >= sizeof(device_states) / sizeof(device_states[0]))
		state = DEVICE_UNKNOWN;
	return device_states[state];
}

/* The kernel's words: drivers/scsi/scsi_sysfs.c, sdev_states. */
static enum device_state device_state_parse(const char *text)
{
	static const struct {
		const char *text;
		enum device_state state;
	} words[] = {
		{ "running", DEVICE_RUNNING },
		{ "blocked", DEVICE_BLOCKED },
		{ "quiesce", DEVICE_BLOCKED },
		{ "created-blocked", DEVICE_BLOCKED },
		{ "offline", DEVICE_OFFLINE },
		{ "transport-offline", DEVICE_TRANSPORT_OFFLINE },
		{ "cancel", DEVICE_GONE },
		{ "deleted", DEVICE_GONE },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i].text) == 0)
			return words[i].state;
	return DEVICE_UNKNOWN;
}

/* Every SCSI device has "state": without it the device is being taken down. */
static int read_device_state(int disk, enum device_state *ret)
{
	char text[32];
	int r = sysfs_text(disk, "device/state", text, sizeof(text));

	if (r == -ENOENT || r == -ENODEV)
		return -ENODEV;
	*ret = r < 0 ? DEVICE_UNKNOWN : device_state_parse(text);
	return 0;
}

/*
 * The kernel refuses the attribute (EINVAL) where no device handler watches the states, as it
 * does for a target that has none: not known. Any other failure says nothing about a state
 * that was known before.
 */
static void read_access(int disk, enum access_state *access, bool *preferred)
{
	char text[32];
	uint64_t number;
	int r = sysfs_text(disk, "device/access_state", text, sizeof(text));

	if (r == 0)
		*access = access_state_parse(text);
	else if (r == -ENOENT || r == -EINVAL)
		*access = ACCESS_UNKNOWN;
	if (*access == ACCESS_UNKNOWN)
		*preferred = false;
	else if (sysfs_number(disk, "device/preferred_path", 0, UINT_MAX, &number) == 0)
		*preferred = number != 0;
}

static int parse_devt(const char *text, dev_t *ret)
{
	const char *colon = strchr(text, ':');
	uint64_t major, minor;
	char part[24];

	if (!colon || (size_t)(colon - text) >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, (size_t)(colon - text));
	part[colon - text] = '\0';
	if (parse_uint(part, 0, UINT_MAX, &major) < 0 ||
	    parse_uint(colon + 1, 0, UINT_MAX, &minor) < 0)
		return -EINVAL;
	*ret = makedev((unsigned int)major, (unsigned int)minor);
	return 0;
}

/* A disk in the device tree. */
struct place {
	struct disk_link link;
	dev_t devt;
	int dir; /* descriptor of the directory that 'link' tells of, whatever has its name now */
};

static int gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EINVAL ? -ENODEV : r;
}

/* Where disk 'device' is now. The caller closes ret->dir. -ENODEV: nowhere. */
static int locate(int root, const char *device, struct place *ret)
{
	char link[LINK_MAX_TEXT], path[LINK_MAX_TEXT + 16], number[32];
	int r;

	snprintf(path, sizeof(path), "block/%s", device);
	r = sysfs_link(root, path, link, sizeof(link));
	if (r == 0)
		r = disk_link_parse(link, &ret->link);
	if (r < 0)
		return gone(r);
	snprintf(path, sizeof(path), "block/%s", link);
	ret->dir = sysfs_open_dir(root, path);
	if (ret->dir < 0)
		return gone(ret->dir);
	if (sysfs_text(ret->dir, "dev", number, sizeof(number)) < 0 ||
	    parse_devt(number, &ret->devt) < 0) {
		close(ret->dir);
		return -ENODEV;
	}
	return 0;
}

/* Is this place where 'id' says, below the same session? */
static bool same_place(const struct place *place, const struct iscsi_identity *id)
{
	const struct disk_link *link = &place->link;

	if (place->devt != id->devt)
		return false;
	if (link->has_address && (link->host != id->host || link->channel != id->channel ||
				  link->id != id->id || link->lun != id->lun))
		return false;
	return !id->is_iscsi || (link->has_session && link->session == id->sid);
}

static int still_there(int root, const struct iscsi_identity *id)
{
	struct place place = {.dir = -1};
	int r = locate(root, id->device, &place);

	if (r < 0)
		return r;
	close(place.dir);
	return same_place(&place, id) ? 0 : -ENODEV;
}

/* INQUIRY text as sysfs gives it, the padding removed. */
static void read_inquiry(int disk, const char *name, char *buffer, size_t size)
{
	size_t length;

	sysfs_text(disk, name, buffer, size);
	for (length = strlen(buffer); length > 0 && buffer[length - 1] == ' '; length--)
		buffer[length - 1] = '\0';
}

static int read_scsi_disk(int root, int disk, struct iscsi_identity *id)
{
	char path[64];

	snprintf(path, sizeof(path), "class/scsi_host/host%u/proc_name", id->host);
	sysfs_text(root, path, id->transport, sizeof(id->transport));
	read_inquiry(disk, "device/vendor", id->vendor, sizeof(id->vendor));
	read_inquiry(disk, "device/model", id->product, sizeof(id->product));
	sysfs_text(disk, "device/wwid", id->wwid, sizeof(id->wwid));
	read_access(disk, &id->access, &id->preferred);
	return read_device_state(disk, &id->device_state);
}

static int read_session(int root, unsigned int sid, struct iscsi_identity *id)
{
	int session = session_open(root, sid);

	if (session == -ENOENT)
		return 0; /* a directory of that name, but no iSCSI session */
	if (session < 0)
		return session;
	id->is_iscsi = true;
	id->sid = sid;
	session_read(root, session, id);
	close(session);
	return 0;
}

void identity_copy_session(struct iscsi_identity *id, const struct iscsi_identity *from)
{
	id->is_iscsi = from->is_iscsi;
	id->sid = from->sid;
	id->cid = from->cid;
	id->name = from->name;
	id->current = from->current;
	id->local_port = from->local_port;
	memcpy(id->initiator, from->initiator, sizeof(id->initiator));
	id->session_state = from->session_state;
	id->connection_state = from->connection_state;
	id->recovery_tmo = from->recovery_tmo;
	id->header_digest = from->header_digest;
	id->data_digest = from->data_digest;
}

/* All of a disk found at 'place'. */
static int read_disk(int root, const struct place *place, const struct iscsi_identity *like,
		     struct iscsi_identity *id)
{
	const struct disk_link *link = &place->link;
	int r = 0;

	id->devt = place->devt;
	if (!link->has_address)
		return 0;
	id->host = link->host;
	id->channel = link->channel;
	id->id = link->id;
	id->lun = link->lun;
	if (link->has_session && like && like->is_iscsi && like->sid == link->session &&
	    like->host == link->host)
		identity_copy_session(id, like);
	else if (link->has_session)
		r = read_session(root, link->session, id);
	return r < 0 ? r : read_scsi_disk(root, place->dir, id);
}

static int identity_at(int root, const char *device, const struct iscsi_identity *like,
		       struct iscsi_identity *ret)
{
	struct iscsi_identity id = { .name.tpgt = -1, .recovery_tmo = INT_MIN };
	struct place place = {.dir = -1};
	int r;

	if (device[0] == '\0' || device[0] == '.' || strchr(device, '/') ||
	    copy_text(id.device, sizeof(id.device), device) < 0)
		return -EINVAL;
	r = locate(root, device, &place);
	if (r < 0)
		return r;
	r = read_disk(root, &place, like, &id);
	close(place.dir);
	if (r == 0)
		r = still_there(root, &id);
	if (r == 0)
		*ret = id;
	return r;
}

int identity_by_name_like(const char *sysfs, const char *device, const struct iscsi_identity *like,
			  struct iscsi_identity *ret)
{
	int root = sysfs_open_root(sysfs), r;

	if (root < 0)
		return root;
	r = identity_at(root, device, like, ret);
	close(root);
	return r;
}

int identity_by_name(const char *sysfs, const char *device, struct iscsi_identity *ret)
{
	return identity_by_name_like(sysfs, device, NULL, ret);
}

int identity_by_devt(const char *sysfs, dev_t devt, struct iscsi_identity *ret)
{
	char text[LINK_MAX_TEXT], path[64];
	struct disk_link link;
	int root = sysfs_open_root(sysfs), r;

	if (root < 0)
		return root;
	snprintf(path, sizeof(path), "dev/block/%u:%u", major(devt), minor(devt));
	r = sysfs_link(root, path, text, sizeof(text));
	if (r == 0)
		r = disk_link_parse(text, &link);
	r = gone(r);
	if (r == 0)
		r = identity_at(root, link.device, NULL, ret);
	close(root);
	return r;
}

int identity_by_fd(const char *sysfs, int fd, struct iscsi_identity *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	return identity_by_devt(sysfs, st.st_rdev, ret);
}

static int refresh_session(int root, struct iscsi_identity *id)
{
	int session = session_open(root, id->sid);

	if (session < 0)
		return session == -ENOENT ? -ENODEV : session;
	session_refresh(root, session, id);
	close(session);
	return 0;
}

/* 'wwid', if not NULL, gets what stands there now. */
static int refresh_disk(int root, struct iscsi_identity *id, char *wwid)
{
	enum device_state state = id->device_state;
	enum access_state access = id->access;
	bool preferred = id->preferred;
	struct place place = {.dir = -1};
	int r = locate(root, id->device, &place);

	if (r < 0)
		return r;
	if (!same_place(&place, id)) {
		r = -ENODEV;
	} else if (place.link.has_address) {
		r = read_device_state(place.dir, &state);
		read_access(place.dir, &access, &preferred);
	}
	if (wwid && sysfs_text(place.dir, "device/wwid", wwid, DEVICE_WWID_MAX) < 0)
		*wwid = '\0';
	close(place.dir);
	if (r < 0)
		return r;
	id->device_state = state;
	id->access = access;
	id->preferred = preferred;
	return 0;
}

/* Both parts or none. */
static int refresh(const char *sysfs, struct iscsi_identity *id, bool disk, bool session,
		   char *wwid)
{
	struct iscsi_identity fresh = *id;
	int root = sysfs_open_root(sysfs), r = 0;

	if (root < 0)
		return root;
	if (disk)
		r = refresh_disk(root, &fresh, wwid);
	if (r == 0 && session)
		r = refresh_session(root, &fresh);
	close(root);
	if (r == 0)
		*id = fresh;
	return r;
}

int identity_refresh(const char *sysfs, struct iscsi_identity *id)
{
	return refresh(sysfs, id, true, id->is_iscsi && !identity_session_stands(sysfs, id), NULL);
}

int identity_refresh_session(const char *sysfs, struct iscsi_identity *id)
{
	return refresh(sysfs, id, false, true, NULL);
}

bool identity_session_stands(const char *sysfs, const struct iscsi_identity *id)
{
	int root = sysfs_open_root(sysfs);
	bool stands;

	if (root < 0)
		return false;
	stands = session_stands(root, id);
	close(root);
	return stands;
}

int identity_refresh_disk(const char *sysfs, struct iscsi_identity *id)
{
	return refresh(sysfs, id, true, false, NULL);
}

int identity_refresh_disk_wwid(const char *sysfs, struct iscsi_identity *id, char *wwid)
{
	return refresh(sysfs, id, true, false, wwid);
}

/* A path that stays below its directory: relative and without "..". */
static bool path_is_plain(const char *path)
{
	const char *p = path;
	size_t length;

	if (*path == '\0' || *path == '/')
		return false;
	for (; *p; p += length + (p[length] == '/')) {
		length = strcspn(p, "/");
		if (length == 0 || (length == 2 && p[0] == '.' && p[1] == '.'))
			return false;
	}
	return true;
}

int identity_open_disk(const char *sysfs, const char *device)
{
	char path[DEVICE_NAME_MAX + 16];
	int root, disk;

	if (!path_is_plain(device) || strchr(device, '/') || strlen(device) >= DEVICE_NAME_MAX)
		return -EINVAL;
	root = sysfs_open_root(sysfs);
	if (root < 0)
		return root;
	snprintf(path, sizeof(path), "block/%s", device);
	disk = sysfs_open_dir(root, path);
	close(root);
	return gone(disk);
}

int identity_attribute(const char *sysfs, const char *device, const char *attribute,
		       char *buffer, size_t size)
{
	int disk, r;

	if (!path_is_plain(attribute) || strlen(attribute) > ATTRIBUTE_MAX)
		return -EINVAL;
	disk = identity_open_disk(sysfs, device);
	if (disk < 0)
		return disk;
	r = sysfs_read(disk, attribute, buffer, size);
	close(disk);
	return r;
}
