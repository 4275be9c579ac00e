/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_HOST_LOG_H
#define MPATHISCSI_HOST_LOG_H

/*
 * Logging of a plugin through the program that loaded it: multipathd, the multipath command,
 * or anything with libmpathpersist. Levels are multipath's verbosity: 0 fatal, 1 error,
 * 2 what an operator wants to know (multipathd's default), 3 detail.
 */

#include <stdbool.h>

/* Would a message of this level be written anywhere? */
bool host_log_wanted(int level);

/*
 * One line; the newline is added, more than 500 bytes are cut. Through the host's dlog() where
 * its form is known (from multipath-tools 0.8.6 on); in another host up to level 2 to stderr.
 * errno is kept.
 */
void host_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
