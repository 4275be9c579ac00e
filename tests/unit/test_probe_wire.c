/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between the engine and its child: what is put comes out, all else is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "common/parse.h"
#include "daemon/probe_state.h"
#include "daemon/probe_wire.h"

#define NOW 1000000000000ULL

static uint64_t seed = 99;

static uint32_t random32(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 32);
}

static size_t good_add(union probe_wire_message *message)
{
	struct probe_target target = {.kernel_logged_in = true};
	struct portal portal;

	assert_int_equal(
		copy_text(target.name.target, sizeof(target.name.target), "iqn.x:y"), 0);
	assert_int_equal(copy_text(target.initiator, sizeof(target.initiator), "iqn.h:i"),
			 0);
	assert_int_equal(portal_parse("[fd00::2]:3261", 3260, &portal), 0);
	assert_int_equal(ip_address_parse("fd00::1", &target.name.source), 0);
	return probe_wire_put_add(message, 7, &target, &portal, PROBE_FLAG_HEADER_DIGEST);
}

static size_t good_report(union probe_wire_message *message)
{
	size_t size = probe_wire_begin(message, PROBE_WIRE_REPORT, 9);

	message->report.state = PROBE_UP;
	message->report.last_good_ns = NOW - 5;
	message->report.rtt_us = 120;
	return size;
}

static void add_round_trip(void **state)
{
	union probe_wire_message message;
	struct ip_address address;
	char text[64];

	(void)state;
	assert_true(
		probe_wire_valid(&message, good_add(&message), PROBE_WIRE_TO_CHILD, NOW));
	assert_int_equal(message.add.port, 3261);
	assert_int_equal(message.header.id, 7);
	probe_wire_get_address(&address, &message.add.portal);
	assert_string_equal(ip_address_format(&address, text, sizeof(text)), "fd00::2");
	probe_wire_get_address(&address, &message.add.source);
	assert_string_equal(ip_address_format(&address, text, sizeof(text)), "fd00::1");
	assert_string_equal(message.add.target, "iqn.x:y");
}

static void report_round_trip(void **state)
{
	union probe_wire_message message;
	struct probe_report report;
	size_t size = good_report(&message);

	(void)state;
	probe_wire_text(message.report.text, sizeof(message.report.text), "a\nb\xffz");
	assert_true(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	probe_wire_get_report(&report, &message.report, NOW);
	assert_int_equal(report.state, PROBE_UP);
	assert_int_equal(report.rtt_us, 120);
	assert_true(report.updated_ns == NOW && report.last_good_ns == NOW - 5);
	assert_string_equal(report.text, "a?b?z");
}

static void config_round_trip(void **state)
{
	union probe_wire_message message;
	struct probe_config config, back;
	size_t size;

	(void)state;
	probe_config_default(&config);
	assert_null(probe_config_check(&config));
	config.interval_ms = 777;
	config.login_retry_ms = 12345;
	size = probe_wire_put_config(&message, &config);
	assert_true(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
	probe_wire_get_config(&back, &message.config);
	assert_memory_equal(&back, &config, sizeof(back));
	message.config.interval_ms = 0;
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
}

static void config_limits(void **state)
{
	struct probe_config config;

	(void)state;
	probe_config_default(&config);
	config.misses_silent = 13;
	assert_string_equal(probe_config_check(&config), "misses_silent must be 1…12");
	config.misses_silent = 12;
	assert_null(probe_config_check(&config));
	config.nop_deadline_ms = 1001; /* above nop_deadline_max_ms */
	assert_non_null(probe_config_check(&config));
}

static void wrong_side_or_size(void **state)
{
	union probe_wire_message message;
	size_t size = good_add(&message);

	(void)state;
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	for (size_t other = 0; other <= sizeof(message); other++)
		if (other != size)
			assert_false(probe_wire_valid(&message, other,
						      PROBE_WIRE_TO_CHILD, NOW));
	size = good_report(&message);
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
	for (int type = -1; type < PROBE_WIRE_MAX + 5; type++) {
		size = good_report(&message);
		message.header.type = (uint16_t)type;
		if (type != PROBE_WIRE_REPORT)
			assert_false(probe_wire_valid(&message, size,
						      PROBE_WIRE_TO_ENGINE, NOW));
	}
}

#define REFUSED(field, value)                                                            \
	do {                                                                             \
		size_t n = good_report(&message);                                        \
		message.report.field = (value);                                          \
		assert_false(probe_wire_valid(&message, n, PROBE_WIRE_TO_ENGINE, NOW));  \
	} while (0)

static void impossible_reports(void **state)
{
	union probe_wire_message message;

	(void)state;
	REFUSED(state, PROBE_STATE_MAX);
	REFUSED(state, UINT32_MAX);
	REFUSED(last_good_ns, NOW + 1); /* from the future */
	REFUSED(last_good_ns, 0);	/* up, but nothing was ever good */
	REFUSED(silent_since_ns, NOW + 1);
	REFUSED(misses, 1);	      /* up, but missing answers */
	REFUSED(state, PROBE_SILENT); /* silent, but nothing missing */
	REFUSED(rtt_us, 60000001);
	REFUSED(rtt_var_us, 60000001);
	REFUSED(login_status, 0x10000);
	REFUSED(error, 1);
	REFUSED(error, -4096);
	REFUSED(text[0], '\n');
	REFUSED(header.id, 0);
	REFUSED(header.magic, 1);
	REFUSED(header.version, PROBE_WIRE_VERSION + 1);
}

static void text_must_end(void **state)
{
	union probe_wire_message message;
	size_t size = good_report(&message);

	(void)state;
	memset(message.report.text, 'x', sizeof(message.report.text));
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	message.report.text[sizeof(message.report.text) - 1] = 0;
	assert_true(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	size = good_add(&message);
	memset(message.add.chap.password, 'x', sizeof(message.add.chap.password));
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
}

/* Whatever bytes come, a report that is believed is one that can be. */
static void garbage(void **state)
{
	int believed = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		union probe_wire_message message;
		size_t size = good_report(&message);
		uint8_t *bytes = (uint8_t *)&message;

		for (uint32_t flips = random32() % 4; flips; flips--)
			bytes[random32() % size] ^= (uint8_t)(1U << (random32() % 8));
		if (!probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW))
			continue;
		believed++;
		assert_int_equal(message.header.type, PROBE_WIRE_REPORT);
		assert_in_range(message.report.state, 0, PROBE_STATE_MAX - 1);
		assert_true(message.report.last_good_ns <= NOW);
		assert_in_range(message.report.misses, 0, PROBE_MISSES_MAX);
		assert_non_null(
			memchr(message.report.text, 0, sizeof(message.report.text)));
	}
	assert_true(believed > 0);
	for (int round = 0; round < 20000; round++) {
		union probe_wire_message message;
		uint8_t *bytes = (uint8_t *)&message;

		for (size_t i = 0; i < sizeof(message); i++)
			bytes[i] = (uint8_t)random32();
		assert_false(probe_wire_valid(&message,
					      random32() % (sizeof(message) + 1),
					      PROBE_WIRE_TO_ENGINE, NOW));
	}
}

static size_t good_fence(union probe_wire_message *message)
{
	struct probe_target via = {.header_digest = true, .kernel_logged_in = true};

	copy_text(via.name.target, sizeof(via.name.target), "iqn.x:y");
	copy_text(via.initiator, sizeof(via.initiator), "iqn.h:i");
	copy_text(via.chap.user, sizeof(via.chap.user), "u");
	assert_int_equal(portal_parse("10.0.2.2", 3260, &via.name.portal), 0);
	return probe_wire_put_fence(message, 11, &via, 17, 1500);
}

static void fence_round_trip(void **state)
{
	union probe_wire_message message;
	size_t size = good_fence(&message);

	(void)state;
	assert_true(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	assert_int_equal(message.header.id, 11);
	assert_int_equal(message.fence.sid, 17);
	assert_int_equal(message.fence.add.flags, PROBE_FLAG_HEADER_DIGEST);
	assert_string_equal(message.fence.add.chap.user, "u");
	message.fence.deadline_ms = 9;
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
	message.fence.deadline_ms = 60001;
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
	size = good_fence(&message);
	message.fence.add.initiator[0] = 0;
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_CHILD, NOW));
}

static void fenced_is_checked(void **state)
{
	union probe_wire_message message;
	size_t size = probe_wire_begin(&message, PROBE_WIRE_FENCED, 11);

	(void)state;
	assert_true(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	message.fenced.login_status = 0x0201; /* refused, and granted? */
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	message.fenced.error = -13;
	assert_true(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	message.fenced.error = 1;
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
	message.fenced.error = -13;
	message.fenced.text[0] = '\n';
	assert_false(probe_wire_valid(&message, size, PROBE_WIRE_TO_ENGINE, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fence_round_trip),
		cmocka_unit_test(fenced_is_checked),
		cmocka_unit_test(add_round_trip),
		cmocka_unit_test(report_round_trip),
		cmocka_unit_test(config_round_trip),
		cmocka_unit_test(config_limits),
		cmocka_unit_test(wrong_side_or_size),
		cmocka_unit_test(impossible_reports),
		cmocka_unit_test(text_must_end),
		cmocka_unit_test(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
