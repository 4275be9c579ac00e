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
	for (size_t i = 0; i < cli_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		const char *alias = cli_text(item, "alias");

		puts(*alias ? alias : cli_text(item, "wwid"));
	}
	json_object_put(reply);
	return EXIT_OK;
}

/* Has an earlier object the same value? Then it has been printed. */
static bool seen(struct json_object *array, size_t before, const char *key, const char *value)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(cli_text(json_object_array_get_idx(array, i), key), value))
			return true;
	return false;
}

/* The paths of one LUN, or of all (NULL). New array. */
static int ask_paths(struct cli *cli, const char *lun, struct json_object **ret)
{
	struct json_object *reply, *array, *paths;
	int r = ask(cli, lun, &reply);

	if (r != EXIT_OK)
		return r;
	*ret = json_object_new_array();
	array = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < cli_length(array); i++) {
		paths = json_object_object_get(json_object_array_get_idx(array, i), "paths");
		for (size_t k = 0; k < cli_length(paths); k++)
			json_object_array_add(
				*ret, json_object_get(json_object_array_get_idx(paths, k)));
	}
	json_object_put(reply);
	return EXIT_OK;
}

static int targets(struct cli *cli, const char *lun)
{
	struct json_object *paths;
	int r = ask_paths(cli, lun, &paths);

	if (r != EXIT_OK)
		return r;
	for (size_t i = 0; i < cli_length(paths); i++) {
		const char *name = cli_text(json_object_array_get_idx(paths, i), "target");

		if (*name && !seen(paths, i, "target", name))
			puts(name);
	}
	json_object_put(paths);
	return EXIT_OK;
}

/* Has an earlier LUN the same vendor and product? */
static bool kind_seen(struct json_object *array, size_t at)
{
	struct json_object *lun = json_object_array_get_idx(array, at);

	for (size_t i = 0; i < at; i++) {
		struct json_object *other = json_object_array_get_idx(array, i);

		if (!strcmp(cli_text(other, "vendor"), cli_text(lun, "vendor")) &&
		    !strcmp(cli_text(other, "product"), cli_text(lun, "product")))
			return true;
	}
	return false;
}

/* VENDOR/PRODUCT, as --product takes it. */
static int products(struct cli *cli, const char *lun)
{
	struct json_object *reply, *array, *item;
	int r = ask(cli, lun, &reply);

	if (r != EXIT_OK)
		return r;
	array = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < cli_length(array); i++) {
		item = json_object_array_get_idx(array, i);
		if (*cli_text(item, "vendor") && *cli_text(item, "product") && !kind_seen(array, i))
			printf("%s/%s\n", cli_text(item, "vendor"), cli_text(item, "product"));
	}
	json_object_put(reply);
	return EXIT_OK;
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
	struct json_object *paths;
	int r = ask_paths(cli, lun, &paths);

	if (r != EXIT_OK)
		return r;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (size_t i = 0; i < cli_length(paths); i++)
			print_value(paths, i, kinds[kind].word, kinds[kind].key);
	json_object_put(paths);
	return EXIT_OK;
}

int cli_complete(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, const char *lun);
	} kinds[] = {{"luns", luns},
		     {"policies", policies},
		     {"expressions", expressions},
		     {"targets", targets},
		     {"products", products}};

	for (size_t i = 0; argc >= 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			return kinds[i].run(cli, argc > 2 ? argv[2] : NULL);
	cli_error("complete needs luns, policies, targets, products or expressions [LUN]");
	return EXIT_USAGE;
}
