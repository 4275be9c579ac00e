/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/fold.h"

static void folds_to(int indent, const char *text, const char *expected)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	assert_non_null(out);
	fold_print(out, indent, text);
	fclose(out);
	assert_string_equal(result, expected);
	free(result);
}

#define TEN "123456789 "

static void lines(void **state)
{
	(void)state;
	folds_to(0, "", "\n");
	folds_to(2, "one two", "  one two\n");
	folds_to(0, " one  two ", "one two\n");
	/* exactly 80 columns fit */
	folds_to(0, TEN TEN TEN TEN TEN TEN TEN "1234567890",
		 TEN TEN TEN TEN TEN TEN TEN "1234567890\n");
	folds_to(0, TEN TEN TEN TEN TEN TEN TEN "12345678901",
		 TEN TEN TEN TEN TEN TEN "123456789\n  12345678901\n");
	folds_to(4, TEN TEN TEN TEN TEN TEN TEN TEN "x",
		 "    " TEN TEN TEN TEN TEN TEN "123456789\n      123456789 x\n");
}

/* A word longer than the line stands alone, whole. */
static void long_word(void **state)
{
	char text[120], expected[140];

	(void)state;
	memset(text, 'x', 100);
	strcpy(text + 100, " y");
	memset(expected, 'x', 100);
	strcpy(expected + 100, "\n  y\n");
	folds_to(0, text, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(long_word)};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
