/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_CONFINE_H
#define MPATHISCSI_PROBE_CONFINE_H

#include <stddef.h>

/*
 * What parses bytes from the network gives up all it does not need, for good:
 * - capabilities, new privileges by exec, core dumps, being traced;
 * - files: a Landlock ruleset without a rule, where the kernel has Landlock;
 * - system calls: a list of those it needs (probe_syscalls.h). It opens no file (EACCES, since
 *   libraries try when they are first used), makes no socket other than TCP, changes no flag of
 *   the descriptors it was given, starts no program or thread, signals nobody; a try ends it
 *   (SIGSYS, the whole process);
 * - memory beyond PROBE_MEMORY_MAX, processes, descriptors beyond 'descriptors'.
 * To be called after exec, as the user it is to be, with one thread. The engine has changed the
 * user before. -errno with what failed in 'text': it must end.
 */
int probe_confine(unsigned int descriptors, const char **text);

/* 512 sessions take about 40 MiB; a target that makes the library take more is no honest one. */
#define PROBE_MEMORY_MAX (256UL << 20)

#endif
