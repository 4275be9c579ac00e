/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ENABLE_APPLY_H
#define MPATHISCSI_ENABLE_APPLY_H

/* The fragment's file, and multipathd taking it over. */

#include "daemon/enable_gather.h"
#include "daemon/fragment.h"

#define FRAGMENT_PATH_MAX 512

/* conf_dir "/" FRAGMENT_NAME. -ENAMETOOLONG. */
int fragment_path(const char *conf_dir, char *buffer, size_t size);

/* The file's text (free() it), NULL without such a file. -errno. */
int fragment_load(const char *path, char **ret_text);

/* Replace the file atomically (folders above it are made), or with NULL remove it;
 * durable when it returns. -errno. */
int fragment_store(const char *path, const char *text);

/* How multipathd checks our paths. */
enum takeover {
	TAKEOVER_DONE,	/* all by "iscsi" */
	TAKEOVER_OTHER, /* 'dev' by another checker, 'checker' */
	TAKEOVER_NONE,	/* 'dev' by none: the plugin could not be loaded */
};

struct takeover_report {
	enum takeover state;
	char dev[32], checker[32];
};

/*
 * Look at the paths that 'g' shows on software iSCSI and whose array is in 'f'. Pure.
 * TAKEOVER_NONE before TAKEOVER_OTHER when there are both.
 */
struct takeover_report takeover_look(const struct gathered *g, const struct fragment *f,
				     const struct mp_path *paths, size_t n);

/* The same, asking multipathd. -errno. */
int takeover_ask(const char *socket, const struct gathered *g, const struct fragment *f,
		 uint64_t deadline_ns, struct takeover_report *ret);

/*
 * `reconfigure`, then wait until multipathd is idle again and, with 'f' (else NULL), all
 * its paths are ours. -ETIMEDOUT: not until the deadline; *ret_report (if 'f') tells how
 * they were last, its 'dev' empty when that is not known. -ELIBACC: a path has no checker
 * and gets none.
 */
int takeover_reconfigure(const char *socket, const struct gathered *g,
			 const struct fragment *f, uint64_t deadline_ns,
			 struct takeover_report *ret_report);

#endif
