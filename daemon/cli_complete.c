/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi complete: words for the shell's completion, one a line. Not for people, and so
 * in no help text. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli.h"
#include "policies/policy.h"

static int policies(struct cli *cli, const char *lun)
{
	(void)cli;
	(void)lun;
	for (size_t i = 0; i < policy_count; i++)
		puts(policy_registry[i]->name);
	return EXIT_OK;
}

static int ask(struct cli *cli, const char *lun, struct json_object **ret)
{
	struct json_object *fields = json_object_new_object();

	if (lun)
		json_object_object_add(fields, "lun", json_object_new_string(lun));
	return cli_request(cli, "status", fields, ret);
}

static int luns(struct cli *cli, const char *lun)
{
	struct json_object *reply, *array;
	int r = ask(cli, lun, &reply);

	if (r != EXIT_OK)
		return r;
	array = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		const char *alias = cli_text(item, "alias");

		puts(*alias ? alias : cli_text(item, "wwid"));
	}
	json_object_put(reply);
	return EXIT_OK;
}

/* Has an earlier path the same value? Then it has been printed. */
static bool seen(struct json_object *paths, size_t before, const char *key, const char *value)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(cli_text(json_object_array_get_idx(paths, i), key), value))
			return true;
	return false;
}

/* A portal without the usual port, as people write it. */
static void print_portal(const char *portal)
{
	size_t n = strlen(portal);

	if (n > 5 && !strcmp(portal + n - 5, ":3260"))
		n -= 5;
	printf("portal=%.*s\n", (int)n, portal);
}

static void print_value(struct json_object *paths, size_t i, const char *word, const char *key)
{
	const char *value = cli_text(json_object_array_get_idx(paths, i), key);

	/* What no expression can name: unknown, or the name of no interface. */
	if (!*value || !strcmp(value, "-") || !strcmp(value, "-1") || seen(paths, i, key, value))
		return;
	if (!strcmp(word, "portal"))
		print_portal(value);
	else
		printf("%s=%s\n", word, value);
}

static int expressions(struct cli *cli, const char *lun)
{
	static const struct {
		const char *word, *key;
	} kinds[] = {{"portal", "portal"}, {"iface", "interface"}, {"source", "source"},
		     {"target", "target"}, {"tpg", "tpgt"}};
	struct json_object *reply, *paths;
	int r = lun ? ask(cli, lun, &reply) : EXIT_USAGE;

	if (r != EXIT_OK)
		return r;
	paths = json_object_object_get(
		json_object_array_get_idx(json_object_object_get(reply, "luns"), 0), "paths");
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (size_t i = 0; i < json_object_array_length(paths); i++)
			print_value(paths, i, kinds[kind].word, kinds[kind].key);
	json_object_put(reply);
	return EXIT_OK;
}

int cli_complete(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, const char *lun);
	} kinds[] = {{"luns", luns}, {"policies", policies}, {"expressions", expressions}};

	for (size_t i = 0; argc >= 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			return kinds[i].run(cli, argc > 2 ? argv[2] : NULL);
	cli_error("complete needs luns, policies or expressions LUN");
	return EXIT_USAGE;
}
