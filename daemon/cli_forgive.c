/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi forgive: a path that came and went starts with a clean slate. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/cli_getopt.h"

static void help(void)
{
	puts("Usage: mpathiscsi forgive [--json] LUN|all [EXPRESSION]\n\n"
	     "Forgets that paths came and went, so that one that is held out is used again\n"
	     "once it is in order: those of a LUN, or of all LUNs, that EXPRESSION names (all\n"
	     "without).\n"
	     "The flaps are those of the session: other LUNs over it are forgiven too.\n\n"
	     "Options:\n"
	     "  -j, --json   print JSON\n\n"
	     "Examples:\n"
	     "  mpathiscsi forgive mpatha portal=10.0.1.2\n"
	     "  mpathiscsi forgive all");
}

int cli_forgive(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct json_object *fields, *reply;
	int option, r;

	while ((option = cli_getopt(argc, argv, "jh", options)) != -1) {
		if (option == 'h')
			help();
		if (option != 'j')
			return option == 'h' ? EXIT_OK : EXIT_USAGE;
		cli->json = true;
	}
	if (argc - optind < 1 || argc - optind > 2) {
		cli_error("forgive needs LUN or \"all\", and at most one EXPRESSION; try: "
			  "mpathiscsi forgive --help");
		return EXIT_USAGE;
	}
	fields = json_object_new_object();
	json_object_object_add(fields, "lun", json_object_new_string(argv[optind]));
	if (argc - optind == 2)
		json_object_object_add(fields, "expression",
				       json_object_new_string(argv[optind + 1]));
	r = cli_request(cli, "forgive", fields, &reply);
	if (r != EXIT_OK)
		return r;
	if (cli->json)
		cli_print_json(reply);
	else
		printf("%lld path%s forgiven\n", (long long)cli_number(reply, "paths"),
		       cli_number(reply, "paths") == 1 ? "" : "s");
	json_object_put(reply);
	return EXIT_OK;
}
