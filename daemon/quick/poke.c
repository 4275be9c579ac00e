/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session that waits for answers and has nothing of its own to send: its requests were
 * acknowledged before the portal fell silent, so TCP has nothing unacknowledged to end the
 * connection for, and the first to notice would be the kernel's NOP, seconds later. As soon as the
 * probe misses an answer one TEST UNIT READY is sent over the session: that is a segment the
 * peer's kernel acknowledges within a round trip, or never.
 */
#include "daemon/lun_ask.h"
#include "daemon/quick/state.h"

/* A disk of the session with I/O in flight; NULL: none. */
static const struct iscsi_identity *waiting_disk(const struct quick *quick,
						 const struct quick_session *session)
{
	const struct inventory *inventory = &quick->watch->inventory;
	const uint32_t *disks;
	size_t n;

	disks = inventory_session(inventory, session->sid, &n);
	for (size_t i = 0; i < n; i++) {
		const struct iscsi_identity *id = &inventory->disks[disks[i]];
		const struct disk_load *load = disk_loads_find(&quick->loads, id->devt);

		if (id->device_state == DEVICE_RUNNING && load && load->in_flight)
			return id;
	}
	return NULL;
}

static bool is_mute(const struct quick_session *session)
{
	return session->levers_on && session->tcp_known && session->in_flight &&
	       !session->tcp.unacked && !session->tcp.notsent_bytes;
}

void quick_poke(struct quick *quick, struct quick_session *session,
		const struct board_session *probe)
{
	const struct iscsi_identity *id;

	if (session->poke && lun_ask_state(session->poke) != LUN_ASK_RUNNING) {
		lun_ask_put(session->poke);
		session->poke = NULL;
	}
	/* Once a silence. */
	if (session->poke || !probe->silent_since_ns ||
	    probe->silent_since_ns == session->poked_for_ns || !is_mute(session))
		return;
	id = waiting_disk(quick, session);
	if (id && lun_ask_start(id->device, &session->poke) == 0)
		session->poked_for_ns = probe->silent_since_ns;
}
