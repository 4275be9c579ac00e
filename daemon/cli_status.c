/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi status: the daemon's report, as a table of 80 columns. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/cli_getopt.h"
#include "daemon/cli_quick.h"
#include "daemon/fold.h"

static struct json_object *item(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static size_t length(struct json_object *array)
{
	return cli_length(array);
}

/* Everything of a LUN that its paths need to be shown. */
struct shown {
	struct json_object *paths;
	const char *not_quick; /* what was said for all of them, "" nothing */
};

/* At most eight characters, so that "quick" still fits behind it. */
static const char *format_rtt(int64_t us, char *buffer, size_t size)
{
	if (us <= 0)
		snprintf(buffer, size, "-");
	else
		snprintf(buffer, size, us < 99995 ? "%.2f ms" : "%.0f ms", (double)us / 1000);
	return buffer;
}

static void print_path(struct json_object *path, const char *not_quick)
{
	const char *reason = cli_text(path, "reason"), *quick = cli_quick_mark(path);
	char rtt[32];

	format_rtt(cli_number(path, "rtt_us"), rtt, sizeof(rtt));
	printf("  %c %-24s %-6s %-10s %-9s %-8s %-*s%s%s\n",
	       cli_flag(path, "carries_io") ? '*' : ' ', cli_text(path, "portal"),
	       cli_text(path, "device"), cli_text(path, "interface"), cli_text(path, "role"),
	       cli_text(path, "state"), *quick ? 8 : 0, rtt, *quick ? " " : "", quick);
	if (*reason && strcmp(cli_text(path, "state"), "up"))
		fold_print(stdout, 6, reason);
	cli_print_quick(stdout, path, 6, not_quick);
}

static void print_group(const struct shown *lun, struct json_object *group, size_t number)
{
	size_t i;

	printf(" group %zu: %s\n", number, cli_text(group, "state"));
	for (i = 0; i < length(lun->paths); i++) {
		struct json_object *path = item(lun->paths, i);

		if (cli_number(path, "group") == (int64_t)number)
			print_path(path, lun->not_quick);
	}
}

/* Paths that are in no map, or whose LUN has none. */
static void print_strays(const struct shown *lun)
{
	bool titled = false;
	size_t i;

	for (i = 0; i < length(lun->paths); i++) {
		if (cli_number(item(lun->paths, i), "group") != 0)
			continue;
		if (!titled)
			puts(" in no map:");
		titled = true;
		print_path(item(lun->paths, i), lun->not_quick);
	}
}

static void print_policy(struct json_object *lun)
{
	const char *policy = cli_text(lun, "policy"), *waits = cli_text(lun, "waits_for");
	const char *none = cli_no_policy(lun), *force = "";
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

/* One line for all paths where one reason keeps them all from being quick; none of it where
 * all of them are switched off. */
static const char *print_not_quick(struct json_object *paths)
{
	const char *reason = cli_quick_reason_of_all(paths);
	char line[512];

	if (!*reason)
		return "";
	snprintf(line, sizeof(line), "not quick: %s", reason);
	fold_print(stdout, 1, line);
	return reason;
}

static void print_lun(struct json_object *lun, bool switched_off)
{
	struct json_object *groups = json_object_object_get(lun, "groups");
	const char *alias = cli_text(lun, "alias"), *wwid = cli_text(lun, "wwid");
	struct shown shown = {.paths = json_object_object_get(lun, "paths")};
	size_t i;

	if (*alias && strcmp(alias, wwid) != 0)
		printf("%s  ", alias);
	puts(wwid);
	print_policy(lun);
	if (*alias && !cli_flag(lun, "queues"))
		puts(" note: this map does not queue when all its paths are down");
	shown.not_quick = switched_off ? cli_quick_reason_of_all(shown.paths)
				       : print_not_quick(shown.paths);
	for (i = 0; i < length(groups); i++)
		print_group(&shown, item(groups, i), i + 1);
	print_strays(&shown);
}

static void print_status(struct json_object *reply)
{
	struct json_object *luns = json_object_object_get(reply, "luns");
	const char *warning = cli_text(reply, "warning");
	bool switched_off;
	size_t i;

	if (*warning)
		printf("warning: %s\n", warning);
	switched_off = cli_print_switch(stdout, reply);
	if (length(luns) == 0) {
		puts("no LUN over iSCSI");
		return;
	}
	printf("    %-24s %-6s %-10s %-9s %-8s %s\n", "PORTAL", "DEVICE", "INTERFACE", "ROLE",
	       "STATE", "ROUND TRIP");
	for (i = 0; i < length(luns); i++)
		print_lun(item(luns, i), switched_off);
}

static void help(void)
{
	puts("Usage: mpathiscsi status [--json] [--timing] [LUN]\n\n"
	     "Shows each LUN with its policy, the kernel's path groups, and each path's\n"
	     "portal, interface, role, state and NOP round trip; below a path that is not up,\n"
	     "why.\n"
	     "'*' marks the paths that carry I/O now, \"quick\" those that fail over without\n"
	     "waiting for the kernel's timers (see multipath-iscsi(7)); for others, why they\n"
	     "are not. LUN is a WWID or a map's name.\n\n"
	     "Options:\n"
	     "  -t, --timing   the settings in force, and for each session its NOPs' round\n"
	     "                 trip, TCP's retransmission time-out, the time-out it is armed\n"
	     "                 with, how long the silence of its portal goes unnoticed, and\n"
	     "                 who notices it\n"
	     "  -j, --json     print JSON (all of this in any case)\n\n"
	     "Examples:\n"
	     "  mpathiscsi status\n"
	     "  mpathiscsi status --timing\n"
	     "  mpathiscsi status --json mpatha");
}

/* -1: go on, else the exit code. */
static int parse_options(struct cli *cli, int argc, char **argv, bool *ret_timing)
{
	static const struct option options[] = {{"timing", no_argument, NULL, 't'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option;

	while ((option = cli_getopt(argc, argv, "tjh", options)) != -1) {
		if (option == 'h')
			help();
		if (option != 'j' && option != 't')
			return option == 'h' ? EXIT_OK : EXIT_USAGE;
		cli->json |= option == 'j';
		*ret_timing |= option == 't';
	}
	if (argc - optind > 1 || (*ret_timing && optind < argc)) {
		cli_error(*ret_timing ? "status --timing is about all sessions; it takes no \"%s\""
				      : "status takes one LUN at most, not \"%s\" too",
			  argv[argc - 1]);
		return EXIT_USAGE;
	}
	return -1;
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	struct json_object *reply, *fields;
	bool timing = false;
	int r = parse_options(cli, argc, argv, &timing);

	if (r >= 0)
		return r;
	fields = json_object_new_object();
	if (optind < argc)
		json_object_object_add(fields, "lun", json_object_new_string(argv[optind]));
	if (!cli->json)
		json_object_object_add(fields, "detail",
				       json_object_new_string(timing ? "luns" : "table"));
	r = cli_request(cli, "status", fields, &reply);
	if (r != EXIT_OK)
		return r;
	if (cli->json)
		cli_print_json(reply);
	else if (timing)
		cli_print_timing(stdout, reply);
	else
		print_status(reply);
	json_object_put(reply);
	return EXIT_OK;
}
