/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LOG_H
#define MPATHISCSI_LOG_H

#include <syslog.h>

/* One line to stderr: with a "<N>" level for the journal when systemd started us, with a
 * monotonic time stamp otherwise. 'level' is syslog's. Only the daemon's shell logs. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Levels above this are dropped; LOG_INFO at start. */
void log_set_level(int level);

#endif
