/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prioritizers/prio_decide.h"

#include <string.h>

#define PRIORITY_PREFERRED 80
#define PRIORITY_OPTIMIZED 50

static bool has_record(const struct prio_facts *facts)
{
	return facts->is_iscsi && facts->same_lun &&
	       (facts->trust == BOARD_FRESH || facts->trust == BOARD_STALE);
}

static bool has_plan(const struct prio_facts *facts)
{
	return has_record(facts) && facts->role != ROLE_NONE &&
	       facts->board_priority >= PRIORITY_LOWEST && facts->board_priority <= PRIORITY_BEST;
}

bool prio_policy_withdrawn(const struct prio_facts *facts)
{
	if (has_record(facts))
		return facts->role == ROLE_NONE;
	return facts->is_iscsi && facts->trust == BOARD_NO_RECORD && facts->session_on_board;
}

/*
 * SPC-5 names the states, drivers/scsi/scsi_dh_alua.c and scsi_sysfs.c the words; the numbers
 * and "preferred lifts all but the optimized" are those of multipath-tools' sysfs prioritizer,
 * so that a map without a policy is grouped as it was before.
 */
int prio_of_access_state(const char *access_state, bool preferred)
{
	static const struct {
		const char *word;
		int priority;
	} states[] = {
		{ "active/optimized", PRIORITY_OPTIMIZED },
		{ "active/non-optimized", 10 },
		{ "lba-dependent", 5 },
		{ "standby", 1 },
	};
	int priority = 0; /* unavailable, offline, transitioning */

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(access_state, states[i].word) == 0)
			priority = states[i].priority;
	if (preferred && priority != PRIORITY_OPTIMIZED)
		priority += PRIORITY_PREFERRED;
	return priority;
}

struct prio_answer prio_decide(const struct prio_facts *facts)
{
	if (facts->is_iscsi && facts->built_in && facts->has_args_plan)
		return (struct prio_answer){ facts->args_priority, PRIO_BY_ARGS };
	if (has_plan(facts))
		return (struct prio_answer){ facts->board_priority, PRIO_BY_BOARD };
	if (facts->is_iscsi && facts->remembered && !prio_policy_withdrawn(facts))
		return (struct prio_answer){ facts->remembered_priority, PRIO_BY_LAST_PLAN };
	if (facts->is_iscsi && facts->siblings_on_board)
		return (struct prio_answer){ PRIORITY_LOWEST, PRIO_BY_DAEMON_LATER };
	if (facts->is_iscsi && facts->has_args_plan)
		return (struct prio_answer){ facts->args_priority, PRIO_BY_ARGS };
	if (facts->has_access_state)
		return (struct prio_answer){
			prio_of_access_state(facts->access_state, facts->preferred),
			PRIO_BY_ACCESS_STATE
		};
	return (struct prio_answer){ PRIORITY_WITHOUT_POLICY, PRIO_BY_DEFAULT };
}

const char *prio_source_text(enum prio_source source)
{
	static const char *const texts[PRIO_SOURCE_MAX] = {
		[PRIO_BY_NOTHING] = "nothing",
		[PRIO_BY_BOARD] = "plan of the daemon",
		[PRIO_BY_LAST_PLAN] = "last plan of the daemon",
		[PRIO_BY_DAEMON_LATER] = "not yet in the daemon's plan: last place",
		[PRIO_BY_ARGS] = "policy in prio_args",
		[PRIO_BY_ACCESS_STATE] = "no policy: access state",
		[PRIO_BY_DEFAULT] = "no policy: all alike",
	};

	return (unsigned int)source < PRIO_SOURCE_MAX ? texts[source] : "unknown";
}
