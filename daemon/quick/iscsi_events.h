/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_ISCSI_EVENTS_H
#define MPATHISCSI_QUICK_ISCSI_EVENTS_H

/*
 * The kernel's word that some session's connection has failed, the moment it does
 * (NETLINK_ISCSI, ISCSI_KEVENT_CONN_ERROR; drivers/scsi/scsi_transport_iscsi.c). No more than a
 * hint to look at all sessions now: events can be lost, and whoever listens also looks by
 * himself.
 */

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

struct iscsi_events;

/* 'fn' is called from the event loop. -EPROTONOSUPPORT: no iSCSI in the kernel (yet: try again
 * later); other -errno. */
int iscsi_events_new(sd_event *event, void (*fn)(void *arg), void *arg,
		     struct iscsi_events **ret);
void iscsi_events_free(struct iscsi_events *events); /* NULL is fine */

/* Does a datagram of that kind tell of an error, or not make sense (which may hide one)? Pure;
 * 'buffer' is aligned as for a struct nlmsghdr. */
bool iscsi_events_tell_error(const void *buffer, size_t size);

#endif
