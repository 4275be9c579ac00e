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

static const struct store_entry *find(const struct store *store, const char *wwid,
				      const char *alias)
{
	const struct store_lun lun = {.wwid = wwid, .alias = alias, .vendor = "", .product = ""};

	return store_find(store, &lun);
}

static struct store_name named(const char *text)
{
	char message[POLICY_MESSAGE_MAX] = "";
	struct store_name name;

	if (store_name_parse(text, &name, message) != 0)
		fail_msg("%s: %s", text, message);
	return name;
}

static void good(void **state)
{
	const struct store_entry *entry;
	struct store store;
	char text[512];

	(void)state;
	parse_good(GOOD, &store);
	assert_int_equal(store.n, 2);
	entry = find(&store, "36001", "mpatha");
	assert_non_null(entry);
	assert_int_equal(entry->line, 2);
	policy_setting_format(entry->setting, text, sizeof(text));
	assert_string_equal(text,
			    "failover-only active portal=10.0.1.2 standby portal=10.0.2.2");
	entry = find(&store, "360000000000000000e00000000020001", "");
	assert_non_null(entry);
	assert_int_equal(entry->setting->n_rules, 2);
	assert_null(find(&store, "", "mpathb"));
	store_free(&store);
	parse_good("", &store);
	assert_int_equal(store.n, 0);
	store_free(&store);
}

/* Each broken file is refused whole, with its line and what is wrong. */
/* A name that a header cannot hold would make the file a broken one. */
static void unfit_names(void **state)
{
	static const char *const names[] = {"lun a]b", "lun a\nb", "lun a\rb", "lun ;a",
					    "product \"A ;B\" \"C\"", "product \"A\" \"]\"",
					    "product \"A\" \"\t;\"", "target iqn.a\n[default]"};
	char message[POLICY_MESSAGE_MAX];
	struct store_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (store_name_parse(names[i], &name, message) != -EINVAL)
			fail_msg("accepted: %s", names[i]);
	assert_int_equal(store_name_parse("lun a;b", &name, message), 0);
	assert_int_equal(store_name_parse("product \"A;\" \"#\"", &name, message), 0);
	assert_int_equal(store_name_parse("lun\t3600", &name, message), 0);
}

static void broken(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"policy = failover-only\n", ":1: \"policy\" stands before the first section"},
		{"[lun]\npolicy = failover-only\n", ":1: section [lun ]: write [lun WWID]"},
		{"[LUN x]\npolicy = failover-only\n", ":1: section [LUN x]: allowed are [lun WWID]"},
		{"[lun a b]\npolicy = failover-only\n", ":1: section [lun a b]: write [lun WWID]"},
		{"[lunx]\npolicy = failover-only\n", ":1: section [lunx]: allowed are"},
		{"[target]\npolicy = failover-only\n", ":1: section [target ]: write [target NAME]"},
		{"[target a,iface=b]\npolicy = failover-only\n", "write [target NAME]"},
		{"[target bad@name]\npolicy = failover-only\n", ":1: section [target bad@name]: "},
		{"[default all]\npolicy = failover-only\n", ":1: section [default all]"},
		{"[lun a\033b]\npolicy = failover-only\n", "no name has \"]\""},
		{"[product LIO-ORG disk1]\npolicy = failover-only\n", "[product \"VENDOR\" \"PRODUCT\"]"},
		{"[product \"LIO-ORG\"]\npolicy = failover-only\n", "at most 8 and 16 characters"},
		{"[product \"LIO-ORG\" \"\"]\npolicy = failover-only\n", "[product \"VENDOR\""},
		{"[product \"TOO-LONG1\" \"d\"]\npolicy = failover-only\n", "at most 8"},
		{"[product \"a\" \"b\" \"c\"]\npolicy = failover-only\n", "[product \"VENDOR\""},
		{"[product \"a\" \"b]\npolicy = failover-only\n", "[product \"VENDOR\""},
		{"[default]\npolicy = failover-only\n[default]\npolicy = failover-only\n",
		 ":3: section [default] stands twice"},
		{"[target iqn.a]\npolicy = failover-only\n[target IQN.A]\npolicy = failover-only\n",
		 ":3: section [target IQN.A] stands twice"},
		{"[product \"A\" \"B\"]\npolicy = failover-only\n"
		 "[product \"A  \"  \"B \"]\npolicy = failover-only\n", ":3: section [product"},
		{"[default]\npolicy = round-robin\nactive = portal=1.2.3.4\n",
		 ":3: \"portal=1.2.3.4\": round-robin uses every path alike"},
		{"[default]\npolicy = round-robin\nstandby = portal=1.2.3.4\n",
		 ":3: \"standby\": round-robin has no standby paths; allowed is only exclude"},
		{"[default]\npolicy = least-queue-depth\nweight = portal=1.2.3.4:1\n",
		 ":3: weight = portal=1.2.3.4:1: policy least-queue-depth takes no weights"},
		{"[default]\npolicy = round-robin-with-subset\nweight = portal=1.2.3.4:1\n",
		 "policy round-robin-with-subset takes no weights"},
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
		{"[lun x]\npolicy = failover-only\nactive = portal=10.0.1.2\n"
		 "standby = portal=10.0.1.2\n",
		 ":4: standby = portal=10.0.1.2: it is there twice"},
		{"[lun x]\npolicy = weighted-path\nweight = iface=a,portal=10.0.1.2:1\n"
		 "exclude = iface=b\nweight = portal=10.0.1.2,iface=a:2\n",
		 ":5: weight = portal=10.0.1.2,iface=a:2: it is there twice"},
		{"\xef\xbb\xbf\xef\xbb\xbf[lun x]\npolicy = failover-only\n", "byte order mark"},
		{"# two files\n\xef\xbb\xbf[lun x]\npolicy = failover-only\n", ":2: "},
		{"\xef\xbb\xbfpolicy = failover-only\n", ":1: \"policy\" stands before"},
		{"[lun x]\n", ":1: [lun x] names no policy"},
		{"[lun x]\n[lun y]\npolicy = failover-only\n", ":1: [lun x] names no policy"},
		{"[lun x]\ncolour = red\n", ":2: key \"colour\""},
		{"[lun x]\npolicy = failover-only\n[lun x]\npolicy = failover-only\n", ":3: section [lun x] stands twice"},
		{"[lun x]\npolicy = failover-only\nnonsense\n", ":3: "},
		{"[lun x\npolicy = failover-only\n", ":1: section without"},
		{"[lun a] junk\npolicy = failover-only\n", ":1: \"junk\" behind \"]\": allowed is "},
		{"[lun a]\npolicy = failover-only\r\n[lun b]]\r\npolicy = round-robin\r\n",
		 ":3: \"]\" behind \"]\": allowed is only a comment"},
		{"[lun a]\rpolicy = failover-only\r", ":1: \"policy = failover-only\" behind"},
	};
	struct store store = {.n = 77};
	char message[STORE_MESSAGE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		message[0] = '\0';
		if (store_parse(cases[i].text, "policies.conf", &store, message) == POLICY_OK)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(message, cases[i].says) || strncmp(message, "policies.conf:", 14))
			fail_msg("\"%s\" does not say \"%s\"", message, cases[i].says);
		assert_int_equal(store.n, 77);
	}
}

/* Each mistake has the error that it has in `policy set`, and its line. */
static void errors(void **state)
{
	static const struct {
		const char *text;
		enum policy_error error;
		const char *says;
	} cases[] = {
		{"[lun x]\npolicy = fastest\n", POLICY_INVALID_LOAD_BALANCE_POLICY, ":2: "},
		{"[lun x]\npolicy =\n", POLICY_INVALID_LOAD_BALANCE_POLICY, ":2: "},
		{"[lun x]\npolicy = failover-only\nactive = sda\n", POLICY_INVALID_PARAMETER, ":3: "},
		{"[lun x]\npolicy = failover-only\nactive = iface=a\nstandby = iface=a\n",
		 POLICY_DUPLICATE_PATH_SPECIFIED, ":4: "},
		{"[lun x]\npolicy = failover-only\nactive = iface=a\nstandby = iface=b\n"
		 "active = iface=c\n",
		 POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED,
		 ":5: active = iface=c: failover-only has one active path, and one is named above; "
		 "name this one as standby"},
		{"[target iqn.a/b]\npolicy = failover-only\n", POLICY_INVALID_ISCSI_NAME, ":1: "},
		{"[target]\npolicy = failover-only\n", POLICY_INVALID_ISCSI_NAME, ":1: "},
		{"[targets]\npolicy = failover-only\n", POLICY_INVALID_PARAMETER, ":1: "},
		{"[lun]\npolicy = failover-only\n", POLICY_INVALID_PARAMETER, ":1: "},
		/* the port is no weight */
		{"[lun x]\npolicy = weighted-path\nactive = portal=10.0.1.2:3260\n",
		 POLICY_INVALID_PARAMETER,
		 ":3: active = portal=10.0.1.2:3260: policy weighted-path has no active paths; "
		 "allowed are weight = EXPRESSION:WEIGHT and exclude = EXPRESSION"},
		/* in wide sections they may be of different LUNs */
		{"[default]\npolicy = failover-only\nactive = iface=a\nactive = iface=b\n",
		 POLICY_OK, ""},
		{"[target iqn.a]\npolicy = failover-only\nactive = iface=a\nactive = iface=b\n",
		 POLICY_OK, ""},
		{"[lun x]\npolicy = round-robin-with-subset\nactive = iface=a\nactive = iface=b\n",
		 POLICY_OK, ""},
		{"[lun x]\npolicy = failover-only\nactive = iface=a\n"
		 "[lun y]\npolicy = failover-only\nactive = iface=a\n",
		 POLICY_OK, ""},
		/* how some editors begin a file */
		{"\xef\xbb\xbf[lun x]\npolicy = failover-only\n", POLICY_OK, ""},
		{"\xef\xbb\xbf# mine\n[lun x]\npolicy = failover-only\n", POLICY_OK, ""},
		{"\xef\xbb\xbf", POLICY_OK, ""},
		{"\n", POLICY_OK, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[STORE_MESSAGE_MAX] = "";
		struct store store = {.n = 0};
		enum policy_error error = store_parse(cases[i].text, "f", &store, message);

		if (error != cases[i].error || !strstr(message, cases[i].says))
			fail_msg("\"%s\": %s: %s", cases[i].text, policy_error_name(error), message);
		store_free(&store);
	}
}

/* A file's name is told whole, or, of one that is too long for anybody, its end. */
static void file_names(void **state)
{
	char name[1200], message[STORE_MESSAGE_MAX];
	struct store store;

	(void)state;
	memset(name, 'x', sizeof(name));
	strcpy(name + 240, "/policies.conf");
	assert_int_not_equal(store_parse("[lun]\n", name, &store, message), POLICY_OK);
	assert_memory_equal(message, name, strlen(name));
	assert_memory_equal(message + strlen(name), ":1: ", 4);
	memset(name, 'x', sizeof(name));
	strcpy(name + 1100, "/policies.conf");
	assert_int_not_equal(store_parse("[lun]\n", name, &store, message), POLICY_OK);
	assert_memory_equal(message, "...xxx", 6);
	assert_non_null(strstr(message, "xxx/policies.conf:1: [lun] names no policy"));
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
	strcpy(text + STORE_LINE_MAX, "\n");
	parse_good(text, &store);
	store_free(&store);
	text[STORE_LINE_MAX] = '#';
	text[STORE_LINE_MAX + 1] = '\0';
	assert_int_equal(store_parse(text, "f", &store, message), POLICY_INVALID_PARAMETER);
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
	const struct store_name lun = named("lun 36009"), nobody = named("lun nobody");
	struct policy_setting weighted;
	struct store store;
	char *text, *again;

	(void)state;
	setting("weighted-path portal=10.0.1.2:10 portal=10.0.2.2:20", &weighted);
	/* an existing section, found by alias: comments and the other section stay */
	assert_int_equal(store_edit(GOOD, &lun, "mpatha", &weighted, &text), 0);
	assert_non_null(strstr(text, "# mine\n[lun mpatha]\npolicy  = weighted-path\n"
				     "weight  = portal=10.0.1.2:10\n"
				     "weight  = portal=10.0.2.2:20\n# the fast switch\n"));
	assert_non_null(strstr(text, "weight = portal=10.0.1.2:never\n"));
	assert_null(strstr(text, "failover-only"));
	parse_good(text, &store);
	assert_int_equal(store.n, 2);
	store_free(&store);
	/* the same edit again changes nothing */
	assert_int_equal(store_edit(text, &lun, "mpatha", &weighted, &again), 0);
	assert_string_equal(text, again);
	free(again);
	/* taken back: its comments stay, its settings go */
	assert_int_equal(store_edit(text, &lun, "mpatha", NULL, &again), 0);
	assert_non_null(strstr(again, "# the fast switch\n"));
	assert_null(strstr(again, "mpatha"));
	parse_good(again, &store);
	assert_int_equal(store.n, 1);
	store_free(&store);
	free(again);
	free(text);
	/* a new one goes to the end, whatever the end looks like */
	assert_int_equal(store_edit("# no newline", &lun, "", &weighted, &text), 0);
	assert_non_null(strstr(text, "# no newline\n\n[lun 36009]\npolicy  = weighted-path\n"));
	free(text);
	assert_int_equal(store_edit(GOOD, &nobody, "", NULL, &text), -ENOENT);
	/* set and cleared again and again it does not grow */
	assert_int_equal(store_edit("# mine\n", &lun, "", &weighted, &text), 0);
	assert_int_equal(strncmp(text, "# mine\n\n[lun 36009]\n", 20), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_edit(text, &lun, "", NULL, &again), 0);
		assert_string_equal(again, "# mine\n\n");
		free(text);
		assert_int_equal(store_edit(again, &lun, "", &weighted, &text), 0);
		free(again);
	}
	free(text);
	assert_int_equal(store_edit("", &lun, "", &weighted, &text), 0);
	assert_int_equal(strncmp(text, "[lun 36009]\n", 12), 0);
	free(text);
}

/* Each scope has its section, found however it is written. */
static void edit_scopes(void **state)
{
	static const struct {
		const char *name, *header;
	} scopes[] = {
		{"target IQN.2001-04.com.example:a", "[target iqn.2001-04.com.example:a]"},
		{"product \"LIO-ORG \" \"disk 1\"", "[product \"LIO-ORG\" \"disk 1\"]"},
		{"default", "[default]"},
	};
	struct policy_setting shared, other;
	char *text, *next, expected[400];
	struct store store;
	size_t i;

	(void)state;
	setting("round-robin", &shared);
	setting("least-queue-depth exclude portal=10.0.1.2", &other);
	text = strdup(GOOD);
	for (i = 0; i < 3; i++) {
		struct store_name name = named(scopes[i].name);

		assert_int_equal(store_edit(text, &name, "mpatha", &shared, &next), 0);
		snprintf(expected, sizeof(expected), "\n%s\npolicy  = round-robin\n",
			 scopes[i].header);
		assert_non_null(strstr(next, expected));
		assert_non_null(strstr(next, GOOD));
		free(text);
		text = next;
	}
	parse_good(text, &store);
	assert_int_equal(store.n, 5);
	store_free(&store);
	for (i = 0; i < 3; i++) {
		struct store_name name = named(scopes[i].name);

		assert_int_equal(store_edit(text, &name, "", &other, &next), 0);
		snprintf(expected, sizeof(expected),
			 "\n%s\npolicy  = least-queue-depth\nexclude = portal=10.0.1.2\n",
			 scopes[i].header);
		assert_non_null(strstr(next, expected));
		free(text);
		text = next;
		assert_int_equal(store_edit(text, &name, "", NULL, &next), 0);
		assert_null(strstr(next, scopes[i].header));
		free(text);
		text = next;
		assert_int_equal(store_edit(text, &name, "", NULL, &next), -ENOENT);
	}
	assert_non_null(strstr(text, GOOD));
	parse_good(text, &store);
	assert_int_equal(store.n, 2);
	store_free(&store);
	free(text);
	/* by hand: upper case, blanks, a comment behind; an alias is no target */
	for (i = 0; i < 3; i++) {
		static const char *const hand[] = {
			"  [target IQN.2001-04.COM.EXAMPLE:A]  ; mine\npolicy = failover-only\n",
			"[product  \"LIO-ORG\"\t\"disk 1   \"]\npolicy = failover-only\n",
			"[default ]\npolicy = failover-only"};
		struct store_name name = named(scopes[i].name);

		parse_good(hand[i], &store);
		assert_non_null(store_entry_named(&store, &name));
		store_free(&store);
		assert_int_equal(store_edit(hand[i], &name, "", &shared, &text), 0);
		assert_null(strstr(text, "failover-only"));
		assert_non_null(strchr(text, '['));
		assert_null(strchr(strchr(text, '[') + 1, '['));
		free(text);
	}
}

#define COMMENTED                                                                                  \
	"[lun a] # ours\n"                                                                         \
	"policy = failover-only ; chosen by Bob\n"                                                 \
	"; the fast switch\n"                                                                      \
	"active = portal=[fd00::2]:3260\t;rack 4; slot 1\n"                                        \
	"standby = portal=10.0.2.2\n"                                                              \
	"standby = portal=10.0.3.2 ; last"

/* What stands behind a setting that goes becomes a line of its own. */
static void edit_inline_comments(void **state)
{
	static const char kept[] = "; chosen by Bob\n; the fast switch\n;rack 4; slot 1\n; last\n";
	struct store_name name = named("lun a");
	struct policy_setting shared;
	char *text, *again, expected[400];
	struct store store;

	(void)state;
	parse_good(COMMENTED, &store);
	store_free(&store);
	setting("round-robin", &shared);
	assert_int_equal(store_edit(COMMENTED, &name, "", &shared, &text), 0);
	snprintf(expected, sizeof(expected), "[lun a] # ours\npolicy  = round-robin\n%s", kept);
	assert_string_equal(text, expected);
	assert_int_equal(store_edit(text, &name, "", &shared, &again), 0);
	assert_string_equal(again, expected);
	free(again);
	free(text);
	/* taken back, the header's comment stays as well */
	assert_int_equal(store_edit(COMMENTED, &name, "", NULL, &text), 0);
	snprintf(expected, sizeof(expected), "# ours\n%s", kept);
	assert_string_equal(text, expected);
	free(text);
}

/* A file from another system keeps its line ends, and every line. */
static void edit_crlf(void **state)
{
	static const char crlf[] = "# mine\r\n\r\n[lun a]\r\npolicy = failover-only ; Bob\r\n\r\n"
				   "active = portal=10.0.1.2\r\n\r\n[lun b]\r\n"
				   "policy = round-robin\r\n";
	struct store_name a = named("lun a"), c = named("lun c");
	struct policy_setting shared;
	struct store store;
	char *text, *next;

	(void)state;
	parse_good(crlf, &store);
	assert_int_equal(store.n, 2);
	assert_int_equal(find(&store, "a", "")->setting->n_rules, 1);
	store_free(&store);
	setting("round-robin exclude iface=x", &shared);
	assert_int_equal(store_edit(crlf, &a, "", &shared, &text), 0);
	assert_string_equal(text, "# mine\r\n\r\n[lun a]\r\npolicy  = round-robin\r\n"
				  "exclude = iface=x\r\n; Bob\r\n\r\n\r\n[lun b]\r\n"
				  "policy = round-robin\r\n");
	assert_int_equal(store_edit("# mine\r\n", &c, "", &shared, &next), 0);
	assert_string_equal(next, "# mine\r\n\r\n[lun c]\r\npolicy  = round-robin\r\n"
				  "exclude = iface=x\r\n");
	free(text);
	assert_int_equal(store_edit(next, &c, "", NULL, &text), 0);
	assert_string_equal(text, "# mine\r\n\r\n");
	free(text);
	free(next);
}

#define SCOPES                                                                                     \
	"[default]\npolicy = round-robin\n"                                                        \
	"[product \"ACME\" \"Disk\"]\npolicy = least-queue-depth\n"                               \
	"[target iqn.b]\npolicy = weighted-path\n"                                                \
	"[target iqn.a]\npolicy = failover-only\n"                                                \
	"[lun alias]\npolicy = round-robin-with-subset\n"                                         \
	"[lun wwid]\npolicy = round-robin\nexclude = tpg=9\n"

static const char *found(const struct store *store, struct store_lun lun)
{
	static char text[STORE_NAME_TEXT_MAX];
	const struct store_entry *entry = store_find(store, &lun);

	return entry ? store_name_format(&entry->name, text) : "none";
}

/* The most specific has effect; of targets the first in the order of the paths. */
static void precedence(void **state)
{
	static const char *const ab[] = {"iqn.a", "iqn.b"}, *const ba[] = {"iqn.b", "iqn.a"},
				 *const cb[] = {"iqn.c", "iqn.b"};
	struct store_lun lun = {"wwid", "alias", ab, 2, "ACME", "Disk"};
	struct store_name fallback = named("default"), target = named("target iqn.c");
	struct policy_setting other;
	struct store store, with;

	(void)state;
	parse_good(SCOPES, &store);
	assert_string_equal(found(&store, lun), "lun wwid");
	lun.wwid = "another";
	assert_string_equal(found(&store, lun), "lun alias");
	lun.alias = "";
	assert_string_equal(found(&store, lun), "target iqn.a");
	lun.targets = ba;
	assert_string_equal(found(&store, lun), "target iqn.b");
	lun.targets = cb;
	assert_string_equal(found(&store, lun), "target iqn.b");
	lun.n_targets = 1;
	assert_string_equal(found(&store, lun), "product \"ACME\" \"Disk\"");
	lun.product = "Disk2";
	assert_string_equal(found(&store, lun), "default");
	/* as it would be */
	setting("failover-only", &other);
	assert_int_equal(store_with(&store, &target, &other, &with), 0);
	assert_int_equal(with.n, store.n + 1);
	assert_ptr_equal(store_find(&with, &lun)->setting, &other);
	free(with.entries);
	assert_int_equal(store_with(&store, &fallback, &other, &with), 0);
	assert_int_equal(with.n, store.n);
	assert_ptr_equal(store_find(&with, &lun)->setting, &other);
	free(with.entries);
	assert_int_equal(store_with(&store, &fallback, NULL, &with), 0);
	assert_string_equal(found(&with, lun), "none");
	free(with.entries);
	store_free(&store);
}

/* Any LUN, any sections, two of one name among them: the index finds what a look at each finds. */
static void indexed(void **state)
{
	static const char *const targets[] = {"iqn.0", "iqn.1", "iqn.2", "iqn.3"};
	static const char *const words[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
	struct store_entry entries[12];
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct store store = {.entries = entries, .n = (size_t)rand_r(&seed) % 13};
		struct store_index index;
		struct store_lun lun = {.wwid = rand_r(&seed) % 5 ? words[rand_r(&seed) % 8] : "",
					.alias = rand_r(&seed) % 5 ? words[rand_r(&seed) % 8] : "",
					.targets = &targets[rand_r(&seed) % 3],
					.n_targets = (size_t)rand_r(&seed) % 3,
					.vendor = words[rand_r(&seed) % 3],
					.product = words[rand_r(&seed) % 3]};

		for (size_t i = 0; i < store.n; i++) {
			struct store_name *name = &entries[i].name;

			entries[i] = (struct store_entry){
				.name.scope = (enum store_scope)(rand_r(&seed) % STORE_SCOPE_MAX)};
			if (name->scope == STORE_LUN)
				strcpy(name->name, words[rand_r(&seed) % 8]);
			else if (name->scope == STORE_TARGET)
				strcpy(name->name, targets[rand_r(&seed) % 4]);
			else if (name->scope == STORE_PRODUCT)
				strcpy(name->name, words[rand_r(&seed) % 3]);
			if (name->scope == STORE_PRODUCT)
				strcpy(name->product, words[rand_r(&seed) % 3]);
		}
		assert_int_equal(store_index_make(&store, &index), 0);
		assert_ptr_equal(store_index_find(&index, &lun), store_find(&store, &lun));
		store_index_free(&index);
	}
}

/* A byte order mark stays where it was, whatever is edited. */
static void edit_mark(void **state)
{
	static const char mark[] = "\xef\xbb\xbf";
	const struct store_name lun = named("lun mpatha"), other = named("lun mpathz");
	struct policy_setting shared;
	char *text, *next;

	(void)state;
	setting("round-robin", &shared);
	assert_int_equal(store_edit("\xef\xbb\xbf[lun mpatha]\npolicy = failover-only\n", &lun, "",
				    &shared, &text),
			 0);
	assert_string_equal(text, "\xef\xbb\xbf[lun mpatha]\npolicy  = round-robin\n");
	assert_int_equal(store_edit(text, &other, "", &shared, &next), 0);
	assert_memory_equal(next, text, strlen(text));
	assert_string_equal(next + strlen(text), "\n[lun mpathz]\npolicy  = round-robin\n");
	free(text);
	assert_int_equal(store_edit(next, &lun, "", NULL, &text), 0);
	assert_string_equal(text, "\xef\xbb\xbf\n[lun mpathz]\npolicy  = round-robin\n");
	free(text);
	free(next);
	assert_int_equal(store_edit(mark, &lun, "", &shared, &text), 0);
	assert_string_equal(text, "\xef\xbb\xbf[lun mpatha]\npolicy  = round-robin\n");
	free(text);
}

/* A link stays a link, and one that leads nowhere is no empty file. */
static void links(void **state)
{
	char folder[] = "/tmp/store.XXXXXX", file[64], name[64];
	struct stat info;
	char *text;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(name, sizeof(name), "%s/link", folder);
	assert_int_equal(symlink(file, name), 0);
	assert_int_equal(store_read_file(name, &text), -ENOENT);
	assert_string_equal(store_read_error(-ENOENT), "it is a link that leads to no file");
	assert_false(store_is_missing(name));
	assert_true(store_is_missing(file));
	assert_int_equal(store_write_file(file, GOOD), 0);
	assert_int_equal(store_write_file(name, GOOD GOOD), 0);
	assert_int_equal(lstat(name, &info), 0);
	assert_true(S_ISLNK(info.st_mode));
	assert_int_equal(store_read_file(file, &text), 0);
	assert_string_equal(text, GOOD GOOD);
	free(text);
	unlink(name);
	unlink(file);
	assert_int_equal(rmdir(folder), 0);
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
	for (int i = 0; i < 2; i++) { /* a NUL byte; UTF-16 as some editors save it */
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		if (i == 0)
			fwrite("[lun x]\0\n", 1, 9, file);
		else
			fwrite("\xff\xfe[\0l\0u\0n\0", 1, 10, file);
		fclose(file);
		assert_int_equal(store_read_file(path, &text), -EILSEQ);
		assert_non_null(strstr(store_read_error(-EILSEQ), "NUL bytes (is it in UTF-16?)"));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0); /* fails if anything else is left */
	assert_int_equal(store_write_file(path, GOOD), -ENOENT);
	assert_int_equal(store_read_file("/", &text), -EISDIR);
	assert_int_equal(store_read_file("/dev/null", &text), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(broken), cmocka_unit_test(long_lines),
		cmocka_unit_test(edit), cmocka_unit_test(edit_scopes), cmocka_unit_test(precedence),
		cmocka_unit_test(files), cmocka_unit_test(links),
		cmocka_unit_test(edit_inline_comments), cmocka_unit_test(edit_crlf),
		cmocka_unit_test(unfit_names), cmocka_unit_test(errors), cmocka_unit_test(file_names),
		cmocka_unit_test(indexed),
		cmocka_unit_test(edit_mark),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
