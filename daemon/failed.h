/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_FAILED_H
#define MPATHISCSI_FAILED_H

/*
 * What an operator has failed by `mpathiscsi fail`, until it is reinstated: kept in /run, so
 * that it outlives both daemons but not the host. A path is named by what lasts (portal,
 * interface, target), never by its device: one that logs out and in again stays failed.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/identity.h"
#include "policies/policy.h"

#define FAILED_DEFAULT_PATH "/run/mpathiscsi/failed"
#define FAILED_MAX	    65536

struct failed_entry {
	char wwid[DEVICE_WWID_MAX]; /* as multipath writes it */
	struct path_expression path;
};

struct failed {
	struct failed_entry *entries; /* sorted by WWID */
	size_t n;
};

void failed_free(struct failed *failed); /* what it holds; leaves it empty */

bool failed_has(const struct failed *failed, const char *wwid, const struct path_name *name);

/* 0 also if it is there already. -ENOMEM; -ENOSPC: FAILED_MAX entries. */
int failed_add(struct failed *failed, const char *wwid, const struct path_name *name);

/* Forget a path. Returns how many entries that were. */
size_t failed_remove(struct failed *failed, const char *wwid, const struct path_name *name);

/* One line an entry, "EXPRESSION WWID". *ret_text: free() it. -ENOMEM. */
int failed_format(const struct failed *failed, char **ret_text);

/* The reverse. -EINVAL: some line is not as we write it; *ret then holds the good ones. */
int failed_parse(const char *text, struct failed *ret);

/* From and to a file; one that is missing is empty. -EINVAL as failed_parse(); -errno. */
int failed_load(const char *path, struct failed *ret);
int failed_save(const char *path, const struct failed *failed);

#endif
