/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Over which portal a dead session is fenced off. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/parse.h"
#include "daemon/quick/fence.h"

#define SINCE 1000

static struct path_name names[4];
static struct fence_session all[4];

static void name(size_t i, const char *target, int tpgt, const char *portal)
{
	names[i] = (struct path_name){.tpgt = tpgt};
	assert_int_equal(copy_text(names[i].target, sizeof(names[i].target), target), 0);
	assert_int_equal(portal_parse(portal, 3260, &names[i].portal), 0);
}

/* Session 0 is dead; 1 and 2 lie in its portal group, 3 does not. All but 0 answer. */
static int set_up(void **state)
{
	(void)state;
	name(0, "iqn.x:a", 1, "10.0.1.2");
	name(1, "iqn.x:a", 1, "10.0.2.2");
	name(2, "iqn.x:a", 1, "10.0.3.2");
	name(3, "iqn.x:a", 2, "10.0.4.2");
	for (size_t i = 0; i < 4; i++)
		all[i] = (struct fence_session){.name = &names[i],
						.initiator = "iqn.h:i",
						.healthy = i > 0,
						.answered_ns = SINCE + 10 * i};
	return 0;
}

static struct fence_choice choose(void)
{
	return fence_choose(&all[0], SINCE, all, 4);
}

static void last_answer_wins(void **state)
{
	(void)state;
	assert_int_equal(choose().reason, FENCE_FOUND);
	assert_int_equal(choose().index, 2);
	all[1].answered_ns = SINCE + 21;
	assert_int_equal(choose().index, 1);
	all[1].healthy = false;
	assert_int_equal(choose().index, 2);
}

static void must_have_answered_since(void **state)
{
	(void)state;
	all[1].answered_ns = all[2].answered_ns = SINCE;
	assert_int_equal(choose().reason, FENCE_NO_ANSWER);
	all[1].answered_ns = SINCE + 1;
	assert_int_equal(choose().reason, FENCE_FOUND);
	assert_int_equal(choose().index, 1);
	all[1].healthy = false;
	assert_int_equal(choose().reason, FENCE_NO_ANSWER);
}

static void only_in_the_group(void **state)
{
	(void)state;
	names[1].tpgt = names[2].tpgt = 2;
	assert_int_equal(choose().reason, FENCE_NO_PORTAL);
	names[1].tpgt = 1;
	strcpy(names[1].target, "iqn.x:b");
	assert_int_equal(choose().reason, FENCE_NO_PORTAL);
	strcpy(names[1].target, "iqn.x:a");
	all[1].initiator = "iqn.h:other"; /* another SCSI initiator port: another session */
	assert_int_equal(choose().reason, FENCE_NO_PORTAL);
	all[1].initiator = "iqn.h:i";
	assert_int_equal(choose().reason, FENCE_FOUND);
}

static void never_over_its_own_portal(void **state)
{
	(void)state;
	/* the same portal from another interface is as silent as the session itself, or soon */
	name(1, "iqn.x:a", 1, "10.0.1.2");
	name(2, "iqn.x:a", 1, "10.0.1.2");
	assert_int_equal(choose().reason, FENCE_NO_PORTAL);
	all[0].healthy = true; /* not even itself */
	assert_int_equal(choose().reason, FENCE_NO_PORTAL);
}

static void group_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		names[i].tpgt = -1;
	assert_int_equal(choose().reason, FENCE_NO_GROUP);
}

static void nothing_else(void **state)
{
	(void)state;
	assert_int_equal(fence_choose(&all[0], SINCE, NULL, 0).reason, FENCE_NO_PORTAL);
}

static void every_reason_has_a_text(void **state)
{
	(void)state;
	for (enum fence_reason i = 0; i < FENCE_REASON_MAX; i++)
		assert_true(strlen(fence_reason_text(i)) > 5);
	assert_string_equal(fence_reason_text(FENCE_REASON_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(last_answer_wins, set_up),
		cmocka_unit_test_setup(must_have_answered_since, set_up),
		cmocka_unit_test_setup(only_in_the_group, set_up),
		cmocka_unit_test_setup(never_over_its_own_portal, set_up),
		cmocka_unit_test_setup(group_unknown, set_up),
		cmocka_unit_test_setup(nothing_else, set_up),
		cmocka_unit_test_setup(every_reason_has_a_text, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
