/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_KEPT_H
#define MPATHISCSI_KEPT_H

/*
 * A reconfigure makes multipathd forget what operators failed by `multipathd fail path`.
 * Noted before, failed again after. For the command.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"
#include "daemon/cli.h"

struct kept {
	char (*devices)[DEVICE_NAME_MAX];
	size_t n;
};

/*
 * Ask the daemon which paths operators have failed. A path that multipathd has just failed,
 * by itself or for an operator, is waited for until that is clear (about three polling
 * intervals at most). Without the daemon nothing is known. 0 or -errno of asking it; *ret:
 * kept_free().
 */
int kept_collect(const struct cli *cli, uint64_t deadline_ns, struct kept *ret);

/* `fail path` for each. What could not be failed again is said on stderr; the exit code is
 * EXIT_OK or EXIT_FAILED. */
int kept_fail_again(const struct kept *kept, uint64_t deadline_ns);

void kept_free(struct kept *kept);

/* Both around `reconfigure`, of which it waits for the end. 0, or -errno of the reconfigure. */
int kept_reconfigure(const struct cli *cli, uint64_t timeout_ms);

#endif
