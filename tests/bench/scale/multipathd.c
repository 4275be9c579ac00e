/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stand-in of multipathd: answers on its socket, and does with the board what
 * multipathd does with the prioritizer: where a LUN's priorities have changed, it makes
 * the table anew, one group a priority. It looks without a pause, where the real one
 * takes seconds, so that what is measured is ours.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/board.h"
#include "common/clock.h"
#include "daemon/multipathd_wire.h"
#include "tests/bench/scale/scale.h"

#define FEW	    16 /* are always looked at, all of them */
#define RESTLESS    5
#define NO_PRIORITY 0

struct stand_in {
	struct scale_shared *shared;
	int listener, look_ms;
	unsigned int restless; /* looks at all maps to come */
};

static int priority_of(const struct stand_in *s, unsigned int lun, unsigned int place)
{
	const struct scale_login *login = &s->shared->logins[place];
	struct board_path path;

	if (board_read_path(NULL, login->sid, lun, s->shared->names[login->portal],
			    clock_now_ns(), &path) != BOARD_FRESH)
		return NO_PRIORITY;
	return path.priority;
}

static int compare(const void *left, const void *right)
{
	const int *a = left, *b = right;

	return (*a < *b) - (*a > *b);
}

/* The group of each path when equal priorities are together, the highest first. */
static uint32_t group_paths(const int *priorities, uint32_t n_paths, uint32_t *groups)
{
	int sorted[SCALE_PORTALS];
	uint32_t n = 0;

	memcpy(sorted, priorities, n_paths * sizeof(*sorted));
	qsort(sorted, n_paths, sizeof(*sorted), compare);
	for (uint32_t i = 0; i < n_paths; i++)
		if (!i || sorted[i] != sorted[n - 1])
			sorted[n++] = sorted[i];
	for (uint32_t i = 0; i < n_paths; i++)
		for (groups[i] = 0; sorted[groups[i]] != priorities[i]; groups[i]++)
			;
	return n;
}

/* True: the table is another now. */
static bool regroup(const struct stand_in *s, unsigned int lun)
{
	struct scale_map *map = &s->shared->maps[lun];
	int priorities[SCALE_PORTALS];
	uint32_t groups[SCALE_PORTALS], n;
	bool changed = false;
	char device[64];

	for (uint32_t i = 0; i < map->n_paths; i++) {
		priorities[i] = priority_of(s, lun, map->paths[i].minor % SCALE_PORTALS);
		if (priorities[i] == NO_PRIORITY)
			return false;
	}
	n = group_paths(priorities, map->n_paths, groups);
	for (uint32_t i = 0; i < map->n_paths; i++)
		changed |= map->paths[i].group != groups[i];
	if (!changed)
		return false;
	pthread_mutex_lock(&s->shared->lock);
	for (uint32_t i = 0; i < map->n_paths; i++)
		map->paths[i].group = groups[i];
	map->n_groups = n;
	map->current = 0;
	map->event_nr++;
	pthread_mutex_unlock(&s->shared->lock);
	snprintf(device, sizeof(device), "/devices/virtual/block/dm-%u", map->minor);
	scale_uevent("change", device, "block", "disk");
	return true;
}

/* The board is written record by record: after a change all are looked at for a while. */
static void follow_board(struct stand_in *s)
{
	uint32_t n = s->shared->n_maps;

	if (n && (n <= FEW || regroup(s, n - 1) || regroup(s, 0)))
		s->restless = RESTLESS;
	if (!s->restless)
		return;
	s->restless--;
	for (unsigned int lun = 0; lun < n; lun++)
		if (regroup(s, lun))
			s->restless = RESTLESS;
}

static void list_maps(const struct stand_in *s, FILE *out)
{
	for (uint32_t i = 0; i < s->shared->n_maps; i++) {
		const struct scale_map *map = &s->shared->maps[i];

		fprintf(out,
			"%s\x1f%s\x1f"
			"dm-%u\x1fon\x1f%u\x1fimmediate\x1f"
			"active\x1f--\n",
			map->name, map->wwid, map->minor, map->n_paths);
	}
}

static void answer(const struct stand_in *s, int fd)
{
	char request[MULTIPATHD_REQUEST_MAX], *reply = NULL;
	size_t size, length = 0;
	FILE *out = open_memstream(&reply, &size);

	if (recv(fd, &length, sizeof(length), MSG_WAITALL) != sizeof(length) ||
	    length > sizeof(request) ||
	    recv(fd, request, length, MSG_WAITALL) != (ssize_t)length)
		length = 0;
	if (length && !strncmp(request, "show config", 11))
		fputs("defaults {\n\tpolling_interval 5\n}\n", out);
	else if (length && !strncmp(request, "show maps", 9))
		list_maps(s, out);
	else
		fputs("ok\n", out);
	fclose(out);
	size++; /* the NUL */
	if (send(fd, &size, sizeof(size), MSG_NOSIGNAL) == sizeof(size))
		for (size_t done = 0; done < size;) {
			ssize_t n = send(fd, reply + done, size - done, MSG_NOSIGNAL);

			if (n <= 0)
				break;
			done += (size_t)n;
		}
	free(reply);
}

__attribute__((noreturn)) static void serve(struct stand_in *s)
{
	struct pollfd pollfd = {.fd = s->listener, .events = POLLIN};

	for (;;) {
		int fd = poll(&pollfd, 1, s->look_ms) > 0 ? accept(s->listener, NULL, NULL)
						       : -1;

		if (fd >= 0) {
			answer(s, fd);
			close(fd);
		}
		follow_board(s);
	}
}

static int listen_here(void)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(MULTIPATHD_SOCKET);
	if (multipathd_address(MULTIPATHD_SOCKET, &address, &size) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, size) < 0 || listen(fd, 16) < 0)
		scale_die("%s: %s", MULTIPATHD_SOCKET, strerror(errno));
	return fd;
}

pid_t scale_multipathd_start(struct scale_shared *shared, int look_ms)
{
	struct stand_in s = {.shared = shared, .listener = listen_here(), .look_ms = look_ms};
	pid_t pid = scale_fork("multipathd");

	if (pid == 0)
		serve(&s);
	close(s.listener);
	return pid;
}
