/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_MULTIPATHD_CLIENT_H
#define MPATHISCSI_MULTIPATHD_CLIENT_H

/* Asking multipathd and waiting for the answer: for the command line, never the daemon.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/multipathd_parse.h"
#include "daemon/multipathd_wire.h"

/*
 * Send 'request', wait for the reply at most until 'deadline_ns' (CLOCK_MONOTONIC).
 * 'name' as for multipathd_connect(). *ret_reply: its text, free() it. An error reply is
 * returned as mp_reply_check() says; else errors of multipathd_connect() and
 * exchange_step(), and -ETIMEDOUT. multipathd_not_running() tells "nobody there" from the
 * rest.
 */
int multipathd_call(const char *name, const char *request, uint64_t deadline_ns,
		    char **ret_reply);

/* The same for a command whose reply says no more than that it worked. */
int multipathd_command(const char *name, const char *request, uint64_t deadline_ns);

/* Ask for and parse a list: multipathd_call() and mp_…_parse() in one. */
int multipathd_paths(const char *name, uint64_t deadline_ns, struct mp_path **ret_list,
		     size_t *ret_n);
int multipathd_maps(const char *name, uint64_t deadline_ns, struct mp_map **ret_list,
		    size_t *ret_n);
int multipathd_daemon(const char *name, uint64_t deadline_ns, struct mp_daemon *ret);

/* Does this error of a call mean that no multipathd runs? */
bool multipathd_not_running(int error);

#endif
