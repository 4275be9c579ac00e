/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi: the command. One table gives dispatch and usage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/cli_getopt.h"
#include "daemon/control.h"
#include "daemon/store.h"
#include "daemon/version.h"

static const struct cli_command commands[] = {
	{"status", cli_status, "[--timing] [LUN]", "LUNs, policies, groups, paths and why"},
	{"explain", cli_explain, "LUN", "why each path carries I/O or not"},
	{"whatif", cli_whatif, "LUN --down EXPRESSION", "where I/O would go if paths fail"},
	{"policy", cli_policy, "list, show, set, clear, check", "load-balance policies"},
	{"enable", cli_enable, "[--dry-run]", "multipathd uses our checker, priorities"},
	{"disable", cli_disable, "[--dry-run]", "take all of that back"},
	{"fail", cli_fail, "[--force] LUN EXPRESSION", "take paths out of use"},
	{"reinstate", cli_reinstate, "LUN EXPRESSION", "and back into use"},
	{"forgive", cli_forgive, "LUN|all [EXPRESSION]", "forget that paths came and went"},
	{"off", cli_off, "[--reason=TEXT]", "one switch for all that acts: off"},
	{"on", cli_on, "", "and on again"},
	{"reload", cli_reload, "", "read policies and settings again"},
	{"complete", cli_complete, "", NULL},
};

static void usage(FILE *out)
{
	size_t i;

	fputs("Usage: mpathiscsi [--json] COMMAND [ARGUMENTS]\n\n"
	      "iSCSI paths under dm-multipath: set, see and explain.\n\nCommands:\n",
	      out);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].summary)
			fprintf(out, "  %-9s %-28s %s\n", commands[i].name, commands[i].arguments,
			commands[i].summary);
	fputs("\nOptions:\n"
	      "  -j, --json            print JSON\n"
	      "  -S, --socket=PATH     control socket of the daemon (" CONTROL_DEFAULT_PATH ")\n"
	      "  -f, --policies=FILE   policies file (" STORE_DEFAULT_PATH ")\n"
	      "  -V, --version         print the version\n"
	      "  -h, --help            this text; also: mpathiscsi COMMAND --help\n"
	      "\nExamples:\n"
	      "  mpathiscsi enable --dry-run\n"
	      "  mpathiscsi status\n"
	      "  mpathiscsi policy set mpatha failover-only --active portal=10.0.1.2\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},	     {"socket", required_argument, NULL, 'S'},
		{"policies", required_argument, NULL, 'f'}, {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},	     {0}};
	struct cli cli = {.control_path = CONTROL_DEFAULT_PATH, .store_path = STORE_DEFAULT_PATH};
	size_t i;
	int option;

	/* "+": what stands behind the command belongs to the command. */
	while ((option = cli_getopt(argc, argv, "+jS:f:Vh", options)) != -1) {
		switch (option) {
		case 'j':
			cli.json = true;
			break;
		case 'S':
			cli.control_path = optarg;
			break;
		case 'f':
			cli.store_path = optarg;
			break;
		case 'V':
			puts("mpathiscsi " MPATHISCSI_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			return cli_end(&cli, EXIT_USAGE);
		}
	}
	if (optind == argc) {
		usage(stderr);
		return cli_end(&cli, EXIT_USAGE);
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int first = optind;

		if (strcmp(argv[first], commands[i].name))
			continue;
		optind = 0; /* getopt starts afresh for the command's own options */
		return cli_end(&cli, commands[i].run(&cli, argc - first, argv + first));
	}
	cli_error("unknown command \"%s\"; try: mpathiscsi --help", argv[optind]);
	return cli_end(&cli, EXIT_USAGE);
}
