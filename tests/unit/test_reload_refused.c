/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policies file that is gone, broken or no text while its policies are in force: these stay. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/watch.h"

static char folder[] = "/tmp/reload.XXXXXX";
static char path[64];

static void write_file(const char *text, size_t size)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static struct watch in_force(void)
{
	struct watch watch = {.options = {.store_path = path}, .store_loaded = true};

	assert_int_equal(store_parse("[default]\npolicy = failover-only\n", path, &watch.store,
				     watch.store_message),
			 POLICY_OK);
	return watch;
}

static void expect(int r, enum policy_error error, const char *says)
{
	struct watch watch = in_force();

	assert_int_equal(watch_reload(&watch), r);
	assert_int_equal(watch.store_error, error);
	if (strncmp(watch.store_message, path, strlen(path)) || !strstr(watch.store_message, says))
		fail_msg("\"%s\" does not say \"%s\"", watch.store_message, says);
	assert_int_equal(watch.store.n, 1);
	assert_true(watch.store_loaded);
	store_free(&watch.store);
}

static void refused(void **state)
{
	static const char broken[] = "[default]\npolicy = fastest\n", nul[] = "[default]\0\n";
	static const char two[] = "[lun x]\npolicy = failover-only\nactive = tpg=1\nactive = tpg=2\n";

	(void)state;
	expect(-ENOENT, POLICY_INVALID_PARAMETER, "the file is missing: put it back, or an empty one");
	write_file(broken, strlen(broken));
	expect(-EINVAL, POLICY_INVALID_LOAD_BALANCE_POLICY, ":2: policy = fastest");
	write_file(two, strlen(two));
	expect(-EINVAL, POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED, ":4: active = tpg=2");
	write_file(nul, sizeof(nul) - 1);
	expect(-EILSEQ, POLICY_INVALID_PARAMETER, "NUL bytes");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	expect(-ENOENT, POLICY_INVALID_PARAMETER, "a link that leads to no file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	expect(-EISDIR, POLICY_INVALID_PARAMETER, "directory");
	assert_int_equal(rmdir(path), 0);
}

/* When is a missing file an accident? */
static void missing(void **state)
{
	struct watch watch = in_force();

	(void)state;
	assert_true(watch_store_missing(&watch));
	write_file("", 0);
	assert_false(watch_store_missing(&watch));
	assert_int_equal(unlink(path), 0);
	store_free(&watch.store);
	/* there are no policies: at the start, or of an empty file */
	assert_false(watch_store_missing(&watch));
	watch.store_loaded = false;
	assert_false(watch_store_missing(&watch));
	/* it was broken at the start, so that the board's last plan is in force */
	strcpy(watch.store_message, "broken");
	assert_true(watch_store_missing(&watch));
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/policies.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(missing),
	};

	return cmocka_run_group_tests_name("reload_refused", tests, make_folder, remove_folder);
}
