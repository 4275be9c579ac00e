/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bad as soon as the login is done. */
#include "tests/integration/evil/evil.h"

#include <poll.h>
#include <string.h>

#define TICK_MS	  10
#define TICK_PDUS 5 /* 500 a second */

static void ping(struct evil_peer *peer, uint8_t *pdu, bool ask)
{
	evil_begin(peer, pdu, 0x20, 0x80);
	peer->place.stat_sn--; /* a ping does not count */
	pdu_put32(pdu + 16, 0xffffffff);
	if (ask)
		pdu_put32(pdu + 20, evil_random(peer) & 0xffff);
}

static bool has_input(struct evil_peer *peer)
{
	struct pollfd in = {.fd = peer->fd, .events = POLLIN};

	return poll(&in, 1, 0) > 0;
}

/* Whatever NOPs the probe has sent meanwhile are answered, so that it has no other complaint; what
 * else it wants is not ('deaf'), or ends the connection. */
static bool answer_all(struct evil_peer *peer, bool deaf)
{
	while (has_input(peer)) {
		if (!evil_read(peer) || (!deaf && (peer->header[0] & 0x3f)))
			return false;
		if ((peer->header[0] & 0x3f) || pdu_get32(peer->header + 16) == 0xffffffff)
			continue;
		if (!(peer->header[0] & 0x40))
			peer->place.cmd_sn = pdu_get32(peer->header + 24);
		if (!evil_honest_nop(peer))
			return false;
	}
	return true;
}

static bool one(struct evil_peer *peer)
{
	static const uint8_t data[EVIL_DATA_MAX];
	int kind = peer->evil->arg;
	uint8_t pdu[48];

	if (kind == FLOOD_BYTES) { /* of a PDU that would take minutes */
		uint8_t byte = 0;

		return evil_write(peer, &byte, 1);
	}
	ping(peer, pdu, kind == FLOOD_ASK || kind == FLOOD_SOME_ASK);
	return evil_send(peer, pdu, data, kind == FLOOD_DATA ? sizeof(data) : 0);
}

bool evil_flood(struct evil_peer *peer)
{
	bool some = peer->evil->arg == FLOOD_SOME_MUTE || peer->evil->arg == FLOOD_SOME_ASK;

	if (peer->evil->arg == FLOOD_BYTES) {
		uint8_t pdu[48];

		ping(peer, pdu, false);
		pdu_put32(pdu + 4, EVIL_DATA_MAX);
		if (!evil_write(peer, pdu, sizeof(pdu)))
			return false;
	}
	for (;;) {
		for (int i = 0; i < TICK_PDUS; i++)
			if (!one(peer))
				return false;
		if (!answer_all(peer, false) || (some && !evil_pause(peer, TICK_MS)))
			return false;
	}
}

static bool async(struct evil_peer *peer, uint8_t event)
{
	/* 18 bytes of sense, a unit attention; that it is longer still is not true */
	static const uint8_t sense[20] = {0, 18, 0x70, 0, 6, [9] = 255, [14] = 0x29};
	uint8_t pdu[48];

	ping(peer, pdu, false);
	pdu[0] = 0x32;
	pdu[36] = event;
	memset(pdu + 38, 0xff, 6); /* parameters: times, counts */
	return evil_send(peer, pdu, sense, event ? 0 : sizeof(sense));
}

bool evil_async(struct evil_peer *peer)
{
	return async(peer, (uint8_t)peer->evil->arg);
}

/* 500 a second; a logout that is asked for is never answered. */
bool evil_async_flood(struct evil_peer *peer)
{
	for (;;) {
		for (int i = 0; i < TICK_PDUS; i++)
			if (!async(peer, (uint8_t)peer->evil->arg))
				return false;
		if (!answer_all(peer, true) || !evil_pause(peer, TICK_MS))
			return false;
	}
}

/* As that, only 20 a second and by rejects: what is heaped up must not grow for ever. */
bool evil_leave_flood(struct evil_peer *peer)
{
	uint8_t pdu[48];

	for (;;) {
		ping(peer, pdu, false);
		pdu[0] = 0x3f;
		pdu[2] = 0x0d; /* waiting for logout */
		if (!evil_send(peer, pdu, peer->header, 48))
			return false;
		if (!answer_all(peer, true) || !evil_pause(peer, 50))
			return false;
	}
}

bool evil_opcode(struct evil_peer *peer)
{
	uint8_t pdu[48 + 64] = {0};

	evil_begin(peer, pdu, (uint8_t)peer->evil->arg, 0x80);
	if (peer->evil->text_size)
		memcpy(pdu + 1, peer->evil->text, peer->evil->text_size);
	return evil_write(peer, pdu, 48 + ((pdu[7] + 3) & 0x3c));
}

bool evil_announce(struct evil_peer *peer)
{
	uint8_t pdu[48];

	ping(peer, pdu, false);
	pdu_put32(pdu + 4, (uint32_t)peer->evil->arg);
	return evil_write(peer, pdu, sizeof(pdu)) && evil_deaf(peer);
}

bool evil_cut(struct evil_peer *peer)
{
	uint8_t pdu[48];

	ping(peer, pdu, false);
	return evil_write(peer, pdu, (size_t)peer->evil->arg) && evil_deaf(peer);
}

bool evil_cut_close(struct evil_peer *peer)
{
	uint8_t pdu[48];

	ping(peer, pdu, false);
	return evil_write(peer, pdu, (size_t)peer->evil->arg) && evil_pause(peer, 20) && false;
}

bool evil_ahs(struct evil_peer *peer)
{
	uint8_t pdu[48 + 20] = {0};

	ping(peer, pdu, false);
	pdu[4] = 5; /* words, of which one byte is used */
	pdu[49] = 1;
	return evil_write(peer, pdu, sizeof(pdu));
}

bool evil_reject_short(struct evil_peer *peer)
{
	uint8_t pdu[48];

	ping(peer, pdu, false);
	pdu[0] = 0x3f;
	pdu[2] = 0x09;
	return evil_send(peer, pdu, pdu, (size_t)peer->evil->arg);
}
