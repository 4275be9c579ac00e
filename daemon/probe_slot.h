/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_SLOT_H
#define MPATHISCSI_PROBE_SLOT_H

/*
 * The engine's table: one slot per key with what is wanted, what the child has been told
 * and what it has seen. Pure: no I/O, so that the rule "never two sessions of one key"
 * can be tested here: a slot whose session must end is not told anew before the child has
 * said that the old one is gone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/probe.h"
#include "daemon/probe_wire.h"

enum probe_stage {
	SLOT_NEW,     /* the child is to be told of it */
	SLOT_LIVE,    /* the child has it */
	SLOT_LEAVE,   /* the child is to be told to end it */
	SLOT_LEAVING, /* … has been told, and has not said GONE yet */
};

struct probe_slot {
	struct probe_target target;
	struct portal peer; /* where to connect */
	bool peer_current;  /* … is a current peer, not the configured portal */
	bool wanted;	    /* false: freed once it has left */
	bool seen;	    /* by the probe_slots_set() under way */
	enum probe_stage stage;
	uint32_t id; /* of its session in the child, 0 none */
	uint32_t sent_flags;
	bool tcp_only; /* its session was refused: told to the next child too */
	uint64_t leave_ns;
	struct probe_report report;
};

struct probe_slots {
	struct probe_slot **slots;
	size_t n, capacity;
};

/* See probe_engine_set(). */
int probe_slots_set(struct probe_slots *slots, const struct probe_target *targets,
		    size_t n);

struct probe_slot *probe_slots_by_name(const struct probe_slots *slots,
				       const struct path_name *name);
struct probe_slot *probe_slots_by_id(const struct probe_slots *slots, uint32_t id);

/* How many sessions the child has, ending ones among them. */
size_t probe_slots_in_child(const struct probe_slots *slots);

/* The child says that a LEAVING slot's session is gone: start anew, or free it. */
void probe_slots_left(struct probe_slots *slots, struct probe_slot *slot);

/* The child has died, and with it all sessions. */
void probe_slots_forget_child(struct probe_slots *slots);

void probe_slots_free(struct probe_slots *slots);

/* The flags of ADD and UPDATE. */
uint32_t probe_slot_flags(const struct probe_slot *slot);

/* Take a report. Has anything changed that the engine's owner is to hear of? */
bool probe_slot_take(struct probe_slot *slot, const struct probe_wire_report *report,
		     uint64_t now_ns);

/* Forget what was seen (PROBE_NONE). Was there anything? */
bool probe_slot_clear(struct probe_slot *slot);

#endif
