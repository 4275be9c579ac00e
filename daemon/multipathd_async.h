/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_MULTIPATHD_ASYNC_H
#define MPATHISCSI_MULTIPATHD_ASYNC_H

/*
 * Asking multipathd from an event loop: requests wait in a bounded queue and go out one
 * at a time, in order, each with a deadline of its own that counts from its submission.
 * No call here ever waits.
 */

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define MULTIPATHD_QUEUE_MAX 256

struct multipathd;

/*
 * The end of a request; called exactly once, from the event loop (or multipathd_free()).
 * 'error': 0, or as multipathd_call() (-ETIMEDOUT also for a deadline passed in the
 * queue), or -ECANCELED. 'reply': valid during the call; an error reply is passed for the
 * log, NULL if there was none. May submit new requests, must not free the client.
 */
typedef void (*multipathd_done)(void *arg, int error, const char *reply);

/* 'name' as for multipathd_connect() (copied; NULL: the usual ones). -ENOMEM, -errno. */
int multipathd_new(sd_event *event, const char *name, struct multipathd **ret);

/*
 * Ask. -EMSGSIZE: request too long; -EINVAL: empty; -ENOBUFS: MULTIPATHD_QUEUE_MAX
 * requests wait already; -ENOMEM: then 'done' is not called. That multipathd does not run
 * is told by 'done', never here. 'done' may be NULL.
 */
int multipathd_submit(struct multipathd *m, const char *request, uint64_t timeout_ms,
		      multipathd_done done, void *arg);

/* Requests whose 'done' has not been called yet. */
size_t multipathd_pending(const struct multipathd *m);

/* Ends all requests with -ECANCELED. NULL is fine. */
void multipathd_free(struct multipathd *m);

#endif
