/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_CONNECTION_DIAG_H
#define MPATHISCSI_QUICK_CONNECTION_DIAG_H

/* sock_diag (7) for TCP: requests and answers as they are. Inside of connection.h. */

#include <linux/inet_diag.h>
#include <linux/tcp.h>

#include "daemon/quick/connection.h"

struct diag_socket;
struct nlmsghdr;

/* What came back. */
struct diag_answer {
	struct inet_diag_msg message;
	struct tcp_info info; /* zero behind what this kernel knows */
	size_t info_size;
};

/* One message about a socket into a struct diag_answer, as a callback of libmnl's: MNL_CB_STOP,
 * or MNL_CB_ERROR with errno. Pure. */
int diag_on_socket(const struct nlmsghdr *header, void *answer);

/* Loads the kernel modules. -EPROTONOSUPPORT: there are none; other -errno. */
int diag_socket_new(struct diag_socket **ret);
void diag_socket_free(struct diag_socket *socket);

/* Look up a connection by a whole, plain name. 'device': that its socket is bound to; 0: to
 * none. -ENOENT. */
int diag_look(struct diag_socket *socket, const struct connection_name *name, uint32_t device,
	      struct diag_answer *ret);

/* End the very socket that an answer is about (its cookie names it for ever). */
int diag_destroy(struct diag_socket *socket, const struct diag_answer *answer);

#endif
