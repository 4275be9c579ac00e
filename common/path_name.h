/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PATH_NAME_H
#define MPATHISCSI_PATH_NAME_H

/*
 * What a path is called: the things that last over a logout and login. sdX and
 * host:bus:target:lun change with every login and are no part of a name.
 */

#include "common/address.h"

#define ISCSI_NAME_MAX	224 /* RFC 7143 4.2.7.1: 223 bytes and the NUL */
#define ISCSI_IFACE_MAX 64  /* open-iscsi's ISCSI_MAX_IFACE_LEN with room to spare */
#define PATH_NETDEV_MAX 16  /* IFNAMSIZ */

struct path_name {
	char target[ISCSI_NAME_MAX];   /* target name, lower case */
	int tpgt;		       /* target portal group tag; -1: not known */
	struct portal portal;	       /* the persistent (configured) portal */
	char iface[ISCSI_IFACE_MAX];   /* open-iscsi's interface record, "default" */
	char netdev[PATH_NETDEV_MAX];  /* bound network device, "" if not bound */
	struct ip_address source;      /* initiator's address; may be unspecified */
};

/* The stable list order of paths: target, portal group, portal, interface, network device,
 * source. Numeric for addresses. As strcmp(). */
int path_name_compare(const struct path_name *a, const struct path_name *b);

/* A hash over target, portal, iface: equal names give equal hashes in every process.
 * The source is left out: it disappears while a connection is down; so is the scope of a
 * link-local portal, an interface index that changes. Never 0. */
uint64_t path_name_hash(const struct path_name *name);

#endif
