/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_IDENTITY_H
#define MPATHISCSI_IDENTITY_H

/*
 * From a SCSI disk to the iSCSI session below it, by sysfs alone: plain reads that never
 * wait for a device. Every function takes 'sysfs', the mount point ("/sys"; a recorded
 * tree in tests; NULL means "/sys").
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/access_state.h"
#include "common/path_name.h"

/* Order matters nowhere; UNKNOWN is 0 so that a zeroed struct claims nothing. */
enum session_state { SESSION_UNKNOWN, SESSION_LOGGED_IN, SESSION_FAILED, SESSION_FREE };
enum connection_state {
	CONNECTION_UNKNOWN, /* attribute absent (old kernel) or unreadable */
	CONNECTION_UP,
	CONNECTION_DOWN,
	CONNECTION_FAILED,
	CONNECTION_BOUND,
};
enum device_state {
	DEVICE_UNKNOWN,
	DEVICE_RUNNING,
	DEVICE_BLOCKED,		  /* blocked, quiesce, created-blocked */
	DEVICE_OFFLINE,		  /* offline */
	DEVICE_TRANSPORT_OFFLINE, /* transport-offline */
	DEVICE_GONE,		  /* cancel, deleted, or the directory has vanished */
};

#define DEVICE_NAME_MAX 32
#define DEVICE_WWID_MAX 256
#define INQUIRY_VENDOR_MAX 9
#define INQUIRY_PRODUCT_MAX 17

struct disk_link; /* common/disk_link.h */

struct iscsi_identity {
	dev_t devt;
	char device[DEVICE_NAME_MAX];	  /* "sda": for people, never a name of the path */
	bool is_iscsi;			  /* everything below "session" is valid only then */
	char transport[32];		  /* proc_name of the host: iscsi_tcp, virtio_scsi … */
	unsigned int host, channel, id;
	uint64_t lun;
	char vendor[INQUIRY_VENDOR_MAX];  /* trailing blanks removed */
	char product[INQUIRY_PRODUCT_MAX];
	char wwid[DEVICE_WWID_MAX];	  /* sysfs "wwid" (naa.…, t10.…), "" if unreadable */
	enum device_state device_state;
	enum access_state access;	  /* what the target says of its port group (ALUA) */
	bool preferred;			  /* its preferred port group */
	/* session */
	unsigned int sid;		  /* session number: never reused while the kernel runs */
	unsigned int cid;
	/* .portal is the persistent portal; where that is a host name or cannot be read, the
	 * first peer seen. */
	struct path_name name;
	struct portal current;		  /* peer now; unspecified while there is no socket */
	uint16_t local_port;		  /* 0 while there is no socket */
	char initiator[ISCSI_NAME_MAX];
	enum session_state session_state;
	enum connection_state connection_state;
	int recovery_tmo;		  /* s; -1 off; INT_MIN unreadable */
	bool header_digest;		  /* reads 0 while in recovery: keep the last one seen */
	bool data_digest;
};

/*
 * Fill *ret for a disk. 0 also for a disk that is not on iSCSI (is_iscsi false). -ENODEV:
 * no such disk, or it vanished while we looked; -ENOTBLK: the fd is no block device;
 * other negative errno from the reads. A session attribute that is missing, "(null)" or
 * refused (ENOTCONN without a socket) leaves its field empty and is no error.
 */
int identity_by_devt(const char *sysfs, dev_t devt, struct iscsi_identity *ret);
int identity_by_name(const char *sysfs, const char *device, struct iscsi_identity *ret);
int identity_by_fd(const char *sysfs, int fd, struct iscsi_identity *ret);

/*
 * Read again what changes by itself: device_state, access, preferred, session_state,
 * connection_state, and current, local_port, source where they can be read (else the last
 * ones stay: "cache them"). Where the session stands (identity_session_stands()) nothing else of it
 * is read. Cheap: about five small files. -ENODEV when the disk or its session is gone or another
 * disk now has this number.
 */
int identity_refresh(const char *sysfs, struct iscsi_identity *id);

/* The same for the session's part only, or the disk's only: of the many disks of a session one
 * is enough for the former. 'id' must be of an iSCSI disk for the former. */
int identity_refresh_session(const char *sysfs, struct iscsi_identity *id);
int identity_refresh_disk(const char *sysfs, struct iscsi_identity *id);
/* Two small files: is the session logged in still, over the very connection that 'id' knows? */
bool identity_session_stands(const char *sysfs, const struct iscsi_identity *id);
/* The disk's part, and into wwid[DEVICE_WWID_MAX] the WWID that stands there now, from the same
 * directory; "" if it is not readable. */
int identity_refresh_disk_wwid(const char *sysfs, struct iscsi_identity *id, char *wwid);

/*
 * As identity_by_name(), but what is said of the session is taken from 'like', if that is
 * another disk of the same session as it was just read (NULL: all is read).
 */
int identity_by_name_like(const char *sysfs, const char *device, const struct iscsi_identity *like,
			  struct iscsi_identity *ret);

/* Everything about the session and its connection, from another disk of it. */
void identity_copy_session(struct iscsi_identity *id, const struct iscsi_identity *from);

/* The directory /sys/block/X, for attributes to be read below it (common/sysfs.h). A descriptor of the
 * caller's, or -ENODEV: no such disk. */
int identity_open_disk(const char *sysfs, const char *device);

/* Read one small attribute of a disk (e.g. "device/access_state", "inflight"), newline removed. -ENOENT,
 * -ENODEV, -ENOBUFS. */
int identity_attribute(const char *sysfs, const char *device, const char *attribute,
		       char *buffer, size_t size);

/*
 * All paths of the same LUN as 'id' over iSCSI, 'id' itself included, ordered by
 * path_name_compare() then device number: the disks with the same LUN number and an equal
 * WWID below any iSCSI session (of whatever target: controllers may differ in name). Looks
 * at sessions, not at all disks, so that its cost does not grow with the number of LUNs.
 * Fills at most 'max'; *ret_n is the number found (may exceed max). A LUN whose WWID is
 * not known has one path: itself.
 * 'paths' must not overlap 'id'.
 */
int identity_siblings(const char *sysfs, const struct iscsi_identity *id,
		      struct iscsi_identity *paths, size_t max, size_t *ret_n);

/* Call fn for the name of each disk below an iSCSI session; stops when fn returns non-zero
 * and returns that; 0 when through (also with no iSCSI at all); negative errno. */
int identity_each_disk(const char *sysfs, int (*fn)(const char *device, void *arg), void *arg);

/*
 * The same from the list of block devices: one link is read per disk, not a walk through
 * directories, so that thousands take milliseconds. 'link' says where it is; only disks below a
 * session are told of.
 */
int identity_each_link(const char *sysfs,
		       int (*fn)(const char *device, const struct disk_link *link, void *arg),
		       void *arg);

const char *session_state_name(enum session_state state);	/* "LOGGED_IN" … "unknown" */
const char *connection_state_name(enum connection_state state);
const char *device_state_name(enum device_state state);

#endif
