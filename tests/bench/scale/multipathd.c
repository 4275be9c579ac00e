/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stand-in of multipathd: answers on its socket, and does with the board what
 * multipathd does with the prioritizer: where a LUN's priorities have changed, it makes
 * the table anew, one group a priority. It looks without a pause, where the real one
 * takes seconds, so that what is measured is ours.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/identity.h"
#include "daemon/multipathd_wire.h"
#include "tests/bench/scale/scale.h"

#define LOOK_MS	    10
#define RESTLESS    5
#define NO_PRIORITY 0

struct stand_in {
	struct scale_shared *shared;
	int listener, uevents;
	unsigned int restless;		   /* looks at all maps to come */
	uint64_t names[SCALE_PORTALS + 1]; /* hash of a session's path name */
};

static int priority_of(const struct stand_in *s, unsigned int lun, unsigned int portal)
{
	struct board_path path;

	if (board_read_path(NULL, portal, lun, s->names[portal], clock_now_ns(), &path) !=
	    BOARD_FRESH)
		return NO_PRIORITY;
	return path.priority;
}

static int compare(const void *left, const void *right)
{
	const int *a = left, *b = right;

	return (*a < *b) - (*a > *b);
}

/* The group of each path when equal priorities are together, the highest first. */
static uint32_t group_paths(const int *priorities, uint32_t *groups)
{
	int sorted[SCALE_PORTALS];
	uint32_t n = 0;

	memcpy(sorted, priorities, sizeof(sorted));
	qsort(sorted, SCALE_PORTALS, sizeof(*sorted), compare);
	for (unsigned int i = 0; i < SCALE_PORTALS; i++)
		if (!i || sorted[i] != sorted[i - 1])
			sorted[n++] = sorted[i];
	for (unsigned int i = 0; i < SCALE_PORTALS; i++)
		for (groups[i] = 0; sorted[groups[i]] != priorities[i]; groups[i]++)
			;
	return n;
}

/* As the kernel does when a table is resumed: it passes on what root sends it, in the
 * sender's network namespace only (lib/kobject_uevent.c). */
static void tell_uevent(const struct stand_in *s, uint32_t minor)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr header;
		char text[256];
	} message = {
		.header = {.nlmsg_type = NLMSG_MIN_TYPE, .nlmsg_flags = NLM_F_REQUEST}};
	int n = snprintf(
		message.text, sizeof(message.text),
		"change@/devices/virtual/block/dm-%u%cACTION=change%c"
		"DEVPATH=/devices/virtual/block/dm-%u%cSUBSYSTEM=block%cDEVNAME=dm-%u%c"
		"DEVTYPE=disk%c",
		minor, 0, 0, minor, 0, 0, minor, 0, 0);

	message.header.nlmsg_len = (uint32_t)(sizeof(message.header) + (size_t)n);
	if (sendto(s->uevents, &message, message.header.nlmsg_len, 0,
		   (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		scale_die("uevent: %s", strerror(errno));
}

/* True: the table is another now. */
static bool regroup(const struct stand_in *s, unsigned int lun)
{
	struct scale_map *map = &s->shared->maps[lun];
	int priorities[SCALE_PORTALS];
	uint32_t groups[SCALE_PORTALS], n;
	bool changed = false;

	for (unsigned int i = 0; i < SCALE_PORTALS; i++) {
		priorities[i] =
			priority_of(s, lun, map->paths[i].minor % SCALE_PORTALS + 1);
		if (priorities[i] == NO_PRIORITY)
			return false;
	}
	n = group_paths(priorities, groups);
	for (unsigned int i = 0; i < SCALE_PORTALS; i++)
		changed |= map->paths[i].group != groups[i];
	if (!changed)
		return false;
	pthread_mutex_lock(&s->shared->lock);
	for (unsigned int i = 0; i < SCALE_PORTALS; i++)
		map->paths[i].group = groups[i];
	map->n_groups = n;
	map->current = 0;
	map->event_nr++;
	pthread_mutex_unlock(&s->shared->lock);
	tell_uevent(s, map->minor);
	return true;
}

/* The board is written record by record: after a change all are looked at for a while. */
static void follow_board(struct stand_in *s)
{
	uint32_t n = s->shared->n_maps;

	if (n && (regroup(s, n - 1) || regroup(s, 0)))
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
		int fd = poll(&pollfd, 1, LOOK_MS) > 0 ? accept(s->listener, NULL, NULL)
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

pid_t scale_multipathd_start(struct scale_shared *shared)
{
	struct stand_in s = {.shared = shared,
			     .listener = listen_here(),
			     .uevents = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
					       NETLINK_KOBJECT_UEVENT)};
	struct iscsi_identity id;
	char name[32];
	pid_t pid;

	for (unsigned int n = 1; n <= SCALE_PORTALS; n++) {
		snprintf(name, sizeof(name), "sd%u", scale_minor(0, n));
		if (identity_by_name(NULL, name, &id) < 0 || !id.is_iscsi)
			scale_die("%s is not seen as a disk over iSCSI", name);
		s.names[n] = path_name_hash(&id.name);
	}
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "multipathd");
		serve(&s);
	}
	close(s.listener);
	return pid;
}
