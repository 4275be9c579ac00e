/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/store_watch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "common/parse.h"

#define SETTLE_US 200000 /* an editor writes, closes, renames: wait for the end */
#define EVENTS	  (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

struct store_watch {
	char name[NAME_MAX + 1]; /* within the folder */
	sd_event *event;
	sd_event_source *folder, *settled;
	void (*changed)(void *arg);
	void *arg;
};

static int on_settled(sd_event_source *source, uint64_t usec, void *arg)
{
	struct store_watch *watch = arg;

	(void)source;
	(void)usec;
	watch->changed(watch->arg);
	return 0;
}

/* Pushed further by each event; the file is small, so nobody writes it without end. */
static int on_event(sd_event_source *source, const struct inotify_event *event, void *arg)
{
	struct store_watch *watch = arg;
	uint64_t now;

	(void)source;
	if (!(event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) &&
	    (!event->len || strcmp(event->name, watch->name)))
		return 0;
	sd_event_now(watch->event, CLOCK_MONOTONIC, &now);
	sd_event_source_set_time(watch->settled, now + SETTLE_US);
	return sd_event_source_set_enabled(watch->settled, SD_EVENT_ONESHOT);
}

static int add_sources(struct store_watch *watch, const char *folder)
{
	int r = sd_event_add_time(watch->event, &watch->settled, CLOCK_MONOTONIC, 0, 10000,
				  on_settled, watch);

	if (r >= 0)
		r = sd_event_source_set_enabled(watch->settled, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_inotify(watch->event, &watch->folder, folder, EVENTS, on_event,
					 watch);
	return r < 0 ? r : 0;
}

int store_watch_new(sd_event *event, const char *path, void (*changed)(void *arg), void *arg,
		    struct store_watch **ret)
{
	char folder[PATH_MAX], whole[PATH_MAX];
	struct store_watch *watch;
	int r;

	if (copy_text(folder, sizeof(folder), path) || copy_text(whole, sizeof(whole), path))
		return -ENAMETOOLONG;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->changed = changed;
	watch->arg = arg;
	watch->event = sd_event_ref(event);
	r = copy_text(watch->name, sizeof(watch->name), basename(whole)) ? -ENAMETOOLONG : 0;
	if (r == 0)
		r = add_sources(watch, dirname(folder));
	if (r < 0) {
		store_watch_free(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void store_watch_free(struct store_watch *watch)
{
	if (!watch)
		return;
	sd_event_source_disable_unref(watch->folder);
	sd_event_source_disable_unref(watch->settled);
	sd_event_unref(watch->event);
	free(watch);
}
