/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_SOCKET_H
#define MPATHISCSI_PROBE_SOCKET_H

/*
 * The probe's sockets (child process): bound to the device of the session and verified to
 * go where the session goes, since libiscsi binds "if possible" and says nothing if not.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"

/* The road a probe must take. */
struct probe_road {
	struct portal portal;	  /* peer */
	struct ip_address source; /* own address; AF_UNSPEC: any */
	char netdev[16];	  /* device to be bound to, "" none */
};

/* Trouble of our own (device, descriptors, permission), or the network's and the peer's?
 */
bool probe_error_is_local(int error);

/*
 * Before any packet: can we bind to the device? 0; else negative errno and 'text' (of 'size'
 * bytes) says it in words.
 */
int probe_road_check(const struct probe_road *road, char *text, size_t size);

/*
 * Is this TCP socket, on which connect() has begun, bound to the device, and does it leave from the
 * source address? Not asked before, which only other kinds of sockets could: on another road one
 * SYN is sent, and the socket to be closed. 'connected' also checks the peer. 0; -EXDEV: no;
 * -errno.
 */
int probe_socket_verify(int fd, const struct probe_road *road, bool connected, char *text,
			size_t size);

/* Begin a TCP connect on that road, non-blocking, close-on-exec, no delay. Returns 0 and
 * the socket; negative errno with 'text' as probe_road_check(). Close it with close(). */
int probe_tcp_begin(const struct probe_road *road, int *ret_fd, char *text, size_t size);

/* The error waiting on a socket, as a negative errno; 0 none. Clears it. */
int probe_socket_error(int fd);

/*
 * Is this connection past telling when the peer comes back? Data is unacknowledged and
 * the kernel's retransmission timer has backed off twice: it would next send after
 * seconds, where a new connect is answered at once.
 */
bool probe_socket_stuck(int fd);

#endif
