/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy set. The command edits the file; the daemon only reads it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/cli_forecast.h"
#include "daemon/cli_getopt.h"
#include "daemon/cli_policy.h"

#define DEFAULT_WAIT_MS 30000

/* What `policy set` was asked for. */
struct set_request {
	struct cli_scope scope;
	char text[4096]; /* the setting in one line, as policy_setting_parse() reads it */
	struct policy_setting setting;
	bool weighted; /* --weight was given */
	const char *active; /* the last --active; NULL: none was given */
	bool dry_run, wait, force;
	uint64_t timeout_ms;
};

#define TOO_LONG "a setting of more than %zu characters; use networks, as in portal=10.0.1.0/24"

/* A setting that is wrong before anybody has read it as a whole. */
__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_error("%s: %s", policy_error_name(POLICY_INVALID_PARAMETER), text);
	return EXIT_REFUSED;
}

/* Append "WORD VALUE" to the setting's text. */
static int add_word(struct set_request *request, const char *word, const char *value)
{
	size_t used = strlen(request->text);
	int n;

	if (!*value || strpbrk(value, " \t\n"))
		return refuse("\"%s\" is no path expression: write portal=, iface=, source=, "
			      "target= or tpg=, joined by commas", value);
	n = snprintf(request->text + used, sizeof(request->text) - used, " %s%s%s", word,
		     *word ? " " : "", value);
	if (n < 0 || (size_t)n >= sizeof(request->text) - used)
		return refuse(TOO_LONG, sizeof(request->text) - 1);
	return EXIT_OK;
}

static void set_help(void)
{
	size_t i;

	puts("Usage: mpathiscsi policy set LUN POLICY [OPTIONS]\n"
	     "       mpathiscsi policy set SCOPE POLICY [OPTIONS]\n\n"
	     "Sets the policy of a LUN or of a scope, keeps it in the policies file, and\n"
	     "returns when the kernel's path groups say the same. LUN is a WWID or a map's\n"
	     "name. SCOPE is one of the following; a LUN comes under the most specific that\n"
	     "is set.\n"
	     "  --target=NAME               the LUNs of an iSCSI target\n"
	     "  --product=VENDOR/PRODUCT    the LUNs of this kind, as in INQUIRY\n"
	     "  --default                   all LUNs over iSCSI\n\nPolicies:");
	for (i = 0; i < policy_count; i++)
		printf("  %-24s %s\n", policy_registry[i]->name, policy_registry[i]->summary);
	puts("\nOptions (in the order that counts; each as often as needed):\n"
	     "  -a, --active=EXPRESSION     these paths carry the I/O\n"
	     "  -s, --standby=EXPRESSION    these take over, in this order\n"
	     "  -w, --weight=EXPRESSION:N   lowest weight first; \"never\": not used\n"
	     "  -x, --exclude=EXPRESSION    never use these\n"
	     "  -n, --dry-run               check and show the plan, change nothing\n"
	     "  -f, --force                 exclude even every path; take failed paths as the\n"
	     "                              only active ones; reconfigure multipathd for a new\n"
	     "                              path selector with a path in trouble\n"
	     "      --no-wait               return once it is saved\n"
	     "      --timeout=TIME          wait at most so long (30s)\n"
	     "  -j, --json\n"
	     "\nEXPRESSION: portal=ADDRESS[/BITS][:PORT], iface=NAME, source=ADDRESS[/BITS],\n"
	     "target=NAME, tpg=NUMBER; joined by commas all must hold.\n"
	     "\nExamples:\n"
	     "  mpathiscsi policy set mpatha failover-only --active portal=10.0.1.2\n"
	     "  mpathiscsi policy set --target iqn.2001-04.com.example:array round-robin\n"
	     "  mpathiscsi policy set mpatha weighted-path -w portal=10.0.1.2:10 \\\n"
	     "      -w portal=10.0.2.0/24:20");
}

enum { OPTION_NO_WAIT = 256, OPTION_TIMEOUT };

static int apply_option(struct cli *cli, struct set_request *request, int option)
{
	switch (option) {
	case 'a':
		request->active = optarg;
		return add_word(request, "active", optarg);
	case 's':
		return add_word(request, "standby", optarg);
	case 'x':
		return add_word(request, "exclude", optarg);
	case 'w':
		request->weighted = true;
		return add_word(request, "weight", optarg);
	case 'n':
		request->dry_run = true;
		return EXIT_OK;
	case 'j':
		cli->json = true;
		return EXIT_OK;
	case 'f':
		request->force = true;
		return EXIT_OK;
	case OPTION_NO_WAIT:
		request->wait = false;
		return EXIT_OK;
	case OPTION_TIMEOUT:
		if (parse_ms(optarg, 0, 3600000, &request->timeout_ms) == 0)
			return EXIT_OK;
		cli_error("--timeout=%s: a time such as 500ms, 30s, 2min", optarg);
		return EXIT_USAGE;
	case CLI_OPTION_TARGET:
	case CLI_OPTION_PRODUCT:
	case CLI_OPTION_DEFAULT:
		return cli_scope_option(&request->scope, option, optarg);
	default:
		return EXIT_USAGE;
	}
}

/* getopt has moved the options in front: the policy's name leads the text. */
static int lead_with(struct set_request *request, const char *policy)
{
	size_t length = strlen(policy), used = strlen(request->text);

	if (length + used >= sizeof(request->text))
		return refuse(TOO_LONG, sizeof(request->text) - 1);
	memmove(request->text + length, request->text, used + 1);
	memcpy(request->text, policy, length);
	return EXIT_OK;
}

/* Options into 'request'. EXIT_OK, an exit code, or -1: help was asked for. */
static int parse_set(struct cli *cli, int argc, char **argv, struct set_request *request)
{
	static const struct option options[] = {{"active", required_argument, NULL, 'a'},
						{"standby", required_argument, NULL, 's'},
						{"weight", required_argument, NULL, 'w'},
						{"exclude", required_argument, NULL, 'x'},
						{"dry-run", no_argument, NULL, 'n'},
						{"force", no_argument, NULL, 'f'},
						{"no-wait", no_argument, NULL, OPTION_NO_WAIT},
						{"timeout", required_argument, NULL, OPTION_TIMEOUT},
						CLI_SCOPE_OPTIONS,
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option, r;

	while ((option = cli_getopt(argc, argv, "a:s:w:x:nfjh", options)) != -1) {
		if (option == 'h')
			return -1;
		r = apply_option(cli, request, option);
		if (r != EXIT_OK)
			return r;
	}
	if (argc - optind != (request->scope.has_name ? 1 : 2)) {
		cli_error("policy set needs LUN and POLICY, or a scope (--target, --product, "
			  "--default) and POLICY; try: mpathiscsi policy set --help");
		return EXIT_USAGE;
	}
	if (!request->scope.has_name)
		request->scope.lun = argv[optind++];
	return lead_with(request, argv[optind]);
}

/* Ask the daemon whether this fits the paths; says the section to write, and the plans. */
static int ask_check(struct cli *cli, const struct set_request *request, struct json_object **ret)
{
	struct json_object *fields = json_object_new_object();

	cli_scope_field(&request->scope, fields);
	/* The plans are shown by these only, and for a thousand LUNs they are megabytes. */
	if (!request->dry_run && !cli->json)
		json_object_object_add(fields, "brief", json_object_new_boolean(true));
	json_object_object_add(fields, "setting", json_object_new_string(request->text));
	json_object_object_add(fields, "force", json_object_new_boolean(request->force));
	return cli_request(cli, "policy-check", fields, ret);
}

static void print_warnings(struct json_object *checked)
{
	struct json_object *warnings = json_object_object_get(checked, "warnings");
	size_t i;

	for (i = 0; i < cli_length(warnings); i++)
		cli_error("warning: %s",
			  json_object_get_string(json_object_array_get_idx(warnings, i)));
}

/* Before and after, for each LUN concerned; as JSON beside its plan ("forecast"), and of a
 * single LUN also at the top. */
static int print_dry_run(struct cli *cli, const struct set_request *request,
			 struct json_object *checked)
{
	struct json_object *luns = json_object_object_get(checked, "luns"), *lun = NULL;
	size_t n = cli_length(luns), i;
	int r = EXIT_OK;

	if (!cli->json && request->scope.has_name)
		printf("[%s]: %s: %zu LUN%s\n", cli_text(checked, "scope"),
		       cli_text(checked, "setting"), n, n == 1 ? "" : "s");
	for (i = 0; i < n && r == EXIT_OK; i++) {
		if (!cli->json && request->scope.has_name)
			putchar('\n');
		lun = json_object_array_get_idx(luns, i);
		r = cli_dry_run(cli, cli_text(lun, "wwid"), request->text, lun);
	}
	if (r != EXIT_OK || !cli->json)
		return r;
	if (!request->scope.has_name)
		json_object_object_add(checked, "forecast",
				       json_object_get(json_object_object_get(lun, "forecast")));
	cli_print_json(checked);
	return EXIT_OK;
}

/* 'n': on so many LUNs it is in force; 0 with EXIT_OK: no LUN is governed by it. */
static void print_result(struct cli *cli, struct json_object *checked, int r, size_t n)
{
	const char *wwid = cli_text(checked, "wwid");

	if (cli->json) {
		json_object_object_add(checked, "saved", json_object_new_boolean(true));
		json_object_object_add(checked, "in_force", json_object_new_boolean(n > 0));
		cli_print_json(checked);
	} else if (r == EXIT_OK && n == 0) {
		printf("[%s]: %s [saved; %s now]\n", cli_text(checked, "scope"),
		       cli_text(checked, "setting"),
		       cli_length(json_object_object_get(checked, "luns")) == 0 ?
			       "no LUN is governed by it" :
			       "in force on none of its LUNs");
	} else if (r == EXIT_OK && *wwid) {
		printf("%s: %s [in force]\n", wwid, cli_text(checked, "setting"));
	} else if (r == EXIT_OK) {
		printf("[%s]: %s [in force on %zu LUN%s]\n", cli_text(checked, "scope"),
		       cli_text(checked, "setting"), n, n == 1 ? "" : "s");
	}
}

/* A new path selector takes a reconfigure of multipathd. */
static int may_carry_out(const struct set_request *request, struct json_object *checked)
{
	char what[128];

	if (!cli_flag(checked, "selector_changes"))
		return EXIT_OK;
	snprintf(what, sizeof(what), "path selector \"%s\"", cli_text(checked, "selector"));
	return cli_may_reconfigure(checked, what, request->force);
}

/* Save what was checked and tell the daemon. With the lock held. */
static int save(struct cli *cli, const struct set_request *request, struct json_object *checked)
{
	char message[POLICY_MESSAGE_MAX];
	struct store_name name;
	int r = may_carry_out(request, checked);

	if (r != EXIT_OK)
		return r;
	if (store_name_parse(cli_text(checked, "scope"), &name, message) < 0) {
		cli_error("mpathiscsid is of another version: %s", message);
		return EXIT_FAILED;
	}
	r = cli_store_edit(cli, &name, cli_text(checked, "alias"), &request->setting);
	if (r != EXIT_OK)
		return r;
	r = cli_policy_reload(cli);
	if (r == EXIT_OK)
		cli_policy_follow(cli, json_object_object_get(checked, "luns"), "selector_changes");
	else
		cli_error("saved in %s: it takes effect when mpathiscsid reads it",
			  cli->store_path);
	return r;
}

/* Check and save, while nobody else does. With EXIT_OK *ret is the daemon's answer. */
static int check_and_save(struct cli *cli, const struct set_request *request,
			  struct json_object **ret)
{
	int lock, r = cli_store_lock(cli, &lock);

	if (r != EXIT_OK)
		return r;
	r = ask_check(cli, request, ret);
	if (r == EXIT_OK) {
		print_warnings(*ret);
		r = save(cli, request, *ret);
		if (r != EXIT_OK)
			json_object_put(*ret);
	}
	cli_store_unlock(lock);
	return r;
}

static int dry_run(struct cli *cli, const struct set_request *request)
{
	struct json_object *checked;
	int r = ask_check(cli, request, &checked);

	if (r != EXIT_OK)
		return r;
	print_warnings(checked);
	r = print_dry_run(cli, request, checked);
	json_object_put(checked);
	return r;
}

static int carry_out(struct cli *cli, const struct set_request *request)
{
	struct json_object *checked;
	size_t n;
	int r = check_and_save(cli, request, &checked);

	if (r != EXIT_OK)
		return r;
	if (request->wait) {
		r = cli_wait_in_force(cli, &request->scope, checked, request->timeout_ms, &n);
		print_result(cli, checked, r, n);
	} else {
		print_result(cli, checked, EXIT_PENDING, 0);
	}
	json_object_put(checked);
	return r;
}

/* Of --active and --weight only the one that the policy takes, said in the words of the options. An
 * exit code. */
static int check_options(const struct set_request *request, const struct policy *policy)
{
	if (policy && request->weighted && !policy->takes_weights)
		return refuse("--weight: policy %s takes no weights; take weighted-path",
			      policy->name);
	if (policy && request->active && policy->takes_weights)
		return refuse("--active=%s: policy %s has no active paths; give each path its weight: "
			      "--weight=%s:WEIGHT",
			      request->active, policy->name, request->active);
	return EXIT_OK;
}

/* The policy that leads the text; NULL: there is no such policy, which parsing will say. */
static const struct policy *policy_of(const struct set_request *request)
{
	char name[POLICY_NAME_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(request->text, " "), request->text);
	return policy_by_name(name);
}

/* The text into a setting. An exit code. */
static int read_setting(struct set_request *request)
{
	char message[POLICY_MESSAGE_MAX];
	enum policy_error error;
	int r = check_options(request, policy_of(request));

	if (r != EXIT_OK)
		return r;
	error = policy_setting_parse(request->text, &request->setting, message);
	if (error != POLICY_OK) {
		cli_error("%s: %s", policy_error_name(error), message);
		return EXIT_REFUSED;
	}
	if (cli_policy_is_supported(request->setting.policy, message))
		return EXIT_OK;
	cli_error("%s: %s", policy_error_name(POLICY_LB_POLICY_NOT_SUPPORTED), message);
	return EXIT_REFUSED;
}

int cli_policy_set(struct cli *cli, int argc, char **argv)
{
	struct set_request request = {.wait = true, .timeout_ms = DEFAULT_WAIT_MS};
	int r = parse_set(cli, argc, argv, &request);

	if (r == -1) {
		set_help();
		return EXIT_OK;
	}
	if (r != EXIT_OK)
		return r;
	r = read_setting(&request);
	if (r != EXIT_OK)
		return r;
	return request.dry_run ? dry_run(cli, &request) : carry_out(cli, &request);
}
