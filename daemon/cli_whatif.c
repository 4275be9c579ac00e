/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi whatif, and the table that `policy set --dry-run` shows as well. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli_forecast.h"
#include "daemon/cli_getopt.h"
#include "daemon/fold.h"
#include "daemon/queueing.h"

#define PATH_WIDTH 24
#define CELL_WIDTH 18

/* "* I/O, group 1" */
static void format_cell(struct json_object *side, char *buffer, size_t size)
{
	int64_t group = cli_number(side, "group");
	int n = snprintf(buffer, size, "%c %s", cli_flag(side, "carries_io") ? '*' : ' ',
			 cli_text(side, "state"));

	if (group > 0 && n > 0 && (size_t)n < size && strcmp(cli_text(side, "state"), "excluded"))
		snprintf(buffer + n, size - (size_t)n, ", group %lld", (long long)group);
}

static void print_path(struct json_object *path)
{
	const char *name = cli_text(path, "path");
	char before[64], after[64];

	format_cell(json_object_object_get(path, "before"), before, sizeof(before));
	format_cell(json_object_object_get(path, "after"), after, sizeof(after));
	/* A name too long for its column stands alone above the rest. */
	if (strlen(name) > PATH_WIDTH) {
		printf(" %s\n", name);
		name = "";
	}
	printf(" %-*s %-6s %-9s %-*s %s\n", PATH_WIDTH, name, cli_text(path, "device"),
	       cli_text(path, "role"), CELL_WIDTH, before, after);
}

/* The paths that carry I/O on one side, as an array of names. New. */
static struct json_object *carriers(struct json_object *paths, const char *which)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < cli_length(paths); i++) {
		struct json_object *path = json_object_array_get_idx(paths, i);

		if (cli_flag(json_object_object_get(path, which), "carries_io"))
			json_object_array_add(array,
					      json_object_new_string(cli_text(path, "path")));
	}
	return array;
}

/* Do all paths that carry I/O then carry it already? */
static bool goes_on(struct json_object *paths)
{
	for (size_t i = 0; i < cli_length(paths); i++) {
		struct json_object *path = json_object_array_get_idx(paths, i);

		if (cli_flag(json_object_object_get(path, "after"), "carries_io") &&
		    !cli_flag(json_object_object_get(path, "before"), "carries_io"))
			return false;
	}
	return true;
}

/* Where the I/O goes, in one sentence; with no path left, what the map then does. */
static void conclude(struct json_object *reply, char *buffer, size_t size)
{
	struct json_object *paths = json_object_object_get(reply, "paths");
	struct json_object *before = carriers(paths, "before"), *after = carriers(paths, "after");
	char from[1024], to[1024], queueing[QUEUEING_TEXT_MAX];

	cli_join(before, from, sizeof(from));
	cli_join(after, to, sizeof(to));
	if (!cli_flag(reply, "has_map"))
		snprintf(buffer, size, "multipathd has made no map of this LUN: no I/O");
	else if (!*to)
		snprintf(buffer, size, "nothing is left: %s",
			 queueing_ask(cli_flag(reply, "queues"), cli_text(reply, "wwid"), queueing,
				      sizeof(queueing)));
	else if (!strcmp(from, to))
		snprintf(buffer, size, "I/O stays on %s", to);
	else if (*from && !goes_on(paths))
		snprintf(buffer, size, "I/O moves from %s to %s", from, to);
	else
		snprintf(buffer, size, "I/O goes on over %s", to);
	json_object_put(before);
	json_object_put(after);
}

static void print_table(struct json_object *reply)
{
	struct json_object *paths = json_object_object_get(reply, "paths");
	const char *supposed = cli_text(reply, "supposed_policy");
	char line[4096];

	cli_print_head(reply);
	if (*supposed) {
		snprintf(line, sizeof(line), "supposed: %s", supposed);
		fold_print(stdout, 1, line);
	} else if (!cli_flag(reply, "in_force")) {
		fold_print(stdout, 1, "the kernel's groups count until the policy is in force");
	}
	printf(" %-*s %-6s %-9s   %-*s %s\n", PATH_WIDTH, "PATH", "DEVICE", "ROLE", CELL_WIDTH - 2,
	       "NOW", "THEN");
	for (size_t i = 0; i < cli_length(paths); i++)
		print_path(json_object_array_get_idx(paths, i));
	conclude(reply, line, sizeof(line));
	fold_print(stdout, 1, line);
}

static void add_conclusion(struct json_object *reply)
{
	char line[4096];

	conclude(reply, line, sizeof(line));
	json_object_object_add(reply, "conclusion", json_object_new_string(line));
}

int cli_dry_run(struct cli *cli, const char *lun, const char *setting, struct json_object *object)
{
	struct json_object *fields = json_object_new_object(), *reply;
	int r;

	json_object_object_add(fields, "lun", json_object_new_string(lun));
	json_object_object_add(fields, "policy", json_object_new_string(setting));
	json_object_object_add(fields, "checked", json_object_new_boolean(true));
	r = cli_request(cli, "whatif", fields, &reply);
	if (r != EXIT_OK)
		return r;
	if (cli->json) {
		add_conclusion(reply);
		json_object_object_add(object, "forecast", reply);
		return EXIT_OK;
	}
	print_table(reply);
	json_object_put(reply);
	return EXIT_OK;
}

static void help(void)
{
	puts("Usage: mpathiscsi whatif LUN [--down EXPRESSION…] [--up EXPRESSION…]\n"
	     "                             [--policy \"POLICY …\"] [--json]\n\n"
	     "Says where the LUN's I/O would go, and changes nothing: with these paths down,\n"
	     "those up, under another policy. LUN is a WWID or a map's name.\n\n"
	     "Options:\n"
	     "  -d, --down EXPRESSION…  suppose these paths are down\n"
	     "  -u, --up EXPRESSION…    suppose these paths are up\n"
	     "  -p, --policy TEXT       suppose this policy, in one line as in prio_args\n"
	     "  -j, --json              print JSON\n\n"
	     "EXPRESSION: portal=ADDRESS[/BITS][:PORT], iface=NAME, source=ADDRESS[/BITS],\n"
	     "target=NAME, tpg=NUMBER; joined by commas all must hold.\n\n"
	     "Examples:\n"
	     "  mpathiscsi whatif mpatha --down portal=10.0.1.2\n"
	     "  mpathiscsi whatif mpatha --down iface=eth0 iface=eth1 \\\n"
	     "      --policy \"failover-only active portal=10.0.3.2\"");
}

/* The words of a question, in the order they come. */
struct words {
	const char *lun;
	struct json_object *fields, *list; /* list: what further words belong to */
};

static struct json_object *list_of(struct words *words, const char *key)
{
	struct json_object *list = json_object_object_get(words->fields, key);

	if (!list) {
		list = json_object_new_array();
		json_object_object_add(words->fields, key, list);
	}
	return list;
}

static bool take_word(struct words *words, const char *text)
{
	if (words->list)
		json_object_array_add(words->list, json_object_new_string(text));
	else if (!words->lun)
		words->lun = text;
	else
		cli_error("\"%s\": say --down or --up before an expression", text);
	return words->list || words->lun == text;
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for. */
static int parse(struct cli *cli, int argc, char **argv, struct words *words)
{
	static const struct option options[] = {
		{"down", required_argument, NULL, 'd'}, {"up", required_argument, NULL, 'u'},
		{"policy", required_argument, NULL, 'p'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},	 {0}};
	int option;

	/* "-": plain words come as option 1, in their place. */
	while ((option = cli_getopt(argc, argv, "-d:u:p:jh", options)) != -1) {
		if (option == 'h')
			return -1;
		if (option == 'j') {
			cli->json = true;
		} else if (option == 'p') {
			json_object_object_add(words->fields, "policy",
					       json_object_new_string(optarg));
		} else if (option == 'd' || option == 'u') {
			words->list = list_of(words, option == 'd' ? "down" : "up");
			json_object_array_add(words->list, json_object_new_string(optarg));
		} else if (option != 1 || !take_word(words, optarg)) {
			return EXIT_USAGE;
		}
	}
	for (; optind < argc; optind++)
		if (!take_word(words, argv[optind]))
			return EXIT_USAGE;
	if (words->lun && json_object_object_length(words->fields) > 0)
		return EXIT_OK;
	cli_error("whatif needs LUN and --down, --up or --policy; try: mpathiscsi whatif --help");
	return EXIT_USAGE;
}

int cli_whatif(struct cli *cli, int argc, char **argv)
{
	struct words words = {.fields = json_object_new_object()};
	struct json_object *reply;
	int r = parse(cli, argc, argv, &words);

	if (r != EXIT_OK) {
		json_object_put(words.fields);
		if (r == -1)
			help();
		return r == -1 ? EXIT_OK : r;
	}
	json_object_object_add(words.fields, "lun", json_object_new_string(words.lun));
	r = cli_request(cli, "whatif", words.fields, &reply);
	if (r != EXIT_OK)
		return r;
	if (cli->json) {
		add_conclusion(reply);
		cli_print_json(reply);
	} else {
		print_table(reply);
	}
	json_object_put(reply);
	return EXIT_OK;
}
