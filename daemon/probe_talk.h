/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_TALK_H
#define MPATHISCSI_PROBE_TALK_H

/* The engine's talk with its child; what the engine consists of. */

#include "daemon/probe.h"
#include "daemon/probe_slot.h"
#include "daemon/probe_spawn.h"
#include "daemon/probe_stderr.h"
#include "daemon/probe_wire.h"

/* What an honest child may say between two looks at it. */
#define PROBE_BUDGET_BASE 64
#define PROBE_BUDGET_SLOT 24

struct probe_fence_wait {
	uint32_t id; /* 0: free */
	unsigned int sid;
	uint64_t end_ns; /* answered or not */
	probe_fenced_fn done;
	void *arg;
};

struct probe_engine {
	sd_event *event;
	struct probe_config config;
	char *child_path;
	struct probe_user user;
	probe_changed_fn changed;
	void *arg;

	struct probe_slots slots;
	uint32_t last_id;
	bool hurry;
	struct probe_fence_wait fences[PROBE_MAX_FENCES];

	struct probe_process process;
	struct probe_stderr words; /* what children write to stderr */
	sd_event_source *timer, *messages, *end;
	uint64_t started_ns;
	uint64_t restart_ns; /* no child before */
	bool heard;	     /* something, since the last look */
	uint32_t quiet_ms;
	size_t said;	   /* messages since the last look */
	size_t most_slots; /* … and the most slots there were */
	uint64_t looked_ns; /* when that was */
	struct probe_engine_status status;
};

/* Tell the owner that a slot's report has changed. */
void probe_talk_changed(struct probe_engine *engine, const struct probe_slot *slot);

/* The child's first message. It is lost on one that has ended already: its end says why. */
void probe_talk_introduce(struct probe_engine *engine);

/* Tell the child what it has not been told yet, as far as there is room. */
void probe_talk_push(struct probe_engine *engine);

/* Read what there is. -EPROTO: the child talks nonsense, or too much. */
int probe_talk_hear(struct probe_engine *engine);

/* Send a message; false: there is no room now, or the child is dying. */
bool probe_talk_send(struct probe_engine *engine, const union probe_wire_message *message);

/* probe_fence_wait.c: fences under way. The child's answer (false: to nothing that was asked), */
bool probe_fences_answered(struct probe_engine *engine, const struct probe_wire_fenced *fenced);
/* … those that should have had one by now, and all of them, the child being gone. */
void probe_fences_overdue(struct probe_engine *engine, uint64_t now_ns);
void probe_fences_lost(struct probe_engine *engine);

#endif
