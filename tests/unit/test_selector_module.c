/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders like those of a kernel, and which path selectors it has. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/selector_module.h"

#define RELEASE "6.1.0-9-test"
#define FOLDER	("lib/modules/" RELEASE)
#define MODULES "lib/modules/" RELEASE "/"
#define DEP_FILE (MODULES "modules.dep")
#define BUILTIN_FILE (MODULES "modules.builtin")

/* Debian 12's, shortened. */
#define DEP                                                                                        \
	"kernel/drivers/md/dm-multipath.ko: kernel/drivers/md/dm-mod.ko\n"                         \
	"kernel/drivers/md/dm-round-robin.ko: kernel/drivers/md/dm-multipath.ko\n"                 \
	"kernel/drivers/md/dm-other.ko: kernel/drivers/md/dm-service-time.ko.xz\n"                 \
	"kernel/drivers/md/dm-queue-length.ko.xz: kernel/drivers/md/dm-multipath.ko\n"
#define DEP_LESS "kernel/drivers/md/dm-round-robin.ko: kernel/drivers/md/dm-multipath.ko\n"

static char root[] = "/tmp/selector.XXXXXX";

static void make_folder(const char *name)
{
	char path[PATH_MAX];

	for (size_t i = 0; i <= strlen(name); i++)
		if (name[i] == '/' || !name[i]) {
			snprintf(path, sizeof(path), "%s/%.*s", root, (int)i, name);
			mkdir(path, 0755);
		}
	assert_int_equal(access(path, F_OK), 0);
}

/* NULL: no such file. */
static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	unlink(path);
	if (!text)
		return;
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect(const char *dep, const char *builtin, const char *disabled,
		   const char *selector, enum selector_presence expected)
{
	enum selector_presence found;

	write_file(DEP_FILE, dep);
	write_file(BUILTIN_FILE, builtin);
	write_file("proc/sys/kernel/modules_disabled", disabled);
	found = selector_presence(root, RELEASE, selector);
	if (found != expected)
		fail_msg("%s: %d, not %d, with %s", selector, found, expected, dep ? dep : "no list");
}

static void lists(void **state)
{
	(void)state;
	expect(DEP, "", "0\n", "queue-length 0", SELECTOR_THERE);
	expect(DEP, "", "0\n", "round-robin 0", SELECTOR_THERE);
	expect(DEP, "", NULL, "round-robin", SELECTOR_THERE);
	/* what another module needs, and what a name only begins or ends like, does not count */
	expect(DEP, "", "0\n", "service-time 0", SELECTOR_MISSING);
	expect(DEP, "", "0\n", "queue 0", SELECTOR_MISSING);
	expect(DEP, "", "0\n", "robin 0", SELECTOR_MISSING);
	expect(DEP_LESS, "kernel/drivers/md/dm-mod.ko\n", "0\n", "queue-length 0",
	       SELECTOR_MISSING);
	expect(DEP_LESS, "kernel/drivers/md/dm-queue-length.ko\n", "1\n", "queue-length 0",
	       SELECTOR_THERE);
	expect("kernel/drivers/md/dm_queue_length.ko:\n", "", "0\n", "queue-length 0",
	       SELECTOR_THERE);
	/* no module can be loaded any more */
	expect(DEP, "", "1\n", "queue-length 0", SELECTOR_MISSING);
	/* what cannot be known */
	expect(NULL, "", "0\n", "queue-length 0", SELECTOR_UNKNOWN);
	expect(DEP_LESS, NULL, "0\n", "queue-length 0", SELECTOR_UNKNOWN);
	expect(DEP, NULL, "0\n", "queue-length 0", SELECTOR_THERE);
	expect(NULL, NULL, NULL, "queue-length 0", SELECTOR_UNKNOWN);
	assert_int_equal(selector_presence(root, "6.2", "queue-length 0"), SELECTOR_UNKNOWN);
}

static void loaded(void **state)
{
	char path[PATH_MAX];

	(void)state;
	make_folder("sys/module/dm_queue_length");
	expect(DEP_LESS, "", "1\n", "queue-length 0", SELECTOR_THERE);
	expect(NULL, NULL, NULL, "queue-length 0", SELECTOR_THERE);
	expect(DEP_LESS, "", "0\n", "service-time 0", SELECTOR_MISSING);
	snprintf(path, sizeof(path), "%s/sys/module/dm_queue_length", root);
	assert_int_equal(rmdir(path), 0);
	expect(DEP_LESS, "", "0\n", "queue-length 0", SELECTOR_MISSING);
}

/* Whatever the host that this runs on: an answer, and of nonsense never that it is there. */
static void this_host(void **state)
{
	(void)state;
	assert_in_range(selector_presence_now("round-robin 0"), SELECTOR_UNKNOWN, SELECTOR_MISSING);
	assert_int_not_equal(selector_presence_now("no-such-selector 0"), SELECTOR_THERE);
}

static int make_root(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	make_folder(FOLDER);
	make_folder("proc/sys/kernel");
	make_folder("sys/module");
	return 0;
}

static int remove_root(void **state)
{
	static const char *const names[] = {
		DEP_FILE, BUILTIN_FILE, "proc/sys/kernel/modules_disabled", FOLDER, "lib/modules", "lib", "proc/sys/kernel", "proc/sys", "proc",
		"sys/module", "sys", ""};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		remove(path);
	}
	return access(root, F_OK) == 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(loaded),
		cmocka_unit_test(this_host),
	};

	return cmocka_run_group_tests_name("selector_module", tests, make_root, remove_root);
}
