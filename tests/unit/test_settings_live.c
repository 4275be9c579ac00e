/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/quick/settings.h"

static struct quick_settings settings;

static void use(const char *text)
{
	char message[SETTINGS_MESSAGE_MAX];

	if (settings_parse(text, "f", &settings, message) != 0)
		fail_msg("%s", message);
}

static void check(struct settings_fact fact, enum settings_fit fit, const char *expected)
{
	char message[SETTINGS_MESSAGE_MAX];

	fact.target = "t";
	fact.portal = "10.0.1.2:3260";
	assert_int_equal(settings_check_live(&settings, &fact, 1, message), fit);
	assert_string_equal(message, expected);
}

#define LOCAL .rtt_us = 300, .rto_us = 204000 /* as measured, under load too */

static void all_is_well(void **state)
{
	static const char *const texts[] = {"", "[timing]\nprofile = safe\n",
					    "[timing]\nprofile = fast\n",
					    "[timing]\nprofile = fast\ntune_routes = yes\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		use(texts[i]);
		check((struct settings_fact){LOCAL}, SETTINGS_FIT, "");
		check((struct settings_fact){.rtt_us = 300, .rto_us = 212000}, SETTINGS_FIT, "");
		check((struct settings_fact){0}, SETTINGS_FIT, "");
		check((struct settings_fact){LOCAL, .queueing_ms = 60000}, SETTINGS_FIT, "");
		check((struct settings_fact){LOCAL, .queueing_ms = UINT64_MAX}, SETTINGS_FIT, "");
	}
	check((struct settings_fact){.rtt_us = 300, .rto_us = 54000, .routes_tuned = true},
	      SETTINGS_FIT, "");
}

static void round_trips(void **state)
{
	(void)state;
	use("[timing]\nprofile = fast\n");
	/* five round trips in an RTO: it is nothing but its floor */
	check((struct settings_fact){.rtt_us = 49000, .rto_us = 249000}, SETTINGS_FIT, "");
	check((struct settings_fact){.rtt_us = 60000, .rto_us = 265000}, SETTINGS_WARNING,
	      "user_timeout_ms 250 of target t is short for 10.0.1.2:3260 (round trip 60 ms, RTO "
	      "265 "
	      "ms): 663 is used there");
	check((struct settings_fact){.rtt_us = 125000, .rto_us = 330000}, SETTINGS_REFUSED,
	      "user_timeout_ms 250 of target t is not above the 250 ms in which 10.0.1.2:3260 "
	      "answers "
	      "a retransmission: one lost segment would end a healthy connection");
	/* a short round trip that varies much */
	check((struct settings_fact){.rtt_us = 1000, .rto_us = 449000}, SETTINGS_FIT, "");
	check((struct settings_fact){.rtt_us = 1000, .rto_us = 450000}, SETTINGS_REFUSED,
	      "user_timeout_ms 250 of target t is not above the 250 ms in which 10.0.1.2:3260 "
	      "answers "
	      "a retransmission: one lost segment would end a healthy connection");
	check((struct settings_fact){.rtt_us = 250000}, SETTINGS_REFUSED,
	      "user_timeout_ms 250 of target t is not above the round trip measured to "
	      "10.0.1.2:3260, 250 ms");
	use("[timing]\nprofile = fast\narm = off\n");
	check((struct settings_fact){.rtt_us = 250000, .rto_us = 699999}, SETTINGS_FIT, "");
	check((struct settings_fact){.rtt_us = 250000, .rto_us = 700000}, SETTINGS_REFUSED,
	      "connection_dead_ms 700 of target t is not above TCP's RTO to 10.0.1.2:3260, 700 ms: "
	      "nothing has been sent again by then");
	check((struct settings_fact){.rtt_us = 700001}, SETTINGS_REFUSED,
	      "connection_dead_ms 700 of target t is not above the round trip measured to "
	      "10.0.1.2:3260, 701 ms");
	use("[timing]\nprofile = fast\narm = off\nrelease = off\n");
	check((struct settings_fact){.rtt_us = 5000000, .rto_us = 9000000, .queueing_ms = 1},
	      SETTINGS_FIT, "");
}

/* What a change of tune_routes does to the RTO is reckoned with. */
static void tuned_routes(void **state)
{
	(void)state;
	use("[timing]\nprofile = fast\ntune_routes = yes\n");
	check((struct settings_fact){LOCAL}, SETTINGS_FIT, "");
	check((struct settings_fact){.rtt_us = 20000, .rto_us = 220000}, SETTINGS_WARNING,
	      "user_timeout_ms 150 of target t is short for 10.0.1.2:3260 (round trip 20 ms, RTO "
	      "70 "
	      "ms): 175 is used there");
	check((struct settings_fact){.rtt_us = 20000, .rto_us = 70000, .routes_tuned = true},
	      SETTINGS_WARNING,
	      "user_timeout_ms 150 of target t is short for 10.0.1.2:3260 (round trip 20 ms, RTO "
	      "70 "
	      "ms): 175 is used there");
	/* what the RTO has above its floor stays */
	check((struct settings_fact){.rtt_us = 300, .rto_us = 350000}, SETTINGS_REFUSED,
	      "user_timeout_ms 150 of target t is not above the 150 ms in which 10.0.1.2:3260 "
	      "answers "
	      "a retransmission: one lost segment would end a healthy connection");
	use("[timing]\nprofile = fast\n");
	check((struct settings_fact){.rtt_us = 20000, .rto_us = 70000, .routes_tuned = true},
	      SETTINGS_FIT, "");
}

static void queueing(void **state)
{
	static const char refused[] =
		"longest deadline of target t and rise_ms, together 7000 ms, are above the 6999 ms "
		"for which a map of it queues (no_path_retry): shorten them or raise no_path_retry";

	(void)state;
	use("");
	check((struct settings_fact){LOCAL, .queueing_ms = 7000}, SETTINGS_FIT, "");
	check((struct settings_fact){LOCAL, .queueing_ms = 6999}, SETTINGS_REFUSED, refused);
	use("[timing]\nlun_dead_ms = 0\n");
	check((struct settings_fact){LOCAL, .queueing_ms = 3500}, SETTINGS_FIT, "");
	use("[timing]\nrelease = off\n");
	check((struct settings_fact){LOCAL, .queueing_ms = 1500}, SETTINGS_FIT, "");
}

/* The worst of several is told, and a target's own values are what counts for it. */
static void several(void **state)
{
	const struct settings_fact facts[] = {
		{.target = "iqn.a", .portal = "p1", .rtt_us = 60000, .rto_us = 265000},
		{.target = "iqn.b", .portal = "p2", .rtt_us = 300000, .rto_us = 800000},
		{.target = "iqn.a", .portal = "p3", .rtt_us = 130000, .rto_us = 340000},
	};
	char message[SETTINGS_MESSAGE_MAX];

	(void)state;
	use("[timing]\nprofile = fast\n[target iqn.b]\nfloor_ms = 2000\n");
	assert_int_equal(settings_check_live(&settings, facts, 2, message), SETTINGS_WARNING);
	assert_int_equal(settings_check_live(&settings, facts, 3, message), SETTINGS_REFUSED);
	assert_string_equal(
		message, "user_timeout_ms 250 of target iqn.a is not above the 260 ms in which p3 "
			 "answers a retransmission: one lost segment would end a healthy "
			 "connection");
	assert_int_equal(settings_check_live(&settings, facts, 0, message), SETTINGS_FIT);
	assert_string_equal(message, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),	cmocka_unit_test(round_trips),
		cmocka_unit_test(tuned_routes), cmocka_unit_test(queueing),
		cmocka_unit_test(several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
