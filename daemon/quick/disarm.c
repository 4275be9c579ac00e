/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi-disarm: puts back what a daemon that is gone, or stands still, has changed. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/board.h"
#include "common/clock.h"
#include "common/parse.h"
#include "daemon/privileges.h"
#include "daemon/quick/levers.h"
#include "daemon/quick/routes.h"
#include "daemon/single.h"
#include "daemon/version.h"

#define STALE_MS     5000
#define SESSIONS_MAX 65536

enum { EXIT_DONE = 0, EXIT_LEFT = 1, EXIT_USAGE = 2 };

struct options {
	const char *record, *routes, *board;
	bool if_stale, quiet;
	uint64_t stale_ms;
};

static void usage(void)
{
	printf("Usage: mpathiscsi-disarm [OPTIONS]\n\n"
	       "Puts back what mpathiscsid has changed to make iSCSI sessions quick: the socket's\n"
	       "TCP_USER_TIMEOUT, max_retries of its disks, the session's recovery_tmo, and its\n"
	       "routes to portals. Takes it all from the daemon's records. Waits for nobody.\n\n"
	       "  -s, --if-stale[=SECONDS]  only if no mpathiscsid runs, or its heartbeat is older\n"
	       "                            than that (%d)\n"
	       "  -q, --quiet               say nothing but errors\n"
	       "  -r, --record=FILE         (" LEVERS_RECORD_PATH ")\n"
	       "  -R, --routes=FILE         (" ROUTES_RECORD_PATH ")\n"
	       "  -b, --board=FILE          the daemon's board (" BOARD_DEFAULT_PATH ")\n"
	       "  -V, --version\n"
	       "  -h, --help\n\n"
	       "A daemon that runs makes the sessions quick again: `mpathiscsi off` stops that.\n"
	       "Exit status: 0 nothing is left to put back; 1 something is, and was said; 2 wrong\n"
	       "arguments.\n",
	       STALE_MS / 1000);
}

static bool parse_stale(const char *text, uint64_t *ret_ms)
{
	uint64_t seconds;

	if (!text)
		return true;
	if (parse_uint(text, 1, 3600, &seconds) < 0) {
		fprintf(stderr, "mpathiscsi-disarm: --if-stale=%s: not 1 to 3600 seconds\n", text);
		return false;
	}
	*ret_ms = seconds * 1000;
	return true;
}

/* -1: go on; else exit with this. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option options[] = {{"if-stale", optional_argument, NULL, 's'},
						{"quiet", no_argument, NULL, 'q'},
						{"record", required_argument, NULL, 'r'},
						{"routes", required_argument, NULL, 'R'},
						{"board", required_argument, NULL, 'b'},
						{"version", no_argument, NULL, 'V'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int option;

	while ((option = getopt_long(argc, argv, "s::qr:R:b:Vh", options, NULL)) != -1) {
		switch (option) {
		case 's':
			ret->if_stale = true;
			if (!parse_stale(optarg, &ret->stale_ms))
				return EXIT_USAGE;
			break;
		case 'q':
			ret->quiet = true;
			break;
		case 'r':
			ret->record = optarg;
			break;
		case 'R':
			ret->routes = optarg;
			break;
		case 'b':
			ret->board = optarg;
			break;
		case 'V':
			puts("mpathiscsi-disarm " MPATHISCSI_VERSION);
			return EXIT_DONE;
		case 'h':
			usage();
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "mpathiscsi-disarm: unexpected \"%s\"; try --help\n", argv[optind]);
	return EXIT_USAGE;
}

/* A daemon that holds its lock and beats. A board that cannot be read is no sign of life. */
static bool daemon_lives(const struct options *options)
{
	uint64_t now_ns = clock_now_ns(), beat_ns;

	return single_held(options->board) &&
	       board_read_beat(options->board, &beat_ns) == BOARD_FRESH &&
	       beat_ns + options->stale_ms * NS_PER_MS > now_ns;
}

static void say_left(struct levers *levers, unsigned int sid)
{
	struct lever_state state;

	if (levers_state(levers, sid, &state) < 0)
		return;
	fprintf(stderr, "mpathiscsi-disarm: session %u: not all could be put back: %s\n", sid,
		state.socket == SOCKET_OFF ? "it is down, recovery_tmo stays" :
					     lever_socket_text(state.socket));
}

static bool put_back(struct levers *levers, const struct options *options)
{
	unsigned int *sids = calloc(SESSIONS_MAX, sizeof(*sids));
	size_t n, i;
	bool all = true;

	if (!sids) {
		fprintf(stderr, "mpathiscsi-disarm: no memory\n");
		return false;
	}
	n = levers_list(levers, sids, SESSIONS_MAX);
	for (i = 0; i < n && i < SESSIONS_MAX; i++) {
		int r = levers_clear(levers, sids[i]);

		if (r == 0 && !options->quiet)
			printf("session %u: put back\n", sids[i]);
		if (r < 0)
			all = false;
		if (r < 0 && !options->quiet)
			say_left(levers, sids[i]);
	}
	free(sids);
	return all && n <= SESSIONS_MAX;
}

static bool put_back_levers(const struct options *options)
{
	struct levers *levers;
	int r = levers_new(NULL, options->record, &levers);
	bool all;

	if (r < 0) {
		fprintf(stderr, "mpathiscsi-disarm: %s: %s\n", options->record, strerror(-r));
		return false;
	}
	all = put_back(levers, options);
	levers_free(levers);
	return all;
}

static bool take_back_routes(const struct options *options)
{
	int r;

	if (access(options->routes, F_OK) < 0)
		return true;
	r = routes_clear(options->routes);
	if (r < 0)
		fprintf(stderr, "mpathiscsi-disarm: routes to portals: %s\n", strerror(-r));
	else if (!options->quiet)
		printf("routes to portals: taken back\n");
	return r == 0;
}

int main(int argc, char **argv)
{
	struct options options = {.record = LEVERS_RECORD_PATH,
				  .routes = ROUTES_RECORD_PATH,
				  .board = BOARD_DEFAULT_PATH,
				  .stale_ms = STALE_MS};
	bool levers, routes;
	int r = parse_options(argc, argv, &options);

	if (r >= 0)
		return r;
	if (options.if_stale && daemon_lives(&options))
		return EXIT_DONE;
	r = privileges_keep(&privileges_disarm);
	if (r < 0) {
		fprintf(stderr, "mpathiscsi-disarm: giving up privileges: %s\n", strerror(-r));
		return EXIT_LEFT;
	}
	levers = put_back_levers(&options);
	routes = take_back_routes(&options);
	return levers && routes ? EXIT_DONE : EXIT_LEFT;
}
