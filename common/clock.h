/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLOCK_H
#define MPATHISCSI_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL
#define NS_PER_S  1000000000ULL

/* CLOCK_MONOTONIC in ns: the one clock of all our deadlines and of the board. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
