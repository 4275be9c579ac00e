/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies on the control socket. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/control.h"

#define DEEP "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}"

static bool request_taken(const char *text, size_t length)
{
	struct json_object *object = control_parse_request(text, length);
	bool taken = object;

	json_object_put(object);
	return taken;
}

static bool reply_taken(const char *text, size_t length)
{
	struct json_object *object = control_parse_reply(text, length);
	bool taken = object;

	json_object_put(object);
	return taken;
}

static void objects_and_nothing_else(void **state)
{
	static const char *const bad[] = {"",	"[]",	"{",	    "{}x",    "{} {}", "null",
					  "\"a\"", "1",	"{\"a\":}", "{\"a\"}", "{a:1}"};

	(void)state;
	assert_true(request_taken("{}", 2) && reply_taken("{}", 2));
	assert_true(request_taken("{\"a\":1} \n", 9) && reply_taken("{\"a\":1} \n", 9));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (request_taken(bad[i], strlen(bad[i])) || reply_taken(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	/* what a NUL would hide from the library */
	assert_false(request_taken("{}\0{}", 5) || reply_taken("{}\0{}", 5));
	assert_false(request_taken("{}\0", 3) || reply_taken("{}\0", 3));
}

static void requests_are_flat_and_utf8(void **state)
{
	static const char latin[] = "{\"a\":\"\xfc\"}";

	(void)state;
	assert_false(request_taken(DEEP, strlen(DEEP)));
	assert_true(reply_taken(DEEP, strlen(DEEP)));
	assert_false(request_taken(latin, strlen(latin)));
	assert_true(reply_taken(latin, strlen(latin)));
}

static void replies_are_made_utf8(void **state)
{
	static const struct {
		const char *text, *made;
	} cases[] = {
		{"", ""},
		{"plain \x01", "plain \x01"},
		{"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"cut \xe2\x82", "cut ??"},
		{"cut \xc3", "cut ?"},
		{"\xc3\"", "?\""},
		{"\xfc\xbc", "??"},
		{"\xc0\x80 \xe0\x80\x80 \xed\xa0\x80", "?? ??? ???"}, /* long forms, surrogates */
		{"\xf0\x80\x80\x80 \xf4\x90\x80\x80 \xf5\x80", "???? ???? ??"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(text, cases[i].text);
		control_make_utf8(text, strlen(text));
		assert_string_equal(text, cases[i].made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_and_nothing_else),
		cmocka_unit_test(requests_are_flat_and_utf8),
		cmocka_unit_test(replies_are_made_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
