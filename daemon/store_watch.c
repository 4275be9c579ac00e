/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/store_watch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/parse.h"

#define SETTLE_US     200000  /* an editor writes, closes, renames: wait for the end */
#define LOOK_AGAIN_US 1000000 /* for a folder that is not there: nobody tells when it comes */
#define SLACK_US      100000
/* The folder itself has gone, or is another's now. */
#define FOLDER_EVENTS (IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED)
#define EVENTS                                                                                   \
	(IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF |   \
	 IN_DELETE_SELF | IN_ONLYDIR)

#define LINKS_MAX 8 /* links to links, until we follow no further */

/* The name given, then where each link leads. */
struct hop {
	struct store_watch *watch;
	char path[PATH_MAX];
	char name[NAME_MAX + 1]; /* within the folder */
	sd_event_source *folder;
};

struct store_watch {
	char path[PATH_MAX];
	struct hop hops[LINKS_MAX + 1];
	sd_event *event;
	sd_event_source *settled;
	bool news; /* something happened, and was not told yet */
	void (*changed)(void *arg);
	void *arg;
};

static int follow_links(struct store_watch *watch);

static int look_in(struct store_watch *watch, uint64_t delay_us)
{
	uint64_t now;

	sd_event_now(watch->event, CLOCK_MONOTONIC, &now);
	sd_event_source_set_time(watch->settled, now + delay_us);
	return sd_event_source_set_enabled(watch->settled, SD_EVENT_ONESHOT);
}

/* After events; or some time after a folder was not there, and then only worth telling if now
 * it is. */
static int on_settled(sd_event_source *source, uint64_t usec, void *arg)
{
	struct store_watch *watch = arg;
	bool news = watch->news;
	int r;

	(void)source;
	(void)usec;
	watch->news = false;
	/* Before the file is read: what changes in between is told again. */
	r = follow_links(watch);
	if (r < 0)
		look_in(watch, LOOK_AGAIN_US);
	if (news || r == 0)
		watch->changed(watch->arg);
	return 0;
}

/* A file that is only now made is told of when it is closed; a link is never written. */
static bool is_half_made(const struct hop *hop, uint32_t mask)
{
	struct stat about;

	return (mask & IN_CREATE) && lstat(hop->path, &about) == 0 && S_ISREG(about.st_mode) &&
	       about.st_nlink == 1;
}

/* Pushed further by each event; the file is small, so nobody writes it without end. */
static int on_event(sd_event_source *source, const struct inotify_event *event, void *arg)
{
	const struct hop *hop = arg;
	struct store_watch *watch = hop->watch;

	(void)source;
	if (!(event->mask & (IN_Q_OVERFLOW | FOLDER_EVENTS)) &&
	    (!event->len || strcmp(event->name, hop->name) || is_half_made(hop, event->mask)))
		return 0;
	watch->news = true;
	return look_in(watch, SETTLE_US);
}

static int watch_hop(struct hop *hop, const char *path)
{
	char folder[PATH_MAX], whole[PATH_MAX];
	int r;

	if (copy_text(hop->path, sizeof(hop->path), path) ||
	    copy_text(folder, sizeof(folder), path) || copy_text(whole, sizeof(whole), path) ||
	    copy_text(hop->name, sizeof(hop->name), basename(whole)))
		return -ENAMETOOLONG;
	r = sd_event_add_inotify(hop->watch->event, &hop->folder, dirname(folder), EVENTS,
				 on_event, hop);
	return r < 0 ? r : 0;
}

/* Where the link leads, as seen from its folder. False: it is none. */
static bool read_link(char *path)
{
	char target[PATH_MAX], folder[PATH_MAX], next[2 * PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	copy_text(folder, sizeof(folder), path);
	if (*target == '/')
		return copy_text(path, PATH_MAX, target) == 0;
	snprintf(next, sizeof(next), "%s/%s", dirname(folder), target);
	return copy_text(path, PATH_MAX, next) == 0;
}

/* All folders anew: one of that name may be another than before. Each link is watched before it is
 * read, so that no change of it is missed. -errno: a folder on the way cannot be watched now. */
static int follow_links(struct store_watch *watch)
{
	char path[PATH_MAX];
	size_t i;
	int r;

	for (i = 0; i <= LINKS_MAX; i++)
		watch->hops[i].folder = sd_event_source_disable_unref(watch->hops[i].folder);
	copy_text(path, sizeof(path), watch->path);
	r = watch_hop(&watch->hops[0], path);
	for (i = 1; r == 0 && i <= LINKS_MAX && read_link(path); i++)
		r = watch_hop(&watch->hops[i], path);
	return r;
}

static int add_sources(struct store_watch *watch)
{
	int r = sd_event_add_time(watch->event, &watch->settled, CLOCK_MONOTONIC, 0, SLACK_US,
				  on_settled, watch);

	if (r >= 0)
		r = sd_event_source_set_enabled(watch->settled, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = follow_links(watch);
	return r == -ENOENT ? look_in(watch, LOOK_AGAIN_US) : r;
}

int store_watch_new(sd_event *event, const char *path, void (*changed)(void *arg), void *arg,
		    struct store_watch **ret)
{
	struct store_watch *watch = calloc(1, sizeof(*watch));
	size_t i;
	int r;

	if (!watch)
		return -ENOMEM;
	for (i = 0; i <= LINKS_MAX; i++)
		watch->hops[i].watch = watch;
	watch->changed = changed;
	watch->arg = arg;
	watch->event = sd_event_ref(event);
	r = copy_text(watch->path, sizeof(watch->path), path) ? -ENAMETOOLONG : 0;
	if (r == 0)
		r = add_sources(watch);
	if (r < 0) {
		store_watch_free(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void store_watch_free(struct store_watch *watch)
{
	size_t i;

	if (!watch)
		return;
	for (i = 0; i <= LINKS_MAX; i++)
		sd_event_source_disable_unref(watch->hops[i].folder);
	sd_event_source_disable_unref(watch->settled);
	sd_event_unref(watch->event);
	free(watch);
}
