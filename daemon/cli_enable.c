/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi enable and disable: arguments of what enable.c does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/cli.h"
#include "daemon/cli_getopt.h"
#include "daemon/cli_policy.h"
#include "daemon/enable.h"
#include "daemon/enable_apply.h"
#include "daemon/kept.h"

#define RECONFIGURE_MS 60000
#define COLLECT_MS	 40000
#define FAIL_AGAIN_MS  20000

static void help(const char *command)
{
	printf("Usage: mpathiscsi %s [--dry-run] [--json]\n\n", command);
	if (!strcmp(command, "enable"))
		puts("Writes " ENABLE_CONF_DIR "/mpathiscsi.conf: checker \"iscsi\" for each array\n"
		     "seen over iSCSI, and for each of its LUNs our priorities, grouping, failback\n"
		     "and a no_path_retry of at least 60 s. Other disks keep what they have.\n"
		     "multipathd is told to reconfigure, and the result is checked.\n");
	else
		puts("Removes " ENABLE_CONF_DIR "/mpathiscsi.conf and tells multipathd to\n"
		     "reconfigure. Policies stay in the policies file.\n");
	printf("  -n, --dry-run   show what would be done, change nothing\n"
	       "  -j, --json\n"
	       "\nExample:\n  mpathiscsi %s --dry-run\n",
	       command);
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for. */
static int parse(struct cli *cli, int argc, char **argv, struct enable_options *options)
{
	static const struct option long_options[] = {{"dry-run", no_argument, NULL, 'n'},
						     {"json", no_argument, NULL, 'j'},
						     {"help", no_argument, NULL, 'h'},
						     {0}};
	int option;

	while ((option = cli_getopt(argc, argv, "njh", long_options)) != -1) {
		if (option == 'n')
			options->dry_run = true;
		else if (option == 'j')
			cli->json = true;
		else
			return option == 'h' ? -1 : EXIT_USAGE;
	}
	if (optind < argc) {
		cli_error("%s takes no argument \"%s\"", argv[0], argv[optind]);
		return EXIT_USAGE;
	}
	options->json = cli->json;
	options->store_path = cli->store_path;
	options->control_path = cli->control_path;
	return EXIT_OK;
}

/* What operators have failed stays failed over the reconfigure. */
static int keeping(struct cli *cli, const struct enable_options *options,
		   int (*command)(const struct enable_options *options))
{
	struct kept kept = {.n = 0};
	int lock, r;

	if (options->dry_run)
		return command(options);
	/* Who sets a policy meanwhile would have it overwritten in what multipathd reads. */
	lock = cli_store_lock_if_possible(cli);
	/* Without the daemon nobody knows of any. */
	if (kept_collect(cli, clock_now_ns() + COLLECT_MS * NS_PER_MS, &kept) < 0)
		kept = (struct kept){.n = 0};
	r = command(options);
	if (kept_fail_again(&kept, clock_now_ns() + FAIL_AGAIN_MS * NS_PER_MS) != EXIT_OK &&
	    r == EXIT_OK)
		r = EXIT_FAILED;
	kept_free(&kept);
	cli_store_unlock(lock);
	return r;
}

static int run(struct cli *cli, int argc, char **argv,
	       int (*command)(const struct enable_options *options))
{
	struct enable_options options = {.dry_run = false};
	int r = parse(cli, argc, argv, &options);

	if (r == -1) {
		help(argv[0]);
		return EXIT_OK;
	}
	return r == EXIT_OK ? keeping(cli, &options, command) : r;
}

int cli_enable(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, cmd_enable);
}

int cli_disable(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, cmd_disable);
}

void cli_policy_update_fragment(const struct cli *cli, const char *wwid, const char *setting,
				const char *selector, bool reconfigure)
{
	int r = fragment_update(NULL, wwid, setting, selector, NULL);

	switch (r) {
	case 0:
		break;
	case -ENODATA: /* not enabled: nothing to keep in step */
		return;
	case -ENXIO:
		cli_error("note: multipathd does not know of %s yet: run `mpathiscsi enable` again",
			  wwid);
		return;
	case -E2BIG:
		cli_error("note: the policy is too long for prio_args (253 characters): until "
			  "mpathiscsid is up after a boot, all paths are equal");
		break;
	default:
		cli_error("note: %s/%s was not updated (%s); `mpathiscsi enable` mends it",
			  ENABLE_CONF_DIR, FRAGMENT_NAME, strerror(-r));
		return;
	}
	if (!reconfigure)
		return;
	r = kept_reconfigure(cli, RECONFIGURE_MS);
	if (r < 0)
		cli_error("note: multipathd did not reconfigure (%s) and may go on using the old "
			  "policy until it does",
			  strerror(-r));
}
