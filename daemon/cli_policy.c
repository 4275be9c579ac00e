/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy: what only looks, and the table of verbs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli_getopt.h"
#include "daemon/cli_policy.h"
#include "daemon/fragment.h"
#include "daemon/enable.h"

static void list_help(void)
{
	puts("Usage: mpathiscsi policy list [--json]\n\n"
	     "The policies there are, with a line about each; mpathiscsi-policies(5) has the\n"
	     "rest.\n\n"
	     "Example:\n  mpathiscsi policy list");
}

static int list(struct cli *cli, int argc, char **argv)
{
	struct json_object *array, *object;
	size_t i;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		list_help();
		return EXIT_OK;
	}
	if (argc > 1) {
		cli_error("policy list takes no argument \"%s\"", argv[1]);
		return EXIT_USAGE;
	}
	array = json_object_new_array();
	for (i = 0; i < policy_count; i++) {
		const struct policy *policy = policy_registry[i];

		if (!cli->json)
			printf("%-24s %s\n", policy->name, policy->summary);
		object = json_object_new_object();
		json_object_object_add(object, "name", json_object_new_string(policy->name));
		json_object_object_add(object, "summary", json_object_new_string(policy->summary));
		json_object_array_add(array, object);
	}
	if (cli->json)
		cli_print_json(array);
	json_object_put(array);
	return EXIT_OK;
}

static void print_shown(struct json_object *lun)
{
	const char *alias = cli_text(lun, "alias"), *policy = cli_text(lun, "policy");
	const char *scope = cli_text(lun, "scope");

	printf("%s: %s%s", *alias ? alias : cli_text(lun, "wwid"),
	       *policy ? policy : cli_no_policy(lun),
	       !*policy ? "" : cli_flag(lun, "in_force") ? " [in force]" : " [pending]");
	if (*scope && strncmp(scope, "lun ", 4))
		printf(" by [%s]", scope);
	putchar('\n');
	if (*cli_text(lun, "warning"))
		printf("  warning: %s\n", cli_text(lun, "warning"));
}

/* The LUNs that come under a section (NULL: all of the reply). New array. */
static struct json_object *luns_under(struct json_object *reply, const char *section)
{
	struct json_object *luns = json_object_object_get(reply, "luns"), *lun;
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < cli_length(luns); i++) {
		lun = json_object_array_get_idx(luns, i);
		if (!section || !strcmp(cli_text(lun, "scope"), section))
			json_object_array_add(array, json_object_get(lun));
	}
	return array;
}

void cli_say_no_section(const struct cli *cli, const struct store_name *name)
{
	char section[STORE_NAME_TEXT_MAX];

	store_name_format(name, section);
	if (store_is_missing(cli->store_path))
		cli_error("ISDSC_INVALID_PARAMETER: %s: the file is missing, and with it any "
			  "section [%s]",
			  cli->store_path, section);
	else
		cli_error("ISDSC_INVALID_PARAMETER: %s has no section [%s]", cli->store_path,
			  section);
}

/* What the file says of a section, as one line. EXIT_REFUSED: it has no such section. */
static int read_section(const struct cli *cli, const struct store_name *name, char *text,
			size_t size)
{
	char message[STORE_MESSAGE_MAX], *file;
	const struct store_entry *entry;
	enum policy_error error;
	struct store store;
	int r = store_read_file(cli->store_path, &file);

	if (r < 0) {
		cli_error("%s: %s", cli->store_path, store_read_error(r));
		return EXIT_FAILED;
	}
	error = store_parse(file, cli->store_path, &store, message);
	free(file);
	if (error != POLICY_OK) {
		cli_error("%s: %s", policy_error_name(error), message);
		return EXIT_REFUSED;
	}
	entry = store_entry_named(&store, name);
	if (entry)
		policy_setting_format(entry->setting, text, size);
	else
		cli_say_no_section(cli, name);
	store_free(&store);
	return entry ? EXIT_OK : EXIT_REFUSED;
}

static void print_luns(const struct cli *cli, struct json_object *reply,
		       const struct cli_scope *scope, const char *setting)
{
	char section[STORE_NAME_TEXT_MAX];
	struct json_object *luns;
	size_t i;

	store_name_format(&scope->name, section);
	luns = luns_under(reply, scope->has_name ? section : NULL);
	if (!cli->json && scope->has_name)
		printf("[%s]: %s\n", section, setting);
	for (i = 0; !cli->json && i < cli_length(luns); i++)
		print_shown(json_object_array_get_idx(luns, i));
	if (cli->json && scope->has_name) {
		json_object_object_add(reply, "scope", json_object_new_string(section));
		json_object_object_add(reply, "setting", json_object_new_string(setting));
	}
	json_object_object_add(reply, "luns", luns);
	if (cli->json)
		cli_print_json(reply);
}

static void show_help(void)
{
	puts("Usage: mpathiscsi policy show [--json] [LUN | --target=NAME |\n"
	     "                               --product=VENDOR/PRODUCT | --default]\n\n"
	     "Each LUN's policy, whether it is in force, the section that gives it, and a\n"
	     "warning where it can hardly be meant so. With a scope: what its section says,\n"
	     "and the LUNs that come under it.\n\n"
	     "Example:\n  mpathiscsi policy show --default");
}

/* EXIT_OK, an exit code, or -1: help was asked for. */
static int parse_show(int argc, char **argv, struct cli_scope *scope)
{
	static const struct option options[] = {CLI_SCOPE_OPTIONS,
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option, r;

	while ((option = cli_getopt(argc, argv, "h", options)) != -1) {
		if (option == 'h')
			return -1;
		r = option == '?' ? EXIT_USAGE : cli_scope_option(scope, option, optarg);
		if (r != EXIT_OK)
			return r;
	}
	if (argc - optind > (scope->has_name ? 0 : 1)) {
		cli_error("policy show takes one LUN, or one of --target, --product, --default");
		return EXIT_USAGE;
	}
	scope->lun = argv[optind]; /* NULL behind the last */
	return EXIT_OK;
}

static int show(struct cli *cli, int argc, char **argv)
{
	struct json_object *reply, *fields;
	struct cli_scope scope = {.lun = NULL};
	char setting[STORE_LINE_MAX * 4] = "";
	int r = parse_show(argc, argv, &scope);

	if (r == -1) {
		show_help();
		return EXIT_OK;
	}
	if (r == EXIT_OK && scope.has_name)
		r = read_section(cli, &scope.name, setting, sizeof(setting));
	if (r != EXIT_OK)
		return r;
	fields = json_object_new_object();
	if (!scope.has_name)
		cli_scope_field(&scope, fields);
	r = cli_request(cli, "status", fields, &reply);
	if (r != EXIT_OK)
		return r;
	print_luns(cli, reply, &scope, setting);
	json_object_put(reply);
	return EXIT_OK;
}

static const struct cli_command verbs[] = {
	{"list", list, "", "the policies there are"},
	{"show", show, "[LUN|SCOPE]", "each LUN's policy, and whether it is in force"},
	{"set", cli_policy_set, "LUN POLICY …", "set a policy (see: policy set --help)"},
	{"clear", cli_policy_clear, "LUN|SCOPE", "take it back: the next wider scope, or none"},
	{"check", cli_policy_check, "FILE", "is this policies file in order?"},
};

static void help(FILE *out)
{
	size_t i;

	fputs("Usage: mpathiscsi policy VERB [ARGUMENTS]\n\n", out);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-6s %-14s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].summary);
	fputs("\nSCOPE: --target=NAME, --product=VENDOR/PRODUCT, --default\n\nExamples:\n"
	      "  mpathiscsi policy set mpatha failover-only --active portal=10.0.1.2\n"
	      "  mpathiscsi policy show\n",
	      out);
}

int cli_policy(struct cli *cli, int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout);
		return EXIT_OK;
	}
	/* --json may stand behind any verb */
	for (i = 2; (int)i < argc; i++) {
		if (strcmp(argv[i], "--json") && strcmp(argv[i], "-j"))
			continue;
		cli->json = true;
		memmove(&argv[i], &argv[i + 1], ((size_t)argc - i) * sizeof(*argv));
		argc--;
		i--;
	}
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(cli, argc - 1, argv + 1);
	cli_error("unknown verb \"%s\": list, show, set, clear, check", argv[1]);
	return EXIT_USAGE;
}
