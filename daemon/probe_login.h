/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_LOGIN_H
#define MPATHISCSI_PROBE_LOGIN_H

/*
 * Does a login go its stages (RFC 7143, 6.2 and 11.13), and is a target that has to prove itself
 * by CHAP made to? libiscsi asks for the proof only when the target leaves the security stage, so
 * one that says it was never there gets by; what it expects as the proof before it has sent a
 * challenge is zeros; and it reads past a response with another tag than its requests', which must
 * not count as leaving that stage. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probe_login {
	bool mutual;	  /* the target has to prove itself */
	bool secured;	  /* it has left the security stage */
	bool begun;	  /* there was a response, with this tag: */
	uint8_t tag[4];	  /* … the one of all (RFC 7143, 6.3: a login is a single task) */
	uint8_t matched;  /* bytes of the proof's key that were seen; KEY_OTHER: another key */
	bool empty;	  /* of the present key nothing was seen */
	bool ended;	  /* after an empty key the library reads no more of a PDU */
	bool proof;	  /* … whose value is all zeros until now */
};

void probe_login_init(struct probe_login *login, bool mutual);

/* The header of a login response. 0; -EPROTO: out of order; -EACCES: without a proof. */
int probe_login_header(struct probe_login *login, const uint8_t *header);

/* Data of that response, in pieces of any size. 0; -EACCES: a proof that is none. */
int probe_login_data(struct probe_login *login, const uint8_t *bytes, size_t n);

#endif
