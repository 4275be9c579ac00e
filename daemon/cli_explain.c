/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi explain: why each path does or does not carry I/O. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli_forecast.h"
#include "daemon/cli_getopt.h"
#include "daemon/cli_quick.h"
#include "daemon/fold.h"
#include "daemon/queueing.h"

#define LINE_MAX_TEXT 4096

const char *cli_no_policy(struct json_object *lun)
{
	/* There is one such policy: cli_text(lun, "built_in") names it for scripts. */
	return *cli_text(lun, "built_in") && cli_flag(lun, "in_force") ?
		       "none set; round-robin-with-subset by access state" :
		       "none (as multipathd finds the paths)";
}

void cli_print_head(struct json_object *reply)
{
	const char *alias = cli_text(reply, "alias"), *wwid = cli_text(reply, "wwid");
	const char *policy = cli_text(reply, "policy_name");
	bool named = *alias && strcmp(alias, wwid) != 0; /* maps may be called by their WWID */
	char line[LINE_MAX_TEXT];

	snprintf(line, sizeof(line), "%s%s%s", named ? alias : "", named ? " " : "", wwid);
	fold_print(stdout, 0, line);
	if (*policy)
		snprintf(line, sizeof(line), "policy: %s, from [%s], %s", policy,
			 cli_text(reply, "scope"),
			 cli_flag(reply, "in_force") ? "in force" : "not in force yet");
	else
		snprintf(line, sizeof(line), "policy: %s", cli_no_policy(reply));
	fold_print(stdout, 1, line);
	if (*policy && !cli_flag(reply, "in_force"))
		fold_print(stdout, 3, cli_text(reply, "waits_for"));
}

const char *cli_join(struct json_object *array, char *buffer, size_t size)
{
	size_t n = cli_length(array), used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(
			buffer + used, size - used, "%s%s",
			i == 0 ? "" : i + 1 == n ? " and " : ", ",
			json_object_get_string(json_object_array_get_idx(array, i)));
	return buffer;
}

static void print_outlook(struct json_object *reply)
{
	struct json_object *now = json_object_object_get(reply, "now");
	struct json_object *next = json_object_object_get(reply, "next");
	char first[1024], second[1024], queueing[QUEUEING_TEXT_MAX], line[LINE_MAX_TEXT];
	size_t n = cli_length(now), n_next = cli_length(next);

	if (!cli_flag(reply, "has_map")) {
		fold_print(stdout, 1, "carries I/O now: nothing, multipathd has made no map of this LUN");
		return;
	}
	cli_join(now, first, sizeof(first));
	cli_join(next, second, sizeof(second));
	if (n == 0 || n_next == 0)
		queueing_ask(cli_flag(reply, "queues"), cli_text(reply, "wwid"), queueing,
			     sizeof(queueing));
	snprintf(line, sizeof(line), "carries I/O now: %s%s", n ? first : "nothing; ",
		 n ? "" : queueing);
	fold_print(stdout, 1, line);
	if (n == 0)
		return;
	if (n > 1)
		fold_print(stdout, 1, "if one of them fails: the others carry on");
	if (n_next > 0)
		snprintf(line, sizeof(line), "if %s: %s", n > 1 ? "all of them fail" : "it fails",
			 second);
	else
		snprintf(line, sizeof(line), "if %s: nothing is left; %s",
			 n > 1 ? "all of them fail" : "it fails", queueing);
	fold_print(stdout, 1, line);
}

/* A policy that contradicts what the target says of its paths. */
static void print_warning(struct json_object *reply)
{
	char line[LINE_MAX_TEXT];

	if (!*cli_text(reply, "warning"))
		return;
	snprintf(line, sizeof(line), "warning: %s", cli_text(reply, "warning"));
	fold_print(stdout, 1, line);
}

static void print_path(struct json_object *path)
{
	printf(" %c %s  %s over %s\n", cli_flag(path, "carries_io") ? '*' : ' ',
	       cli_text(path, "path"), cli_text(path, "device"), cli_text(path, "interface"));
	fold_print(stdout, 5, cli_text(path, "because"));
	if (*cli_quick_mark(path))
		fold_print(stdout, 5, "quick: fails over without waiting for the kernel's timers");
	cli_print_quick(stdout, path, 5, "");
}

static void help(void)
{
	puts("Usage: mpathiscsi explain [--json] LUN\n\n"
	     "Says what carries the LUN's I/O now, what would take over, and for each path why\n"
	     "it does or does not carry I/O. LUN is a WWID or a map's name.\n\n"
	     "Options:\n"
	     "  -j, --json   print JSON\n\n"
	     "Examples:\n"
	     "  mpathiscsi explain mpatha");
}

int cli_explain(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct json_object *reply, *fields, *paths;
	int option, r;

	while ((option = cli_getopt(argc, argv, "jh", options)) != -1) {
		if (option == 'h')
			help();
		if (option != 'j')
			return option == 'h' ? EXIT_OK : EXIT_USAGE;
		cli->json = true;
	}
	if (argc - optind != 1) {
		cli_error("explain needs LUN; try: mpathiscsi explain --help");
		return EXIT_USAGE;
	}
	fields = json_object_new_object();
	json_object_object_add(fields, "lun", json_object_new_string(argv[optind]));
	r = cli_request(cli, "explain", fields, &reply);
	if (r != EXIT_OK)
		return r;
	if (cli->json) {
		cli_print_json(reply);
	} else {
		cli_print_head(reply);
		print_warning(reply);
		print_outlook(reply);
		paths = json_object_object_get(reply, "paths");
		for (size_t i = 0; i < cli_length(paths); i++)
			print_path(json_object_array_get_idx(paths, i));
	}
	json_object_put(reply);
	return EXIT_OK;
}
