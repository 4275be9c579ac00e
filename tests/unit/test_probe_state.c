/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events in, state and next step out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "common/clock.h"
#include "daemon/probe_state.h"

#define S NS_PER_S

static const struct probe_limits limits = {
	.interval_ms = 250,
	.idle_interval_ms = 1000,
	.misses_silent = 3,
	.retry_min_ms = 500,
	.retry_max_ms = 8000,
	.tcp_interval_ms = 1000,
	.login_retry_ms = 60000,
	.slow_retry_ms = 30000,
};

static struct probe_machine machine;
static uint64_t now_ns;
static struct probe_step step;

static int fresh(void **state)
{
	(void)state;
	now_ns = 1000 * S;
	probe_machine_init(&machine, false, &limits, now_ns);
	return 0;
}

static void tell(enum probe_event_type type, int error, uint32_t status)
{
	const struct probe_event event = {
		.type = type,
		.error = error,
		.status = status,
		.now_ns = now_ns,
		.sent_ns = now_ns - 100 * NS_PER_US,
		.sample = true,
		.random = 12345,
	};

	step = probe_machine_event(&machine, &limits, &event);
}

static void log_in(void)
{
	tell(PROBE_EV_LOGGED_IN, 0, 0);
	assert_false(step.drop);
	tell(PROBE_EV_ANSWERED, 0, 0);
	assert_int_equal(machine.state, PROBE_UP);
}

static void up_by_an_answer_only(void **state)
{
	(void)state;
	assert_int_equal(machine.state, PROBE_CONNECTING);
	tell(PROBE_EV_LOGGED_IN, 0, 0);
	assert_int_equal(machine.state, PROBE_CONNECTING);
	tell(PROBE_EV_ANSWERED, 0, 0);
	assert_int_equal(machine.state, PROBE_UP);
	assert_true(machine.last_good_ns == now_ns);
	assert_int_equal(machine.rtt.smoothed_us, 100);
}

static void late_then_silent_then_up(void **state)
{
	(void)state;
	log_in();
	for (unsigned int i = 1; i <= 5; i++) {
		now_ns += S / 4;
		tell(PROBE_EV_MISSED, 0, 0);
		assert_false(step.drop);
		assert_int_equal(machine.misses, i);
		assert_int_equal(machine.state, i < 3 ? PROBE_LATE : PROBE_SILENT);
	}
	/* since the first of them, not the last */
	assert_true(machine.silent_since_ns == now_ns - S - 100 * NS_PER_US);
	tell(PROBE_EV_ANSWERED, 0, 0);
	assert_int_equal(machine.state, PROBE_UP);
	assert_int_equal(machine.misses, 0);
	assert_true(!machine.silent_since_ns);
}

static void misses_must_be_in_a_row(void **state)
{
	(void)state;
	log_in();
	for (int i = 0; i < 10; i++) {
		tell(PROBE_EV_MISSED, 0, 0);
		tell(PROBE_EV_MISSED, 0, 0);
		assert_int_equal(machine.state, PROBE_LATE);
		tell(PROBE_EV_ANSWERED, 0, 0);
		assert_int_equal(machine.state, PROBE_UP);
	}
}

static void an_outage_is_no_round_trip(void **state)
{
	struct probe_event late = {.type = PROBE_EV_ANSWERED, .sample = true};

	(void)state;
	log_in();
	for (int i = 0; i < 3; i++)
		tell(PROBE_EV_MISSED, 0, 0);
	late.sent_ns = now_ns;
	late.now_ns = now_ns + 5 * S;
	probe_machine_event(&machine, &limits, &late);
	assert_int_equal(machine.state, PROBE_UP);
	assert_int_equal(machine.rtt.smoothed_us, 100);
	/* nor is what our own lateness has spoilt */
	late.sample = false;
	probe_machine_event(&machine, &limits, &late);
	assert_int_equal(machine.rtt.smoothed_us, 100);
}

static void outcomes_of_connecting(void **state)
{
	(void)state;
	tell(PROBE_EV_CONNECT_FAILED, -ECONNREFUSED, 0);
	assert_int_equal(machine.state, PROBE_REFUSED);
	assert_true(step.drop);
	tell(PROBE_EV_CONNECT_FAILED, -ETIMEDOUT, 0);
	assert_int_equal(machine.state, PROBE_UNREACHABLE);
	tell(PROBE_EV_CONNECT_FAILED, -EHOSTUNREACH, 0);
	assert_int_equal(machine.state, PROBE_UNREACHABLE);
	assert_int_equal(machine.error, -EHOSTUNREACH);
	tell(PROBE_EV_LOCAL, -ENODEV, 0);
	assert_int_equal(machine.state, PROBE_LOCAL);
	tell(PROBE_EV_LOGIN_FAILED, -ETIMEDOUT, 0);
	assert_int_equal(machine.state, PROBE_LOGIN_FAILED);
	assert_int_equal(machine.login_status, 0);
	tell(PROBE_EV_REDIRECTED, 0, 0x0101);
	assert_int_equal(machine.state, PROBE_REDIRECTED);
	assert_in_range(step.delay_ms, 22500, 37500);
	log_in();
	assert_int_equal(machine.login_status, 0);
	assert_int_equal(machine.error, 0);
}

static void state_stays_while_trying_again(void **state)
{
	(void)state;
	log_in();
	for (int i = 0; i < 3; i++)
		tell(PROBE_EV_MISSED, 0, 0);
	tell(PROBE_EV_STUCK, 0, 0);
	assert_true(step.drop);
	assert_int_equal(machine.state, PROBE_SILENT);
	tell(PROBE_EV_LOGGED_IN, 0, 0);
	assert_int_equal(machine.state, PROBE_SILENT);
	tell(PROBE_EV_MISSED, 0, 0);
	assert_int_equal(machine.state, PROBE_SILENT);
	tell(PROBE_EV_ANSWERED, 0, 0);
	assert_int_equal(machine.state, PROBE_UP);
}

static void pauses_grow(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (int i = 0; i < 6; i++) {
		tell(PROBE_EV_LOGIN_FAILED, -ETIMEDOUT, 0);
		assert_true(step.delay_ms > last || step.delay_ms >= 6000);
		last = step.delay_ms;
	}
	assert_in_range(last, 6000, 10000);
	/* connects are cheap: half of that */
	tell(PROBE_EV_CONNECT_FAILED, -ECONNREFUSED, 0);
	assert_in_range(step.delay_ms, 3000, 5000);
}

static void good_session_comes_back_quickly(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		tell(PROBE_EV_CONNECT_FAILED, -ECONNREFUSED, 0);
	log_in();
	now_ns += 60 * S;
	tell(PROBE_EV_LOST, -ECONNRESET, 0);
	assert_int_equal(machine.state, PROBE_LOST);
	assert_in_range(step.delay_ms, 93, 157);
}

static void short_sessions_do_not(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		log_in();
		now_ns += S / 10;
		tell(PROBE_EV_LOST, -ECONNRESET, 0);
	}
	assert_in_range(step.delay_ms, 3000, 5000);
}

static void credentials_are_not_hammered(void **state)
{
	(void)state;
	for (uint32_t status = 0x0201; status <= 0x0202; status++) {
		tell(PROBE_EV_LOGIN_REJECTED, 0, status);
		assert_int_equal(machine.state, PROBE_LOGIN_FAILED);
		assert_int_equal(machine.login_status, status);
		assert_in_range(step.delay_ms, 22500, 37500);
	}
	tell(PROBE_EV_LOGIN_FAILED, -EACCES, 0); /* the target failed to prove itself */
	assert_in_range(step.delay_ms, 22500, 37500);
}

static void refusing_statuses(void **state)
{
	int refusing = 0;

	(void)state;
	for (uint32_t status = 0x0200; status < 0x0400; status++) {
		fresh(NULL);
		tell(PROBE_EV_LOGIN_REJECTED, 0, status);
		if (probe_status_refuses_session(status)) {
			refusing++;
			assert_int_equal(machine.state, PROBE_TCP_ONLY);
			assert_true(machine.tcp_only);
		} else {
			assert_int_equal(machine.state, PROBE_LOGIN_FAILED);
			assert_false(machine.tcp_only);
		}
		assert_true(step.drop);
	}
	assert_int_equal(refusing, 4);
	assert_true(probe_status_refuses_session(0x0206));
	assert_true(probe_status_refuses_session(0x0302));
	assert_false(probe_status_refuses_session(0x0301));
}

static void tcp_only(void **state)
{
	(void)state;
	tell(PROBE_EV_LOGIN_REJECTED, 0, 0x0206);
	assert_in_range(step.delay_ms, 900, 1100);
	tell(PROBE_EV_TCP_OK, 0, 0);
	assert_int_equal(machine.state, PROBE_TCP_ONLY);
	assert_int_equal(machine.rtt.smoothed_us, 100);
	tell(PROBE_EV_TCP_FAILED, -ETIMEDOUT, 0);
	assert_int_equal(machine.state, PROBE_LATE);
	tell(PROBE_EV_TCP_FAILED, -ETIMEDOUT, 0);
	assert_int_equal(machine.state, PROBE_UNREACHABLE);
	tell(PROBE_EV_TCP_OK, 0, 0);
	assert_int_equal(machine.state, PROBE_TCP_ONLY);
	tell(PROBE_EV_TCP_FAILED, -ECONNREFUSED, 0);
	assert_int_equal(machine.state, PROBE_REFUSED);
}

static void login_where_refused(void **state)
{
	uint64_t first, second;

	(void)state;
	/* not known yet whether it takes two */
	assert_true(probe_machine_login_due(&machine, true, now_ns));
	assert_false(probe_machine_login_due(&machine, false, now_ns));
	tell(PROBE_EV_LOGIN_REJECTED, 0, 0x0206);
	first = machine.next_login_ns - now_ns;
	assert_in_range(first / S, 45, 75);
	assert_false(probe_machine_login_due(&machine, true, now_ns));
	now_ns += 80 * S;
	assert_true(probe_machine_login_due(&machine, true, now_ns));
	/* never while the kernel has no session: it might take its place */
	assert_false(probe_machine_login_due(&machine, false, now_ns));
	tell(PROBE_EV_LOGIN_REJECTED, 0, 0x0206);
	second = machine.next_login_ns - now_ns;
	assert_true(second > first * 3 / 2);
	for (int i = 0; i < 20; i++)
		tell(PROBE_EV_LOGIN_REJECTED, 0, 0x0206);
	assert_in_range((machine.next_login_ns - now_ns) / S, 60 * 12, 60 * 20);
	/* an attempt that comes to nothing otherwise counts too */
	now_ns = machine.next_login_ns;
	tell(PROBE_EV_LOGIN_FAILED, -ETIMEDOUT, 0);
	assert_false(probe_machine_login_due(&machine, true, now_ns));
	now_ns = machine.next_login_ns;
	tell(PROBE_EV_LOGGED_IN, 0, 0);
	assert_false(machine.tcp_only);
	assert_true(probe_machine_login_due(&machine, false, now_ns));
}

static void remembered_by_the_next_child(void **state)
{
	(void)state;
	probe_machine_init(&machine, true, &limits, now_ns);
	assert_false(probe_machine_login_due(&machine, true, now_ns));
	tell(PROBE_EV_TCP_OK, 0, 0);
	assert_int_equal(machine.state, PROBE_TCP_ONLY);
	assert_true(probe_machine_login_due(&machine, true, now_ns + 61 * S));
}

static void misses_do_not_overflow(void **state)
{
	(void)state;
	machine.misses = PROBE_MISSES_MAX - 1;
	for (int i = 0; i < 5; i++)
		tell(PROBE_EV_MISSED, 0, 0);
	assert_int_equal(machine.misses, PROBE_MISSES_MAX);
}

/* Any events in any order: what is said stays true. */
static void any_order(void **state)
{
	uint64_t random = 5;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct probe_event event = {.sample = true};

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		now_ns += random >> 35;
		event.type = (enum probe_event_type)((random >> 33) % PROBE_EV_MAX);
		event.error = -(int32_t)(1 + (random >> 40) % 133);
		event.status = 0x0200 + (uint32_t)((random >> 45) % 0x200);
		event.now_ns = now_ns;
		event.sent_ns = now_ns - (random >> 36);
		event.random = (uint32_t)(random >> 20);
		step = probe_machine_event(&machine, &limits, &event);
		assert_in_range(machine.state, PROBE_CONNECTING, PROBE_STATE_MAX - 1);
		assert_true(machine.state != PROBE_UP ||
			    (!machine.misses && machine.last_good_ns));
		assert_true(machine.state != PROBE_SILENT ||
			    (machine.misses >= 3 && machine.silent_since_ns));
		assert_true(machine.last_good_ns <= now_ns &&
			    machine.silent_since_ns <= now_ns);
		assert_true(!step.drop || step.delay_ms > 0);
		assert_true(step.delay_ms <= 37500);
	}
}

static struct probe_pause pause_at(uint64_t at_ns, bool hurry)
{
	return probe_machine_pause(&machine, &limits, hurry, at_ns, 12345);
}

/* Who answers is asked in step with all others, seldom where there is no hurry. */
static void pauses_in_step(void **state)
{
	struct probe_pause pause;

	(void)state;
	log_in();
	pause = pause_at(1000 * S + 1, true);
	assert_true(pause.until_ns == 1000 * S + S / 4 && !pause.leisurely);
	pause = pause_at(1000 * S + S / 4, true);
	assert_true(pause.until_ns == 1000 * S + S / 2 && !pause.leisurely);
	pause = pause_at(1000 * S, false);
	assert_true(pause.until_ns == 1001 * S && pause.leisurely);
	pause = pause_at(1001 * S - 1, false);
	assert_true(pause.until_ns == 1001 * S && pause.leisurely);
}

/* Who owes an answer is asked in haste, whatever is wanted. */
static void no_leisure_after_a_miss(void **state)
{
	struct probe_pause pause;

	(void)state;
	pause = pause_at(now_ns, false); /* nothing known yet */
	assert_false(pause.leisurely);
	log_in();
	tell(PROBE_EV_MISSED, 0, 0);
	pause = pause_at(now_ns, false);
	assert_false(pause.leisurely);
	assert_in_range(pause.until_ns - now_ns, 225 * NS_PER_MS, 275 * NS_PER_MS);
	tell(PROBE_EV_ANSWERED, 0, 0);
	assert_true(pause_at(now_ns, false).leisurely);
}

/* An idle interval that is none. */
static void no_leisure_wanted(void **state)
{
	struct probe_limits same = limits;
	struct probe_pause pause;

	(void)state;
	log_in();
	same.idle_interval_ms = same.interval_ms;
	pause = probe_machine_pause(&machine, &same, false, 1000 * S, 12345);
	assert_true(pause.until_ns == 1000 * S + S / 4 && !pause.leisurely);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(up_by_an_answer_only, fresh),
		cmocka_unit_test_setup(late_then_silent_then_up, fresh),
		cmocka_unit_test_setup(misses_must_be_in_a_row, fresh),
		cmocka_unit_test_setup(an_outage_is_no_round_trip, fresh),
		cmocka_unit_test_setup(outcomes_of_connecting, fresh),
		cmocka_unit_test_setup(state_stays_while_trying_again, fresh),
		cmocka_unit_test_setup(pauses_grow, fresh),
		cmocka_unit_test_setup(good_session_comes_back_quickly, fresh),
		cmocka_unit_test_setup(short_sessions_do_not, fresh),
		cmocka_unit_test_setup(credentials_are_not_hammered, fresh),
		cmocka_unit_test_setup(refusing_statuses, fresh),
		cmocka_unit_test_setup(tcp_only, fresh),
		cmocka_unit_test_setup(login_where_refused, fresh),
		cmocka_unit_test_setup(remembered_by_the_next_child, fresh),
		cmocka_unit_test_setup(misses_do_not_overflow, fresh),
		cmocka_unit_test_setup(any_order, fresh),
		cmocka_unit_test_setup(pauses_in_step, fresh),
		cmocka_unit_test_setup(no_leisure_after_a_miss, fresh),
		cmocka_unit_test_setup(no_leisure_wanted, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
