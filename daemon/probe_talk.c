/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_talk.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/clock.h"

#define MESSAGES_TURN 256

void probe_talk_changed(struct probe_engine *engine, const struct probe_slot *slot)
{
	if (engine->changed)
		engine->changed(&slot->target, &slot->report, engine->arg);
}

bool probe_talk_send(struct probe_engine *engine, const union probe_wire_message *message)
{
	ssize_t n = send(engine->process.socket, message, message->header.size,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	return n == (ssize_t)message->header.size; /* else later, or never: it is dying */
}

static bool push_slot(struct probe_engine *engine, struct probe_slot *slot)
{
	union probe_wire_message message;
	uint32_t flags = probe_slot_flags(slot) | (engine->hurry ? PROBE_FLAG_HURRY : 0);
	bool sent = true;

	switch (slot->stage) {
	case SLOT_NEW:
		if (probe_slots_in_child(&engine->slots) == PROBE_MAX_TARGETS)
			return true; /* when others have left it */
		probe_wire_put_add(&message, engine->last_id + 1, &slot->target,
				   &slot->peer, flags);
		sent = probe_talk_send(engine, &message);
		if (sent) {
			slot->id = ++engine->last_id;
			slot->stage = SLOT_LIVE;
			slot->sent_flags = flags;
		}
		break;
	case SLOT_LIVE:
		if (flags == slot->sent_flags)
			return true;
		probe_wire_begin(&message, PROBE_WIRE_UPDATE, slot->id);
		message.update.flags = flags;
		sent = probe_talk_send(engine, &message);
		if (sent)
			slot->sent_flags = flags;
		break;
	case SLOT_LEAVE:
		probe_wire_begin(&message, PROBE_WIRE_REMOVE, slot->id);
		sent = probe_talk_send(engine, &message);
		if (sent) {
			slot->stage = SLOT_LEAVING;
			slot->leave_ns = clock_now_ns();
		}
		break;
	case SLOT_LEAVING:
		return true;
	}
	explicit_bzero(&message, sizeof(message));
	return sent;
}

void probe_talk_push(struct probe_engine *engine)
{
	bool all = true;

	if (!engine->messages)
		return;
	for (size_t i = 0; i < engine->slots.n && all; i++)
		all = push_slot(engine, engine->slots.slots[i]);
	/* A failure to watch for room is made up for by the timer. */
	sd_event_source_set_io_events(engine->messages,
				      all ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

/* false: no honest child says this. */
static bool take_report(struct probe_engine *engine,
			const struct probe_wire_report *report)
{
	struct probe_slot *slot = probe_slots_by_id(&engine->slots, report->header.id);

	if (!slot)
		return false;
	if (slot->stage == SLOT_LIVE && probe_slot_take(slot, report, clock_now_ns()))
		probe_talk_changed(engine, slot);
	return true;
}

static bool take_gone(struct probe_engine *engine, uint32_t id)
{
	struct probe_slot *slot = probe_slots_by_id(&engine->slots, id);

	if (!slot || slot->stage != SLOT_LEAVING)
		return false;
	probe_slots_left(&engine->slots, slot);
	return true;
}

/* As much for each beat that was missed: when it was us who slept, what waits is no chatter. */
static bool talks_too_much(struct probe_engine *engine)
{
	uint64_t beats = 1 + (clock_now_ns() - engine->looked_ns) / (PROBE_BEAT_MS * NS_PER_MS);

	if (engine->most_slots < engine->slots.n)
		engine->most_slots = engine->slots.n;
	return ++engine->said >
	       beats * (PROBE_BUDGET_BASE + PROBE_BUDGET_SLOT * engine->most_slots);
}

static bool take(struct probe_engine *engine, const union probe_wire_message *message,
		 size_t size)
{
	if (talks_too_much(engine) ||
	    !probe_wire_valid(message, size, PROBE_WIRE_TO_ENGINE, clock_now_ns()))
		return false;
	engine->heard = true;
	switch (message->header.type) {
	case PROBE_WIRE_REPORT:
		return take_report(engine, &message->report);
	case PROBE_WIRE_GONE:
		return take_gone(engine, message->header.id);
	case PROBE_WIRE_FENCED:
		return probe_fences_answered(engine, &message->fenced);
	default:
		return true;
	}
}

/* Read what there is. */
int probe_talk_hear(struct probe_engine *engine)
{
	union probe_wire_message message;

	for (int i = 0; i < MESSAGES_TURN; i++) {
		ssize_t n = recv(engine->process.socket, &message, sizeof(message),
				 MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			/* its end follows, and says why */
			sd_event_source_set_enabled(engine->messages, SD_EVENT_OFF);
			return 0;
		}
		if ((size_t)n > sizeof(message) || !take(engine, &message, (size_t)n))
			return -EPROTO;
	}
	return 0;
}

void probe_talk_introduce(struct probe_engine *engine)
{
	union probe_wire_message message;

	probe_wire_put_config(&message, &engine->config);
	probe_talk_send(engine, &message);
}
