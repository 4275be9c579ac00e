/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy clear. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli_policy.h"
#include "daemon/enable.h"
#include "daemon/fragment.h"

static void clear_help(void)
{
	puts("Usage: mpathiscsi policy clear LUN | --target=NAME | "
	     "--product=VENDOR/PRODUCT |\n"
	     "                               --default [--force]\n\n"
	     "Takes a section out of the policies file. Its LUNs come under the next "
	     "wider\n"
	     "scope that is set, or have no policy: their paths are ranked as without us.\n\n"
	     "Options:\n"
	     "  -f, --force     even if multipathd must reconfigure for it with a path "
	     "in\n"
	     "                  trouble\n"
	     "  -j, --json\n\n"
	     "Example:\n  mpathiscsi policy clear mpatha");
}

/* EXIT_OK, an exit code, or -1: help was asked for. */
static int parse_clear(struct cli *cli, int argc, char **argv, struct cli_scope *scope,
		       bool *force)
{
	static const struct option options[] = {CLI_SCOPE_OPTIONS,
						{"force", no_argument, NULL, 'f'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option, r;

	while ((option = getopt_long(argc, argv, "fjh", options, NULL)) != -1) {
		if (option == 'h')
			return -1;
		if (option == 'j')
			cli->json = true;
		if (option == 'f')
			*force = true;
		r = option == '?' ? EXIT_USAGE
		    : option == 'j' || option == 'f'
			    ? EXIT_OK
			    : cli_scope_option(scope, option, optarg);
		if (r != EXIT_OK)
			return r;
	}
	if (argc - optind != (scope->has_name ? 0 : 1)) {
		cli_error("policy clear needs LUN, or one of --target, --product, "
			  "--default");
		return EXIT_USAGE;
	}
	if (!scope->has_name)
		scope->lun = argv[optind];
	return EXIT_OK;
}

/* multipathd would go on with a policy that is gone, or with its selector: it must
 * reconfigure, if `mpathiscsi enable` has been done; else it is told nothing. */
static int may_clear(struct json_object *checked, bool force)
{
	const char *selector = cli_text(checked, "selector");
	char what[128] = "taking the policy away";

	if (!cli_flag(checked, "reconfigures") ||
	    (access(ENABLE_CONF_DIR "/" FRAGMENT_NAME, F_OK) < 0 && errno == ENOENT))
		return EXIT_OK;
	if (*selector)
		snprintf(what, sizeof(what), "path selector \"%s\"", selector);
	return cli_may_reconfigure(checked, what, force);
}

static const char *selector_of(struct json_object *lun)
{
	const struct policy *policy = policy_by_name(cli_text(lun, "policy_name"));

	return policy ? policy->selector : "";
}

/* The fragment gets what has effect now for the LUNs whose policy is another than before.
 * multipathd reconfigures only for LUNs of which that was foreseen, and so checked. */
static void refresh_fragment(struct cli *cli, struct json_object *checked)
{
	struct json_object *reply, *luns = json_object_object_get(checked, "luns"), *lun,
				   *old;
	struct fragment_change *changes;
	size_t n = 0, i;

	if (cli_request(cli, "status", NULL, &reply) != EXIT_OK)
		return;
	changes = calloc(cli_length(luns) + 1, sizeof(*changes));
	for (i = 0; changes && i < cli_length(luns); i++) {
		old = json_object_array_get_idx(luns, i);
		lun = cli_find_lun(json_object_object_get(reply, "luns"),
				   cli_text(old, "wwid"));
		if (!lun || !strcmp(cli_text(old, "policy"), cli_text(lun, "policy")))
			continue;
		changes[n++] = (struct fragment_change){
			.wwid = cli_text(lun, "wwid"),
			.setting = cli_text(lun, "policy"),
			.selector = selector_of(lun),
			.reconfigure = cli_flag(old, "reconfigures")};
	}
	if (changes)
		cli_policy_update_fragments(cli, changes, n);
	else
		cli_error("out of memory");
	free(changes);
	json_object_put(reply);
}

static int carry_out(struct cli *cli, struct json_object *checked, bool force)
{
	char message[POLICY_MESSAGE_MAX];
	struct store_name name;
	int r = may_clear(checked, force);

	if (r != EXIT_OK)
		return r;
	if (store_name_parse(cli_text(checked, "scope"), &name, message) < 0) {
		cli_error("mpathiscsid is of another version: %s", message);
		return EXIT_FAILED;
	}
	r = cli_store_edit(cli, &name, cli_text(checked, "alias"), NULL);
	if (r == EXIT_OK)
		r = cli_policy_reload(cli);
	if (r == EXIT_OK)
		refresh_fragment(cli, checked);
	return r;
}

int cli_policy_clear(struct cli *cli, int argc, char **argv)
{
	struct cli_scope scope = {.lun = NULL};
	struct json_object *checked;
	bool force = false;
	int r = parse_clear(cli, argc, argv, &scope, &force);

	if (r == -1) {
		clear_help();
		return EXIT_OK;
	}
	if (r == EXIT_OK)
		r = cli_ask_section(cli, &scope, &checked);
	if (r != EXIT_OK)
		return r;
	r = carry_out(cli, checked, force);
	json_object_put(checked);
	return r;
}
