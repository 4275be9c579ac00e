/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy clear. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli_getopt.h"
#include "daemon/cli_policy.h"
#include "daemon/enable.h"
#include "daemon/fragment.h"

static void clear_help(void)
{
	puts("Usage: mpathiscsi policy clear LUN | --target=NAME | "
	     "--product=VENDOR/PRODUCT |\n"
	     "                               --default [--dry-run] [--force]\n\n"
	     "Takes a section out of the policies file. Its LUNs come under the next "
	     "wider\n"
	     "scope that is set, or have no policy: their paths are ranked as without us.\n\n"
	     "Options:\n"
	     "  -n, --dry-run   say what policy the LUNs would have, change nothing\n"
	     "  -f, --force     even if multipathd must reconfigure for it with a path "
	     "in\n"
	     "                  trouble\n"
	     "  -j, --json\n\n"
	     "Example:\n  mpathiscsi policy clear mpatha");
}

/* EXIT_OK, an exit code, or -1: help was asked for. */
static int parse_clear(struct cli *cli, int argc, char **argv, struct cli_scope *scope,
		       bool *force, bool *dry_run)
{
	static const struct option options[] = {CLI_SCOPE_OPTIONS,
						{"force", no_argument, NULL, 'f'},
						{"dry-run", no_argument, NULL, 'n'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option, r;

	while ((option = cli_getopt(argc, argv, "fnjh", options)) != -1) {
		if (option == 'h')
			return -1;
		r = EXIT_OK;
		if (option == '?')
			r = EXIT_USAGE;
		else if (option == 'j')
			cli->json = true;
		else if (option == 'f')
			*force = true;
		else if (option == 'n')
			*dry_run = true;
		else
			r = cli_scope_option(scope, option, optarg);
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

/* As JSON what was asked of the daemon, for people a line for each LUN: how it is, and how it
 * will be. */
static void print_luns(struct cli *cli, struct json_object *checked, bool cleared)
{
	struct json_object *luns = json_object_object_get(checked, "luns");

	if (cli->json) {
		json_object_object_add(checked, "cleared", json_object_new_boolean(cleared));
		cli_print_json(checked);
		return;
	}
	for (size_t i = 0; !cleared && i < cli_length(luns); i++) {
		struct json_object *lun = json_object_array_get_idx(luns, i);
		const char *then = cli_text(lun, "setting");

		printf("%s: %s\n  would be: %s\n", cli_text(lun, "wwid"), cli_text(lun, "policy"),
		       *then ? then : "none");
	}
}

/* Would a LUN come under a policy whose path selector the kernel lacks? */
static int check_support(struct json_object *checked)
{
	struct json_object *luns = json_object_object_get(checked, "luns");

	for (size_t i = 0; i < cli_length(luns); i++) {
		struct json_object *lun = json_object_array_get_idx(luns, i);
		const char *then = cli_text(lun, "setting");
		char name[POLICY_NAME_MAX];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(then, " "), then);
		if (!cli_lun_is_supported(lun, name))
			return EXIT_REFUSED;
	}
	return EXIT_OK;
}

/* Take the section out, and let follow what comes of it. With the lock held. */
static int take_out(struct cli *cli, struct json_object *checked, const struct store_name *name)
{
	int r = cli_store_edit(cli, name, cli_text(checked, "alias"), NULL);

	if (r == EXIT_OK)
		r = cli_policy_reload(cli);
	if (r == EXIT_OK)
		cli_policy_follow(cli, json_object_object_get(checked, "luns"), "reconfigures");
	return r;
}

static int carry_out(struct cli *cli, struct json_object *checked, bool force)
{
	char message[POLICY_MESSAGE_MAX];
	struct store_name name;
	int r = check_support(checked);

	if (r == EXIT_OK)
		r = may_clear(checked, force);
	if (r != EXIT_OK)
		return r;
	if (store_name_parse(cli_text(checked, "scope"), &name, message) < 0) {
		cli_error("mpathiscsid is of another version: %s", message);
		return EXIT_FAILED;
	}
	r = take_out(cli, checked, &name);
	if (r == EXIT_OK)
		print_luns(cli, checked, true);
	return r;
}

int cli_policy_clear(struct cli *cli, int argc, char **argv)
{
	struct cli_scope scope = {.lun = NULL};
	struct json_object *checked;
	bool force = false, dry = false;
	int lock = -1;
	int r = parse_clear(cli, argc, argv, &scope, &force, &dry);

	if (r == -1) {
		clear_help();
		return EXIT_OK;
	}
	if (r == EXIT_OK && !dry)
		r = cli_store_lock(cli, &lock);
	if (r != EXIT_OK)
		return r;
	r = cli_ask_section(cli, &scope, &checked);
	if (r == EXIT_OK) {
		if (dry)
			print_luns(cli, checked, false);
		else
			r = carry_out(cli, checked, force);
		json_object_put(checked);
	}
	cli_store_unlock(lock);
	return r;
}
