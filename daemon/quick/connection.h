/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_CONNECTION_H
#define MPATHISCSI_QUICK_CONNECTION_H

/*
 * The TCP connection of a kernel session, seen and ended from outside: by sock_diag (7),
 * with the four-tuple as its name. Works for sockets of the initial network namespace, which
 * is where the kernel's initiator lives.
 */

#include "checker/tcp_sample.h"
#include "common/address.h"

struct connection_name {
	struct ip_address local;
	uint16_t local_port;
	struct portal peer;
};

/* Has it both ends? (Else the session has no socket now.) */
bool connection_known(const struct connection_name *name);
/* One and the same? An IPv4 address in the dress of IPv6 (RFC 4291, 2.5.5.2) is the IPv4 one;
 * the interface of a link-local address counts only where both tell it (sysfs does not). */
bool connection_equal(const struct connection_name *a, const struct connection_name *b);
/* With IPv4 addresses in the dress of IPv6 written as IPv4. */
struct connection_name connection_plain(const struct connection_name *name);
/* That of a connected socket of ours. -ENOTCONN; -EAFNOSUPPORT; other -errno. */
int connection_of_socket(int fd, struct connection_name *ret);

struct connections;

/* A socket to sock_diag; kernel modules it needs (tcp_diag, inet_diag) are loaded by the
 * first look, which is made here and may take a second. -EPROTONOSUPPORT: the kernel has
 * none; other -errno. */
int connections_new(struct connections **ret);
void connections_free(struct connections *connections);

/*
 * What the kernel says of the connection now. The answer of sock_diag is made within the
 * call: this does not wait for anybody. A socket bound to a network device is found, too.
 * -ENOENT: no such connection (what is left of a closed one is none); -EINVAL: half a name;
 * other -errno.
 */
int connections_look(struct connections *connections, const struct connection_name *name,
		     struct tcp_sample *ret);

/*
 * End it (SOCK_DESTROY): the kernel's iSCSI initiator gets connection error 1020 and
 * iscsid logs in again. 'inode' as connections_look() saw it: another socket is left alone
 * (-ESTALE). -ENOENT: gone already; -EOPNOTSUPP: kernel without CONFIG_INET_DIAG_DESTROY;
 * -EPERM.
 */
int connections_destroy(struct connections *connections, const struct connection_name *name,
			uint32_t inode);

#endif
