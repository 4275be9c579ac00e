/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fence = reinstate: the dead session's place at the target is taken before its I/O is freed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/credentials.h"
#include "daemon/log.h"
#include "daemon/quick/fence.h"
#include "daemon/quick/state.h"

static struct fence_session describe(const struct watched_session *watched,
				     const struct quick_session *session)
{
	return (struct fence_session){.name = &watched->id->name,
				      .initiator = watched->id->initiator,
				      .healthy = session && session->healthy,
				      .answered_ns = session ? session->answered_ns : 0};
}

static struct fence_choice choose(const struct quick *quick, const struct quick_session *session)
{
	const struct watch *watch = quick->watch;
	const struct watched_session *mine = watch_session(watch, session->sid);
	struct fence_session *all = calloc(watch->n_sessions + 1, sizeof(*all)), dead;
	struct fence_choice choice = {.reason = FENCE_NO_PORTAL};

	if (all && mine) {
		dead = describe(mine, session);
		for (size_t i = 0; i < watch->n_sessions; i++)
			all[i] = describe(&watch->sessions[i],
					  quick_session(quick, watch->sessions[i].id->sid));
		choice = fence_choose(&dead, quick_trouble_since(session), all, watch->n_sessions);
	}
	free(all);
	return choice;
}

static void not_fenced(struct quick *quick, struct quick_session *session, const char *why)
{
	char name[QUICK_NAME_MAX];

	session->fence = FENCE_OVER;
	quick->n_not_fenced++;
	log_line(LOG_WARNING, "%s: not fenced: %s; its I/O is set free all the same",
		 quick_name(quick, session, name, sizeof(name)), why);
}

static void on_fenced(unsigned int sid, const struct probe_fence_result *result, void *arg)
{
	struct quick *quick = ((struct watch *)arg)->quick;
	struct quick_session *session = quick ? quick_session(quick, sid) : NULL;
	char name[QUICK_NAME_MAX];

	/* One that has logged in anew meanwhile waits for nothing. */
	if (!session || session->fence != FENCE_ASKED)
		return;
	if (result->error) {
		not_fenced(quick, session, *result->text ? result->text : strerror(-result->error));
		return;
	}
	session->fence = FENCE_OVER;
	quick->n_fenced++;
	log_line(LOG_NOTICE, "%s: fenced: the target granted its place to another login in %llu ms",
		 quick_name(quick, session, name, sizeof(name)),
		 (unsigned long long)((clock_now_ns() - session->fence_ns) / NS_PER_MS));
}

static void ask(struct quick *quick, struct quick_session *session,
		const struct watched_session *via, uint64_t now_ns)
{
	struct probe_target target = via->target;
	char name[QUICK_NAME_MAX], road[QUICK_NAME_MAX];
	int r = credentials_read(quick->watch->options.sysfs, session->sid, &target.chap);

	session->fence_ns = now_ns;
	if (r == 0)
		r = probe_engine_fence(quick->watch->probes, &target, session->sid, FENCE_MS,
				       on_fenced, quick->watch);
	explicit_bzero(&target.chap, sizeof(target.chap));
	if (r < 0) {
		not_fenced(quick, session, strerror(-r));
		return;
	}
	session->fence = FENCE_ASKED;
	log_line(LOG_NOTICE, "%s: to be fenced through %s",
		 quick_name(quick, session, name, sizeof(name)),
		 quick_name(quick, quick_session(quick, via->id->sid), road, sizeof(road)));
}

/* A LUN that hangs at a target which answers would make it hold back the login until that LUN's
 * tasks end, and with it (LIO) all logins at that portal: there the session is just ended. */
static bool is_wanted(const struct quick *quick, const struct quick_session *session)
{
	const struct iscsi_identity *id = quick_identity(quick, session->sid);

	return id && settings_timing(&quick->settings, id->name.target)->fence &&
	       (session->verdict == SUSPICION_CONNECTION ||
		session->verdict == SUSPICION_TARGET || link_is_lost(session));
}

void quick_fence_expire(struct quick_session *session, bool dead)
{
	if (!dead && !session->given_up && session->fence == FENCE_OVER)
		session->fence = FENCE_NONE;
}

int quick_fence(struct quick *quick, struct quick_session *session, uint64_t now_ns)
{
	struct fence_choice choice;

	if (session->fence == FENCE_NONE && is_wanted(quick, session)) {
		choice = choose(quick, session);
		if (choice.reason == FENCE_FOUND)
			ask(quick, session, &quick->watch->sessions[choice.index], now_ns);
		else
			not_fenced(quick, session, fence_reason_text(choice.reason));
	}
	return session->fence == FENCE_ASKED ? -EINPROGRESS : 0;
}
