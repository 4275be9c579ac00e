/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy clear. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli_policy.h"

static void clear_help(void)
{
	puts("Usage: mpathiscsi policy clear LUN | --target=NAME | --product=VENDOR/PRODUCT |\n"
	     "                               --default\n\n"
	     "Takes a section out of the policies file. Its LUNs come under the next wider\n"
	     "scope that is set, or have no policy: all paths equal.\n\n"
	     "Example:\n  mpathiscsi policy clear mpatha");
}

/* EXIT_OK, an exit code, or -1: help was asked for. */
static int parse_clear(struct cli *cli, int argc, char **argv, struct cli_scope *scope)
{
	static const struct option options[] = {CLI_SCOPE_OPTIONS,
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option, r;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return -1;
		if (option == 'j')
			cli->json = true;
		r = option == '?' ? EXIT_USAGE :
		    option == 'j' ? EXIT_OK :
				    cli_scope_option(scope, option, optarg);
		if (r != EXIT_OK)
			return r;
	}
	if (argc - optind != (scope->has_name ? 0 : 1)) {
		cli_error("policy clear needs LUN, or one of --target, --product, --default");
		return EXIT_USAGE;
	}
	if (!scope->has_name)
		scope->lun = argv[optind];
	return EXIT_OK;
}

/* The section that is meant, and the LUNs as they are before. */
static int find_section(struct cli *cli, const struct cli_scope *scope, struct store_name *name,
			struct json_object **ret_before)
{
	struct json_object *fields = json_object_new_object(), *lun;
	int r;

	if (!scope->has_name)
		cli_scope_field(scope, fields);
	r = cli_request(cli, "status", fields, ret_before);
	if (r != EXIT_OK)
		return r;
	*name = scope->name;
	if (scope->has_name)
		return EXIT_OK;
	lun = json_object_array_get_idx(json_object_object_get(*ret_before, "luns"), 0);
	*name = (struct store_name){.scope = STORE_LUN};
	snprintf(name->name, sizeof(name->name), "%s", cli_text(lun, "wwid"));
	return EXIT_OK;
}

static const char *selector_of(struct json_object *lun)
{
	const struct policy *policy = policy_by_name(cli_text(lun, "policy_name"));

	return policy ? policy->selector : "";
}

/* The fragment gets what has effect now for the LUNs whose policy is another than before.
 * multipathd would go on with what was taken away: it must reconfigure. */
static void refresh_fragment(struct cli *cli, struct json_object *before)
{
	struct json_object *reply, *luns, *lun, *old;
	struct fragment_change *changes;
	size_t n = 0, i;

	if (cli_request(cli, "status", NULL, &reply) != EXIT_OK)
		return;
	luns = json_object_object_get(reply, "luns");
	changes = calloc(json_object_array_length(luns) + 1, sizeof(*changes));
	for (i = 0; changes && i < json_object_array_length(luns); i++) {
		lun = json_object_array_get_idx(luns, i);
		old = cli_find_lun(json_object_object_get(before, "luns"), cli_text(lun, "wwid"));
		if (!old || !strcmp(cli_text(old, "policy"), cli_text(lun, "policy")))
			continue;
		changes[n++] = (struct fragment_change){
			.wwid = cli_text(lun, "wwid"),
			.setting = cli_text(lun, "policy"),
			.selector = selector_of(lun),
			.reconfigure = !*cli_text(lun, "policy") ||
				       strcmp(selector_of(old), selector_of(lun))};
	}
	if (changes)
		cli_policy_update_fragments(cli, changes, n);
	else
		cli_error("out of memory");
	free(changes);
	json_object_put(reply);
}

int cli_policy_clear(struct cli *cli, int argc, char **argv)
{
	struct cli_scope scope = {.lun = NULL};
	struct json_object *before, *lun;
	struct store_name name;
	int r = parse_clear(cli, argc, argv, &scope);

	if (r == -1) {
		clear_help();
		return EXIT_OK;
	}
	if (r == EXIT_OK)
		r = find_section(cli, &scope, &name, &before);
	if (r != EXIT_OK)
		return r;
	lun = scope.lun ? json_object_array_get_idx(json_object_object_get(before, "luns"), 0) :
			  NULL;
	r = cli_store_edit(cli, &name, lun ? cli_text(lun, "alias") : "", NULL);
	if (r == EXIT_OK)
		r = cli_policy_reload(cli);
	if (r == EXIT_OK)
		refresh_fragment(cli, before);
	json_object_put(before);
	return r;
}
