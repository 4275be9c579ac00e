/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's side of fences: who waits for which answer. */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/probe_talk.h"

/* How much longer than its deadline an answer may take to get here. */
#define GRACE_NS (250 * NS_PER_MS)

static struct probe_fence_wait *find(struct probe_engine *engine, uint32_t id)
{
	for (size_t i = 0; i < PROBE_MAX_FENCES; i++)
		if (engine->fences[i].id == id)
			return &engine->fences[i];
	return NULL;
}

static void end(struct probe_fence_wait *wait, const struct probe_fence_result *result)
{
	struct probe_fence_wait ended = *wait;

	wait->id = 0; /* the place may be taken again by whoever is told */
	ended.done(ended.sid, result, ended.arg);
}

bool probe_fences_answered(struct probe_engine *engine, const struct probe_wire_fenced *fenced)
{
	struct probe_fence_wait *wait = find(engine, fenced->header.id);
	struct probe_fence_result result = {.error = fenced->error,
					    .login_status = fenced->login_status};

	if (!wait)
		/* Given up already, as overdue? Then it was asked at some time. */
		return fenced->header.id <= engine->last_id;
	memcpy(result.text, fenced->text, sizeof(result.text));
	end(wait, &result);
	return true;
}

static void end_without(struct probe_fence_wait *wait, int error, const char *text)
{
	struct probe_fence_result result = {.error = error};

	probe_wire_text(result.text, sizeof(result.text), text);
	end(wait, &result);
}

void probe_fences_overdue(struct probe_engine *engine, uint64_t now_ns)
{
	for (size_t i = 0; i < PROBE_MAX_FENCES; i++)
		if (engine->fences[i].id && now_ns >= engine->fences[i].end_ns)
			end_without(&engine->fences[i], -ETIMEDOUT, "the probe does not answer");
}

void probe_fences_lost(struct probe_engine *engine)
{
	for (size_t i = 0; i < PROBE_MAX_FENCES; i++)
		if (engine->fences[i].id)
			end_without(&engine->fences[i], -EPIPE, "the probe has ended");
}

int probe_engine_fence(struct probe_engine *engine, const struct probe_target *via,
		       unsigned int sid, uint32_t deadline_ms, probe_fenced_fn done, void *arg)
{
	struct probe_fence_wait *wait = find(engine, 0);
	union probe_wire_message message;
	uint64_t now_ns = clock_now_ns();
	size_t size;
	int r = 0;

	if (!engine->messages)
		return -ENOTCONN;
	if (!wait)
		return -EBUSY;
	size = probe_wire_put_fence(&message, engine->last_id + 1, via, sid, deadline_ms);
	if (!done || !probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, now_ns))
		r = -EINVAL;
	else if (!probe_talk_send(engine, &message))
		r = -EAGAIN;
	explicit_bzero(&message, sizeof(message));
	if (r < 0)
		return r;
	*wait = (struct probe_fence_wait){
		.id = ++engine->last_id,
		.sid = sid,
		.end_ns = now_ns + deadline_ms * NS_PER_MS + GRACE_NS,
		.done = done,
		.arg = arg,
	};
	return 0;
}
