/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/decide.h"

#include "common/clock.h"

#define BUDGET_NS (60 * NS_PER_S)

static enum quick_reason session_reason(const struct decide_session *session,
					const struct decide_limits *limits)
{
	if (!session->enabled)
		return QUICK_SWITCHED_OFF;
	if (!session->arm && !session->release)
		return QUICK_NOT_WANTED;
	if (!session->software)
		return QUICK_HARDWARE;
	if (!session->logged_in)
		return QUICK_NOT_LOGGED_IN;
	if (session->logged_in_ms < limits->stable_ms)
		return QUICK_SETTLING;
	if (!session->socket_known)
		return QUICK_NO_SOCKET;
	return QUICK_YES;
}

/* Would the map ride out what stock's timers ride out before a path even fails? */
static enum quick_reason queueing_reason(const struct decide_lun *lun, uint32_t stock_ms)
{
	if (!lun->live_queues)
		return QUICK_NO_QUEUEING;
	switch (lun->queueing) {
	case QUEUEING_ALWAYS:
		return QUICK_YES;
	case QUEUEING_COUNT:
		return stock_ms && lun->queueing_ms >= stock_ms ? QUICK_YES :
								  QUICK_QUEUEING_SHORT;
	case QUEUEING_OFF:
		return QUICK_NO_QUEUEING;
	default:
		return QUICK_QUEUEING_UNKNOWN;
	}
}

static enum quick_reason quick_lun(const struct decide_lun *lun, uint32_t stock_ms)
{
	if (!lun->in_map)
		return lun->used_alone ? QUICK_USED_ALONE :
		       lun->used_raw ? QUICK_USED_RAW : QUICK_YES;
	if (!lun->others)
		return QUICK_LAST_PATH;
	return queueing_reason(lun, stock_ms);
}

static enum quick_reason release_lun(const struct decide_lun *lun, uint32_t stock_ms)
{
	enum quick_reason reason = quick_lun(lun, stock_ms);

	if (reason != QUICK_YES || !lun->in_map)
		return reason;
	if (!lun->others_since)
		return QUICK_OTHERS_UNPROVEN;
	return lun->others_other_portal ? QUICK_YES : QUICK_SAME_PORTAL;
}

static enum quick_reason link_lun(const struct decide_lun *lun, uint32_t stock_ms)
{
	enum quick_reason reason = quick_lun(lun, stock_ms);

	if (reason != QUICK_YES || !lun->in_map)
		return reason;
	if (!lun->others_since)
		return QUICK_OTHERS_UNPROVEN;
	return lun->others_other_link ? QUICK_YES : QUICK_SAME_LINK;
}

static bool has_mapped_lun(const struct decide_session *session)
{
	for (size_t i = 0; i < session->n_luns; i++)
		if (session->luns[i].in_map)
			return true;
	return false;
}

typedef enum quick_reason (*lun_rule)(const struct decide_lun *lun, uint32_t stock_ms);

/* The gravest of what stands in the way, whatever the order of LUNs. */
static struct quick_decision all_luns(const struct decide_session *session, lun_rule rule)
{
	struct quick_decision worst = { QUICK_YES, 0 };

	if (!has_mapped_lun(session))
		worst.reason = QUICK_NO_LUN;
	for (size_t i = 0; worst.reason != QUICK_NO_LUN && i < session->n_luns; i++) {
		enum quick_reason reason = rule(&session->luns[i], session->stock_ms);

		if (reason == QUICK_YES)
			continue;
		if (worst.reason == QUICK_YES || reason < worst.reason)
			worst = (struct quick_decision){ reason, i };
	}
	return worst;
}

struct quick_decision decide_quick(const struct decide_session *session,
				   const struct decide_limits *limits)
{
	enum quick_reason reason = session_reason(session, limits);

	if (reason != QUICK_YES)
		return (struct quick_decision){ reason, 0 };
	return all_luns(session, quick_lun);
}

struct quick_decision decide_release(const struct decide_session *session,
				     const struct decide_limits *limits)
{
	struct quick_decision quick = decide_quick(session, limits);

	if (quick.reason != QUICK_YES)
		return quick;
	if (!session->release)
		return (struct quick_decision){ QUICK_NOT_WANTED, 0 };
	return all_luns(session, session->link_lost ? link_lun : release_lun);
}

bool quick_reason_of_lun(enum quick_reason reason)
{
	return reason >= QUICK_USED_ALONE && reason < QUICK_REASON_MAX;
}

const char *quick_reason_text(enum quick_reason reason)
{
	static const char *const texts[] = {
		[QUICK_YES] = "allowed",
		[QUICK_SWITCHED_OFF] = "switched off (mpathiscsi off)",
		[QUICK_NOT_WANTED] = "switched off by configuration",
		[QUICK_HARDWARE] = "not the kernel's own TCP initiator",
		[QUICK_NOT_LOGGED_IN] = "session is not logged in",
		[QUICK_SETTLING] = "session logged in only just now",
		[QUICK_NO_SOCKET] = "connection not found",
		[QUICK_NO_LUN] = "no disk of the session is in a multipath map",
		[QUICK_USED_ALONE] = "a disk of the session is used without multipath",
		[QUICK_USED_RAW] = "a disk in no map has done I/O in the last 5 minutes",
		[QUICK_LAST_PATH] = "last healthy path",
		[QUICK_NO_QUEUEING] = "map does not queue",
		[QUICK_QUEUEING_UNKNOWN] = "multipathd does not tell whether the map queues",
		[QUICK_QUEUEING_SHORT] = "map queues for less time than the kernel's timers wait",
		[QUICK_OTHERS_UNPROVEN] = "no other path has answered since the trouble began",
		[QUICK_SAME_PORTAL] = "all other paths go over the same portal",
		[QUICK_SAME_LINK] = "no other path goes by another link that is up",
	};

	_Static_assert(sizeof(texts) / sizeof(texts[0]) == QUICK_REASON_MAX, "all worded");
	return (unsigned int)reason < QUICK_REASON_MAX ? texts[reason] : "unknown";
}

bool release_budget_take(struct release_budget *budget, uint32_t per_minute, uint64_t now_ns)
{
	size_t n = per_minute < RELEASE_BUDGET_MAX ? per_minute : RELEASE_BUDGET_MAX;
	size_t newest = (budget->next + RELEASE_BUDGET_MAX - 1) % RELEASE_BUDGET_MAX;
	uint64_t nth; /* the n-th last release: it has to be a minute old */

	if (!n || now_ns < budget->times[newest])
		return false;
	nth = budget->times[(budget->next + RELEASE_BUDGET_MAX - n) % RELEASE_BUDGET_MAX];
	if (nth && now_ns - nth < BUDGET_NS)
		return false;
	budget->times[budget->next] = now_ns;
	budget->next = (budget->next + 1) % RELEASE_BUDGET_MAX;
	return true;
}
