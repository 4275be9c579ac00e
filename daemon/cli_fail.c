/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi fail and reinstate: the daemon remembers, multipathd acts at once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/cli.h"
#include "daemon/cli_getopt.h"
#include "daemon/multipathd_client.h"

#define ANSWER_MS 15000

static void help(const char *verb)
{
	if (!strcmp(verb, "fail"))
		puts("Usage: mpathiscsi fail [--force] LUN EXPRESSION\n\n"
		     "Takes the LUN's paths that EXPRESSION names out of use, until they are\n"
		     "reinstated: over restarts of either daemon, a reconfigure, and a new login of\n"
		     "the session, but not over a reboot. Refused when no usable path would be left.\n\n"
		     "  -f, --force   also the last usable path");
	else
		puts("Usage: mpathiscsi reinstate LUN EXPRESSION\n\n"
		     "Lets the paths be used again that `mpathiscsi fail` or `multipathd fail path`\n"
		     "took out of use.");
	printf("  -j, --json\n\nExample:\n  mpathiscsi %s mpatha portal=10.0.1.2\n", verb);
}

/* One path of the daemon's reply, to multipathd. */
static int tell_multipathd(const char *verb, struct json_object *path)
{
	const char *device = cli_text(path, "device");
	char request[128];
	int r;

	if (!cli_flag(path, "in_map")) {
		cli_error("%s (%s) is in no map now; remembered", cli_text(path, "portal"), device);
		return EXIT_OK;
	}
	snprintf(request, sizeof(request), "%s path %s", verb, device);
	r = multipathd_command(NULL, request, clock_now_ns() + ANSWER_MS * NS_PER_MS);
	if (r == 0)
		return EXIT_OK;
	cli_error("remembered, but multipathd did not \"%s\": %s; its checker does it at its next "
		  "look at the path",
		  request, multipathd_not_running(r) ? "it does not run" : strerror(-r));
	return EXIT_PENDING;
}

static int carry_out(struct cli *cli, const char *verb, struct json_object *reply)
{
	struct json_object *paths = json_object_object_get(reply, "paths"), *path;
	int result = EXIT_OK, r;
	size_t i;

	for (i = 0; i < cli_length(paths); i++) {
		path = json_object_array_get_idx(paths, i);
		r = tell_multipathd(verb, path);
		if (r != EXIT_OK)
			result = r;
		else if (!cli->json)
			printf("%s (%s): %s\n", cli_text(path, "portal"), cli_text(path, "device"),
			       !strcmp(verb, "fail") ? "failed" : "reinstated");
	}
	if (cli->json)
		cli_print_json(reply);
	return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"force", no_argument, NULL, 'f'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct json_object *fields, *reply;
	bool force = false;
	int option, r;

	while ((option = cli_getopt(argc, argv, "fjh", options)) != -1) {
		if (option == 'f' && !strcmp(argv[0], "fail")) {
			force = true;
		} else if (option == 'j') {
			cli->json = true;
		} else {
			if (option == 'h')
				help(argv[0]);
			return option == 'h' ? EXIT_OK : EXIT_USAGE;
		}
	}
	if (argc - optind != 2) {
		cli_error("%s needs LUN and EXPRESSION; try: mpathiscsi %s --help", argv[0],
			  argv[0]);
		return EXIT_USAGE;
	}
	fields = json_object_new_object();
	json_object_object_add(fields, "lun", json_object_new_string(argv[optind]));
	json_object_object_add(fields, "expression", json_object_new_string(argv[optind + 1]));
	json_object_object_add(fields, "force", json_object_new_boolean(force));
	r = cli_request(cli, argv[0], fields, &reply);
	if (r != EXIT_OK)
		return r;
	r = carry_out(cli, argv[0], reply);
	json_object_put(reply);
	return r;
}

int cli_fail(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv);
}

int cli_reinstate(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv);
}
