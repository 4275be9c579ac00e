/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session that may be quick no longer. The kernel copies max_retries into each command when it
 * is issued (drivers/scsi/sd.c, sd_init_command()): what is in flight stays quick until it has
 * ended. So new commands get stock's retries at once, but the socket stays armed until the old
 * ones are through. That matters for more than speed: a connection that ends by its own time-out
 * or by SOCK_DESTROY drops what it had still to send, while after the kernel's NOP time-out
 * iscsid closes the socket a moment later, and commands that did not wait for that would have
 * had their pages used anew under a socket that still sends from them.
 */
#include <string.h>

#include "common/clock.h"
#include "daemon/log.h"
#include "daemon/quick/state.h"

/* A connection is ended by us when this part of the kernel's own NOP time has passed. */
#define OWN_END_PERCENT 75

static void load_of(const struct quick *quick, const struct quick_session *session,
		    uint64_t *ret_in_flight, uint64_t *ret_completed)
{
	const struct inventory *inventory = &quick->watch->inventory;
	struct disk_loads loads;
	const uint32_t *disks;
	size_t n;

	*ret_in_flight = 1; /* unknown: something */
	*ret_completed = 0;
	if (disk_loads_read(NULL, &loads) < 0)
		return;
	*ret_in_flight = 0;
	disks = inventory_session(inventory, session->sid, &n);
	for (size_t i = 0; i < n; i++) {
		const struct disk_load *load =
			disk_loads_find(&loads, inventory->disks[disks[i]].devt);

		if (!load)
			continue;
		*ret_in_flight += load->in_flight;
		*ret_completed += load->completed;
	}
	disk_loads_free(&loads);
}

void quick_drain_begin(const struct quick *quick, struct quick_session *session, uint64_t now_ns)
{
	uint64_t in_flight, completed;

	load_of(quick, session, &in_flight, &completed);
	session->draining = in_flight != 0 || quick_unproven_since(session, now_ns);
	session->drain_mark = completed + in_flight;
}

bool quick_drained(const struct quick *quick, const struct quick_session *session)
{
	uint64_t in_flight, completed;

	load_of(quick, session, &in_flight, &completed);
	return !in_flight || completed >= session->drain_mark;
}

/* Is I/O that was issued quick still in flight, or may it be? */
bool quick_holds_quick_io(const struct quick_session *session)
{
	return session->levers_on || session->draining;
}

void quick_end_before_kernel(struct quick *quick, uint64_t now_ns)
{
	char name[QUICK_NAME_MAX];

	for (size_t i = 0; i < quick->n_sessions; i++) {
		struct quick_session *session = &quick->sessions[i];
		uint64_t since = session->suspicion.unacked_ns;
		uint64_t limit = session->nop_ms * NS_PER_MS / 100 * OWN_END_PERCENT;

		if (!session->present || !session->tcp_known || session->given_up || !limit ||
		    !quick_holds_quick_io(session) || !since || now_ns < since ||
		    now_ns - since < limit)
			continue;
		session->given_up = true;
		log_line(LOG_WARNING,
			 "%s: nothing acknowledged for %llu ms: its connection is ended before the "
			 "kernel's NOP would",
			 quick_name(quick, session, name, sizeof(name)),
			 (unsigned long long)((now_ns - since) / NS_PER_MS));
		connections_destroy(quick->connections, &session->connection, session->tcp.inode);
	}
}
