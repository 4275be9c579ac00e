/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing the fragment and watching multipathd take it over. */
#include "daemon/enable_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/multipathd_client.h"
#include "daemon/store.h"

#define LOOK_AGAIN_MS 200
#define ASK_MS	      10000 /* multipathd itself answers or says "timeout" within 4 s */
#define LOOKS_WITHOUT 5	    /* a path without checker as often in a row: it gets none */

int fragment_path(const char *conf_dir, char *buffer, size_t size)
{
	int n = snprintf(buffer, size, "%s/" FRAGMENT_NAME, conf_dir);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int fragment_load(const char *path, char **ret_text)
{
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*ret_text = NULL;
		return 0;
	}
	return store_read_file(path, ret_text);
}

/* The folder of 'path' and the one above it: a host without conf.d, or without any. */
static int make_folders(const char *path)
{
	char folder[FRAGMENT_PATH_MAX], above[FRAGMENT_PATH_MAX];
	char *at;

	if (copy_text(folder, sizeof(folder), path))
		return -ENAMETOOLONG;
	at = dirname(folder);
	(void)copy_text(above, sizeof(above), at);
	if (mkdir(dirname(above), 0755) < 0 && errno != EEXIST)
		return -errno;
	return mkdir(at, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int remove_file(const char *path)
{
	char folder[FRAGMENT_PATH_MAX];
	int fd, r;

	if (copy_text(folder, sizeof(folder), path))
		return -ENAMETOOLONG;
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : -errno;
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int fragment_store(const char *path, const char *text)
{
	int r;

	if (!text)
		return remove_file(path);
	r = make_folders(path);
	return r ? r : store_write_file(path, text);
}

static const struct mp_path *find_path(const struct mp_path *paths, size_t n,
				       const char *dev)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(paths[i].dev, dev))
			return &paths[i];
	return NULL;
}

struct takeover_report takeover_look(const struct gathered *g, const struct fragment *f,
				     const struct mp_path *paths, size_t n)
{
	struct takeover_report report = {.state = TAKEOVER_DONE};

	for (size_t i = 0; i < g->n_paths; i++) {
		const struct conf_path *p = &g->paths[i];
		const struct mp_path *now = find_path(paths, n, p->dev);
		enum takeover state;

		if (!now || !p->software_iscsi ||
		    !fragment_array_find(f, p->vendor, p->product))
			continue;
		state = !strcmp(now->checker, "iscsi") ? TAKEOVER_DONE
			: now->checker[0]	       ? TAKEOVER_OTHER
						       : TAKEOVER_NONE;
		if (state <= report.state)
			continue;
		report.state = state;
		(void)copy_text(report.dev, sizeof(report.dev), now->dev);
		(void)copy_text(report.checker, sizeof(report.checker), now->checker);
	}
	return report;
}

static uint64_t ask_until(uint64_t deadline_ns)
{
	uint64_t soon = clock_now_ns() + ASK_MS * NS_PER_MS;

	return soon < deadline_ns ? soon : deadline_ns;
}

int takeover_ask(const char *socket, const struct gathered *g, const struct fragment *f,
		 uint64_t deadline_ns, struct takeover_report *ret)
{
	struct mp_path *paths;
	size_t n;
	int r = multipathd_paths(socket, ask_until(deadline_ns), &paths, &n);

	if (r)
		return r;
	*ret = takeover_look(g, f, paths, n);
	free(paths);
	return 0;
}

/* Is the reconfiguration over? -errno: multipathd did not answer. */
static int settled(const char *socket, const struct gathered *g, const struct fragment *f,
		   uint64_t deadline_ns, struct takeover_report *report)
{
	struct mp_daemon daemon;
	int r = multipathd_daemon(socket, ask_until(deadline_ns), &daemon);

	if (r)
		return r;
	if (f)
		*report =
			(struct takeover_report){.state = TAKEOVER_OTHER}; /* not known */
	if (daemon.pending || daemon.state != MP_DAEMON_IDLE)
		return 0;
	if (!f)
		return 1;
	/* Versions that cannot tell a pending reconfigure are told by their paths. */
	r = takeover_ask(socket, g, f, deadline_ns, report);
	return r ? r : report->state == TAKEOVER_DONE;
}

int takeover_reconfigure(const char *socket, const struct gathered *g,
			 const struct fragment *f, uint64_t deadline_ns,
			 struct takeover_report *ret_report)
{
	static const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * (long)NS_PER_MS};
	int r = multipathd_command(socket, "reconfigure", ask_until(deadline_ns));
	unsigned int without = 0;

	if (r)
		return r;
	for (;;) {
		r = settled(socket, g, f, deadline_ns, ret_report);
		if (r > 0)
			return 0;
		without = f && !r && ret_report->state == TAKEOVER_NONE ? without + 1 : 0;
		if (without >= LOOKS_WITHOUT)
			return -ELIBACC;
		/* Busy with it: multipathd says "timeout", or nothing. */
		if (r < 0 && r != -ETIMEDOUT)
			return r;
		if (clock_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}
