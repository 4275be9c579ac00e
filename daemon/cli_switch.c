/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi off and on: the file is what counts; the daemon is told to look at it. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/cli.h"
#include "daemon/cli_getopt.h"
#include "daemon/control.h"
#include "daemon/quick/report_settings.h"

#define ANSWER_MS 10000

static void help(bool on)
{
	if (on)
		puts("Usage: mpathiscsi on [--json]\n\n"
		     "Takes `mpathiscsi off` back: paths become quick again where that is safe.\n");
	else
		puts("Usage: mpathiscsi off [--reason=TEXT] [--json]\n\n"
		     "Stops all that acts, until `mpathiscsi on`, also over a reboot: no\n"
		     "connection is armed or given up, no path held out, no LUN's I/O freed, and\n"
		     "what was changed is given back. Probes, verdicts, policies and priorities\n"
		     "go on.\n"
		     "Booting with mpathiscsi=off on the kernel's command line does the same.\n");
	puts("Options:");
	if (!on)
		puts("  -r, --reason=TEXT  kept with your name and the time, and shown by status");
	puts("  -F, --file=FILE    instead of " SWITCH_DEFAULT_PATH "\n"
	     "  -j, --json         print JSON\n\n"
	     "Example:");
	puts(on ? "  mpathiscsi on" : "  mpathiscsi off --reason='array is being moved'");
}

static const char *who(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());

	return sudo && *sudo ? sudo : user ? user->pw_name : "?";
}

static int write_switch(bool on, const char *file, const char *reason)
{
	char text[SWITCH_TEXT_MAX];
	int r;

	switch_format(who(), getuid(), (long long)time(NULL), reason, text);
	r = on ? switch_write_on(file) : switch_write_off(file, text);
	if (r == 0)
		return EXIT_OK;
	if (r == -EACCES || r == -EPERM) {
		cli_error("not permitted to change %s: run as root", file);
		return EXIT_NOT_PERMITTED;
	}
	cli_error("%s: %s; nothing was changed", file, strerror(-r));
	return EXIT_FAILED;
}

/* The daemon's answer, or how it stands without one. */
static int tell_daemon(const struct cli *cli, const char *file, bool on, struct json_object **ret)
{
	struct json_object *request = json_object_new_object();
	struct switch_state state;
	int r;

	json_object_object_add(request, "request", json_object_new_string("switch"));
	json_object_object_add(request, "on", json_object_new_boolean(on));
	r = control_request(cli->control_path, request, ANSWER_MS, ret);
	json_object_put(request);
	if (r == 0 && !cli_flag(*ret, "ok")) {
		cli_error("%s is %s, but mpathiscsid says: %s", file, on ? "removed" : "written",
			  cli_text(*ret, "message"));
		return EXIT_PENDING;
	}
	if (r < 0) {
		switch_read(file, NULL, &state);
		*ret = json_object_new_object();
		json_object_object_add(*ret, "ok", json_object_new_boolean(true));
		report_switch(&state, *ret);
	}
	json_object_object_add(*ret, "daemon", json_object_new_boolean(r == 0));
	if (r == 0 || r == -ENOENT || r == -ECONNREFUSED)
		return EXIT_OK;
	cli_error("%s is %s, but mpathiscsid does not answer: %s", file, on ? "removed" : "written",
		  strerror(-r));
	return EXIT_PENDING;
}

static int say(struct json_object *reply, const char *file, bool on)
{
	if (!cli_flag(reply, "daemon"))
		printf("%s is %s; mpathiscsid is not running and will find it so\n", file,
		       on ? "removed" : "written");
	else if (on)
		puts("on: paths become quick where that is safe");
	else
		puts("off, also after a reboot, until `mpathiscsi on`: nothing is armed, given\n"
		     "up or held out; probes, policies and priorities go on");
	return EXIT_OK;
}

static int conclude(const struct cli *cli, struct json_object *reply, const char *file, bool on)
{
	if (cli->json)
		cli_print_json(reply);
	if (cli_flag(reply, "on") == on)
		return cli->json ? EXIT_OK : say(reply, file, on);
	if (on)
		cli_error("%s is removed, but it stays off, %s", file, cli_text(reply, "off_text"));
	else
		cli_error("%s is written, but mpathiscsid looks at another file", file);
	return EXIT_PENDING;
}

static int run(struct cli *cli, int argc, char **argv, bool on)
{
	static const struct option options[] = {{"reason", required_argument, NULL, 'r'},
						{"file", required_argument, NULL, 'F'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	const char *file = SWITCH_DEFAULT_PATH, *reason = "";
	struct json_object *reply = NULL;
	int option, r;

	while ((option = cli_getopt(argc, argv, on ? "F:jh" : "r:F:jh", options)) != -1) {
		if (option == 'r' && !on) {
			reason = optarg;
		} else if (option == 'F') {
			file = optarg;
		} else if (option == 'j') {
			cli->json = true;
		} else {
			if (option == 'h')
				help(on);
			return option == 'h' ? EXIT_OK : EXIT_USAGE;
		}
	}
	if (optind < argc) {
		cli_error("%s takes no \"%s\"; try: mpathiscsi %s --help", argv[0], argv[optind],
			  argv[0]);
		return EXIT_USAGE;
	}
	r = write_switch(on, file, reason);
	if (r != EXIT_OK)
		return r;
	r = tell_daemon(cli, file, on, &reply);
	if (r == EXIT_OK)
		r = conclude(cli, reply, file, on);
	else if (cli->json)
		cli_print_json(reply);
	json_object_put(reply);
	return r;
}

int cli_off(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, false);
}

int cli_on(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, true);
}
