/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose connection or link is found lost or dead has its paths failed in dm, and multipathd must
 * not give them back because its checker has not heard of it: the probe's record says "up" until
 * NOPs go unanswered, and where nothing is in flight no command fails. So the checkers are told
 * first.
 */
#include "common/clock.h"
#include "daemon/quick/state.h"

/* The first number is another than that of a daemon before this one. */
static uint32_t next_number(uint32_t number, uint64_t now_ns)
{
	return number ? number + 1 : (uint32_t)(now_ns / NS_PER_MS) | 1;
}

static bool is_doubtful(const struct quick_session *session)
{
	return session->present && (quick_is_dead(session) || quick_is_lost(session));
}

void quick_doubt(struct quick *quick, uint64_t now_ns)
{
	bool any = false;

	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		bool before = session->doubtful;

		session->doubtful = is_doubtful(session);
		if (!session->doubtful || before)
			continue;
		session->doubted = next_number(session->doubted, now_ns);
		any = true;
	}
	if (any)
		watch_publish_sessions(quick->watch);
}

uint32_t quick_doubted(const struct quick *quick, unsigned int sid)
{
	const struct quick_session *session = quick ? quick_session(quick, sid) : NULL;

	return session ? session->doubted : 0;
}
