/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi reload: the daemon reads its files again, and what multipathd has of the policies
 * follows, as it would after `policy set`. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/cli_getopt.h"
#include "daemon/cli_policy.h"
#include "daemon/enable.h"
#include "daemon/enable_apply.h"
#include "daemon/kept.h"

#define RECONFIGURE_MS 60000

#define SELECTORS_LIVE_MS 10000 /* after a reconfigure */
#define LOOK_AGAIN_MS	  200

/* What the policies ask of multipathd's configuration. */
struct follow {
	size_t selectors;   /* LUNs whose live path selector is not their policy's */
	size_t taken;	    /* LUNs whose policy was taken away, and multipathd still has it */
	size_t unsupported; /* LUNs whose policy wants a path selector that the kernel lacks */
	size_t beyond;	    /* LUNs with another selector that no reconfigure will change */
};

static void help(void)
{
	puts("Usage: mpathiscsi reload [--force] [--json]\n\n"
	     "The daemon reads the policies file and mpathiscsid.conf again. A broken file is\n"
	     "refused whole, and what is in force of it stays; the other one is read all the\n"
	     "same. Where a policy now wants another path selector, or was taken away,\n"
	     "multipathd is told to reconfigure; not while a path is in trouble (exit\n"
	     "status 5: repeat it then).\n\n"
	     "  -f, --force   reconfigure even with a path in trouble\n"
	     "  -j, --json\n"
	     "\nExample:\n  mpathiscsi reload");
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for. */
static int parse(struct cli *cli, int argc, char **argv, bool *ret_force)
{
	static const struct option options[] = {{"force", no_argument, NULL, 'f'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option;

	while ((option = cli_getopt(argc, argv, "fjh", options)) != -1) {
		if (option == 'f')
			*ret_force = true;
		else if (option == 'j')
			cli->json = true;
		else
			return option == 'h' ? -1 : EXIT_USAGE;
	}
	if (optind == argc)
		return EXIT_OK;
	cli_error("reload takes no argument \"%s\"", argv[optind]);
	return EXIT_USAGE;
}

/* One LUN's part of the fragment. Not enabled, or not for this LUN: nothing to follow. */
static void follow_lun(struct json_object *lun, struct follow *follow)
{
	const char *setting = cli_text(lun, "policy");
	bool changed = false, in_force = cli_flag(lun, "selector_in_force"), supported;
	int r;

	/* multipathd would make no map with a selector that the kernel lacks: it is not told. */
	supported = cli_lun_is_supported(lun, cli_text(lun, "policy_name"));
	follow->unsupported += !supported;
	r = fragment_update(NULL, cli_text(lun, "wwid"), setting,
			    supported ? cli_selector_of(lun) : "", &changed);
	if (r == -ENODATA || r == -ENXIO || !supported)
		follow->beyond += !in_force;
	else if (r < 0 && r != -E2BIG) /* too long for prio_args: said by `policy set`, no fault */
		cli_error("note: %s/%s was not updated (%s); `mpathiscsi enable` mends it",
			  ENABLE_CONF_DIR, FRAGMENT_NAME, strerror(-r));
	else if (*setting)
		follow->selectors += !in_force;
	else
		follow->taken += changed;
}

static int ask_luns(struct cli *cli, struct json_object **ret)
{
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, "detail", json_object_new_string("luns"));
	return cli_request(cli, "status", fields, ret);
}

/* The fragment follows a file that was edited by hand. */
static int follow_file(struct cli *cli, struct follow *ret)
{
	struct json_object *reply, *luns;
	int r = ask_luns(cli, &reply);

	*ret = (struct follow){.selectors = 0};
	if (r != EXIT_OK)
		return r;
	luns = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < cli_length(luns); i++)
		follow_lun(json_object_array_get_idx(luns, i), ret);
	json_object_put(reply);
	return EXIT_OK;
}

/* LUNs whose map has another path selector than its policy wants, but for those beyond help. */
static size_t count_other_selectors(struct cli *cli, const struct follow *follow)
{
	struct json_object *reply, *luns;
	size_t n = 0;

	if (ask_luns(cli, &reply) != EXIT_OK)
		return 0;
	luns = json_object_object_get(reply, "luns");
	for (size_t i = 0; i < cli_length(luns); i++)
		n += !cli_flag(json_object_array_get_idx(luns, i), "selector_in_force");
	json_object_put(reply);
	return n > follow->beyond ? n - follow->beyond : 0;
}

static int wait_for_selectors(struct cli *cli, const struct follow *follow)
{
	uint64_t deadline_ns = clock_now_ns() + SELECTORS_LIVE_MS * NS_PER_MS;
	size_t n;

	while ((n = count_other_selectors(cli, follow)) != 0 && clock_now_ns() < deadline_ns)
		poll(NULL, 0, LOOK_AGAIN_MS);
	if (n == 0)
		return EXIT_OK;
	cli_error("read, and multipathd has reconfigured, but %zu LUN%s another path selector all "
		  "the same: another part of its configuration sets it, see `multipathd show config` "
		  "and `mpathiscsi status`",
		  n, n == 1 ? " has" : "s have");
	return EXIT_PENDING;
}

/* Let multipathd take what it takes only by a reconfigure. */
static int reconfigure(struct cli *cli, const struct follow *follow, const char *unfit, bool force)
{
	size_t n = follow->selectors + follow->taken;
	int r;

	if (*unfit && !force) {
		cli_error("read, but pending: for %zu LUN%s multipathd has to reconfigure, which "
			  "would stop its checks while %s is in trouble; repeat `mpathiscsi "
			  "reload` when that is over (--force: now)",
			  n, n == 1 ? "" : "s", unfit);
		return EXIT_PENDING;
	}
	r = kept_reconfigure(cli, RECONFIGURE_MS);
	if (r == 0)
		return follow->selectors ? wait_for_selectors(cli, follow) : EXIT_OK;
	cli_error("read, but pending: multipathd did not reconfigure (%s) and goes on with the old "
		  "path selector or policy of %zu LUN%s until it does",
		  strerror(-r), n, n == 1 ? "" : "s");
	return EXIT_PENDING;
}

/* The policies, and what follows from them. */
static int reload_policies(struct cli *cli, bool force)
{
	struct json_object *reply;
	struct follow follow;
	int r = cli_request(cli, "reload", NULL, &reply);

	if (r != EXIT_OK)
		return r;
	r = follow_file(cli, &follow);
	if (r == EXIT_OK && follow.selectors + follow.taken)
		r = reconfigure(cli, &follow, cli_text(reply, "unfit"), force);
	if (r == EXIT_OK && follow.unsupported)
		r = EXIT_REFUSED;
	json_object_put(reply);
	return r;
}

static int reload_settings(struct cli *cli)
{
	struct json_object *reply;
	int r = cli_request(cli, "reload-settings", NULL, &reply);

	if (r == EXIT_OK)
		json_object_put(reply);
	return r;
}

static void print_done(const struct cli *cli)
{
	struct json_object *object;

	if (!cli->json)
		return;
	object = json_object_new_object();
	json_object_object_add(object, "ok", json_object_new_boolean(true));
	cli_print_json(object);
	json_object_put(object);
}

int cli_reload(struct cli *cli, int argc, char **argv)
{
	bool force = false;
	int r = parse(cli, argc, argv, &force), settings, lock;

	if (r == -1) {
		help();
		return EXIT_OK;
	}
	if (r != EXIT_OK)
		return r;
	lock = cli_store_lock_if_possible(cli);
	r = reload_policies(cli, force);
	cli_store_unlock(lock);
	if (r == EXIT_NO_DAEMON || r == EXIT_NOT_PERMITTED)
		return r;
	settings = reload_settings(cli);
	if (r == EXIT_OK)
		r = settings;
	if (r == EXIT_OK)
		print_done(cli);
	return r;
}
