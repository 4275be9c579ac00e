/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathwatch: what device-mapper says of multipath maps, seen every few milliseconds
 * without a process a look.
 *
 *   pathwatch --state FILE --log FILE [--period 20] MAP…
 *
 * --log: a line whenever something of a map has changed:
 *
 *   TIME MAP queue|noqueue A:8:0=A,8:16=F E:8:32=A
 *
 * TIME is CLOCK_MONOTONIC in seconds; then whether I/O waits when there is no path; then
 * a word per path group in table order: A active, E enabled, D disabled, and its paths: A
 * usable, F failed. A map that is not there has "absent" and nothing more. --state: the
 * newest line of each map, renewed as a whole. Ends with SIGTERM.
 */
#include <errno.h>
#include <getopt.h>
#include <libdevmapper.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_MAPS = 64, TEXT_MAX = 4096 };

struct map {
	const char *name;
	char text[TEXT_MAX];
	double changed; /* s */
};

static struct map maps[MAX_MAPS];
static size_t n_maps;
static volatile sig_atomic_t ending;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The parameters of the map's first target (its table, or its status) into text; false:
 * no such map. */
static bool ask(int type, const char *name, char *text, size_t size)
{
	struct dm_task *task = dm_task_create(type);
	struct dm_info info = {0};
	char *target = NULL, *params = NULL;
	uint64_t start, length;
	bool good;

	if (!task)
		return false;
	good = dm_task_set_name(task, name) && dm_task_no_flush(task) &&
	       dm_task_run(task) && dm_task_get_info(task, &info) && info.exists;
	if (good) {
		dm_get_next_target(task, NULL, &start, &length, &target, &params);
		good = target && !strcmp(target, "multipath") && params;
	}
	if (good)
		snprintf(text, size, "%s", params);
	dm_task_destroy(task);
	return good;
}

/* The next word of a status, or "" at its end. */
static const char *word(char **rest)
{
	char *w = strsep(rest, " ");

	return w ? w : "";
}

static unsigned int count(char **rest)
{
	return (unsigned int)strtoul(word(rest), NULL, 10);
}

static void skip(char **rest, unsigned int n)
{
	while (n-- && *rest)
		word(rest);
}

/* One path group of a status: STATE SELECTOR-ARGS… PATHS ARGS, then a path each. */
static void put_group(FILE *f, char **rest)
{
	const char *dev, *state = word(rest);
	unsigned int i, paths, args;

	fprintf(f, " %s:", state);
	skip(rest, count(rest));
	paths = count(rest);
	args = count(rest);
	for (i = 0; i < paths && *rest; i++) {
		dev = word(rest);
		fprintf(f, "%s%s=%s", i ? "," : "", dev, word(rest));
		skip(rest, 1 + args); /* the fail count */
	}
}

static void describe(const char *name, char *text, size_t size)
{
	char status[TEXT_MAX], table[TEXT_MAX], *rest = status;
	unsigned int groups;
	FILE *f;

	if (!ask(DM_DEVICE_TABLE, name, table, sizeof(table)) ||
	    !ask(DM_DEVICE_STATUS, name, status, sizeof(status))) {
		snprintf(text, size, "absent");
		return;
	}
	f = fmemopen(text, size, "w");
	if (!f)
		exit(1);
	fprintf(f, "%s", strstr(table, "queue_if_no_path") ? "queue" : "noqueue");
	skip(&rest, count(&rest)); /* features */
	skip(&rest, count(&rest)); /* of the hardware handler */
	groups = count(&rest);
	word(&rest); /* the group to be tried next */
	while (groups-- && rest)
		put_group(f, &rest);
	fclose(f);
}

static void write_state(const char *path)
{
	char temporary[TEXT_MAX];
	FILE *f;
	size_t i;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "we");
	if (!f) {
		perror(temporary);
		exit(1);
	}
	for (i = 0; i < n_maps; i++)
		fprintf(f, "%.3f %s %s\n", maps[i].changed, maps[i].name, maps[i].text);
	if (fclose(f) || rename(temporary, path)) {
		perror(path);
		exit(1);
	}
}

static void look(FILE *log, const char *state)
{
	char text[TEXT_MAX];
	bool news = false;
	size_t i;

	for (i = 0; i < n_maps; i++) {
		describe(maps[i].name, text, sizeof(text));
		if (!strcmp(text, maps[i].text))
			continue;
		memcpy(maps[i].text, text, sizeof(text));
		maps[i].changed = now();
		fprintf(log, "%.3f %s %s\n", maps[i].changed, maps[i].name, text);
		news = true;
	}
	if (!news)
		return;
	fflush(log);
	write_state(state);
}

static void on_term(int sig)
{
	(void)sig;
	ending = 1;
}

/* A map that is not there is no error here. */
static void be_quiet(int level, const char *file, int line, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)format;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: pathwatch --state FILE --log FILE [--period MS] MAP...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option table[] = {{"state", 1, NULL, 's'},
					      {"log", 1, NULL, 'l'},
					      {"period", 1, NULL, 'p'},
					      {NULL, 0, NULL, 0}};
	struct sigaction sa = {.sa_handler = on_term};
	struct timespec period = {0};
	const char *state = NULL, *path = NULL;
	long ms = 20;
	FILE *log;
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 's')
			state = optarg;
		else if (c == 'l')
			path = optarg;
		else if (c == 'p')
			ms = strtol(optarg, NULL, 10);
		else
			usage();
	}
	if (!state || !path || ms < 1 || ms > 10000 || optind >= argc ||
	    argc - optind > MAX_MAPS)
		usage();
	for (; optind < argc; optind++)
		maps[n_maps++].name = argv[optind];
	log = fopen(path, "ae");
	if (!log) {
		perror(path);
		return 1;
	}
	dm_log_init(be_quiet);
	sigaction(SIGTERM, &sa, NULL);
	period.tv_sec = ms / 1000;
	period.tv_nsec = ms % 1000 * 1000000;
	while (!ending) {
		look(log, state);
		nanosleep(&period, NULL);
	}
	return fclose(log) ? 1 : 0;
}
