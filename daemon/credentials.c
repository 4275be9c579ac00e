/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sysfs.h"

static int read_one(int session, const char *name, char *buffer)
{
	int r = sysfs_text(session, name, buffer, PROBE_CHAP_MAX);

	/* A session without CHAP has no such file, or nothing in it. */
	return r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP ? 0 : r;
}

int credentials_read(const char *sysfs, unsigned int sid, struct probe_chap *ret)
{
	struct probe_chap chap = {{0}, {0}, {0}, {0}};
	char name[64];
	int root = sysfs_open_root(sysfs), session, r;

	if (root < 0)
		return root;
	snprintf(name, sizeof(name), "class/iscsi_session/session%u", sid);
	session = sysfs_open_dir(root, name);
	close(root);
	if (session < 0)
		return session == -ENOENT ? -ENODEV : session;
	r = read_one(session, "username", chap.user);
	if (r == 0)
		r = read_one(session, "password", chap.password);
	if (r == 0)
		r = read_one(session, "username_in", chap.user_in);
	if (r == 0)
		r = read_one(session, "password_in", chap.password_in);
	close(session);
	if (r == 0)
		*ret = chap;
	explicit_bzero(&chap, sizeof(chap));
	return r;
}
