/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_LOG_H
#define MPATHISCSI_PROBE_LOG_H

/*
 * What the log is told of probes: every change, as long as a target does not change for the sake
 * of it; and each end of the process that probes.
 */

#include "daemon/probe.h"
#include "daemon/ration.h"

/* Of one target. Zeroed: nothing was said yet. */
struct probe_log {
	struct ration told;   /* changes of the probe */
	struct ration judged; /* … and of the verdict */
	unsigned int untold;  /* changes since the last line */
};

/* May the verdict be logged now? If not, later, as it is then. */
bool probe_log_may_judge(struct probe_log *log, uint64_t now_ns);

void probe_log_change(struct probe_log *log, const struct probe_target *target,
		      const struct probe_report *report, uint64_t now_ns);

/* Of the process. Zeroed: none was started yet. */
struct probe_log_process {
	uint32_t starts;
	pid_t pid;
	struct ration told;
};

/* Call it now and then: says what has become of the process since the last call. */
void probe_log_process(struct probe_log_process *log, const struct probe_engine_status *status,
		       uint64_t now_ns);

#endif
