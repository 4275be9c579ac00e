/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/analyzer.h"

static bool same_key(const struct path_name *a, const struct path_name *b)
{
	return !portal_compare(&a->portal, &b->portal) && !strcmp(a->target, b->target) &&
	       !strcmp(a->iface, b->iface) && !strcmp(a->netdev, b->netdev);
}

struct probe_slot *probe_slots_by_name(const struct probe_slots *slots,
				       const struct path_name *name)
{
	for (size_t i = 0; i < slots->n; i++)
		if (same_key(&slots->slots[i]->target.name, name))
			return slots->slots[i];
	return NULL;
}

struct probe_slot *probe_slots_by_id(const struct probe_slots *slots, uint32_t id)
{
	for (size_t i = 0; id && i < slots->n; i++)
		if (slots->slots[i]->id == id)
			return slots->slots[i];
	return NULL;
}

size_t probe_slots_in_child(const struct probe_slots *slots)
{
	size_t n = 0;

	for (size_t i = 0; i < slots->n; i++)
		n += slots->slots[i]->id != 0;
	return n;
}

static void free_slot(struct probe_slot *slot)
{
	explicit_bzero(slot, sizeof(*slot));
	free(slot);
}

static void remove_slot(struct probe_slots *slots, struct probe_slot *slot)
{
	for (size_t i = 0; i < slots->n; i++) {
		if (slots->slots[i] != slot)
			continue;
		slots->slots[i] = slots->slots[--slots->n];
		free_slot(slot);
		return;
	}
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static bool same_chap(const struct probe_chap *a, const struct probe_chap *b)
{
	return same_text(a->user, b->user) && same_text(a->password, b->password) &&
	       same_text(a->user_in, b->user_in) &&
	       same_text(a->password_in, b->password_in);
}

/* Can the session under way serve this target too? */
static bool same_session(const struct probe_slot *slot, const struct probe_target *target,
			 const struct portal *peer)
{
	const struct probe_target *old = &slot->target;

	return !portal_compare(&slot->peer, peer) &&
	       !ip_address_compare(&old->name.source, &target->name.source) &&
	       same_text(old->initiator, target->initiator) &&
	       old->header_digest == target->header_digest &&
	       same_chap(&old->chap, &target->chap);
}

/* What is known no more (the kernel's connection is down) stays what it was. */
static void merge(struct probe_slot *slot, const struct probe_target *target)
{
	struct probe_target next = *target;
	struct portal peer = target->name.portal;
	bool current = portal_known(&target->current);

	if (slot->seen) { /* a second session of this key: the first one speaks for both
			   */
		slot->target.kernel_logged_in |= target->kernel_logged_in;
		return;
	}
	if (current)
		peer = target->current;
	else if (slot->peer_current)
		peer = slot->peer;
	if (next.name.source.family == AF_UNSPEC)
		next.name.source = slot->target.name.source;
	if (slot->stage == SLOT_LIVE && !same_session(slot, &next, &peer)) {
		slot->stage = SLOT_LEAVE;
		slot->tcp_only = false;
		probe_slot_clear(slot);
	}
	slot->target = next;
	slot->peer = peer;
	slot->peer_current |= current;
	slot->wanted = true;
	slot->seen = true;
	explicit_bzero(&next.chap, sizeof(next.chap));
}

static struct probe_slot *new_slot(struct probe_slots *slots,
				   const struct probe_target *target)
{
	struct probe_slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	slot->target.name = target->name;
	slots->slots[slots->n++] = slot;
	return slot;
}

static int make_room(struct probe_slots *slots, size_t n)
{
	struct probe_slot **larger;

	if (slots->capacity >= n)
		return 0;
	larger = reallocarray(slots->slots, n, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	slots->slots = larger;
	slots->capacity = n;
	return 0;
}

static bool text_ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static bool target_valid(const struct probe_target *target)
{
	return text_ends(target->name.target, sizeof(target->name.target)) &&
	       text_ends(target->name.iface, sizeof(target->name.iface)) &&
	       text_ends(target->name.netdev, sizeof(target->name.netdev)) &&
	       text_ends(target->initiator, sizeof(target->initiator)) &&
	       target->name.target[0] && target->initiator[0] &&
	       portal_known(&target->name.portal);
}

/* Slots for all that have none; a failure takes back what was made. */
NO_LEAK_BEGIN /* a new slot is in slots->slots: free_slot() */
static int make_slots(struct probe_slots *slots, const struct probe_target *targets,
		      size_t n)
{
	size_t before = slots->n;

	for (size_t i = 0; i < n; i++) {
		if (probe_slots_by_name(slots, &targets[i].name) ||
		    new_slot(slots, &targets[i]))
			continue;
		while (slots->n > before)
			free_slot(slots->slots[--slots->n]);
		return -ENOMEM;
	}
	return 0;
}
NO_LEAK_END

/* Let go of the slots that nobody wants; those the child has must leave first. */
static void drop_unseen(struct probe_slots *slots)
{
	for (size_t i = slots->n; i-- > 0;) {
		struct probe_slot *slot = slots->slots[i];

		slot->wanted = slot->seen;
		if (slot->seen)
			continue;
		probe_slot_clear(slot);
		if (slot->stage == SLOT_NEW)
			remove_slot(slots, slot);
		else if (slot->stage == SLOT_LIVE)
			slot->stage = SLOT_LEAVE;
	}
}

int probe_slots_set(struct probe_slots *slots, const struct probe_target *targets,
		    size_t n)
{
	int error;

	if (n > PROBE_MAX_TARGETS)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		if (!target_valid(&targets[i]))
			return -EINVAL;
	error = make_room(slots, slots->n + n);
	if (!error)
		error = make_slots(slots, targets, n);
	if (error)
		return error;
	for (size_t i = 0; i < slots->n; i++)
		slots->slots[i]->seen = false;
	for (size_t i = 0; i < n; i++)
		merge(probe_slots_by_name(slots, &targets[i].name), &targets[i]);
	drop_unseen(slots);
	return 0;
}

void probe_slots_left(struct probe_slots *slots, struct probe_slot *slot)
{
	slot->id = 0;
	slot->stage = SLOT_NEW;
	if (!slot->wanted)
		remove_slot(slots, slot);
}

void probe_slots_forget_child(struct probe_slots *slots)
{
	for (size_t i = slots->n; i-- > 0;)
		probe_slots_left(slots, slots->slots[i]);
}

void probe_slots_free(struct probe_slots *slots)
{
	while (slots->n)
		free_slot(slots->slots[--slots->n]);
	free(slots->slots);
	*slots = (struct probe_slots){0};
}

uint32_t probe_slot_flags(const struct probe_slot *slot)
{
	return (slot->target.header_digest ? PROBE_FLAG_HEADER_DIGEST : 0) |
	       (slot->target.kernel_logged_in ? PROBE_FLAG_KERNEL_LOGGED_IN : 0) |
	       (slot->tcp_only ? PROBE_FLAG_TCP_ONLY : 0);
}

/* A session got, or refused for another reason: no longer one that takes no second. */
static void remember_tcp_only(struct probe_slot *slot)
{
	switch (slot->report.state) {
	case PROBE_TCP_ONLY:
		slot->tcp_only = true;
		break;
	case PROBE_UP:
	case PROBE_REDIRECTED:
		slot->tcp_only = false;
		break;
	default:
		break;
	}
}

bool probe_slot_take(struct probe_slot *slot, const struct probe_wire_report *report,
		     uint64_t now_ns)
{
	struct probe_report old = slot->report;

	probe_wire_get_report(&slot->report, report, now_ns);
	remember_tcp_only(slot);
	return old.state != slot->report.state || old.error != slot->report.error ||
	       old.login_status != slot->report.login_status;
}

bool probe_slot_clear(struct probe_slot *slot)
{
	bool had = slot->report.state != PROBE_NONE;

	memset(&slot->report, 0, sizeof(slot->report));
	return had;
}
