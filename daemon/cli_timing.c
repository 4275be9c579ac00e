/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsi status --timing: what is in force, and how long a silent portal goes unnoticed. */
#include <string.h>

#include "daemon/cli.h"
#include "daemon/cli_quick.h"
#include "daemon/fold.h"

#define ROW "%-24s %-10s %-9s %-7s %-8s %-9s %s\n"

static size_t length(struct json_object *array)
{
	return cli_length(array);
}

/* Durations and a target's switches: what [timing] and [target NAME] have in common. */
static void print_values(FILE *out, struct json_object *values, int indent)
{
	long long lun = (long long)cli_number(values, "lun_dead_ms");
	long long floor = (long long)cli_number(values, "floor_ms");
	char line[400], lun_text[40] = "never", floor_text[40] = "";

	if (lun)
		snprintf(lun_text, sizeof(lun_text), "%lld ms", lun);
	if (floor)
		snprintf(floor_text, sizeof(floor_text), "; floor: %lld ms", floor);
	snprintf(line, sizeof(line), "arm: %s; release: %s; fence: %s; stranded I/O: %s%s",
		 cli_text(values, "arm"), cli_text(values, "release"), cli_text(values, "fence"),
		 cli_text(values, "stranded_io"), floor_text);
	fold_print(out, indent, line);
	snprintf(line, sizeof(line), "user time-out: %lld to %lld ms",
		 (long long)cli_number(values, "user_timeout_ms"),
		 (long long)cli_number(values, "user_timeout_max_ms"));
	fold_print(out, indent, line);
	snprintf(line, sizeof(line), "dead after: connection %lld ms, target %lld ms, LUN %s",
		 (long long)cli_number(values, "connection_dead_ms"),
		 (long long)cli_number(values, "target_dead_ms"), lun_text);
	fold_print(out, indent, line);
}

static void print_settings(FILE *out, struct json_object *timing)
{
	struct json_object *targets = json_object_object_get(timing, "targets");
	bool tuned = !strcmp(cli_text(timing, "tune_routes"), "yes");
	char line[400], routes[60] = "as they are";
	size_t i;

	if (tuned)
		snprintf(routes, sizeof(routes), "rto_min %lld ms",
			 (long long)cli_number(timing, "rto_min_ms"));
	fprintf(out, "profile: %s\n", cli_text(timing, "profile"));
	print_values(out, timing, 1);
	snprintf(line, sizeof(line),
		 "routes: %s; releases: %lld a minute; stable: %lld ms; rise: %lld ms", routes,
		 (long long)cli_number(timing, "releases_per_minute"),
		 (long long)cli_number(timing, "stable_ms"),
		 (long long)cli_number(timing, "rise_ms"));
	fold_print(out, 1, line);
	snprintf(line, sizeof(line),
		 "flaps: half-life %lld s, held out above %lld, used again below %lld",
		 (long long)cli_number(timing, "flap_half_life_s"),
		 (long long)cli_number(timing, "flap_hold"),
		 (long long)cli_number(timing, "flap_reuse"));
	fold_print(out, 1, line);
	for (i = 0; i < length(targets); i++) {
		struct json_object *target = json_object_array_get_idx(targets, i);

		snprintf(line, sizeof(line), "target %s", cli_text(target, "target"));
		fold_print(out, 0, line);
		print_values(out, target, 1);
	}
}

/* "0.21 ms", "-" for 0. */
static const char *format_us(int64_t us, char *buffer, size_t size)
{
	if (us <= 0)
		snprintf(buffer, size, "-");
	else if (us < 10000)
		snprintf(buffer, size, "%.2f ms", (double)us / 1000);
	else
		snprintf(buffer, size, "%.0f ms", (double)us / 1000);
	return buffer;
}

static void print_session(FILE *out, struct json_object *session)
{
	char rtt[32], rto[32], user[32], detection[32], line[200];
	const char *why = cli_text(session, "why");

	fprintf(out, ROW, cli_text(session, "portal"), cli_text(session, "interface"),
		format_us(cli_number(session, "rtt_us"), rtt, sizeof(rtt)),
		format_us(cli_number(session, "rto_us"), rto, sizeof(rto)),
		format_us(1000 * cli_number(session, "user_timeout_ms"), user, sizeof(user)),
		format_us(1000 * cli_number(session, "detection_ms"), detection, sizeof(detection)),
		cli_text(session, "by"));
	if (!*why)
		return;
	snprintf(line, sizeof(line), "time-out: %s", why);
	fold_print(out, 2, line);
}

struct totals {
	size_t n, armed, release, kernel;
	int64_t shortest, longest;
};

static void count(struct totals *totals, struct json_object *session)
{
	const char *by = cli_text(session, "by");
	int64_t ms = cli_number(session, "detection_ms");

	totals->n++;
	totals->armed += !strcmp(by, "armed");
	totals->release += !strcmp(by, "release");
	totals->kernel += !strcmp(by, "kernel");
	if (ms <= 0)
		return;
	if (!totals->shortest || ms < totals->shortest)
		totals->shortest = ms;
	if (ms > totals->longest)
		totals->longest = ms;
}

static void print_totals(FILE *out, const struct totals *totals, struct json_object *quick)
{
	char line[300], detection[80] = "";

	if (totals->longest)
		snprintf(detection, sizeof(detection), "; detection %lld to %lld ms",
			 (long long)totals->shortest, (long long)totals->longest);
	snprintf(line, sizeof(line),
		 "%zu session%s: %zu armed, %zu by release, %zu by the kernel's own timers%s",
		 totals->n, totals->n == 1 ? "" : "s", totals->armed, totals->release,
		 totals->kernel, detection);
	fold_print(out, 0, line);
	if (!quick)
		return;
	snprintf(line, sizeof(line),
		 "since the daemon's start: %lld connections lost, %lld given up by us, %lld ended "
		 "by "
		 "their time-out, %lld false alarms",
		 (long long)cli_number(quick, "lost"), (long long)cli_number(quick, "releases"),
		 (long long)cli_number(quick, "dropped"),
		 (long long)cli_number(quick, "false_alarms"));
	fold_print(out, 0, line);
}

void cli_print_timing(FILE *out, struct json_object *reply)
{
	struct json_object *timing = json_object_object_get(reply, "timing");
	struct json_object *sessions = json_object_object_get(timing, "sessions");
	const char *target = "";
	struct totals totals = {0};
	size_t i;

	if (!timing) {
		fputs("no timing: nothing acts in this daemon\n", out);
		return;
	}
	cli_print_switch(out, reply);
	print_settings(out, timing);
	for (i = 0; i < length(sessions); i++) {
		struct json_object *session = json_object_array_get_idx(sessions, i);

		if (i == 0)
			fprintf(out, "\n" ROW, "PORTAL", "INTERFACE", "NOP", "RTO", "TIME-OUT",
				"DETECTION", "BY");
		if (strcmp(cli_text(session, "target"), target) != 0) {
			target = cli_text(session, "target");
			fprintf(out, "%s\n", target);
		}
		print_session(out, session);
		count(&totals, session);
	}
	fputc('\n', out);
	print_totals(out, &totals, json_object_object_get(reply, "quick"));
}
