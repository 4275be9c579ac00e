/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_GUARD_H
#define MPATHISCSI_PROBE_GUARD_H

/*
 * What a target may say to a probe. libiscsi trusts targets too much (an R2T for a NOP
 * sends it into an endless loop, a peer that never stops talking keeps it from
 * returning), so each byte passes this guard first: it follows the frames of the stream
 * and lets only those through that a session of logins and NOPs has use for, and only so
 * many at a time. It also reads the status of the login from the response itself. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_GUARD_DATA_MAX  16384 /* bytes of one PDU's data */
#define PROBE_GUARD_LOGIN_MAX 32    /* responses in one login */
#define PROBE_GUARD_TURN      64    /* PDUs in one turn of the loop */

struct probe_guard {
	uint8_t header[48];
	size_t header_size; /* of the PDU under way, with digest; 0: between PDUs */
	size_t header_have;
	size_t data_left; /* with padding */
	unsigned int login_responses;
	bool full_feature;     /* the login has ended well */
	uint16_t login_status; /* of the last login response: class << 8 | detail */
	unsigned int turn;     /* PDUs begun since probe_guard_turn() */
};

/* Begin with a new connection. */
void probe_guard_init(struct probe_guard *guard);

/* A new turn: the reader has been elsewhere. */
void probe_guard_turn(struct probe_guard *guard);

/* May the reader have more now? Not when it has had its share of this turn. */
bool probe_guard_open(const struct probe_guard *guard);

/*
 * 'n' bytes go to a reader that asked for 'asked': between PDUs it asks for a whole
 * header, which tells whether it has a digest. 0; -EPROTO: a target must not say this.
 */
int probe_guard_pass(struct probe_guard *guard, const uint8_t *bytes, size_t n,
		     size_t asked);

#endif
