/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of LUNs that hang: which sessions may be given up for them. */
#include <string.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/quick/hang_state.h"

/* --- one question --- */

/* Why not, together with all that are doomed; NULL: it may be. */
static const char *release_refusal(const struct quick *quick, const struct quick_facts *facts,
				   const struct quick_session *session, uint64_t now_ns)
{
	const struct decide_limits limits = {.stable_ms = quick->settings.stable_ms};
	size_t index = (size_t)(session - quick->sessions);
	const struct decide_session about = quick_facts_of(quick, facts, index, now_ns);
	const struct quick_decision decision = decide_release(&about, &limits);

	return decision.reason == QUICK_YES ? NULL : quick_reason_text(decision.reason);
}

/* What speaks against it whatever becomes of the others. */
static const char *own_refusal(const struct quick *quick, const struct lun_path *path)
{
	const struct quick_session *session = quick_session(quick, path->id->sid);

	if (!session->levers_on || !session->levers.quick)
		return "its session is not quick";
	/* The target is alive and keeps the command: nothing we could do makes it drop that. */
	if (settings_timing(&quick->settings, path->id->name.target)->fence)
		return "the target has not said that it will not carry the I/O out later "
		       "(fence = reinstate)";
	return NULL;
}

static void spare_all(struct quick *quick)
{
	for (size_t i = 0; i < quick->n_sessions; i++)
		quick->sessions[i].doomed_since_ns = 0;
}

/* The latest counts: who has answered since then has answered since all others. */
static void doom(struct quick *quick, unsigned int sid, uint64_t since_ns)
{
	struct quick_session *session = quick_session(quick, sid);

	if (session && since_ns > session->doomed_since_ns)
		session->doomed_since_ns = since_ns;
}

/* --- of all together --- */

void hang_doom_begin(struct quick *quick)
{
	quick->hangs->n_answers = quick->hangs->n_asked = 0;
	spare_all(quick);
	for (size_t i = 0; i < quick->n_sessions; i++)
		quick->sessions[i].may_go = false;
}

/* A path that only shares the fate of its port group has been silent since no time at all, and
 * is no other path for anybody all the same. */
void hang_doom_add(struct quick *quick, const struct hang_case *c)
{
	for (size_t i = 0; i < c->lun->n_paths; i++)
		if (c->hung[i])
			doom(quick, c->lun->paths[i].id->sid,
			     c->paths[i].io.since_ns ? c->paths[i].io.since_ns : 1);
}

void hang_doom_decide(struct quick *quick, uint64_t now_ns)
{
	struct quick_facts facts;

	if (quick_facts_make(quick, &facts) == 0) {
		for (size_t i = 0; i < quick->n_sessions; i++) {
			struct quick_session *session = &quick->sessions[i];

			session->may_go = session->doomed_since_ns &&
					  !release_refusal(quick, &facts, session, now_ns);
		}
		quick_facts_free(&facts);
	}
	spare_all(quick);
}

/* Fewer that go leave more others to each LUN: what is true of all is true of each. */
bool hang_doom_together(const struct quick *quick, const struct hang_case *c)
{
	for (size_t i = 0; i < c->lun->n_paths; i++)
		if (hang_is_stuck(quick, c, i) &&
		    !quick_session(quick, c->lun->paths[i].id->sid)->may_go)
			return false;
	return true;
}

/* --- of one LUN --- */

/* Of how many sessions the last answer is from before then? Nothing else is made of the time. */
static size_t answers_before(const struct quick *quick, uint64_t since_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < quick->n_sessions; i++)
		n += quick->sessions[i].answered_ns <= since_ns;
	return n;
}

static uint64_t doom_hash(const struct quick *quick, const struct hang_case *c)
{
	uint64_t hash = FNV1A_START;

	for (size_t i = 0; i < c->lun->n_paths; i++) {
		size_t early;

		if (!hang_is_stuck(quick, c, i))
			continue;
		early = answers_before(quick, c->paths[i].io.since_ns);
		hash = fnv1a(hash, &c->lun->paths[i].id->sid, sizeof(c->lun->paths[i].id->sid));
		hash = fnv1a(hash, &early, sizeof(early));
	}
	return hash;
}

static const char *refusal(struct quick *quick, const struct hang_case *c)
{
	struct quick_facts facts;
	const char *why = NULL;

	for (size_t i = 0; i < c->lun->n_paths; i++)
		if (hang_is_stuck(quick, c, i))
			doom(quick, c->lun->paths[i].id->sid, c->paths[i].io.since_ns);
	if (quick_facts_make(quick, &facts) < 0) {
		spare_all(quick);
		return "out of memory";
	}
	for (size_t i = 0; i < c->lun->n_paths && !why; i++)
		if (hang_is_stuck(quick, c, i))
			why = release_refusal(quick, &facts,
					      quick_session(quick, c->lun->paths[i].id->sid),
					      c->now_ns);
	quick_facts_free(&facts);
	spare_all(quick);
	return why;
}

static size_t answers_max(size_t n_paths)
{
	size_t n = HANG_PATHS_A_LOOK / (n_paths + 1);

	if (n < HANG_ANSWERS_MIN)
		return HANG_ANSWERS_MIN;
	return n < HANG_ANSWERS_MAX ? n : HANG_ANSWERS_MAX;
}

/* NULL: too many were asked for at this look. */
static const struct hang_answer *answer_of(struct quick *quick, const struct hang_case *c)
{
	struct hangs *hangs = quick->hangs;
	uint64_t hash = doom_hash(quick, c);

	for (size_t i = 0; i < hangs->n_answers; i++)
		if (hangs->answers[i].doomed == hash)
			return &hangs->answers[i];
	if (hangs->n_asked >= answers_max(hangs->n_disks))
		return NULL;
	hangs->n_asked++;
	hangs->answers[hangs->n_answers] =
		(struct hang_answer){.doomed = hash, .why = refusal(quick, c)};
	return &hangs->answers[hangs->n_answers++];
}

enum hang_word hang_doom_ask(struct quick *quick, const struct hang_case *c,
			     const char **ret_why)
{
	const struct hang_answer *answer;

	for (size_t i = 0; i < c->lun->n_paths; i++) {
		const char *why = hang_is_stuck(quick, c, i) ?
					  own_refusal(quick, &c->lun->paths[i]) : NULL;

		if (why) {
			*ret_why = why;
			return HANG_MAY_NOT;
		}
	}
	if (hang_doom_together(quick, c))
		return HANG_MAY;
	answer = answer_of(quick, c);
	if (!answer)
		return HANG_LATER;
	if (!answer->why)
		return HANG_MAY;
	*ret_why = answer->why;
	return HANG_MAY_NOT;
}

/* A refusal stays one: there are fewer other paths now, not more. */
void hang_doom_outdated(struct quick *quick)
{
	struct hangs *hangs = quick->hangs;
	size_t n = 0;

	for (size_t i = 0; i < hangs->n_answers; i++)
		if (hangs->answers[i].why)
			hangs->answers[n++] = hangs->answers[i];
	hangs->n_answers = n;
}
