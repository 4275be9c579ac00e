/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_UEVENTS_H
#define MPATHISCSI_UEVENTS_H

#include <systemd/sd-event.h>

struct uevents;

/*
 * Call fn(arg) when the kernel reports a change to disks, maps or iSCSI sessions. Several
 * events may become one call; which they were does not matter to a level-triggered reader.
 * -errno. Free with uevents_free().
 */
int uevents_new(sd_event *event, void (*fn)(void *arg), void *arg, struct uevents **ret);
void uevents_free(struct uevents *uevents);

#endif
