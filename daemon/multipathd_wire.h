/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_MULTIPATHD_WIRE_H
#define MPATHISCSI_MULTIPATHD_WIRE_H

/*
 * One request and its reply on multipathd's socket, step by step; shared by the waiting
 * and the event-driven client. A frame is a native size_t (the length with the NUL), then
 * the text. One connection a request: nothing of an earlier reply can be left in it, and
 * multipathd (which serves only so many clients) is rid of us between requests.
 */

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MULTIPATHD_REQUEST_MAX 512	   /* with the NUL */
#define MULTIPATHD_REPLY_MAX   (32U << 20) /* multipath-tools' own bound, exclusive */
#define MULTIPATHD_SOCKET      "/run/multipathd.socket" /* from 0.12 on */
#define MULTIPATHD_ABSTRACT    "@/org/kernel/linux/storage/multipathd"
#define MULTIPATHD_ENVIRONMENT "MULTIPATH_SOCKET_NAME"

struct exchange {
	int fd; /* -1: none */
	char out[sizeof(size_t) + MULTIPATHD_REQUEST_MAX];
	size_t out_size, out_done;
	union {
		size_t value;
		char bytes[sizeof(size_t)];
	} length;
	size_t length_done;
	char *reply;
	size_t reply_done;
};

/* "@name": abstract; else a path. -EINVAL: empty; -ENAMETOOLONG. */
int multipathd_address(const char *name, struct sockaddr_un *ret, socklen_t *ret_size);

/*
 * A connected stream socket. 'name' NULL: $MULTIPATH_SOCKET_NAME alone if it is set, else
 * MULTIPATHD_SOCKET, then MULTIPATHD_ABSTRACT. 'wait_ms' 0: the socket is non-blocking
 * and -EAGAIN says that multipathd's backlog is full; else wait for a place at most so
 * long per name, then -ETIMEDOUT. -ECONNREFUSED or -ENOENT: multipathd does not run. -EACCES:
 * who listens there is neither root nor ourselves, so it is not multipathd.
 */
int multipathd_connect(const char *name, unsigned int wait_ms);

/* Begin: *x owns 'fd' from now on if this succeeds. -EINVAL: empty; -EMSGSIZE: too long.
 */
int exchange_begin(struct exchange *x, int fd, const char *request);

/*
 * Send and receive what is possible now, never waiting, at most some 100 KiB a call. 1:
 * the reply is whole, in x->reply, NUL-terminated. 0: call again when exchange_events(x)
 * come. -ECONNRESET: closed before the reply was whole; -EPROTO: a length of 0;
 * -EMSGSIZE: beyond MULTIPATHD_REPLY_MAX; -ENOMEM; other -errno of the socket.
 */
int exchange_step(struct exchange *x);

/* POLLOUT or POLLIN; the values are EPOLLOUT's and EPOLLIN's too. */
short exchange_events(const struct exchange *x);

/* Close and free what *x holds; x->fd is -1 then. */
void exchange_end(struct exchange *x);

#endif
