/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bad answers to NOPs. */
#include "tests/integration/evil/evil.h"

#include <string.h>

bool evil_nop_itt(struct evil_peer *peer)
{
	pdu_put32(peer->header + 16,
		   pdu_get32(peer->header + 16) + (uint32_t)peer->evil->arg);
	return evil_honest_nop(peer);
}

bool evil_nop_twice(struct evil_peer *peer)
{
	for (int i = 0; i < peer->evil->arg; i++)
		if (!evil_honest_nop(peer))
			return false;
	return true;
}

/* Two by two, the later one first. */
bool evil_nop_disorder(struct evil_peer *peer)
{
	if (peer->nops % 2) {
		memcpy(peer->kept, peer->header, sizeof(peer->kept));
		return true;
	}
	if (!evil_honest_nop(peer))
		return false;
	memcpy(peer->header, peer->kept, sizeof(peer->header));
	return evil_honest_nop(peer);
}

bool evil_nop_serials(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x20, 0x80);
	pdu_put32(pdu + peer->evil->arg, evil_random(peer) * 2U + peer->nops);
	return evil_send(peer, pdu, NULL, 0);
}

bool evil_nop_data(struct evil_peer *peer)
{
	static uint8_t data[EVIL_DATA_MAX];
	uint8_t pdu[48];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)evil_random(peer);
	evil_begin(peer, pdu, 0x20, 0x80);
	return evil_send(peer, pdu, data, (size_t)peer->evil->arg);
}

bool evil_nop_ttt(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x20, 0x80);
	pdu_put32(pdu + 20, peer->nops);
	memset(pdu + 8, 0xff, 8); /* LUN */
	return evil_send(peer, pdu, NULL, 0);
}

bool evil_nop_slow(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x20, 0x80);
	return evil_write_slowly(peer, pdu, sizeof(pdu), (unsigned int)peer->evil->arg);
}

bool evil_nop_late(struct evil_peer *peer)
{
	return evil_pause(peer, (unsigned int)peer->evil->arg) && evil_honest_nop(peer);
}

bool evil_nop_some(struct evil_peer *peer)
{
	return peer->nops % (unsigned int)peer->evil->arg || evil_honest_nop(peer);
}

bool evil_nop_reset(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x20, 0x80);
	return evil_write(peer, pdu, 24) && evil_pause(peer, 20) && evil_reset(peer);
}

bool evil_nop_bad_digest(struct evil_peer *peer)
{
	uint8_t pdu[52];

	evil_begin(peer, pdu, 0x20, 0x80);
	pdu_put32(pdu + 48, evil_crc32c(pdu, 48) ^ 1);
	return evil_write(peer, pdu, sizeof(pdu));
}

/* A digest of data that was not agreed on. */
bool evil_nop_data_digest(struct evil_peer *peer)
{
	uint8_t pdu[48 + 4 + 4] = {0};

	evil_begin(peer, pdu, 0x20, 0x80);
	pdu_put32(pdu + 4, 4);
	memset(pdu + 52, 0xa5, 4);
	return evil_write(peer, pdu, sizeof(pdu));
}

bool evil_nop_reject(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, 0x3f, 0x80);
	pdu[2] = (uint8_t)peer->evil->arg;
	pdu_put32(pdu + 16, 0xffffffff);
	return evil_send(peer, pdu, peer->header, 48);
}

/* The text is bytes 1 … of the header and on into the data. */
bool evil_nop_scsi(struct evil_peer *peer)
{
	uint8_t pdu[48], data[256] = {0xff, 0xff, 0x70, 0, 2}; /* 65535 bytes of sense, they say */

	evil_begin(peer, pdu, (uint8_t)peer->evil->arg, 0x80);
	memset(pdu + 36, 0xff, 12); /* DataSN, offset, residual count */
	if (peer->evil->text_size)
		memcpy(pdu + 1, peer->evil->text, peer->evil->text_size);
	return evil_send(peer, pdu, data, (size_t)pdu[7]);
}
