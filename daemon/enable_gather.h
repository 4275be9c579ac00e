/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ENABLE_GATHER_H
#define MPATHISCSI_ENABLE_GATHER_H

/* The facts that array_conf_build() decides by: from multipathd, sysfs, the policies
 * file. */

#include "daemon/array_conf.h"

struct gathered {
	struct conf_path *paths;
	size_t n_paths;
	struct mp_map *maps;
	size_t n_maps;
	struct mp_config config;
	bool daemon_runs;
};

/*
 * Ask multipathd ('socket' as for multipathd_connect(), until 'deadline_ns') and 'sysfs'
 * (NULL: /sys). Without multipathd the disks come from sysfs alone, without checkers and
 * maps. -errno: multipathd runs but does not answer or is not understood, or sysfs cannot
 * be read; 'what' (at least 64 bytes) then names it.
 */
int enable_gather(const char *socket, const char *sysfs, uint64_t deadline_ns,
		  struct gathered *ret, char *what, size_t size);
void gathered_free(struct gathered *g);

/*
 * Is there no policies file, though mpathiscsid (at 'control_path') has policies of it in force?
 * Then it is missing by accident, and a configuration without policies is not to be written: -ENOENT,
 * 'message' (STORE_MESSAGE_MAX bytes) says so. 0 where nobody can be asked, too.
 */
int enable_store_missing(const char *store_path, const char *control_path, char *message);

/*
 * Policies of the store for the LUNs of 'f' (aliases, targets and products from 'g'). *ret: one
 * allocation, free() it; wwid points into 'f'. -EINVAL: the file is broken, 'message'
 * (STORE_MESSAGE_MAX bytes) says where; -ENOMEM; -errno of the file.
 */
int enable_policies(const char *store_path, const struct fragment *f,
		    const struct gathered *g, struct conf_policy **ret, size_t *ret_n,
		    char *message);

#endif
