/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/explain.h"
#include "tests/unit/policy_fixture.h"

#define ROLE   "standby: rule 2 of [lun mpatha], portal=10.0.2.2"
#define REASON "portal 10.0.2.2:3260 answers, LUN not tested"

/* A healthy standby behind the group in use: each case changes what it is about. */
static struct explain_state ready(void)
{
	return (struct explain_state){.has_map = true,
				      .in_map = true,
				      .usable = true,
				      .in_force = true,
				      .group = 1,
				      .current = 0,
				      .role = ROLE_STANDBY,
				      .verdict = VERDICT_UP};
}

static void no_map(struct explain_state *s) { s->has_map = s->in_map = s->usable = false; }
static void not_in_map(struct explain_state *s) { s->in_map = s->usable = false; }
static void failed(struct explain_state *s) { s->usable = false; }
static void excluded(struct explain_state *s)
{
	s->usable = false;
	s->role = ROLE_EXCLUDED;
	s->verdict = VERDICT_DOWN; /* exclusion says more */
}
static void held(struct explain_state *s)
{
	s->usable = false;
	s->hold = EXPLAIN_HELD_BY_US;
}
static void held_multipathd(struct explain_state *s)
{
	s->usable = false;
	s->hold = EXPLAIN_HELD_BY_MULTIPATHD;
}
static void down(struct explain_state *s)
{
	s->usable = false;
	s->verdict = VERDICT_DOWN;
}
static void suspect(struct explain_state *s)
{
	s->usable = false;
	s->verdict = VERDICT_PENDING;
}
static void in_use(struct explain_state *s)
{
	s->group = 0;
	s->role = ROLE_ACTIVE;
	s->by_plan = true;
}
static void in_use_standby(struct explain_state *s)
{
	in_use(s);
	s->role = ROLE_STANDBY;
}
static void in_use_excluded(struct explain_state *s)
{
	in_use(s);
	s->role = ROLE_EXCLUDED;
}
static void in_use_down(struct explain_state *s)
{
	in_use(s);
	s->verdict = VERDICT_TIMEOUT;
}
static void in_use_suspect(struct explain_state *s)
{
	in_use(s);
	s->verdict = VERDICT_PENDING;
}
static void in_use_pending(struct explain_state *s)
{
	in_use(s);
	s->in_force = s->by_plan = false;
}
static void excluded_soon(struct explain_state *s) { s->role = ROLE_EXCLUDED; }
static void down_idle(struct explain_state *s) { s->verdict = VERDICT_DOWN; }
static void suspect_idle(struct explain_state *s) { s->verdict = VERDICT_PENDING; }
static void disabled(struct explain_state *s) { s->disabled = true; }
static void pending(struct explain_state *s)
{
	s->in_force = false;
	s->by_plan = true;
}
static void failback(struct explain_state *s)
{
	s->group = 0;
	s->current = 1;
	s->role = ROLE_ACTIVE;
	s->by_plan = true;
}
static void standby(struct explain_state *s) { (void)s; }
static void behind(struct explain_state *s) { s->role = ROLE_ACTIVE; }

static const struct golden {
	enum why why;
	void (*change)(struct explain_state *s);
	bool carries;
	const char *sentence;
} golden[] = {
	{WHY_NO_MAP, no_map, false,
	 "no I/O: multipathd has made no map of this LUN; " ROLE "; " REASON},
	{WHY_NOT_IN_MAP, not_in_map, false,
	 "no I/O: not in the LUN's map, multipathd has not taken it in; " ROLE "; " REASON},
	{WHY_EXCLUDED, excluded, false, "never used: " ROLE "; kept failed in the kernel's map"},
	{WHY_HELD, held, false,
	 "no I/O: failed by an operator (mpathiscsi fail), until reinstated; " ROLE
	 ", group 2 of 3; " REASON},
	{WHY_HELD_MULTIPATHD, held_multipathd, false,
	 "no I/O: failed by an operator (multipathd fail path), until reinstated; " ROLE
	 ", group 2 of 3; " REASON},
	{WHY_DOWN, down, false, "no I/O: down, " REASON "; " ROLE ", group 2 of 3"},
	{WHY_SUSPECT, suspect, false,
	 "no I/O: failed in the kernel's map, " REASON "; " ROLE ", group 2 of 3"},
	{WHY_FAILED, failed, false,
	 "no I/O: failed in the kernel's map, by an I/O error or by hand, until multipathd's next "
	 "good check or `multipathd reinstate path`; " REASON "; " ROLE ", group 2 of 3"},
	{WHY_IN_USE_EXCLUDED, in_use_excluded, true,
	 "carries I/O although excluded (waiting); " ROLE "; group 1 of 3, in use"},
	{WHY_IN_USE_DOWN, in_use_down, true,
	 "in the group in use, but down: " REASON "; the kernel notices at the next I/O; " ROLE
	 ", group 1 of 3"},
	{WHY_IN_USE_SUSPECT, in_use_suspect, true,
	 "carries I/O, but suspect: " REASON "; " ROLE "; group 1 of 3, in use"},
	{WHY_IN_USE_PENDING, in_use_pending, true,
	 "carries I/O until the policy is in force (waiting); " ROLE "; group 1 of 3, in use"},
	{WHY_IN_USE_STANDBY, in_use_standby, true,
	 "carries I/O, no path before it is usable; " ROLE "; group 1 of 3, in use"},
	{WHY_IN_USE, in_use, true, "carries I/O; " ROLE "; group 1 of 3, in use"},
	{WHY_EXCLUDED_SOON, excluded_soon, false,
	 "no I/O: " ROLE "; not yet failed in the kernel's map (waiting); group 2 of 3, group 1 is "
	 "in use"},
	{WHY_DOWN_IDLE, down_idle, false,
	 "no I/O: down, " REASON "; the kernel has not tried it; " ROLE ", group 2 of 3"},
	{WHY_SUSPECT_IDLE, suspect_idle, false,
	 "no I/O: suspect, " REASON "; " ROLE "; group 2 of 3, group 1 is in use"},
	{WHY_DISABLED, disabled, false,
	 "no I/O: its group is disabled in the kernel, by hand or by the target; " ROLE
	 "; group 2 of 3, group 1 is in use"},
	{WHY_PENDING, pending, false,
	 "no I/O yet: the policy wants it, but is not in force (waiting); " ROLE
	 "; group 2 of 3, group 1 is in use"},
	{WHY_FAILBACK, failback, false,
	 "no I/O yet: its group comes first, but group 2 is in use, until multipathd fails back or "
	 "because it was switched by hand; " ROLE "; group 1 of 3"},
	{WHY_STANDBY, standby, false, "no I/O: " ROLE "; group 2 of 3, group 1 is in use"},
	{WHY_BEHIND, behind, false,
	 "no I/O: a path before it is in use; " ROLE "; group 2 of 3, group 1 is in use"},
};

static void reasons(void **state)
{
	char text[EXPLAIN_TEXT_MAX];

	(void)state;
	assert_int_equal(sizeof(golden) / sizeof(golden[0]), WHY_MAX);
	for (size_t i = 0; i < WHY_MAX; i++) {
		struct explain_state s = ready();
		struct explain_words words = {ROLE, REASON, "", "waiting", 0, 3, 0};

		golden[i].change(&s);
		words.group = s.group;
		words.current = s.current;
		assert_int_equal(golden[i].why, i);
		if (explain_path(&s) != golden[i].why)
			fail_msg("%s became %s", explain_code(golden[i].why),
				 explain_code(explain_path(&s)));
		assert_int_equal(explain_carries(golden[i].why), golden[i].carries);
		assert_string_equal(explain_text(golden[i].why, &words, text, sizeof(text)),
				    golden[i].sentence);
	}
}

/* Over every state there is: a reason that carries is one of a usable path in the group in use,
 * and the reverse. */
static void invariant(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < 1U << 7; bits++)
		for (int role = ROLE_NONE; role < ROLE_MAX; role++)
			for (int verdict = 0; verdict < VERDICT_STATE_MAX; verdict++) {
				bool in_map = (bits & 1) && (bits & 2);
				struct explain_state s = {.has_map = bits & 1,
							  .in_map = in_map,
							  .usable = in_map && (bits & 4),
							  .by_plan = bits & 8,
							  .in_force = bits & 16,
							  .disabled = bits & 32,
							  .group = 1,
							  .current = bits & 64 ? 1 : 0,
							  .role = (enum role)role,
							  .verdict = (enum verdict_state)verdict};

				assert_int_equal(explain_carries(explain_path(&s)),
						 s.usable && s.group == s.current);
			}
}

static void codes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < WHY_MAX; i++)
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(explain_code((enum why)i), explain_code((enum why)k));
	assert_string_equal(explain_code(WHY_MAX), "?");
	assert_false(explain_carries(WHY_MAX));
}

static void access_and_cut(void **state)
{
	struct explain_words words = {ROLE, REASON, "active/non-optimized", "", 1, 3, -1};
	char text[EXPLAIN_TEXT_MAX], small[10];

	(void)state;
	assert_string_equal(explain_text(WHY_STANDBY, &words, text, sizeof(text)),
			    "no I/O: " ROLE "; group 2 of 3, no group is in use; target's access "
			    "state: active/non-optimized");
	assert_string_equal(explain_text(WHY_STANDBY, &words, small, sizeof(small)), "no I/O: s");
}

static void roles(void **state)
{
	struct policy_setting setting;
	struct plan_path plan = {.role = ROLE_STANDBY, .rule = 1};
	char text[EXPLAIN_ROLE_MAX];
	/* what they name is not before what they do not */
	static const char *const unnamed_first[] = {
		"failover-only standby portal=10.0.1.2 exclude portal=10.0.2.2",
		"round-robin-with-subset standby portal=10.0.1.2",
		"weighted-path portal=10.0.1.2:never exclude portal=10.0.2.2",
		"round-robin exclude portal=10.0.1.2",
	};

	(void)state;
	must_parse("failover-only active portal=10.0.1.2 standby portal=10.0.2.2", &setting);
	assert_string_equal(explain_role(&setting, "lun mpatha", &plan, text, sizeof(text)), ROLE);
	plan.rule = -1;
	assert_string_equal(
		explain_role(&setting, "lun mpatha", &plan, text, sizeof(text)),
		"standby: no rule of [lun mpatha] names it, so it is behind all that are named");
	for (size_t i = 0; i < sizeof(unnamed_first) / sizeof(unnamed_first[0]); i++) {
		must_parse(unnamed_first[i], &setting);
		plan = (struct plan_path){.role = ROLE_ACTIVE, .rule = -1};
		assert_string_equal(explain_role(&setting, "default", &plan, text, sizeof(text)),
				    "active: no rule of [default] names it: the policy's default "
				    "place");
	}
	must_parse("weighted-path portal=10.0.1.2:7 iface=eth1:never", &setting);
	assert_string_equal(
		explain_role(&setting, "default", &plan, text, sizeof(text)),
		"active: no rule of [default] names it, so it is behind all that are named");
	must_parse("weighted-path portal=10.0.1.2:7 iface=eth1:never", &setting);
	plan = (struct plan_path){.role = ROLE_ACTIVE, .rule = 0};
	assert_string_equal(explain_role(&setting, "default", &plan, text, sizeof(text)),
			    "active: rule 1 of [default], portal=10.0.1.2:7");
	plan = (struct plan_path){.role = ROLE_EXCLUDED, .rule = 1};
	assert_string_equal(explain_role(&setting, "default", &plan, text, sizeof(text)),
			    "excluded: rule 2 of [default], iface=eth1:never");
	must_parse("weighted-path", &setting);
	plan = (struct plan_path){.role = ROLE_ACTIVE, .rule = -1};
	assert_string_equal(explain_role(&setting, "default", &plan, text, sizeof(text)),
			    "active: weighted-path of [default] names no path");
	assert_string_equal(explain_role(NULL, "", &plan, text, sizeof(text)),
			    "no policy places it");
	must_parse("round-robin-with-subset", &setting);
	assert_string_equal(explain_role(&setting, "", &plan, text, sizeof(text)),
			    "active: no policy is set, so the target's access states decide");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons), cmocka_unit_test(invariant),
		cmocka_unit_test(codes),   cmocka_unit_test(access_and_cut),
		cmocka_unit_test(roles),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
