/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_guard.h"

#include <errno.h>
#include <string.h>

#define HEADER	      48
#define HEADER_DIGEST 52

/* RFC 7143, 11.1.1.2: from targets */
enum {
	OPCODE_NOP_IN = 0x20,
	OPCODE_LOGIN_RESPONSE = 0x23,
	OPCODE_LOGOUT_RESPONSE = 0x26,
	OPCODE_ASYNC_MESSAGE = 0x32,
	OPCODE_REJECT = 0x3f,
};

void probe_guard_init(struct probe_guard *guard)
{
	memset(guard, 0, sizeof(*guard));
}

void probe_guard_turn(struct probe_guard *guard)
{
	guard->turn = 0;
}

bool probe_guard_open(const struct probe_guard *guard)
{
	return guard->header_size || guard->turn < PROBE_GUARD_TURN;
}

static size_t data_length(const uint8_t *header)
{
	return (size_t)header[5] << 16 | (size_t)header[6] << 8 | header[7];
}

static bool login_response(struct probe_guard *guard)
{
	const uint8_t *header = guard->header;

	if (++guard->login_responses > PROBE_GUARD_LOGIN_MAX)
		return false;
	guard->login_status = (uint16_t)(header[36] << 8 | header[37]);
	/* transit to the full feature phase */
	guard->full_feature = !guard->login_status && (header[1] & 0x83) == 0x83;
	return true;
}

static bool header_allowed(struct probe_guard *guard)
{
	const uint8_t *header = guard->header;
	size_t length = data_length(header);
	uint8_t opcode = header[0] & 0x3f;

	if (header[4] || length > PROBE_GUARD_DATA_MAX) /* additional headers: never */
		return false;
	if (!guard->full_feature)
		return opcode == OPCODE_LOGIN_RESPONSE && login_response(guard);
	switch (opcode) {
	case OPCODE_NOP_IN:
	case OPCODE_ASYNC_MESSAGE:
		return true;
	case OPCODE_REJECT:
		return length >= HEADER; /* the library reads the rejected header in it */
	case OPCODE_LOGOUT_RESPONSE:
		return !length;
	default:
		return false;
	}
}

static size_t pass_header(struct probe_guard *guard, const uint8_t *bytes, size_t n)
{
	size_t take = guard->header_size - guard->header_have;
	size_t keep;

	if (take > n)
		take = n;
	if (guard->header_have < HEADER) {
		keep = HEADER - guard->header_have;
		memcpy(guard->header + guard->header_have, bytes,
		       keep < take ? keep : take);
	}
	guard->header_have += take;
	return take;
}

static void begin_pdu(struct probe_guard *guard, size_t asked)
{
	guard->header_size = asked == HEADER_DIGEST ? HEADER_DIGEST : HEADER;
	guard->header_have = 0;
	guard->data_left = 0;
	guard->turn++;
}

int probe_guard_pass(struct probe_guard *guard, const uint8_t *bytes, size_t n,
		     size_t asked)
{
	while (n) {
		size_t took;

		if (!guard->header_size)
			begin_pdu(guard, asked);
		if (guard->header_have < guard->header_size) {
			took = pass_header(guard, bytes, n);
			if (guard->header_have == guard->header_size) {
				if (!header_allowed(guard))
					return -EPROTO;
				guard->data_left =
					(data_length(guard->header) + 3) & ~(size_t)3;
			}
		} else {
			took = guard->data_left < n ? guard->data_left : n;
			guard->data_left -= took;
		}
		bytes += took;
		n -= took;
		if (guard->header_have == guard->header_size && !guard->data_left)
			guard->header_size = 0;
	}
	return 0;
}
