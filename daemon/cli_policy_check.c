/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy check: a policies file as the daemon would read it, and what it would come to
 * with the paths that there are now. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/parse.h"
#include "daemon/cli_policy.h"
#include "daemon/control.h"
#include "daemon/selector_module.h"

#define ASK_TIMEOUT_MS 10000

bool cli_policy_is_supported(const struct policy *policy, char *message)
{
	if (selector_presence_now(policy->selector) != SELECTOR_MISSING)
		return true;
	snprintf(message, POLICY_MESSAGE_MAX,
		 "%s needs the path selector \"%s\", and this kernel has no module dm-%.*s to load; "
		 "install it, or take another policy",
		 policy->name, policy->selector, (int)strcspn(policy->selector, " "),
		 policy->selector);
	return false;
}

/* A LUN as the daemon's status tells it, in the terms of the store and of policies. */
struct seen_lun {
	const char *targets[POLICY_PATHS_MAX];
	struct store_lun key;
	struct policy_path paths[POLICY_PATHS_MAX];
	size_t n;
};

static void see_path(struct json_object *object, struct policy_path *ret)
{
	struct path_name *name = &ret->name;

	*ret = (struct policy_path){.access = access_state_parse(cli_text(object, "access")),
				    .preferred = cli_flag(object, "preferred")};
	name->tpgt = (int)cli_number(object, "tpgt");
	copy_text(name->target, sizeof(name->target), cli_text(object, "target"));
	copy_text(name->iface, sizeof(name->iface), cli_text(object, "iface"));
	copy_text(name->netdev, sizeof(name->netdev), cli_text(object, "netdev"));
	/* "-" where one is not known: stays so */
	portal_parse(cli_text(object, "portal"), ISCSI_DEFAULT_PORT, &name->portal);
	ip_address_parse(cli_text(object, "source"), &name->source);
}

static void see_target(struct seen_lun *lun, const char *target)
{
	size_t i;

	for (i = 0; i < lun->key.n_targets; i++)
		if (!strcmp(lun->targets[i], target))
			return;
	lun->targets[lun->key.n_targets++] = target;
}

/* 'ret' points into 'object'. False: it has more paths than a policy takes, or none. */
static bool see_lun(struct json_object *object, struct seen_lun *ret)
{
	struct json_object *paths = json_object_object_get(object, "paths");
	size_t i;

	ret->n = cli_length(paths);
	if (ret->n == 0 || ret->n > POLICY_PATHS_MAX)
		return false;
	ret->key = (struct store_lun){.wwid = cli_text(object, "wwid"),
				      .alias = cli_text(object, "alias"),
				      .targets = ret->targets,
				      .vendor = cli_text(object, "vendor"),
				      .product = cli_text(object, "product")};
	for (i = 0; i < ret->n; i++) {
		see_path(json_object_array_get_idx(paths, i), &ret->paths[i]);
		see_target(ret, cli_text(json_object_array_get_idx(paths, i), "target"));
	}
	return true;
}

static void warn(struct json_object *warnings, const struct store_name *section, const char *lun,
		 const char *message)
{
	char name[STORE_NAME_TEXT_MAX], text[POLICY_MESSAGE_MAX + STORE_NAME_TEXT_MAX + 256];

	snprintf(text, sizeof(text), "[%s]: %s%.200s%s%s", store_name_format(section, name),
		 *lun ? "LUN " : "", lun, *lun ? ": " : "", message);
	cli_error("warning: %s", text);
	json_object_array_add(warnings, json_object_new_string(text));
}

/* What a LUN would come to under the file's section for it. */
static void check_lun(const struct store *store, const struct seen_lun *lun,
		      struct json_object *warnings)
{
	const struct store_entry *entry = store_find(store, &lun->key);
	struct plan_path plan[POLICY_PATHS_MAX];
	char message[POLICY_MESSAGE_MAX];

	if (!entry || plan_make(entry->setting, lun->paths, lun->n, plan) < 0)
		return;
	if (policy_warning(entry->setting, lun->paths, plan, lun->n, message))
		warn(warnings, &entry->name, *lun->key.alias ? lun->key.alias : lun->key.wwid,
		     message);
}

/* Of a section: LUNs that it is about, and its rules that match a path of any of them. */
struct use {
	size_t luns;
	bool matched[POLICY_RULES_MAX];
};

static void note_use(const struct store_entry *entry, const struct seen_lun *lun, struct use *use)
{
	size_t i, k;

	if (store_name_match(&entry->name, &lun->key) == STORE_NO_MATCH)
		return;
	use->luns++;
	for (i = 0; i < entry->setting->n_rules; i++)
		for (k = 0; k < lun->n && !use->matched[i]; k++)
			use->matched[i] = path_expression_matches(
				&entry->setting->rules[i].expression, &lun->paths[k].name);
}

/* Expressions that match no path of any LUN that the section is about, if there is such a LUN. */
static void check_use(const struct store_entry *entry, const struct use *use,
		      struct json_object *warnings)
{
	char expression[STORE_LINE_MAX], message[POLICY_MESSAGE_MAX];
	size_t i;

	for (i = 0; i < entry->setting->n_rules && use->luns > 0; i++) {
		if (use->matched[i])
			continue;
		path_expression_format(&entry->setting->rules[i].expression, expression,
				       sizeof(expression));
		snprintf(message, sizeof(message), "\"%.150s\" matches no path of %s now",
			 expression, use->luns == 1 ? "the LUN" : "its LUNs");
		warn(warnings, &entry->name, "", message);
	}
}

static void check_luns(const struct store *store, struct json_object *luns, struct seen_lun *lun,
		       struct use *uses, struct json_object *warnings)
{
	size_t i, k;

	for (i = 0; i < cli_length(luns); i++) {
		if (!see_lun(json_object_array_get_idx(luns, i), lun))
			continue;
		check_lun(store, lun, warnings);
		for (k = 0; k < store->n; k++)
			note_use(&store->entries[k], lun, &uses[k]);
	}
	for (k = 0; k < store->n; k++)
		check_use(&store->entries[k], &uses[k], warnings);
}

/* Warnings, said and in the array; none where no daemon tells of LUNs. */
static void check_paths(const struct cli *cli, const struct store *store,
			struct json_object *warnings)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	struct seen_lun *lun = malloc(sizeof(*lun));
	struct use *uses = calloc(store->n + 1, sizeof(*uses));

	json_object_object_add(request, "request", json_object_new_string("status"));
	if (lun && uses &&
	    control_request_all(cli->control_path, request, ASK_TIMEOUT_MS, &reply) == 0) {
		check_luns(store, json_object_object_get(reply, "luns"), lun, uses, warnings);
		json_object_put(reply);
	}
	json_object_put(request);
	free(uses);
	free(lun);
}

static int check_supported(const char *file, const struct store *store)
{
	char message[POLICY_MESSAGE_MAX];
	size_t i;

	for (i = 0; i < store->n; i++) {
		if (cli_policy_is_supported(store->entries[i].setting->policy, message))
			continue;
		cli_error("%s: %s:%u: %s", policy_error_name(POLICY_LB_POLICY_NOT_SUPPORTED), file,
			  store->entries[i].line, message);
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

static void print_checked(const struct cli *cli, const char *file, size_t sections,
			  struct json_object *warnings)
{
	struct json_object *object;

	if (!cli->json) {
		printf("%s: %zu section%s, in order\n", file, sections, sections == 1 ? "" : "s");
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "ok", json_object_new_boolean(true));
	json_object_object_add(object, "file", json_object_new_string(file));
	json_object_object_add(object, "sections", json_object_new_int64((int64_t)sections));
	json_object_object_add(object, "warnings", json_object_get(warnings));
	cli_print_json(object);
	json_object_put(object);
}

static int check_store(const struct cli *cli, const char *file, const struct store *store)
{
	struct json_object *warnings = json_object_new_array();
	int r = check_supported(file, store);

	if (r == EXIT_OK) {
		check_paths(cli, store, warnings);
		print_checked(cli, file, store->n, warnings);
	}
	json_object_put(warnings);
	return r;
}

static int check_file(const struct cli *cli, const char *file)
{
	char message[STORE_MESSAGE_MAX];
	enum policy_error error;
	struct store store;
	char *text;
	int r;

	if (access(file, R_OK) < 0) { /* also a missing one: to the daemon that is an empty one */
		cli_error("%s: %s", file, strerror(errno));
		return EXIT_FAILED;
	}
	r = store_read_file(file, &text);
	if (r < 0) {
		cli_error("%s: %s", file, store_read_error(r));
		return EXIT_FAILED;
	}
	error = store_parse(text, file, &store, message);
	free(text);
	if (error != POLICY_OK) {
		cli_error("%s: %s", policy_error_name(error), message);
		return EXIT_REFUSED;
	}
	r = check_store(cli, file, &store);
	store_free(&store);
	return r;
}

static void help(void)
{
	puts("Usage: mpathiscsi policy check [--json] FILE\n\n"
	     "Reads FILE as the daemon would read it, and changes nothing. A file with any\n"
	     "mistake is refused with the line of the first one and what is allowed there\n"
	     "(exit code 4). Where the daemon runs, warns of what can hardly be meant with\n"
	     "the paths that there are now.\n\n"
	     "Example:\n  mpathiscsi policy check /tmp/policies.conf");
}

int cli_policy_check(struct cli *cli, int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		help();
		return EXIT_OK;
	}
	if (argc != 2) {
		cli_error("policy check needs FILE");
		return EXIT_USAGE;
	}
	return check_file(cli, argv[1]);
}
