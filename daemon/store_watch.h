/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_STORE_WATCH_H
#define MPATHISCSI_STORE_WATCH_H

/*
 * Tells when a file may have changed: written in place, replaced by a rename (as editors and
 * our command do), created, removed. The folder is watched, not the file, so that the next
 * file of that name counts as well; so does the file in the next folder of that name. Where the
 * name is a symbolic link, each link on the way and the file at its end are watched in the same
 * manner, anew whenever one changed. A folder that is not there is looked for every second. Not
 * seen is a change further up: of a link among the folders, of a folder that holds the file's
 * folder, and a file system mounted over it. Showers of events are gathered.
 */

#include <systemd/sd-event.h>

struct store_watch;

/* 'changed' is called from the event loop, a moment after the last event; the file may be
 * broken, half-written or absent. The folder need not be there yet. -errno. */
int store_watch_new(sd_event *event, const char *path, void (*changed)(void *arg), void *arg,
		    struct store_watch **ret);
void store_watch_free(struct store_watch *watch); /* NULL is fine */

#endif
