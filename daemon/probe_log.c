/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_log.h"

#include <stdio.h>

#include "common/clock.h"
#include "daemon/log.h"

#define COUNT_MAX 48

/* An outage with all its steps, and a few more; then two lines a minute. */
static const struct ration_limit lines = {.each_ns = 30 * NS_PER_S, .burst = 30};

bool probe_log_may_judge(struct probe_log *log, uint64_t now_ns)
{
	return ration_take(&log->judged, &lines, 1, now_ns);
}

void probe_log_change(struct probe_log *log, const struct probe_target *target,
		      const struct probe_report *report, uint64_t now_ns)
{
	char portal[PORTAL_TEXT_MAX], untold[COUNT_MAX] = "";

	if (!ration_take(&log->told, &lines, 1, now_ns)) {
		log->untold++;
		return;
	}
	if (log->untold)
		snprintf(untold, sizeof(untold), " (%u changes before it not logged)", log->untold);
	log->untold = 0;
	portal_format(&target->name.portal, portal, sizeof(portal));
	log_line(LOG_INFO, "probe of %s over %s: %s%s%s%s", portal,
		 *target->name.netdev ? target->name.netdev : target->name.iface,
		 probe_state_name(report->state), *report->text ? ", " : "", report->text, untold);
}

void probe_log_process(struct probe_log_process *log, const struct probe_engine_status *status,
		       uint64_t now_ns)
{
	bool ended = log->pid && status->pid != log->pid;

	ended |= status->starts != log->starts && !status->pid;
	if (ended && ration_take(&log->told, &lines, 1, now_ns))
		log_line(LOG_WARNING, "the process that probes has ended: %s; %s",
			 status->last_failure,
			 status->pid ? "another one probes" : "another one follows");
	log->pid = status->pid;
	log->starts = status->starts;
}
