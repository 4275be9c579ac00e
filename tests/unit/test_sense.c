/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checker/sense.h"

#define FIXED(key, asc, ascq) { 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0 }
#define DESCRIPTOR(key, asc, ascq) { 0x72, key, asc, ascq, 0, 0, 0, 0 }

struct row {
	const char *what;
	uint8_t status;
	uint16_t host, driver;
	uint8_t sense[20];
	size_t size;
	enum scsi_result result;
};

static const struct row rows[] = {
	/* status alone */
	{ "good", 0x00, 0, 0, { 0 }, 0, SCSI_GOOD },
	{ "good with vendor bits", 0x81, 0, 0, { 0 }, 0, SCSI_GOOD },
	{ "reservation conflict", 0x18, 0, 0, { 0 }, 0, SCSI_RESERVATION_CONFLICT },
	{ "reservation conflict, vendor bit", 0x99, 0, 0, { 0 }, 0, SCSI_RESERVATION_CONFLICT },
	{ "reservation conflict wins over host byte", 0x18, 0x11, 0, { 0 }, 0,
	  SCSI_RESERVATION_CONFLICT },
	{ "busy", 0x08, 0, 0, { 0 }, 0, SCSI_BUSY },
	{ "task set full", 0x28, 0, 0, { 0 }, 0, SCSI_BUSY },
	{ "task aborted", 0x40, 0, 0, { 0 }, 0, SCSI_ABORTED },
	{ "ACA active", 0x30, 0, 0, { 0 }, 0, SCSI_STATUS },
	{ "condition met", 0x04, 0, 0, { 0 }, 0, SCSI_STATUS },
	/* check condition, fixed format */
	{ "no sense at all", 0x02, 0, 0, { 0 }, 0, SCSI_CHECK },
	{ "key 0", 0x02, 0, 0, FIXED(0, 0, 0), 18, SCSI_CHECK },
	{ "recovered", 0x02, 0, 0, FIXED(1, 0x17, 0), 18, SCSI_RECOVERED },
	{ "standby", 0x02, 0, 0, FIXED(2, 0x04, 0x0b), 18, SCSI_STANDBY },
	{ "transition", 0x02, 0, 0, FIXED(2, 0x04, 0x0a), 18, SCSI_TRANSITION },
	{ "unavailable", 0x02, 0, 0, FIXED(2, 0x04, 0x0c), 18, SCSI_UNAVAILABLE },
	{ "becoming ready", 0x02, 0, 0, FIXED(2, 0x04, 0x01), 18, SCSI_BECOMING_READY },
	{ "needs start", 0x02, 0, 0, FIXED(2, 0x04, 0x02), 18, SCSI_NEEDS_START },
	{ "manual intervention", 0x02, 0, 0, FIXED(2, 0x04, 0x03), 18, SCSI_NOT_READY },
	{ "no medium", 0x02, 0, 0, FIXED(2, 0x3a, 0x00), 18, SCSI_NOT_READY },
	{ "0B without 04 is no standby", 0x02, 0, 0, FIXED(2, 0x05, 0x0b), 18, SCSI_NOT_READY },
	{ "medium", 0x02, 0, 0, FIXED(3, 0x11, 0), 18, SCSI_MEDIUM_ERROR },
	{ "hardware", 0x02, 0, 0, FIXED(4, 0x44, 0), 18, SCSI_HARDWARE_ERROR },
	{ "LUN gone", 0x02, 0, 0, FIXED(5, 0x25, 0), 18, SCSI_LUN_GONE },
	{ "25/01 is not 25/00", 0x02, 0, 0, FIXED(5, 0x25, 1), 18, SCSI_ILLEGAL_REQUEST },
	{ "invalid opcode", 0x02, 0, 0, FIXED(5, 0x20, 0), 18, SCSI_ILLEGAL_REQUEST },
	{ "unit attention", 0x02, 0, 0, FIXED(6, 0x29, 0), 18, SCSI_UNIT_ATTENTION },
	{ "inquiry data changed", 0x02, 0, 0, FIXED(6, 0x3f, 3), 18, SCSI_UNIT_ATTENTION },
	{ "aborted", 0x02, 0, 0, FIXED(0xb, 0x08, 0), 18, SCSI_ABORTED },
	{ "data protect", 0x02, 0, 0, FIXED(7, 0x27, 0), 18, SCSI_CHECK },
	{ "deferred counts as attention", 0x02, 0, 0,
	  { 0x71, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0 }, 18, SCSI_UNIT_ATTENTION },
	{ "filemark bits do not disturb the key", 0x02, 0, 0,
	  { 0xf0, 0, 0xe2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 0xb }, 18, SCSI_STANDBY },
	/* fixed, cut short */
	{ "13 bytes: key only", 0x02, 0, 0, FIXED(2, 0x04, 0x0b), 13, SCSI_NOT_READY },
	{ "14 bytes are enough", 0x02, 0, 0, FIXED(2, 0x04, 0x0b), 14, SCSI_STANDBY },
	{ "length says shorter", 0x02, 0, 0,
	  { 0x70, 0, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 4, 0xb }, 18, SCSI_NOT_READY },
	{ "length says just enough", 0x02, 0, 0,
	  { 0x70, 0, 2, 0, 0, 0, 0, 6, 0, 0, 0, 0, 4, 0xb }, 18, SCSI_STANDBY },
	{ "3 bytes", 0x02, 0, 0, FIXED(6, 0x29, 0), 3, SCSI_UNIT_ATTENTION },
	{ "2 bytes", 0x02, 0, 0, FIXED(6, 0x29, 0), 2, SCSI_CHECK },
	/* descriptor format */
	{ "d standby", 0x02, 0, 0, DESCRIPTOR(2, 0x04, 0x0b), 8, SCSI_STANDBY },
	{ "d transition", 0x02, 0, 0, DESCRIPTOR(2, 0x04, 0x0a), 8, SCSI_TRANSITION },
	{ "d LUN gone", 0x02, 0, 0, DESCRIPTOR(5, 0x25, 0), 8, SCSI_LUN_GONE },
	{ "d attention", 0x02, 0, 0, DESCRIPTOR(6, 0x2a, 6), 8, SCSI_UNIT_ATTENTION },
	{ "d four bytes", 0x02, 0, 0, DESCRIPTOR(2, 0x04, 0x0b), 4, SCSI_STANDBY },
	{ "d three bytes", 0x02, 0, 0, DESCRIPTOR(2, 0x04, 0x0b), 3, SCSI_NOT_READY },
	{ "d one byte", 0x02, 0, 0, DESCRIPTOR(2, 0x04, 0x0b), 1, SCSI_CHECK },
	{ "d deferred", 0x02, 0, 0, { 0x73, 3, 0x11, 0 }, 8, SCSI_UNIT_ATTENTION },
	/* garbage */
	{ "vendor format 7f", 0x02, 0, 0, { 0x7f, 2, 4, 0xb }, 18, SCSI_CHECK },
	{ "all ones", 0x02, 0, 0, { 0xff, 0xff, 0xff, 0xff }, 18, SCSI_CHECK },
	{ "all zero", 0x02, 0, 0, { 0 }, 18, SCSI_CHECK },
	/* sense with GOOD is nothing, unless the driver byte announces it */
	{ "good with left-over sense", 0x00, 0, 0, FIXED(2, 0x04, 0x0b), 18, SCSI_GOOD },
	{ "driver says sense", 0x00, 0, 0x08, FIXED(2, 0x04, 0x0b), 18, SCSI_STANDBY },
	{ "driver says sense, check condition", 0x02, 0, 0x08, FIXED(6, 0x29, 0), 18,
	  SCSI_UNIT_ATTENTION },
	{ "driver says sense, suggestion bits", 0x02, 0, 0x28, FIXED(6, 0x29, 0), 18,
	  SCSI_UNIT_ATTENTION },
	{ "driver timeout", 0x00, 0, 0x06, { 0 }, 0, SCSI_HOST_TIMEOUT },
	{ "driver error", 0x00, 0, 0x04, { 0 }, 0, SCSI_HOST_ERROR },
	/* host byte */
	{ "no connect", 0x00, 0x01, 0, { 0 }, 0, SCSI_NO_CONNECT },
	{ "bus busy", 0x00, 0x02, 0, { 0 }, 0, SCSI_HOST_RETRY },
	{ "time out", 0x00, 0x03, 0, { 0 }, 0, SCSI_HOST_TIMEOUT },
	{ "bad target", 0x00, 0x04, 0, { 0 }, 0, SCSI_NO_CONNECT },
	{ "abort", 0x00, 0x05, 0, { 0 }, 0, SCSI_HOST_ERROR },
	{ "parity", 0x00, 0x06, 0, { 0 }, 0, SCSI_HOST_ERROR },
	{ "error", 0x00, 0x07, 0, { 0 }, 0, SCSI_HOST_ERROR },
	{ "reset", 0x00, 0x08, 0, { 0 }, 0, SCSI_HOST_RETRY },
	{ "soft error", 0x00, 0x0b, 0, { 0 }, 0, SCSI_HOST_RETRY },
	{ "immediate retry", 0x00, 0x0c, 0, { 0 }, 0, SCSI_HOST_RETRY },
	{ "requeue", 0x00, 0x0d, 0, { 0 }, 0, SCSI_HOST_RETRY },
	{ "transport disrupted", 0x00, 0x0e, 0, { 0 }, 0, SCSI_DISRUPTED },
	{ "transport failfast", 0x00, 0x0f, 0, { 0 }, 0, SCSI_FAILFAST },
	{ "transport marginal", 0x00, 0x14, 0, { 0 }, 0, SCSI_HOST_ERROR },
	{ "unheard of", 0x00, 0x7f, 0, { 0 }, 0, SCSI_HOST_ERROR },
	{ "host byte before status", 0x02, 0x0e, 0x08, FIXED(6, 0x29, 0), 18, SCSI_DISRUPTED },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		enum scsi_result result = scsi_classify(&(struct scsi_end){
			.status = row->status,
			.host = row->host,
			.driver = row->driver,
			.sense = row->sense,
			.sense_size = row->size,
		});

		if (result != row->result)
			fail_msg("%s: %s instead of %s", row->what, scsi_result_text(result),
				 scsi_result_text(row->result));
	}
}

/* Every length of every format, in a buffer of exactly that length: a read past the end is
 * the sanitizer's or valgrind's to see; the result must not depend on what lies behind. */
static void test_cut(void **state)
{
	static const uint8_t formats[] = { 0x70, 0x71, 0x72, 0x73, 0xf0, 0x00, 0x7f };

	(void)state;
	for (size_t f = 0; f < sizeof(formats); f++) {
		for (size_t size = 0; size <= 64; size++) {
			uint8_t *exact = malloc(size ? size : 1), padded[64];
			struct scsi_sense a, b;
			int ra, rb;

			assert_non_null(exact);
			memset(padded, 0x5a, sizeof(padded));
			for (size_t i = 0; i < size; i++)
				padded[i] = i ? (uint8_t)(i * 7) : formats[f];
			memcpy(exact, padded, size);
			memset(&a, 0, sizeof(a));
			memset(&b, 0, sizeof(b));
			ra = sense_decode(exact, size, &a);
			rb = sense_decode(padded, size, &b);
			assert_int_equal(ra, rb);
			assert_memory_equal(&a, &b, sizeof(a));
			free(exact);
		}
	}
	assert_int_equal(sense_decode(NULL, 18, NULL), -EINVAL);
}

static void test_failure_leaves_result(void **state)
{
	struct scsi_sense sense = { .key = 9, .asc = 8, .ascq = 7 };
	uint8_t bad[18] = { 0x42 };

	(void)state;
	assert_int_equal(sense_decode(bad, sizeof(bad), &sense), -EINVAL);
	assert_int_equal(sense.key, 9);
	assert_int_equal(sense.asc, 8);
	assert_int_equal(sense.ascq, 7);
}

static void test_random(void **state)
{
	unsigned int seed = 20261;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t sense[24];
		struct scsi_end end = { .sense = sense };

		for (size_t j = 0; j < sizeof(sense); j++)
			sense[j] = (uint8_t)rand_r(&seed);
		if (i & 1)
			sense[0] = (uint8_t)(0x70 + (i >> 1) % 4);
		end.sense_size = (size_t)rand_r(&seed) % (sizeof(sense) + 1);
		end.status = (uint8_t)rand_r(&seed);
		end.host = (uint16_t)((i & 4) ? 0 : rand_r(&seed) % 32);
		end.driver = (uint16_t)(rand_r(&seed) % 16);
		assert_in_range(scsi_classify(&end), 0, SCSI_RESULT_MAX - 1);
		/* whatever else is said, a conflict is one */
		end.status = 0x18;
		assert_int_equal(scsi_classify(&end), SCSI_RESERVATION_CONFLICT);
	}
}

static void test_texts(void **state)
{
	(void)state;
	for (int i = 0; i < SCSI_RESULT_MAX; i++) {
		assert_non_null(scsi_result_text((enum scsi_result)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(scsi_result_text((enum scsi_result)i),
						scsi_result_text((enum scsi_result)j));
	}
	assert_string_equal(scsi_result_text((enum scsi_result)SCSI_RESULT_MAX),
			    "unknown result");
}

/* Only what another try may change, and nothing that would sleep in a blocked queue. */
static void test_retry(void **state)
{
	(void)state;
	for (int i = 0; i < SCSI_RESULT_MAX; i++) {
		enum scsi_result r = (enum scsi_result)i;

		assert_int_equal(scsi_result_retry(r),
				 r == SCSI_UNIT_ATTENTION || r == SCSI_ABORTED ||
					 r == SCSI_HOST_RETRY || r == SCSI_HOST_ERROR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	  cmocka_unit_test(test_cut),
		cmocka_unit_test(test_random),	  cmocka_unit_test(test_failure_leaves_result),
		cmocka_unit_test(test_texts),	  cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
