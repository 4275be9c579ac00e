/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_UEVENTS_H
#define MPATHISCSI_UEVENTS_H

#include <systemd/sd-event.h>

struct uevents;

enum uevent_kind {
	UEVENT_DISK,	/* a disk or SCSI device came, went or changed: 'name' says which */
	UEVENT_MAP,	/* a device of device-mapper, as far as one device's events tell */
	UEVENT_SESSION, /* an iSCSI session or connection */
	UEVENT_LOST,	/* the kernel had more to say than we could hear: anything may have changed */
};

/* 'name': "sda", "dm-3", "3:0:0:1", "session2". */
typedef void (*uevent_handler)(enum uevent_kind kind, const char *name, void *arg);

/*
 * Call fn for each event of the kernel about disks, maps or iSCSI sessions. They are hints: a
 * level-triggered reader looks itself. -errno. Free with uevents_free().
 */
int uevents_new(sd_event *event, uevent_handler fn, void *arg, struct uevents **ret);
void uevents_free(struct uevents *uevents);

#endif
