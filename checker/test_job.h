/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_TEST_JOB_H
#define MPATHISCSI_TEST_JOB_H

/*
 * A test of a LUN in a disposable thread, so that nobody waits for a device that does not
 * answer; one that has done its test may do another behind it. The thread has its own duplicate
 * of the descriptor, a small stack (the host locks its memory), ordinary scheduling whatever its
 * creator's, all signals blocked, and cannot be cancelled. It calls nothing of the host's and
 * outlives whoever started it.
 *
 * At most one test per device is outstanding in a process: while an old one hangs, a new
 * owner (after a reconfiguration of multipathd) joins it instead of starting another.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "checker/lun_test.h"

struct test_job;

struct test_order {
	int fd;	   /* duplicated: may be closed right after the call */
	dev_t devt;
	unsigned int timeout_ms;
	size_t block_size; /* of the READ; 0: none */
	bool read_alone;   /* as struct lun_read */
};

/*
 * Start a test, or join the one outstanding for the device. *ret_joined: joined; its
 * answer may be about another time than yours and is to be thrown away. Give back with
 * test_job_put(). -ENOMEM, -EMFILE, -EAGAIN (no thread) …
 */
int test_job_start(const struct test_order *order, struct test_job **ret, bool *ret_joined);

/* Has it ended? Waits at most 'wait_ns' for that. *ret_ended_ns: when (CLOCK_MONOTONIC).
 * Both results are written only if it has. */
bool test_job_ended(struct test_job *job, uint64_t wait_ns, struct lun_answer *ret,
		    uint64_t *ret_ended_ns);

/* Give it up; a running test goes on by itself. NULL: nothing. */
void test_job_put(struct test_job *job);

/* Number of tests outstanding in this process, for tests of this file. */
unsigned int test_job_outstanding(void);

#endif
