/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/admit.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/parse.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/watch.h"

#define LINE_BYTES (1024 * 1024) /* a group of very many members */

int admit_find(const char *path, const char *group, gid_t *ret)
{
	FILE *file = fopen(path ? path : "/etc/group", "re");
	char *buffer = malloc(LINE_BYTES);
	struct group entry, *found = NULL;
	int r = file ? buffer ? 0 : ENOMEM : errno;

	while (r == 0) {
		r = fgetgrent_r(file, &entry, buffer, LINE_BYTES, &found);
		if (r == 0 && !strcmp(entry.gr_name, group)) {
			*ret = entry.gr_gid;
			break;
		}
	}
	free(buffer);
	if (file)
		fclose(file);
	return -r;
}

/*
 * Whoever is in a group may give it what is his: that needs no CAP_CHOWN. By the plain system
 * call, for this thread: the C library's waits for all of them, and one that asks a disk may not
 * answer for long.
 */
static int join(gid_t gid)
{
	size_t n = gid == (gid_t)-1 ? 0 : 1;

	if (geteuid() != 0 || syscall(SYS_setgroups, n, &gid) == 0)
		return 0;
	return n ? -errno : 0;
}

static int hand_over(struct watch *watch, gid_t gid)
{
	gid_t board_gid = gid == (gid_t)-1 ? getegid() : gid;
	int r = join(gid), s = 0;

	if (r == 0)
		r = board_set_group(watch->board, board_gid);
	if (watch->control)
		s = control_set_group(watch->control, gid);
	return r < 0 ? r : s;
}

void admit_group(struct watch *watch, const char *group)
{
	gid_t gid = (gid_t)-1;
	int r = *group ? admit_find(NULL, group, &gid) : 0;

	if (r == 0 && watch->admitted && !strcmp(watch->admitted_group, group) &&
	    watch->admitted_gid == gid)
		return;
	if (r == 0)
		r = hand_over(watch, gid);
	watch->admitted = r == 0;
	watch->admitted_gid = gid;
	(void)copy_text(watch->admitted_group, sizeof(watch->admitted_group), group);
	if (r == 0)
		return;
	log_line(LOG_WARNING, "group \"%s\" of section [control]: %s; only root may look", group,
		 r == -ENOENT ? "not in /etc/group" : strerror(-r));
	(void)hand_over(watch, (gid_t)-1);
}
