/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EVIL_MEASURE_H
#define MPATHISCSI_EVIL_MEASURE_H

/* What a process costs. 0 if it is not there. */

#include <stdint.h>
#include <sys/types.h>

unsigned long measure_rss_kib(pid_t pid);
unsigned int measure_fds(pid_t pid);
uint64_t measure_cpu_ns(pid_t pid);
/* How long it was ready to run and no CPU was free for it. */
uint64_t measure_wait_ns(pid_t pid);

#endif
