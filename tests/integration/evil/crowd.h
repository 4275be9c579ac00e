/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EVIL_CROWD_H
#define MPATHISCSI_EVIL_CROWD_H

/* All behaviours at once in one engine, at the daemon's own pace: what remains of them? */

#include "daemon/probe.h"

struct crowd_cost {
	unsigned long kib; /* resident, engine and child */
	unsigned int fds;  /* of both */
};

struct crowd_result {
	struct crowd_cost before, after;
	unsigned int deaths;
	bool ok;
};

/* Begin, go and begin again, 'rounds' times (2 or more): what the later ones add is growth. Prints
 * lines of the table, then the memory. */
void crowd_run(sd_event *event, const char *child_path, int rounds, struct crowd_result *ret);

#endif
