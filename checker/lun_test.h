/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LUN_TEST_H
#define MPATHISCSI_LUN_TEST_H

/*
 * Ask a LUN by SG_IO: TEST UNIT READY, and behind a GOOD one, where wanted, a READ of the
 * first block; or that READ alone, which tells all that TEST UNIT READY does. LIO answers TEST
 * UNIT READY with GOOD whatever has become of its backstore (multipath-tools issue 54); a READ
 * has to touch it.
 *
 * May sleep without end (a blocked device, error handling): never call it where somebody
 * else has to wait.
 */

#include <stdbool.h>
#include <stddef.h>

#include "checker/sense.h"

#define LUN_TEST_BLOCK_MAX 4096 /* largest logical block we READ */
#define LUN_TEST_TRIES	   5	/* a command whose answer asks for a retry; as stock's tur */

struct lun_answer {
	enum scsi_result result;
	bool read; /* of the READ, not of the TEST UNIT READY */
	bool again; /* a command had to be sent again: UNIT ATTENTION and the like */
	int error; /* negative errno of the ioctl; 0 if it worked */
};

/* A buffer of 'size' bytes, aligned to its size, for the READ; size 0: no READ. */
struct lun_read {
	void *block;
	size_t size;
	bool alone; /* no TEST UNIT READY before it */
};

/* 'timeout_ms' bounds each command once the kernel has sent it, and no command is sent
 * later than that after the call. */
void lun_test(int fd, unsigned int timeout_ms, const struct lun_read *wanted,
	      struct lun_answer *ret);

#endif
