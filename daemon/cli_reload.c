/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi reload: the daemon reads its files again, and what multipathd has of the policies
 * follows, as it would after `policy set`. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cli_policy.h"
#include "daemon/enable.h"
#include "daemon/enable_apply.h"
#include "daemon/kept.h"

#define RECONFIGURE_MS 60000

/* What the policies ask of multipathd's configuration. */
struct follow {
	size_t selectors; /* LUNs whose live path selector is not their policy's */
	size_t taken;	  /* LUNs whose policy was taken away, and multipathd still has it */
};

static void help(void)
{
	puts("Usage: mpathiscsi reload [--force]\n\n"
	     "The daemon reads the policies file and mpathiscsid.conf again. A broken file is\n"
	     "refused whole, and what is in force of it stays; the other one is read all the\n"
	     "same. Where a policy now wants another path selector, or was taken away,\n"
	     "multipathd is told to reconfigure; not while a path is in trouble (exit\n"
	     "status 5: repeat it then).\n\n"
	     "  -f, --force   reconfigure even with a path in trouble\n"
	     "\nExample:\n  mpathiscsi reload");
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for. */
static int parse(int argc, char **argv, bool *ret_force)
{
	static const struct option options[] = {
		{"force", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		if (option != 'f')
			return option == 'h' ? -1 : EXIT_USAGE;
		*ret_force = true;
	}
	if (optind == argc)
		return EXIT_OK;
	cli_error("reload takes no argument \"%s\"", argv[optind]);
	return EXIT_USAGE;
}

/* One LUN's part of the fragment. Not enabled, or not for this LUN: nothing to follow. */
static void follow_lun(struct json_object *lun, struct follow *follow)
{
	const char *setting = cli_text(lun, "policy");
	const struct policy *policy = policy_by_name(cli_text(lun, "policy_name"));
	bool changed = false;
	int r = fragment_update(NULL, cli_text(lun, "wwid"), setting,
				policy ? policy->selector : "", &changed);

	if (r == -ENOENT || r == -ENXIO)
		return;
	if (r < 0 && r != -E2BIG) /* too long for prio_args: said by `policy set`, no fault */
		cli_error("note: %s/%s was not updated (%s); `mpathiscsi enable` mends it",
			  ENABLE_CONF_DIR, FRAGMENT_NAME, strerror(-r));
	else if (*setting)
		follow->selectors += !cli_flag(lun, "selector_in_force");
	else
		follow->taken += changed;
}

/* The fragment follows a file that was edited by hand. */
static int follow_file(struct cli *cli, struct follow *ret)
{
	struct json_object *reply, *luns;
	int r = cli_request(cli, "status", NULL, &reply);

	*ret = (struct follow){.selectors = 0};
	if (r != EXIT_OK)
		return r;
	luns = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < cli_length(luns); i++)
		follow_lun(json_object_array_get_idx(luns, i), ret);
	json_object_put(reply);
	return EXIT_OK;
}

/* Let multipathd take what it takes only by a reconfigure. */
static int reconfigure(struct cli *cli, const struct follow *follow, const char *unfit, bool force)
{
	size_t n = follow->selectors + follow->taken;
	int r;

	if (n == 0)
		return EXIT_OK;
	if (*unfit && !force) {
		cli_error("read, but pending: for %zu LUN%s multipathd has to reconfigure, which "
			  "would stop its checks while %s is in trouble; repeat `mpathiscsi "
			  "reload` when that is over (--force: now)",
			  n, n == 1 ? "" : "s", unfit);
		return EXIT_PENDING;
	}
	r = kept_reconfigure(cli, RECONFIGURE_MS);
	if (r == 0)
		return EXIT_OK;
	cli_error("read, but pending: multipathd did not reconfigure (%s) and goes on with the old "
		  "path selector or policy of %zu LUN%s until it does",
		  strerror(-r), n, n == 1 ? "" : "s");
	return EXIT_PENDING;
}

/* The policies, and what follows from them. */
static int reload_policies(struct cli *cli, bool force)
{
	struct json_object *reply;
	struct follow follow;
	int r = cli_request(cli, "reload", NULL, &reply);

	if (r != EXIT_OK)
		return r;
	r = follow_file(cli, &follow);
	if (r == EXIT_OK)
		r = reconfigure(cli, &follow, cli_text(reply, "unfit"), force);
	json_object_put(reply);
	return r;
}

static int reload_settings(struct cli *cli)
{
	struct json_object *reply;
	int r = cli_request(cli, "reload-settings", NULL, &reply);

	if (r == EXIT_OK)
		json_object_put(reply);
	return r;
}

int cli_reload(struct cli *cli, int argc, char **argv)
{
	bool force = false;
	int r = parse(argc, argv, &force), settings;

	if (r == -1) {
		help();
		return EXIT_OK;
	}
	if (r == EXIT_OK)
		r = reload_policies(cli, force);
	if (r == EXIT_USAGE || r == EXIT_NO_DAEMON || r == EXIT_NOT_PERMITTED)
		return r;
	settings = reload_settings(cli);
	return r == EXIT_OK ? settings : r;
}
