/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi policy and reload. The command edits the file; the daemon only reads it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/parse.h"
#include "daemon/cli.h"
#include "daemon/cli_policy.h"
#include "daemon/store.h"

#define DEFAULT_WAIT_MS 30000
#define LOOK_AGAIN_MS	200

/* What `policy set` was asked for. */
struct set_request {
	const char *lun;
	char text[4096]; /* the setting in one line, as policy_setting_parse() reads it */
	struct policy_setting setting;
	bool dry_run, wait;
	uint64_t timeout_ms;
};

static int list(struct cli *cli, int argc, char **argv)
{
	struct json_object *array = json_object_new_array(), *object;
	size_t i;

	(void)argv;
	if (argc > 1) {
		cli_error("policy list takes no arguments");
		json_object_put(array);
		return EXIT_USAGE;
	}
	for (i = 0; i < policy_count; i++) {
		const struct policy *policy = policy_registry[i];

		if (!cli->json)
			printf("%-16s %s\n", policy->name, policy->summary);
		object = json_object_new_object();
		json_object_object_add(object, "name", json_object_new_string(policy->name));
		json_object_object_add(object, "summary", json_object_new_string(policy->summary));
		json_object_array_add(array, object);
	}
	if (cli->json)
		cli_print_json(array);
	json_object_put(array);
	return EXIT_OK;
}

static void print_shown(struct json_object *lun)
{
	const char *alias = cli_text(lun, "alias"), *policy = cli_text(lun, "policy");

	printf("%s: %s%s\n", *alias ? alias : cli_text(lun, "wwid"),
	       *policy ? policy : "none (all paths equal)",
	       !*policy ? "" : cli_flag(lun, "in_force") ? " [in force]" : " [pending]");
}

static int show(struct cli *cli, int argc, char **argv)
{
	struct json_object *reply, *luns, *fields = json_object_new_object();
	size_t i;
	int r;

	if (argc > 1)
		json_object_object_add(fields, "lun", json_object_new_string(argv[1]));
	r = cli_request(cli, "status", fields, &reply);
	if (r != EXIT_OK)
		return r;
	luns = json_object_object_get(reply, "luns");
	if (cli->json)
		cli_print_json(reply);
	for (i = 0; !cli->json && i < json_object_array_length(luns); i++)
		print_shown(json_object_array_get_idx(luns, i));
	json_object_put(reply);
	return EXIT_OK;
}

/* Append "WORD VALUE" to the setting's text. */
static int add_word(struct set_request *request, const char *word, const char *value)
{
	size_t used = strlen(request->text);
	int n;

	if (!*value || strpbrk(value, " \t\n")) {
		cli_error("\"%s\" is no path expression", value);
		return EXIT_USAGE;
	}
	n = snprintf(request->text + used, sizeof(request->text) - used, " %s%s%s", word,
		     *word ? " " : "", value);
	if (n < 0 || (size_t)n >= sizeof(request->text) - used) {
		cli_error("too many expressions");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static void set_help(void)
{
	size_t i;

	puts("Usage: mpathiscsi policy set LUN POLICY [OPTIONS]\n\n"
	     "Sets a LUN's policy, keeps it in the policies file, and returns when the\n"
	     "kernel's path groups say the same. LUN is a WWID or a map's name.\n\nPolicies:");
	for (i = 0; i < policy_count; i++)
		printf("  %-16s %s\n", policy_registry[i]->name, policy_registry[i]->summary);
	puts("\nOptions (in the order that counts; each as often as needed):\n"
	     "  -a, --active=EXPRESSION     these paths carry the I/O\n"
	     "  -s, --standby=EXPRESSION    these take over, in this order\n"
	     "  -w, --weight=EXPRESSION:N   lowest weight first; \"never\": not used\n"
	     "  -x, --exclude=EXPRESSION    never use these\n"
	     "  -n, --dry-run               check and show the plan, change nothing\n"
	     "      --no-wait               return once it is saved\n"
	     "      --timeout=TIME          wait at most so long (30s)\n"
	     "  -j, --json\n"
	     "\nEXPRESSION: portal=ADDRESS[/BITS][:PORT], iface=NAME, source=ADDRESS[/BITS],\n"
	     "target=NAME, tpg=NUMBER; joined by commas all must hold.\n"
	     "\nExamples:\n"
	     "  mpathiscsi policy set mpatha failover-only --active portal=10.0.1.2\n"
	     "  mpathiscsi policy set mpatha weighted-path -w portal=10.0.1.2:10 \\\n"
	     "      -w portal=10.0.2.0/24:20");
}

enum { OPTION_NO_WAIT = 256, OPTION_TIMEOUT };

static int apply_option(struct cli *cli, struct set_request *request, int option)
{
	switch (option) {
	case 'a':
		return add_word(request, "active", optarg);
	case 's':
		return add_word(request, "standby", optarg);
	case 'x':
		return add_word(request, "exclude", optarg);
	case 'w':
		return add_word(request, "active", optarg);
	case 'n':
		request->dry_run = true;
		return EXIT_OK;
	case 'j':
		cli->json = true;
		return EXIT_OK;
	case OPTION_NO_WAIT:
		request->wait = false;
		return EXIT_OK;
	case OPTION_TIMEOUT:
		if (parse_ms(optarg, 0, 3600000, &request->timeout_ms) == 0)
			return EXIT_OK;
		cli_error("--timeout=%s: a time such as 500ms, 30s, 2min", optarg);
		return EXIT_USAGE;
	default:
		return EXIT_USAGE;
	}
}

/* Options into 'request'. EXIT_OK, an exit code, or -1: help was asked for. */
static int parse_set(struct cli *cli, int argc, char **argv, struct set_request *request)
{
	static const struct option options[] = {{"active", required_argument, NULL, 'a'},
						{"standby", required_argument, NULL, 's'},
						{"weight", required_argument, NULL, 'w'},
						{"exclude", required_argument, NULL, 'x'},
						{"dry-run", no_argument, NULL, 'n'},
						{"no-wait", no_argument, NULL, OPTION_NO_WAIT},
						{"timeout", required_argument, NULL, OPTION_TIMEOUT},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option, r;

	while ((option = getopt_long(argc, argv, "a:s:w:x:njh", options, NULL)) != -1) {
		if (option == 'h')
			return -1;
		r = apply_option(cli, request, option);
		if (r != EXIT_OK)
			return r;
	}
	if (argc - optind != 2) {
		cli_error("policy set needs LUN and POLICY; try: mpathiscsi policy set --help");
		return EXIT_USAGE;
	}
	request->lun = argv[optind];
	/* getopt has moved the options in front: the policy's name leads the text. */
	memmove(request->text + strlen(argv[optind + 1]), request->text, strlen(request->text) + 1);
	memcpy(request->text, argv[optind + 1], strlen(argv[optind + 1]));
	return EXIT_OK;
}

/* Ask the daemon whether this fits the LUN's paths; says WWID, alias and the plan. */
static int ask_check(struct cli *cli, const struct set_request *request, struct json_object **ret)
{
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, "lun", json_object_new_string(request->lun));
	json_object_object_add(fields, "setting", json_object_new_string(request->text));
	return cli_request(cli, "policy-check", fields, ret);
}

static void print_plan(struct json_object *checked)
{
	struct json_object *paths = json_object_object_get(checked, "paths");
	size_t i;

	printf("%s: %s\n", cli_text(checked, "wwid"), cli_text(checked, "setting"));
	for (i = 0; i < json_object_array_length(paths); i++) {
		struct json_object *path = json_object_array_get_idx(paths, i);

		printf("  group %lld  %-24s %-10s %s\n", (long long)cli_number(path, "plan_group"),
		       cli_text(path, "portal"), cli_text(path, "interface"), cli_text(path, "role"));
	}
}

/* One editor at a time: two commands must not lose each other's change. */
static int lock_store(const struct cli *cli)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s.lock", cli->store_path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

/* The edit proper, under the lock. *ret_old: the text before, to go back to. */
static int edit_locked(struct cli *cli, const char *wwid, const char *alias,
		       const struct policy_setting *setting)
{
	char message[STORE_MESSAGE_MAX];
	char *old = NULL, *new = NULL;
	struct store store;
	int r = store_read_file(cli->store_path, &old);

	if (r < 0) {
		cli_error("%s: %s", cli->store_path, strerror(-r));
		return EXIT_FAILED;
	}
	if (store_parse(old, cli->store_path, &store, message) < 0) {
		cli_error("%s\nmend the file first; nothing was changed", message);
		free(old);
		return EXIT_REFUSED;
	}
	store_free(&store);
	r = store_edit(old, wwid, alias, setting, &new);
	if (r == 0)
		r = store_write_file(cli->store_path, new);
	free(old);
	free(new);
	if (r == -ENOENT && !setting) {
		cli_error("%s has no policy of its own", wwid);
		return EXIT_REFUSED;
	}
	if (r < 0) {
		cli_error("ISDSC_FAILURE_TO_PERSIST_LB_POLICY: %s: %s; nothing was changed",
			  cli->store_path, strerror(-r));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static int edit_store(struct cli *cli, const char *wwid, const char *alias,
		      const struct policy_setting *setting)
{
	int lock = lock_store(cli), r;

	if (lock < 0) {
		cli_error("%s.lock: %s", cli->store_path, strerror(-lock));
		return lock == -EACCES || lock == -EPERM ? EXIT_NOT_PERMITTED : EXIT_FAILED;
	}
	r = edit_locked(cli, wwid, alias, setting);
	close(lock);
	return r;
}

static int reload_daemon(struct cli *cli)
{
	struct json_object *reply;
	int r = cli_request(cli, "reload", NULL, &reply);

	if (r == EXIT_OK)
		json_object_put(reply);
	return r;
}

/* Is the LUN's policy in force? EXIT_OK, EXIT_PENDING, or an error's exit code. */
static int look(struct cli *cli, const char *wwid)
{
	struct json_object *fields = json_object_new_object(), *reply, *luns, *lun;
	int r;

	json_object_object_add(fields, "lun", json_object_new_string(wwid));
	r = cli_request(cli, "status", fields, &reply);
	if (r != EXIT_OK)
		return r;
	luns = json_object_object_get(reply, "luns");
	lun = json_object_array_get_idx(luns, 0);
	r = cli_flag(lun, "in_force") ? EXIT_OK : EXIT_PENDING;
	json_object_put(reply);
	return r;
}

static int wait_in_force(struct cli *cli, const char *wwid, uint64_t timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	int r;

	while ((r = look(cli, wwid)) == EXIT_PENDING) {
		if (clock_now_ns() >= deadline_ns)
			break;
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	if (r == EXIT_PENDING)
		cli_error("saved, but the kernel's path groups do not say so yet\n"
			  "multipathd takes priorities at its next check of a path (up to 20 s);\n"
			  "is it running, and has `mpathiscsi enable` been done? see: "
			  "mpathiscsi status");
	return r;
}

static void print_result(struct cli *cli, struct json_object *checked, int r)
{
	if (cli->json) {
		json_object_object_add(checked, "saved", json_object_new_boolean(true));
		json_object_object_add(checked, "in_force", json_object_new_boolean(r == EXIT_OK));
		cli_print_json(checked);
	} else if (r == EXIT_OK) {
		printf("%s: %s [in force]\n", cli_text(checked, "wwid"),
		       cli_text(checked, "setting"));
	}
}

/* Save what was checked, tell the daemon, and wait. */
static int carry_out(struct cli *cli, const struct set_request *request,
		     struct json_object *checked)
{
	const char *wwid = cli_text(checked, "wwid");
	int r = edit_store(cli, wwid, cli_text(checked, "alias"), &request->setting);

	if (r == EXIT_OK)
		r = reload_daemon(cli);
	if (r != EXIT_OK)
		return r;
	cli_policy_update_fragment(wwid, request->text);
	if (!request->wait) {
		print_result(cli, checked, EXIT_PENDING);
		return EXIT_OK;
	}
	r = wait_in_force(cli, wwid, request->timeout_ms);
	print_result(cli, checked, r);
	return r;
}

static int set(struct cli *cli, int argc, char **argv)
{
	struct set_request request = {.wait = true, .timeout_ms = DEFAULT_WAIT_MS};
	char message[POLICY_MESSAGE_MAX];
	struct json_object *checked;
	enum policy_error error;
	int r = parse_set(cli, argc, argv, &request);

	if (r == -1) {
		set_help();
		return EXIT_OK;
	}
	if (r != EXIT_OK)
		return r;
	error = policy_setting_parse(request.text, &request.setting, message);
	if (error != POLICY_OK) {
		cli_error("%s: %s", policy_error_name(error), message);
		return EXIT_REFUSED;
	}
	r = ask_check(cli, &request, &checked);
	if (r != EXIT_OK)
		return r;
	if (request.dry_run && cli->json)
		cli_print_json(checked);
	else if (request.dry_run)
		print_plan(checked);
	else
		r = carry_out(cli, &request, checked);
	json_object_put(checked);
	return r;
}

static int clear(struct cli *cli, int argc, char **argv)
{
	struct json_object *fields, *reply, *lun;
	int r;

	if (argc != 2) {
		cli_error("policy clear needs LUN");
		return EXIT_USAGE;
	}
	fields = json_object_new_object();
	json_object_object_add(fields, "lun", json_object_new_string(argv[1]));
	r = cli_request(cli, "status", fields, &reply);
	if (r != EXIT_OK)
		return r;
	lun = json_object_array_get_idx(json_object_object_get(reply, "luns"), 0);
	r = edit_store(cli, cli_text(lun, "wwid"), cli_text(lun, "alias"), NULL);
	if (r == EXIT_OK)
		r = reload_daemon(cli);
	if (r == EXIT_OK)
		cli_policy_update_fragment(cli_text(lun, "wwid"), "");
	json_object_put(reply);
	return r;
}

static int check(struct cli *cli, int argc, char **argv)
{
	char message[STORE_MESSAGE_MAX];
	struct store store;
	char *text;
	int r;

	if (argc != 2) {
		cli_error("policy check needs FILE");
		return EXIT_USAGE;
	}
	if (access(argv[1], R_OK) < 0) {
		cli_error("%s: %s", argv[1], strerror(errno));
		return EXIT_FAILED;
	}
	r = store_read_file(argv[1], &text);
	if (r < 0) {
		cli_error("%s: %s", argv[1], strerror(-r));
		return EXIT_FAILED;
	}
	r = store_parse(text, argv[1], &store, message);
	free(text);
	if (r < 0) {
		cli_error("ISDSC_INVALID_PARAMETER: %s", message);
		return EXIT_REFUSED;
	}
	if (!cli->json)
		printf("%s: %zu LUN%s, in order\n", argv[1], store.n, store.n == 1 ? "" : "s");
	store_free(&store);
	return EXIT_OK;
}

static const struct cli_command verbs[] = {
	{"list", list, "", "the policies there are"},
	{"show", show, "[LUN]", "each LUN's policy, and whether it is in force"},
	{"set", set, "LUN POLICY …", "set a LUN's policy (see: policy set --help)"},
	{"clear", clear, "LUN", "back to no policy: all paths equal"},
	{"check", check, "FILE", "is this policies file in order?"},
};

static void help(FILE *out)
{
	size_t i;

	fputs("Usage: mpathiscsi policy VERB [ARGUMENTS]\n\n", out);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-6s %-14s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].summary);
	fputs("\nExamples:\n"
	      "  mpathiscsi policy set mpatha failover-only --active portal=10.0.1.2\n"
	      "  mpathiscsi policy show\n",
	      out);
}

int cli_policy(struct cli *cli, int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout);
		return EXIT_OK;
	}
	/* --json may stand behind any verb */
	for (i = 2; (int)i < argc; i++) {
		if (strcmp(argv[i], "--json") && strcmp(argv[i], "-j"))
			continue;
		cli->json = true;
		memmove(&argv[i], &argv[i + 1], ((size_t)argc - i) * sizeof(*argv));
		argc--;
		i--;
	}
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(cli, argc - 1, argv + 1);
	cli_error("unknown verb \"%s\": list, show, set, clear, check", argv[1]);
	return EXIT_USAGE;
}

int cli_reload(struct cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		cli_error("reload takes no arguments");
		return EXIT_USAGE;
	}
	return reload_daemon(cli);
}
