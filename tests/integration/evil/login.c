/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bad in the login. */
#include "tests/integration/evil/evil.h"

#include <stdio.h>
#include <string.h>

#define AGREED	    "HeaderDigest=None"
#define STAGE(peer) ((peer)->header[1] & 0x0c)

static void begin(struct evil_peer *peer, uint8_t *pdu, uint8_t flags)
{
	evil_begin(peer, pdu, 0x23, flags);
	memcpy(pdu + 8, peer->header + 8, 6);
	pdu_put32(pdu + 20, 0);
}

bool evil_login_header(struct evil_peer *peer)
{
	uint8_t pdu[48];

	begin(peer, pdu, peer->header[1]);
	return evil_write(peer, pdu, (size_t)peer->evil->arg) && evil_pause(peer, 50) && false;
}

bool evil_login_data(struct evil_peer *peer)
{
	uint8_t pdu[48 + 8] = {0};

	begin(peer, pdu, peer->header[1]);
	pdu_put32(pdu + 4, (uint32_t)peer->evil->arg);
	return evil_write(peer, pdu, sizeof(pdu)) && evil_deaf(peer);
}

bool evil_login_ahs(struct evil_peer *peer)
{
	uint8_t pdu[48 + 12] = {0};

	begin(peer, pdu, peer->header[1]);
	pdu[4] = 3; /* words */
	pdu[49] = 7;
	return evil_write(peer, pdu, sizeof(pdu)) && evil_deaf(peer);
}

bool evil_login_endless(struct evil_peer *peer)
{
	static char text[EVIL_DATA_MAX];
	size_t size = 0;

	while (size + 32 < sizeof(text))
		size += (size_t)sprintf(text + size, "X-Key-%zu=%08x", size,
					evil_random(peer)) + 1;
	return evil_login_response(peer, (uint8_t)(STAGE(peer) | peer->evil->arg), 0, text, size);
}

/* The security stage as usual, then these keys after what the library cannot do without. */
bool evil_login_keys(struct evil_peer *peer)
{
	static char text[EVIL_DATA_MAX];
	size_t size = sizeof(AGREED);

	if (!STAGE(peer))
		return evil_honest_login(peer);
	memcpy(text, AGREED, size);
	memcpy(text + size, peer->evil->text, peer->evil->text_size);
	return evil_login_response(peer, peer->header[1], 0, text, size + peer->evil->text_size);
}

/* "TEXTxxxxx…": a positive 'arg' is the size in all, with its NUL; a negative one without. */
bool evil_login_long(struct evil_peer *peer)
{
	static char text[EVIL_DATA_MAX];
	int arg = peer->evil->arg;
	size_t size = (size_t)(arg < 0 ? -arg : arg);

	memset(text, 'x', sizeof(text));
	memcpy(text, AGREED, sizeof(AGREED));
	memcpy(text + sizeof(AGREED), peer->evil->text, peer->evil->text_size);
	if (arg > 0)
		text[size - 1] = 0;
	return evil_login_response(peer, peer->header[1], 0, text, size);
}

bool evil_login_many(struct evil_peer *peer)
{
	static char text[EVIL_DATA_MAX];

	for (size_t i = 0; i < sizeof(text); i += 4)
		memcpy(text + i, "K=v", 4);
	memcpy(text, AGREED "\0X=", sizeof(AGREED) + 2);
	return evil_login_response(peer, peer->header[1], 0, text, sizeof(text));
}

bool evil_login_status(struct evil_peer *peer)
{
	uint8_t flags = peer->evil->arg & 0x10000 ? 0x87 : 0;

	evil_login_response(peer, flags, (unsigned int)peer->evil->arg & 0xffff, peer->evil->text,
			    peer->evil->text_size);
	return evil_pause(peer, 50) && false;
}

bool evil_login_flags(struct evil_peer *peer)
{
	return evil_login_response(peer, (uint8_t)peer->evil->arg, 0, AGREED, sizeof(AGREED));
}

bool evil_login_early(struct evil_peer *peer)
{
	uint8_t pdu[48];

	evil_begin(peer, pdu, (uint8_t)peer->evil->arg, 0x80);
	return evil_send(peer, pdu, NULL, 0) && evil_honest_login(peer);
}

bool evil_login_itt(struct evil_peer *peer)
{
	peer->header[19] = (uint8_t)(peer->header[19] + 1);
	return evil_honest_login(peer);
}

bool evil_login_isid(struct evil_peer *peer)
{
	for (int i = 8; i < 16; i++)
		peer->header[i] = (uint8_t)evil_random(peer);
	return evil_honest_login(peer);
}

bool evil_login_twice(struct evil_peer *peer)
{
	for (int i = 0; i < 2; i++)
		if (!evil_honest_login(peer))
			return false;
	return true;
}

bool evil_login_slow(struct evil_peer *peer)
{
	uint8_t pdu[48 + 20] = {0};

	begin(peer, pdu, peer->header[1]);
	pdu[7] = sizeof(AGREED);
	memcpy(pdu + 48, AGREED, sizeof(AGREED));
	peer->full_feature |= (pdu[1] & 0x83) == 0x83;
	return evil_write_slowly(peer, pdu, sizeof(pdu), (unsigned int)peer->evil->arg);
}

/* MaxCmdSN one below ExpCmdSN, from the first response to the last answer. */
bool evil_login_window(struct evil_peer *peer)
{
	peer->place.window = 0;
	return evil_honest_login(peer);
}

bool evil_chap_skip(struct evil_peer *peer)
{
	return evil_login_response(peer, (uint8_t)peer->evil->arg, 0, AGREED, sizeof(AGREED));
}

/* What the library expects of somebody it has not challenged yet: zeros. */
bool evil_chap_zero(struct evil_peer *peer)
{
	static const char text[] = AGREED "\0CHAP_N=" EVIL_USER_IN
				   "\0CHAP_R=0x00000000000000000000000000000000";

	if (peer->evil->arg && peer->logins == 1)
		return evil_login_response(peer, 0, 0, "AuthMethod=CHAP", 16);
	return evil_login_response(peer, 0x87, 0, text, sizeof(text));
}

static bool challenge(struct evil_peer *peer, const char *text, size_t size)
{
	if (STAGE(peer))
		return evil_honest_login(peer);
	if (peer->logins == 1)
		return evil_login_response(peer, 0, 0, "AuthMethod=CHAP", 16);
	if (peer->logins == 2)
		return evil_login_response(peer, 0, 0, text, size);
	return evil_login_response(peer, peer->header[1], 0, NULL, 0);
}

bool evil_chap(struct evil_peer *peer)
{
	static char text[EVIL_DATA_MAX];
	size_t size = peer->evil->text_size;

	memcpy(text, peer->evil->text, size);
	if (peer->evil->arg) { /* its last value is so long */
		memset(text + size - 1, '7', (size_t)peer->evil->arg);
		size += (size_t)peer->evil->arg;
		text[size - 1] = 0;
	}
	return challenge(peer, text, size);
}

/* All in order, but the proof is the probe's own one sent back. */
bool evil_chap_wrong(struct evil_peer *peer)
{
	static const char text[] = "CHAP_A=5\0CHAP_I=7\0CHAP_C=0x0123456789abcdef";
	const char *proof = memmem(peer->data, peer->data_size, "CHAP_R=0x", 9);
	char answer[128];
	int size;

	if (!proof)
		return challenge(peer, text, sizeof(text));
	size = snprintf(answer, sizeof(answer), "CHAP_N=%s%c%.41s", EVIL_USER_IN, 0, proof);
	return evil_login_response(peer, peer->header[1], 0, answer, (size_t)size + 1);
}

/*
 * Leaves the stage of CHAP, without a proof, by a response that the library reads past, then lets
 * the probe in: a response with another tag, or with 'arg' one that comes before its request.
 */
bool evil_chap_past(struct evil_peer *peer)
{
	static const char chap[] = "AuthMethod=CHAP";
	uint8_t pdus[PDU_HEADER + sizeof(chap) + PDU_HEADER];
	uint8_t *past = pdus + PDU_HEADER + sizeof(chap);
	bool early = peer->evil->arg;

	begin(peer, pdus, 0); /* both at once, or the request comes between them */
	pdus[7] = sizeof(chap);
	memcpy(pdus + PDU_HEADER, chap, sizeof(chap));
	begin(peer, past, 0x81);
	if (!early)
		past[16] ^= 1;
	return evil_write(peer, early ? pdus : past, early ? sizeof(pdus) : PDU_HEADER) &&
	       evil_login_response(peer, 0x87, 0, AGREED, sizeof(AGREED));
}
