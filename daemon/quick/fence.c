/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/fence.h"

#include <string.h>

static bool same_group(const struct fence_session *a, const struct fence_session *b)
{
	return a->name->tpgt == b->name->tpgt && !strcmp(a->name->target, b->name->target) &&
	       !strcmp(a->initiator, b->initiator);
}

struct fence_choice fence_choose(const struct fence_session *dead, uint64_t since_ns,
				 const struct fence_session *all, size_t n)
{
	struct fence_choice choice = {.reason = FENCE_NO_PORTAL};

	if (dead->name->tpgt < 0) {
		choice.reason = FENCE_NO_GROUP;
		return choice;
	}
	for (size_t i = 0; i < n; i++) {
		if (!same_group(&all[i], dead) ||
		    !portal_compare(&all[i].name->portal, &dead->name->portal))
			continue;
		if (!all[i].healthy || all[i].answered_ns <= since_ns) {
			if (choice.reason == FENCE_NO_PORTAL)
				choice.reason = FENCE_NO_ANSWER;
		} else if (choice.reason != FENCE_FOUND ||
			   all[i].answered_ns > all[choice.index].answered_ns) {
			choice = (struct fence_choice){.reason = FENCE_FOUND, .index = i};
		}
	}
	return choice;
}

const char *fence_reason_text(enum fence_reason reason)
{
	static const char *const texts[FENCE_REASON_MAX] = {
		[FENCE_FOUND] = "a portal was found",
		[FENCE_NO_GROUP] = "its portal group is not known",
		[FENCE_NO_PORTAL] = "no session over another portal of its portal group",
		[FENCE_NO_ANSWER] = "no other portal of its portal group has answered since",
	};

	return reason < FENCE_REASON_MAX ? texts[reason] : "?";
}
