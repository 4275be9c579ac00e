/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bad from the first byte; and what any phase may use: silence, ends, noise. */
#include "tests/integration/evil/evil.h"

#include <string.h>

bool evil_hold_now(struct evil_peer *peer)
{
	return evil_hold(peer);
}

bool evil_deaf(struct evil_peer *peer)
{
	while (evil_read(peer))
		;
	return false;
}

bool evil_close_now(struct evil_peer *peer)
{
	(void)peer;
	return false;
}

bool evil_reset_now(struct evil_peer *peer)
{
	return evil_reset(peer);
}

bool evil_say(struct evil_peer *peer)
{
	return evil_write(peer, peer->evil->text, peer->evil->text_size) && evil_deaf(peer);
}

bool evil_repeat(struct evil_peer *peer)
{
	uint8_t bytes[65536];

	memset(bytes, peer->evil->arg, sizeof(bytes));
	while (evil_write(peer, bytes, sizeof(bytes)))
		;
	return false;
}

bool evil_noise(struct evil_peer *peer)
{
	static const uint8_t opcodes[] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f};
	uint8_t bytes[2048];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)evil_random(peer);
	if (evil_random(peer) % 4) {
		bytes[0] = opcodes[evil_random(peer) % sizeof(opcodes)];
		memset(bytes + 4, 0, 3);
		memcpy(bytes + 16, peer->header + 16, 4);
		bytes[36] = (uint8_t)(evil_random(peer) % 5);
	}
	return evil_write(peer, bytes, sizeof(bytes)) && evil_pause(peer, 100) && false;
}

bool evil_unread_login(struct evil_peer *peer)
{
	uint8_t pdu[48] = {0x23, 0x87}; /* welcome, before you asked */

	return evil_write(peer, pdu, sizeof(pdu)) && evil_deaf(peer);
}

/* Takes the login, then reads no more behind a window of a few hundred bytes. */
bool evil_closed_window(struct evil_peer *peer)
{
	return evil_hold(peer);
}
