/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/evil.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* No connection is served for longer, should the probe never close it. */
#define HOLD_MS 60000

uint32_t evil_random(struct evil_peer *peer)
{
	return pdu_random(&peer->random);
}

/* RFC 7143, 13.1: Castagnoli's polynomial, least significant bit first. */
uint32_t evil_crc32c(const uint8_t *bytes, size_t size)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static void look_for_secrets(struct evil_peer *peer)
{
	if (memmem(peer->data, peer->data_size, EVIL_PASSWORD, strlen(EVIL_PASSWORD)) ||
	    memmem(peer->data, peer->data_size, EVIL_PASSWORD_IN, strlen(EVIL_PASSWORD_IN)))
		__atomic_add_fetch(&peer->seen->leaked, 1, __ATOMIC_RELAXED);
}

bool evil_read(struct evil_peer *peer)
{
	uint8_t digest[4];

	if (!pdu_read_all(peer->fd, peer->header, sizeof(peer->header)) ||
	    (peer->digest && peer->full_feature && !pdu_read_all(peer->fd, digest, 4)))
		return false;
	peer->data_size = pdu_get32(peer->header + 4) & 0xffffff;
	if (peer->data_size > EVIL_DATA_MAX ||
	    !pdu_read_all(peer->fd, peer->data, (peer->data_size + 3) & ~3UL))
		return false;
	look_for_secrets(peer);
	return true;
}

bool evil_pause(struct evil_peer *peer, unsigned int ms)
{
	struct pollfd end = {.fd = peer->fd, .events = POLLRDHUP};

	return poll(&end, 1, (int)ms) == 0;
}

bool evil_write_slowly(struct evil_peer *peer, const void *bytes, size_t size, unsigned int ms)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < size; i++)
		if (!pdu_write_all(peer->fd, p + i, 1) || (ms && !evil_pause(peer, ms)))
			return false;
	return true;
}

bool evil_write(struct evil_peer *peer, const void *bytes, size_t size)
{
	if (peer->evil->is & EVIL_BYTEWISE)
		return evil_write_slowly(peer, bytes, size, 0);
	return pdu_write_all(peer->fd, bytes, size);
}

void evil_begin(struct evil_peer *peer, uint8_t *pdu, uint8_t opcode, uint8_t flags)
{
	pdu_answer(pdu, opcode, flags, peer->header, &peer->place);
	pdu_put32(pdu + 20, 0xffffffff);
}

bool evil_send(struct evil_peer *peer, uint8_t *pdu, const void *data, size_t size)
{
	static uint8_t bytes[48 + 4 + EVIL_DATA_MAX + 4];
	size_t at = 48;

	pdu_put32(pdu + 4, (uint32_t)pdu[4] << 24 | (uint32_t)size);
	memcpy(bytes, pdu, 48);
	if (peer->digest && peer->full_feature) {
		uint32_t crc = evil_crc32c(pdu, 48);

		memcpy(bytes + at, &crc, 4); /* least significant byte first, as we are */
		at += 4;
	}
	memset(bytes + at, 0, (size + 3) & ~3UL);
	if (size)
		memcpy(bytes + at, data, size);
	return evil_write(peer, bytes, at + ((size + 3) & ~3UL));
}

bool evil_hold(struct evil_peer *peer)
{
	evil_pause(peer, HOLD_MS);
	return false;
}

bool evil_reset(struct evil_peer *peer)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(peer->fd);
	peer->fd = -1;
	return false;
}
