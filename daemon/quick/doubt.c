/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose connection or link is found lost or dead has its paths failed in dm, and multipathd must
 * not give them back because its checker has not heard of it: the probe's record says "up" until
 * NOPs go unanswered, and where nothing is in flight no command fails. So the checkers are told
 * first.
 */
#include "common/clock.h"
#include "daemon/quick/state.h"

/* Another number than any that a daemon before this one has told, also while there is no doubt. */
uint32_t quick_doubt_start(uint64_t now_ns)
{
	return (uint32_t)(now_ns / NS_PER_MS) | 1;
}

static bool is_doubtful(const struct quick_session *session)
{
	return session->present && (quick_is_dead(session) || quick_is_lost(session));
}

void quick_doubt(struct quick *quick)
{
	bool any = false;

	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		bool before = session->doubtful;

		session->doubtful = is_doubtful(session);
		if (!session->doubtful || before)
			continue;
		session->doubted++;
		any = true;
	}
	if (any)
		watch_publish_sessions(quick->watch);
}

void quick_doubt_session(struct quick *quick, struct quick_session *session)
{
	if (session->doubtful)
		return; /* it was told */
	session->doubted++;
	watch_publish_sessions(quick->watch);
}

uint32_t quick_doubted(const struct quick *quick, unsigned int sid)
{
	const struct quick_session *session = quick ? quick_session(quick, sid) : NULL;

	return session ? quick->doubt_start + session->doubted : 0;
}
