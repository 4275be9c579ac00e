/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a target may say to a probe, fed in pieces of every size, and with garbage. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/probe_guard.h"

struct stream {
	uint8_t bytes[1 << 16];
	size_t length;
};

/* Append a PDU; 'digest' adds four bytes to its header. */
static void put(struct stream *stream, uint8_t opcode, uint8_t flags, size_t data,
		bool digest)
{
	uint8_t *header = stream->bytes + stream->length;

	memset(header, 0, 52);
	header[0] = opcode;
	header[1] = flags;
	header[5] = (uint8_t)(data >> 16);
	header[6] = (uint8_t)(data >> 8);
	header[7] = (uint8_t)data;
	stream->length += (digest ? 52U : 48U) + ((data + 3) & ~(size_t)3);
}

/* As the library reads: a header's worth between PDUs, at most 'piece' bytes at a time.
 */
static int feed(struct probe_guard *guard, const struct stream *stream, size_t from,
		size_t piece, bool digest)
{
	size_t at = from;

	while (at < stream->length) {
		size_t asked = digest ? 52 : 48, n;

		if (guard->header_size && guard->header_have < guard->header_size)
			asked = guard->header_size - guard->header_have;
		else if (guard->header_size)
			asked = guard->data_left;
		n = asked < piece ? asked : piece;

		if (n > stream->length - at)
			n = stream->length - at;
		if (probe_guard_pass(guard, stream->bytes + at, n, asked))
			return -EPROTO;
		at += n;
	}
	return 0;
}

static void log_in(struct probe_guard *guard)
{
	static struct stream stream;

	stream.length = 0;
	put(&stream, 0x23, 0x87, 17, false);
	probe_guard_init(guard);
	assert_int_equal(feed(guard, &stream, 0, 4096, false), 0);
	assert_true(guard->full_feature);
}

static void honest_session(void **state)
{
	static struct stream stream;
	struct probe_guard guard;

	(void)state;
	for (int digest = 0; digest < 2; digest++) {
		for (size_t piece = 1; piece < 200; piece++) {
			size_t login;

			probe_guard_init(&guard);
			stream.length = 0;
			put(&stream, 0x23, 0x81, 15, false);
			put(&stream, 0x23, 0x87, 18, false);
			login = stream.length;
			assert_int_equal(feed(&guard, &stream, 0, piece, false), 0);
			assert_true(guard.full_feature);
			assert_int_equal(guard.login_responses, 2);
			/* the digest begins after the login */
			put(&stream, 0x20, 0x80, 0, digest);
			put(&stream, 0x20, 0x80, 33, digest);
			put(&stream, 0x32, 0x80, 0, digest);
			put(&stream, 0x3f, 0x80, 48, digest);
			put(&stream, 0x26, 0x80, 0, digest);
			assert_int_equal(feed(&guard, &stream, login, piece, digest), 0);
			assert_int_equal(guard.header_size, 0);
		}
	}
}

static void login_status(void **state)
{
	static struct stream stream;
	struct probe_guard guard;

	(void)state;
	probe_guard_init(&guard);
	stream.length = 0;
	put(&stream, 0x23, 0x87, 0, false);
	stream.bytes[36] = 2;
	stream.bytes[37] = 6;
	assert_int_equal(feed(&guard, &stream, 0, 48, false), 0);
	assert_int_equal(guard.login_status, 0x0206);
	assert_false(guard.full_feature);
}

/* Only these, and only in their phase. */
static void opcodes(void **state)
{
	static struct stream stream;
	struct probe_guard guard;

	(void)state;
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		uint8_t kind = opcode & 0x3f;

		stream.length = 0;
		put(&stream, (uint8_t)opcode, 0x80, 48, false);
		probe_guard_init(&guard);
		assert_int_equal(feed(&guard, &stream, 0, 48, false),
				 kind == 0x23 ? 0 : -EPROTO);
		log_in(&guard);
		assert_int_equal(feed(&guard, &stream, 0, 48, false),
				 kind == 0x20 || kind == 0x32 || kind == 0x3f ? 0
									      : -EPROTO);
	}
}

static void sizes(void **state)
{
	static struct stream stream;
	struct probe_guard guard;

	(void)state;
	log_in(&guard);
	stream.length = 0;
	put(&stream, 0x20, 0x80, PROBE_GUARD_DATA_MAX, false);
	assert_int_equal(feed(&guard, &stream, 0, 4096, false), 0);
	stream.length = 0;
	put(&stream, 0x20, 0x80, PROBE_GUARD_DATA_MAX + 1, false);
	assert_int_equal(feed(&guard, &stream, 0, 4096, false), -EPROTO);
	log_in(&guard);
	stream.length = 0;
	put(&stream, 0x3f, 0x80, 47, false); /* a reject without the rejected header */
	assert_int_equal(feed(&guard, &stream, 0, 4096, false), -EPROTO);
	log_in(&guard);
	stream.length = 0;
	put(&stream, 0x20, 0x80, 0, false);
	stream.bytes[4] = 1; /* additional headers */
	assert_int_equal(feed(&guard, &stream, 0, 4096, false), -EPROTO);
}

static void endless_login(void **state)
{
	static struct stream stream;
	struct probe_guard guard;
	int passed = 0;

	(void)state;
	probe_guard_init(&guard);
	stream.length = 0;
	put(&stream, 0x23, 0x00, 0, false);
	while (passed < 1000 && !feed(&guard, &stream, 0, 48, false))
		passed++;
	assert_int_equal(passed, PROBE_GUARD_LOGIN_MAX);
}

/* A share of each turn, ending between PDUs only. */
static void turns(void **state)
{
	static struct stream stream;
	struct probe_guard guard;
	int passed = 0;

	(void)state;
	log_in(&guard);
	probe_guard_turn(&guard);
	stream.length = 0;
	put(&stream, 0x20, 0x80, 0, false);
	while (probe_guard_open(&guard) && passed < 1000) {
		assert_int_equal(probe_guard_pass(&guard, stream.bytes, 20, 48), 0);
		assert_true(probe_guard_open(&guard));
		assert_int_equal(probe_guard_pass(&guard, stream.bytes + 20, 28, 28), 0);
		passed++;
	}
	assert_int_equal(passed, PROBE_GUARD_TURN);
	probe_guard_turn(&guard);
	assert_true(probe_guard_open(&guard));
}

/* Garbage ends in an error or is swallowed; it never confuses the bookkeeping. */
static void garbage(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct probe_guard guard;
		uint8_t bytes[300];

		if (round % 2)
			log_in(&guard);
		else
			probe_guard_init(&guard);
		for (int burst = 0; burst < 10; burst++) {
			size_t n;

			for (size_t i = 0; i < sizeof(bytes); i++) {
				random = random * 6364136223846793005ULL +
					 1442695040888963407ULL;
				bytes[i] = (uint8_t)(random >> 40);
			}
			if (bytes[0] % 2)
				memcpy(bytes,
				       (uint8_t[8]){0x20, 0x80, 0, 0, 0, 0, bytes[6], 1},
				       8);
			n = 1 + bytes[1] % (sizeof(bytes) - 1);
			if (probe_guard_pass(&guard, bytes, n, n))
				break;
			assert_true(guard.header_have <= guard.header_size ||
				    !guard.header_size);
			assert_true(guard.data_left <= PROBE_GUARD_DATA_MAX + 3);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_session), cmocka_unit_test(login_status),
		cmocka_unit_test(opcodes),	  cmocka_unit_test(sizes),
		cmocka_unit_test(endless_login),  cmocka_unit_test(turns),
		cmocka_unit_test(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
