/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/evil.h"

#include <stdio.h>
#include <string.h>

enum { NOP_OUT = 0x00, LOGIN_REQUEST = 0x03, LOGOUT_REQUEST = 0x06 };

bool evil_login_response(struct evil_peer *peer, uint8_t flags, unsigned int status,
			 const void *text, size_t size)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x23, flags);
	memcpy(pdu + 8, peer->header + 8, 6); /* ISID */
	pdu_put32(pdu + 20, 0);
	pdu[36] = (uint8_t)(status >> 8);
	pdu[37] = (uint8_t)status;
	/* Nothing was sent with a digest before the probe has read this. */
	if (!evil_send(peer, pdu, text, size))
		return false;
	peer->full_feature |= !status && (flags & 0x83) == 0x83;
	return true;
}

bool evil_honest_login(struct evil_peer *peer)
{
	const char *text = "AuthMethod=None";

	if (peer->header[1] & 0x0c) {
		peer->digest = peer->evil->is & EVIL_DIGEST;
		text = peer->digest ? "HeaderDigest=CRC32C" : "HeaderDigest=None";
	}
	return evil_login_response(peer, peer->header[1], 0, text, strlen(text) + 1);
}

bool evil_honest_nop(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x20, 0x80);
	return evil_send(peer, pdu, NULL, 0);
}

static bool show(struct evil_peer *peer)
{
	__atomic_add_fetch(&peer->seen->acted, 1, __ATOMIC_RELAXED);
	return peer->evil->act(peer);
}

static bool take_login(struct evil_peer *peer)
{
	bool before = peer->full_feature, alive;

	if (!peer->logins++)
		__atomic_add_fetch(&peer->seen->logins, 1, __ATOMIC_RELAXED);
	peer->place.cmd_sn = pdu_get32(peer->header + 24) - 1; /* immediate: takes no number */
	alive = peer->evil->when == EVIL_LOGIN ? show(peer) : evil_honest_login(peer);
	if (alive && !before && peer->full_feature && peer->evil->when == EVIL_ONLINE)
		return show(peer);
	return alive;
}

static bool take_nop(struct evil_peer *peer)
{
	if (pdu_get32(peer->header + 16) == 0xffffffff)
		return true; /* an answer to a ping of ours */
	peer->nops++;
	__atomic_add_fetch(&peer->seen->nops, 1, __ATOMIC_RELAXED);
	if (!(peer->header[0] & 0x40))
		peer->place.cmd_sn = pdu_get32(peer->header + 24);
	return peer->evil->when == EVIL_NOP ? show(peer) : evil_honest_nop(peer);
}

static bool take_logout(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x26, 0x80);
	evil_send(peer, pdu, NULL, 0);
	return false;
}

static bool take(struct evil_peer *peer)
{
	switch (peer->header[0] & 0x3f) {
	case LOGIN_REQUEST:
		return take_login(peer);
	case NOP_OUT:
		return take_nop(peer);
	case LOGOUT_REQUEST:
		return take_logout(peer);
	default:
		return false;
	}
}

void evil_serve(struct evil_peer *peer)
{
	if (peer->evil->when == EVIL_ACCEPT && !show(peer))
		return;
	while (evil_read(peer) && take(peer))
		;
}
