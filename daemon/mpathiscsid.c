/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsid: main() of the daemon. Sets up the event loop and gets out of the way. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/parse.h"
#include "daemon/admit.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "daemon/quick/quick.h"
#include "daemon/quick/settings.h"
#include "daemon/quick/switch.h"
#include "daemon/requests.h"
#include "daemon/single.h"
#include "daemon/store_watch.h"
#include "daemon/uevents.h"
#include "daemon/version.h"
#include "daemon/watch.h"

struct options {
	struct watch_options watch;
	const char *control_path;
};

static void usage(FILE *out)
{
	fputs("Usage: mpathiscsid [OPTIONS]\n\n"
	      "Probes iSCSI portals, plans each LUN's paths by its policy, and leaves both\n"
	      "where multipathd's checker and prioritizer \"iscsi\" read it. Runs in the\n"
	      "foreground.\n\n"
	      "  -f, --policies=FILE   policies file (" STORE_DEFAULT_PATH ")\n"
	      "  -c, --config=FILE     settings (" SETTINGS_DEFAULT_PATH ")\n"
	      "  -o, --off-file=FILE   nothing acts while it exists (" SWITCH_DEFAULT_PATH ")\n"
	      "  -b, --board=FILE      the board (" BOARD_DEFAULT_PATH ")\n"
	      "  -S, --socket=PATH     control socket (" CONTROL_DEFAULT_PATH ")\n"
	      "  -P, --probe=PROGRAM   probe program (" LIBEXECDIR "/mpathiscsi-probe)\n"
	      "  -v, --verbose         say more\n"
	      "  -V, --version\n"
	      "  -h, --help\n\n"
	      "Examples:\n"
	      "  systemctl enable --now mpathiscsid\n"
	      "  mpathiscsid --verbose --policies=/tmp/policies.conf\n",
	      out);
}

/* -1: go on; else exit with this. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option options[] = {{"policies", required_argument, NULL, 'f'},
						{"config", required_argument, NULL, 'c'},
						{"off-file", required_argument, NULL, 'o'},
						{"board", required_argument, NULL, 'b'},
						{"socket", required_argument, NULL, 'S'},
						{"probe", required_argument, NULL, 'P'},
						{"verbose", no_argument, NULL, 'v'},
						{"version", no_argument, NULL, 'V'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option;

	while ((option = getopt_long(argc, argv, "f:c:o:b:S:P:vVh", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			ret->watch.store_path = optarg;
			break;
		case 'c':
			ret->watch.settings_path = optarg;
			break;
		case 'o':
			ret->watch.switch_path = optarg;
			break;
		case 'b':
			ret->watch.board_path = optarg;
			break;
		case 'S':
			ret->control_path = optarg;
			break;
		case 'P':
			ret->watch.probe.child_path = optarg;
			break;
		case 'v':
			log_set_level(LOG_DEBUG);
			break;
		case 'V':
			puts("mpathiscsid " MPATHISCSI_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "mpathiscsid: unexpected \"%s\"; try --help\n", argv[optind]);
		return 2;
	}
	return -1;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
	(void)si;
	(void)arg;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
	(void)source;
	(void)si;
	sd_notify(0, "RELOADING=1");
	/* Both log what was wrong; what is in force stays. */
	watch_reload(arg);
	quick_settings_changed(arg);
	sd_notify(0, "READY=1");
	return 0;
}

static void on_store_changed(void *arg)
{
	watch_reload_changed(arg);
}

static void on_settings_changed(void *arg)
{
	quick_settings_changed(arg);
}

static void on_uevent(enum uevent_kind kind, const char *name, void *arg)
{
	switch (kind) {
	case UEVENT_DISK:
		watch_disk_changed(arg, name);
		break;
	case UEVENT_MAP:
		watch_refresh_soon(arg);
		break;
	case UEVENT_SESSION:
		watch_rescan_soon(arg);
		break;
	case UEVENT_LOST:
		watch_disk_changed(arg, NULL);
		break;
	}
}

static int handle_signals(sd_event *event, struct watch *watch)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_stop, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, watch);
	return r;
}

/* Not being able to is no reason not to run: SIGHUP and `mpathiscsi reload` are left. */
static void follow(sd_event *event, const char *path, void (*changed)(void *arg),
		   struct watch *watch, struct store_watch **ret)
{
	int r = store_watch_new(event, path, changed, watch, ret);

	if (r < 0)
		log_line(LOG_WARNING,
			 "%s: cannot be watched for changes (%s); after editing it: mpathiscsi reload",
			 path, strerror(-r));
}

enum followed { FOLLOW_POLICIES, FOLLOW_SETTINGS, FOLLOW_SWITCH, FOLLOW_MAX };

static void follow_files(sd_event *event, struct watch *watch, struct store_watch **files)
{
	const struct watch_options *options = &watch->options;

	follow(event, options->store_path, on_store_changed, watch, &files[FOLLOW_POLICIES]);
	follow(event, options->settings_path ? options->settings_path : SETTINGS_DEFAULT_PATH,
	       on_settings_changed, watch, &files[FOLLOW_SETTINGS]);
	follow(event, options->switch_path ? options->switch_path : SWITCH_DEFAULT_PATH,
	       on_settings_changed, watch, &files[FOLLOW_SWITCH]);
}

static int serve(const struct options *options)
{
	struct watch watch = {.board = NULL};
	struct control *control = NULL;
	struct uevents *uevents = NULL;
	struct store_watch *files[FOLLOW_MAX] = {NULL};
	sd_event *event = NULL;
	const char *what = "event loop";
	int r = sd_event_default(&event);

	if (r >= 0)
		r = handle_signals(event, &watch);
	if (r >= 0) {
		what = "board, probes or paths";
		r = watch_start(event, &options->watch, &watch);
	}
	if (r >= 0) {
		what = options->control_path;
		r = control_new(event, options->control_path, requests_handle, &watch, &control);
		watch.control = control;
	}
	if (r >= 0) {
		admit_group(&watch, quick_group(watch.quick));
		what = "uevents";
		r = uevents_new(event, on_uevent, &watch, &uevents);
	}
	if (r >= 0)
		follow_files(event, &watch, files);
	if (r >= 0) {
		what = "event loop";
		sd_event_set_watchdog(event, true);
		log_line(LOG_INFO, "version %s: %zu session%s, %zu LUN%s", MPATHISCSI_VERSION,
			 watch.n_sessions, watch.n_sessions == 1 ? "" : "s", watch.luns.n,
			 watch.luns.n == 1 ? "" : "s");
		sd_notify(0, "READY=1");
		r = sd_event_loop(event);
	}
	if (r < 0)
		log_line(LOG_ERR, "%s: %s", what, strerror(-r));
	sd_notify(0, "STOPPING=1");
	for (size_t i = 0; i < FOLLOW_MAX; i++)
		store_watch_free(files[i]);
	uevents_free(uevents);
	watch.control = NULL;
	control_free(control);
	watch_stop(&watch);
	sd_event_unref(event);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Two daemons on one board would each undo what the other wrote. The descriptor stays open
 * until the end. */
static bool only_one(const char *board_path)
{
	int r;

	if (!board_path)
		board_path = BOARD_DEFAULT_PATH;
	if (!single_folder_safe(board_path)) {
		log_line(LOG_ERR, "%s: others than root may write in its folder", board_path);
		return false;
	}
	r = single_lock(board_path);
	if (r == -EBUSY)
		log_line(LOG_ERR, "another mpathiscsid uses %s; stop it, or give this one a --board, "
				  "--socket and --policies of its own", board_path);
	else if (r < 0)
		log_line(LOG_WARNING, "%s.lock: %s", board_path, strerror(-r));
	return r != -EBUSY;
}

int main(int argc, char **argv)
{
	struct options options = {.watch.store_path = STORE_DEFAULT_PATH,
				  .control_path = CONTROL_DEFAULT_PATH};
	int r;

	/* Else the C library would keep what large arrays had taken, once one of them was freed. */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	probe_config_default(&options.watch.probe);
	r = parse_options(argc, argv, &options);
	if (r >= 0)
		return r;
	if (!only_one(options.watch.board_path))
		return EXIT_FAILURE;
	/* Also: no core dump of the CHAP secrets that we hold for a moment. */
	r = privileges_keep(&privileges_daemon);
	if (r < 0) {
		log_line(LOG_ERR, "giving up privileges: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	return serve(&options);
}
