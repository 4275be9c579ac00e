/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the levers' records, as bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/quick/levers_file.h"
#include "daemon/quick/levers_record.h"

static char folder[] = "/tmp/levers.XXXXXX", path[64];

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/levers", folder);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* The line with the NUL is damaged; those behind it are read. */
static void a_nul_hides_nothing(void **state)
{
	static const char bytes[] = "recovery 1 5 15\nrecovery 2\0 5 15\nrecovery 3 7 15\n";
	struct lever_records records;
	struct levers_file file;
	size_t damaged;
	char *text;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, sizeof(bytes) - 1), sizeof(bytes) - 1);
	close(fd);
	assert_int_equal(levers_file_new(path, &file), 0);
	assert_int_equal(levers_file_read(&file, &text), 0);
	assert_int_equal(strlen(text), sizeof(bytes) - 1);
	assert_int_equal(lever_records_parse(text, &records, &damaged), 0);
	assert_int_equal(damaged, 1);
	assert_int_equal(records.n, 2);
	assert_non_null(lever_records_find(&records, 3));
	lever_records_free(&records);
	free(text);
	levers_file_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_nul_hides_nothing)};

	return cmocka_run_group_tests(tests, start, stop);
}
