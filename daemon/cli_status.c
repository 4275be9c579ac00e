/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi status: the daemon's report, as a table of 80 columns. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/fold.h"

static struct json_object *item(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static size_t length(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

static void print_path(struct json_object *path)
{
	int64_t rtt_us = cli_number(path, "rtt_us");
	const char *reason = cli_text(path, "reason");
	char rtt[32] = "-";

	if (rtt_us > 0)
		snprintf(rtt, sizeof(rtt), "%.2f ms", (double)rtt_us / 1000);
	printf("  %c %-24s %-6s %-10s %-9s %-8s %s\n", cli_flag(path, "carries_io") ? '*' : ' ',
	       cli_text(path, "portal"), cli_text(path, "device"), cli_text(path, "interface"),
	       cli_text(path, "role"), cli_text(path, "state"), rtt);
	if (*reason && strcmp(cli_text(path, "state"), "up"))
		fold_print(stdout, 6, reason);
}

static void print_group(struct json_object *lun, struct json_object *group, size_t number)
{
	struct json_object *paths = json_object_object_get(lun, "paths");
	size_t i;

	printf(" group %zu: %s\n", number, cli_text(group, "state"));
	for (i = 0; i < length(paths); i++) {
		struct json_object *path = item(paths, i);

		if (cli_number(path, "group") == (int64_t)number)
			print_path(path);
	}
}

/* Paths that are in no map, or whose LUN has none. */
static void print_strays(struct json_object *lun)
{
	struct json_object *paths = json_object_object_get(lun, "paths");
	bool titled = false;
	size_t i;

	for (i = 0; i < length(paths); i++) {
		if (cli_number(item(paths, i), "group") != 0)
			continue;
		if (!titled)
			puts(" in no map:");
		titled = true;
		print_path(item(paths, i));
	}
}

static void print_policy(struct json_object *lun)
{
	const char *policy = cli_text(lun, "policy"), *waits = cli_text(lun, "waits_for");
	const char *none = "none (all paths equal)", *force = "";
	char line[4096];

	if (!cli_flag(lun, "policy_known"))
		none = "not known: the policies file is broken; the last plan stays";
	if (*waits)
		force = " [pending: waits for ";
	else if (*policy)
		force = cli_flag(lun, "in_force") ? " [in force]" : " [pending]";
	snprintf(line, sizeof(line), "policy: %s%s%s%s", *policy ? policy : none,
		 force, waits, *waits ? "]" : "");
	fold_print(stdout, 1, line);
	if (*cli_text(lun, "warning")) {
		snprintf(line, sizeof(line), "warning: %s", cli_text(lun, "warning"));
		fold_print(stdout, 1, line);
	}
	if (!*cli_text(lun, "note"))
		return;
	snprintf(line, sizeof(line), "note: %s", cli_text(lun, "note"));
	fold_print(stdout, 1, line);
}

static void print_lun(struct json_object *lun)
{
	struct json_object *groups = json_object_object_get(lun, "groups");
	const char *alias = cli_text(lun, "alias"), *wwid = cli_text(lun, "wwid");
	size_t i;

	if (*alias && strcmp(alias, wwid) != 0)
		printf("%s  ", alias);
	puts(wwid);
	print_policy(lun);
	if (*alias && !cli_flag(lun, "queues"))
		puts(" note: this map does not queue when all its paths are down");
	for (i = 0; i < length(groups); i++)
		print_group(lun, item(groups, i), i + 1);
	print_strays(lun);
}

static void print_status(struct json_object *reply)
{
	struct json_object *luns = json_object_object_get(reply, "luns");
	const char *warning = cli_text(reply, "warning");
	size_t i;

	if (*warning)
		printf("warning: %s\n", warning);
	if (length(luns) == 0) {
		puts("no LUN over iSCSI");
		return;
	}
	printf("    %-24s %-6s %-10s %-9s %-8s %s\n", "PORTAL", "DEVICE", "INTERFACE", "ROLE", "STATE",
	       "ROUND TRIP");
	for (i = 0; i < length(luns); i++)
		print_lun(item(luns, i));
}

static void help(void)
{
	puts("Usage: mpathiscsi status [--json] [LUN]\n\n"
	     "Shows each LUN with its policy, the kernel's path groups, and each path's\n"
	     "portal, interface, role, state and NOP round trip; below a path that is not up,\n"
	     "why.\n"
	     "'*' marks the paths that carry I/O now. LUN is a WWID or a map's name.\n\n"
	     "Examples:\n"
	     "  mpathiscsi status\n"
	     "  mpathiscsi status --json mpatha");
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct json_object *reply, *fields = json_object_new_object();
	int option, r;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'j') {
			cli->json = true;
			continue;
		}
		if (option == 'h')
			help();
		json_object_put(fields);
		return option == 'h' ? EXIT_OK : EXIT_USAGE;
	}
	if (argc - optind > 1) {
		cli_error("status takes one LUN at most, not \"%s\" too", argv[optind + 1]);
		json_object_put(fields);
		return EXIT_USAGE;
	}
	if (optind < argc)
		json_object_object_add(fields, "lun", json_object_new_string(argv[optind]));
	r = cli_request(cli, "status", fields, &reply);
	if (r != EXIT_OK)
		return r;
	if (cli->json)
		cli_print_json(reply);
	else
		print_status(reply);
	json_object_put(reply);
	return EXIT_OK;
}
