/* SPDX-License-Identifier: GPL-2.0-or-later */
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

#include "daemon/store.h"

#define GOOD                                                                                       \
	"# mine\n"                                                                                 \
	"[lun mpatha]\n"                                                                           \
	"policy  = failover-only\n"                                                                \
	"# the fast switch\n"                                                                      \
	"active  = portal=10.0.1.2\n"                                                              \
	"standby = portal=10.0.2.2\n"                                                              \
	"\n"                                                                                       \
	"[lun 360000000000000000e00000000020001]\n"                                                \
	"policy = weighted-path\n"                                                                 \
	"weight = portal=10.0.2.2:1\n"                                                             \
	"weight = portal=10.0.1.2:never\n"

static void parse_good(const char *text, struct store *store)
{
	char message[STORE_MESSAGE_MAX] = "";

	if (store_parse(text, "policies.conf", store, message) != 0)
		fail_msg("%s", message);
}

static void good(void **state)
{
	const struct store_entry *entry;
	struct store store;
	char text[512];

	(void)state;
	parse_good(GOOD, &store);
	assert_int_equal(store.n, 2);
	entry = store_find(&store, "36001", "mpatha");
	assert_non_null(entry);
	assert_int_equal(entry->line, 2);
	policy_setting_format(entry->setting, text, sizeof(text));
	assert_string_equal(text,
			    "failover-only active portal=10.0.1.2 standby portal=10.0.2.2");
	entry = store_find(&store, "360000000000000000e00000000020001", "");
	assert_non_null(entry);
	assert_int_equal(entry->setting->n_rules, 2);
	assert_null(store_find(&store, "", "mpathb"));
	store_free(&store);
	parse_good("", &store);
	assert_int_equal(store.n, 0);
	store_free(&store);
}

/* Each broken file is refused whole, with its line and what is wrong. */
static void broken(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"policy = failover-only\n", ":1: \"policy\" stands before"},
		{"[lun]\npolicy = failover-only\n", "only [lun WWID]"},
		{"[LUN x]\npolicy = failover-only\n", "only [lun WWID]"},
		{"[lun a b]\npolicy = failover-only\n", "only [lun WWID]"},
		{"[lun x]\nactive = portal=10.0.1.2\n", ":2: \"policy = NAME\" must come before"},
		{"[lun x]\npolicy = failoverX\n", ":2: policy = failoverX"},
		{"[lun x]\npolicy = failover-only\npolicy = failover-only\n", ":3: \"policy\""},
		{"[lun x]\npolicy = failover-only\nactive = sda\n", ":3: "},
		{"[lun x]\npolicy = failover-only\nactive = portal=10.0.1.300\n", "10.0.1.300"},
		{"[lun x]\npolicy = failover-only\nactive =\n", "one expression"},
		{"[lun x]\npolicy = failover-only\nactive = portal=1.2.3.4 portal=1.2.3.5\n",
		 "one expression"},
		{"[lun x]\npolicy = failover-only\nweight = portal=1.2.3.4:5\n", ":3: "},
		{"[lun x]\npolicy = weighted-path\nstandby = portal=1.2.3.4\n", ":3: "},
		{"[lun x]\npolicy = weighted-path\nweight = portal=1.2.3.4:-1\n", ":3: "},
		{"[lun x]\npolicy = weighted-path\nweight = portal=1.2.3.4:4294967296\n", ":3: "},
		{"[lun x]\n", ":1: [lun x] names no policy"},
		{"[lun x]\n[lun y]\npolicy = failover-only\n", ":1: [lun x] names no policy"},
		{"[lun x]\ncolour = red\n", ":2: key \"colour\""},
		{"[lun x]\npolicy = failover-only\n[lun x]\npolicy = failover-only\n", ":3: section [lun x] stands twice"},
		{"[lun x]\npolicy = failover-only\nnonsense\n", ":3: "},
		{"[lun x\npolicy = failover-only\n", ":1: section without"},
	};
	struct store store = {.n = 77};
	char message[STORE_MESSAGE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		message[0] = '\0';
		if (store_parse(cases[i].text, "policies.conf", &store, message) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(message, cases[i].says) || strncmp(message, "policies.conf:", 14))
			fail_msg("\"%s\" does not say \"%s\"", message, cases[i].says);
		assert_int_equal(store.n, 77);
	}
}

static void long_lines(void **state)
{
	char text[2 * STORE_LINE_MAX], message[STORE_MESSAGE_MAX];
	struct store store;

	(void)state;
	memset(text, '#', sizeof(text));
	text[STORE_LINE_MAX] = '\0';
	parse_good(text, &store);
	store_free(&store);
	text[STORE_LINE_MAX] = '#';
	text[STORE_LINE_MAX + 1] = '\0';
	assert_int_equal(store_parse(text, "f", &store, message), -EINVAL);
	assert_non_null(strstr(message, "f:1: line of"));
}

static void setting(const char *text, struct policy_setting *ret)
{
	char message[POLICY_MESSAGE_MAX];

	if (policy_setting_parse(text, ret, message) != POLICY_OK)
		fail_msg("%s", message);
}

static void edit(void **state)
{
	struct policy_setting weighted;
	struct store store;
	char *text, *again;

	(void)state;
	setting("weighted-path portal=10.0.1.2:10 portal=10.0.2.2:20", &weighted);
	/* an existing section, found by alias: comments and the other section stay */
	assert_int_equal(store_edit(GOOD, "36009", "mpatha", &weighted, &text), 0);
	assert_non_null(strstr(text, "# mine\n[lun mpatha]\npolicy  = weighted-path\n"
				     "weight  = portal=10.0.1.2:10\n"
				     "weight  = portal=10.0.2.2:20\n# the fast switch\n"));
	assert_non_null(strstr(text, "weight = portal=10.0.1.2:never\n"));
	assert_null(strstr(text, "failover-only"));
	parse_good(text, &store);
	assert_int_equal(store.n, 2);
	store_free(&store);
	/* the same edit again changes nothing */
	assert_int_equal(store_edit(text, "36009", "mpatha", &weighted, &again), 0);
	assert_string_equal(text, again);
	free(again);
	/* taken back: its comments stay, its settings go */
	assert_int_equal(store_edit(text, "36009", "mpatha", NULL, &again), 0);
	assert_non_null(strstr(again, "# the fast switch\n"));
	assert_null(strstr(again, "mpatha"));
	parse_good(again, &store);
	assert_int_equal(store.n, 1);
	store_free(&store);
	free(again);
	free(text);
	/* a new one goes to the end, whatever the end looks like */
	assert_int_equal(store_edit("# no newline", "36009", "", &weighted, &text), 0);
	assert_non_null(strstr(text, "# no newline\n\n[lun 36009]\npolicy  = weighted-path\n"));
	free(text);
	assert_int_equal(store_edit(GOOD, "nobody", "", NULL, &text), -ENOENT);
}

/* A file of every size survives replacing; its mode stays; no temporary file is left. */
static void files(void **state)
{
	char folder[] = "/tmp/store.XXXXXX", path[64];
	struct stat info;
	char *text;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/policies.conf", folder);
	assert_int_equal(store_read_file(path, &text), 0);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(store_write_file(path, GOOD), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(store_write_file(path, GOOD GOOD), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	assert_int_equal(store_read_file(path, &text), 0);
	assert_string_equal(text, GOOD GOOD);
	free(text);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0); /* fails if anything else is left */
	assert_int_equal(store_write_file(path, GOOD), -ENOENT);
	assert_int_equal(store_read_file("/", &text), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(broken), cmocka_unit_test(long_lines),
		cmocka_unit_test(edit), cmocka_unit_test(files),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
