/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What status says of a LUN against the setting that was written for a section. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/taken.h"

#define ARRAY "target iqn.2026-01.org.example:array"
#define OTHER "target iqn.2026-01.org.example:other"

static const struct {
	const char *governs, *policy; /* in the daemon */
	const char *scope;	      /* written: "round-robin" */
	enum taken taken;
} rows[] = {
	{"lun 3aa", "round-robin", "lun 3aa", TAKEN_YES},
	{"lun mpatha", "round-robin", "lun 3aa",
	 TAKEN_YES}, /* its section's own name stays */
	{"lun 3aa", "failover-only", "lun 3aa", TAKEN_NO},
	{"lun 3aa", "round-robin exclude portal=10.0.1.2", "lun 3aa", TAKEN_NO},
	/* the same text from a wider section is not the section that was written */
	{ARRAY, "round-robin", "lun 3aa", TAKEN_NO},
	{"default", "round-robin", "lun 3aa", TAKEN_NO},
	{"", "", "lun 3aa", TAKEN_NO},
	{"", "", "default", TAKEN_NO},
	{"default", "round-robin", "default", TAKEN_YES},
	{"default", "least-queue-depth", "default", TAKEN_NO},
	{ARRAY, "round-robin", ARRAY, TAKEN_YES},
	{"default", "round-robin", ARRAY, TAKEN_NO},
	{"product \"ACME\" \"Disk\"", "round-robin", ARRAY, TAKEN_NO},
	{"product \"ACME\" \"Disk\"", "round-robin", "product \"ACME\" \"Disk\"",
	 TAKEN_YES},
	/* governed by another section: not to be counted, whatever it says */
	{"lun 3aa", "failover-only", ARRAY, TAKEN_ELSEWHERE},
	{"lun 3aa", "round-robin", "default", TAKEN_ELSEWHERE},
	{OTHER, "round-robin", ARRAY, TAKEN_ELSEWHERE},
	{ARRAY, "failover-only", "default", TAKEN_ELSEWHERE},
};

static void each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_object *lun = json_object_new_object();

		json_object_object_add(lun, "scope",
				       json_object_new_string(rows[i].governs));
		json_object_object_add(lun, "policy",
				       json_object_new_string(rows[i].policy));
		if (taken_of(lun, rows[i].scope, "round-robin") != rows[i].taken)
			fail_msg("[%s] %s, written for [%s]", rows[i].governs,
				 rows[i].policy, rows[i].scope);
		json_object_put(lun);
	}
}

/* A reply without the fields is no policy. */
static void fields_missing(void **state)
{
	struct json_object *lun = json_object_new_object();

	(void)state;
	assert_int_equal(taken_of(lun, "default", "round-robin"), TAKEN_NO);
	json_object_put(lun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each),
		cmocka_unit_test(fields_missing),
	};

	return cmocka_run_group_tests_name("taken", tests, NULL, NULL);
}
