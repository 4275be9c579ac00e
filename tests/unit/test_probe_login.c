/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages of a login, and the target's proof, in pieces of every size. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/probe_login.h"

#define T 0x80
#define STAGES(from, to) (uint8_t)((from) << 2 | (to))

#define ZEROS "CHAP_R=0x00000000000000000000000000000000"
#define PROOF "CHAP_R=0x0000000000000000000000000000000a"
#define DATA(text) text, sizeof(text)

static int header(struct probe_login *login, uint8_t flags, unsigned int status)
{
	uint8_t bytes[48] = {0x23, flags};

	bytes[36] = (uint8_t)(status >> 8);
	bytes[37] = (uint8_t)status;
	return probe_login_header(login, bytes);
}

static int data(struct probe_login *login, const char *text, size_t size, size_t piece)
{
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece)
		r = probe_login_data(login, (const uint8_t *)text + at,
				     size - at < piece ? size - at : piece);
	return r;
}

/* A whole PDU in pieces of all sizes; all must say the same. */
static int pdu(const char *text, size_t size)
{
	struct probe_login login;
	int first = 0;

	for (size_t piece = size; piece > 0; piece--) {
		int r;

		probe_login_init(&login, true);
		assert_int_equal(header(&login, 0, 0), 0);
		r = data(&login, text, size, piece);
		if (piece == size)
			first = r;
		assert_int_equal(r, first);
	}
	return first;
}

static void stages_in_order(void **state)
{
	struct probe_login login;

	(void)state;
	probe_login_init(&login, false);
	assert_int_equal(header(&login, STAGES(0, 0), 0), 0);
	assert_int_equal(header(&login, T | STAGES(0, 1), 0), 0);
	assert_int_equal(header(&login, STAGES(1, 0), 0), 0);
	assert_int_equal(header(&login, T | STAGES(1, 3), 0), 0);
	probe_login_init(&login, false);
	assert_int_equal(header(&login, T | STAGES(0, 3), 0), 0);
	probe_login_init(&login, false);
	assert_int_equal(header(&login, T | STAGES(1, 3), 0), 0);
}

/* All flags: T goes forward, never to stage 2, never from 2 or 3. */
static void stages_out_of_order(void **state)
{
	(void)state;
	for (unsigned int flags = 0; flags < 256; flags++) {
		unsigned int from = flags >> 2 & 3, to = flags & 3;
		bool fine = from < 2 && (!(flags & T) || (to > from && to != 2));
		struct probe_login login;

		probe_login_init(&login, false);
		assert_int_equal(header(&login, (uint8_t)flags, 0), fine ? 0 : -EPROTO);
		/* the flags of a refusal mean nothing */
		probe_login_init(&login, true);
		assert_int_equal(header(&login, (uint8_t)flags, 0x0201), 0);
		assert_int_equal(header(&login, (uint8_t)flags, 0x0101), 0);
	}
}

static void security_not_skipped(void **state)
{
	struct probe_login login;

	(void)state;
	probe_login_init(&login, true);
	assert_int_equal(header(&login, T | STAGES(1, 3), 0), -EACCES);
	probe_login_init(&login, true);
	assert_int_equal(header(&login, STAGES(0, 0), 0), 0);
	assert_int_equal(header(&login, STAGES(1, 0), 0), -EACCES);
	/* a refusal's flags are no way out of it either */
	probe_login_init(&login, true);
	assert_int_equal(header(&login, T | STAGES(0, 1), 0x0301), 0);
	assert_int_equal(header(&login, T | STAGES(1, 3), 0), -EACCES);
	probe_login_init(&login, true);
	assert_int_equal(header(&login, T | STAGES(0, 1), 0), 0);
	assert_int_equal(header(&login, T | STAGES(1, 3), 0), 0);
}

/* The library reads past those with another tag than its own: they lead nowhere. */
static void one_tag(void **state)
{
	uint8_t bytes[48] = {0x23, T | STAGES(0, 1)};
	struct probe_login login;

	(void)state;
	for (size_t at = 16; at < 20; at++) {
		probe_login_init(&login, true);
		bytes[at] = 1;
		assert_int_equal(probe_login_header(&login, bytes), 0);
		assert_int_equal(header(&login, T | STAGES(1, 3), 0), -EPROTO);
		assert_int_equal(header(&login, 0, 0x0201), -EPROTO);
		bytes[1] = T | STAGES(1, 3);
		assert_int_equal(probe_login_header(&login, bytes), 0);
		bytes[1] = T | STAGES(0, 1);
		bytes[at] = 0;
	}
}

static void proofs(void **state)
{
	(void)state;
	assert_int_equal(pdu(DATA(PROOF)), 0);
	assert_int_equal(pdu(DATA("CHAP_N=bob\0" PROOF "\0HeaderDigest=None")), 0);
	assert_int_equal(pdu(DATA(ZEROS)), -EACCES);
	assert_int_equal(pdu(DATA("CHAP_N=bob\0" ZEROS "\0HeaderDigest=None")), -EACCES);
	/* what the library reads as zeros too */
	assert_int_equal(pdu(DATA("CHAP_R=0x@0@0@0@0@0@0@0@0@0@0@0@0@0@0@0@0")), -EACCES);
	assert_int_equal(pdu(DATA("CHAP_R=0x")), -EACCES);
	assert_int_equal(pdu(DATA("CHAP_R=0x0123 567")), -EACCES);
	assert_int_equal(pdu(DATA("CHAP_R=0xABCDEF0123456789abcdef")), 0);
}

static void no_proofs(void **state)
{
	(void)state;
	assert_int_equal(pdu(DATA("")), 0);
	assert_int_equal(pdu(DATA("CHAP_R=")), 0);
	assert_int_equal(pdu(DATA("CHAP_R=0bAAAA")), 0);
	assert_int_equal(pdu(DATA("XCHAP_R=0x00")), 0);
	assert_int_equal(pdu(DATA("CHAP_CHAP_R=0x00")), 0);
	assert_int_equal(pdu(DATA("TargetAlias=" ZEROS)), 0);
	/* after an empty key the library reads no more */
	assert_int_equal(pdu(DATA("CHAP_A=5\0\0" ZEROS)), 0);
}

/* A key that begins in one PDU does not go on in the next. */
static void across_pdus(void **state)
{
	struct probe_login login;

	(void)state;
	probe_login_init(&login, true);
	assert_int_equal(header(&login, 0, 0), 0);
	assert_int_equal(data(&login, "CHAP_", 5, 1), 0);
	assert_int_equal(header(&login, 0, 0), 0);
	assert_int_equal(data(&login, DATA("R=0x00"), 1), 0);
	assert_int_equal(header(&login, 0, 0), 0);
	assert_int_equal(data(&login, "\0\0", 2, 2), 0);
	assert_int_equal(header(&login, 0, 0), 0);
	assert_int_equal(data(&login, DATA(ZEROS), 3), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_in_order),
		cmocka_unit_test(stages_out_of_order),
		cmocka_unit_test(security_not_skipped),
		cmocka_unit_test(one_tag),
		cmocka_unit_test(proofs),
		cmocka_unit_test(no_proofs),
		cmocka_unit_test(across_pdus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
