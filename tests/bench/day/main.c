/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A day in the life of the daemon, under a clock that is driven: what it and its probe take must
 * not grow. Started by tests/bench/run-day in namespaces of its own.
 *
 * usage: day HOURS
 *
 * Weighed after every cycle, in the same state. The first quarter is the warm-up: what is kept for
 * a while (suspicions, histories, buffers) fills. After it, the line through the bytes in use
 * (least squares) may rise by no more than HEAP_KIB_DAY a day: the least that malloc() gives, lost
 * once a cycle, is more. Resident memory, which goes by pages, may be no more than RSS_KIB higher
 * on the average of the last quarter than of the second; descriptors, children and files are as
 * many as before.
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/day/day.h"

#define CYCLES_HOUR  (3600 / DAY_CYCLE_S)
#define HOURS_MAX    48
#define HEAP_KIB_DAY 4
#define RSS_KIB	     128

static struct weight weights[HOURS_MAX * CYCLES_HOUR];
static bool failed;

/* By the line through weights[first…n), a day. 'offset': of a double in struct weight. */
static double slope(size_t offset, size_t first, size_t n)
{
	double m = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (size_t i = first; i < n; i++) {
		double a = (double)i / (24 * CYCLES_HOUR), b;

		memcpy(&b, (const char *)&weights[i] + offset, sizeof(b));
		m++, x += a, y += b, xx += a * a, xy += a * b;
	}
	return (m * xy - x * y) / (m * xx - x * x);
}

static double mean(size_t offset, size_t first, size_t n)
{
	double sum = 0, value;

	for (size_t i = first; i < n; i++) {
		memcpy(&value, (const char *)&weights[i] + offset, sizeof(value));
		sum += value;
	}
	return sum / (double)(n - first);
}

static void limited(const char *what, const char *unit, double growth, double limit)
{
	bool good = growth <= limit;

	printf("RESULT day_growth of=%s %s=%.1f limit=%.0f%s\n", what, unit, growth, limit,
	       good ? "" : " FAILED");
	failed |= !good;
}

static void heap(const char *what, size_t offset, size_t first, size_t n)
{
	limited(what, "kib_a_day", slope(offset, first, n), HEAP_KIB_DAY);
}

static void resident(const char *what, size_t offset, size_t first, size_t n)
{
	limited(what, "kib", mean(offset, n - first, n) - mean(offset, first, 2 * first), RSS_KIB);
}

static void same(const char *what, size_t offset, size_t first, size_t n)
{
	double a, b;

	memcpy(&a, (const char *)&weights[first] + offset, sizeof(a));
	for (size_t i = first + 1; i < n; i++) {
		memcpy(&b, (const char *)&weights[i] + offset, sizeof(b));
		if (a != b) {
			printf("RESULT day_growth of=%s was=%.0f is=%.0f cycle=%zu FAILED\n", what,
			       a, b, i + 1);
			failed = true;
			return;
		}
	}
}

static void judge(size_t first, size_t n)
{
	heap("heap", offsetof(struct weight, heap_kib), first, n);
	heap("probe_heap", offsetof(struct weight, probe_heap_kib), first, n);
	resident("rss", offsetof(struct weight, rss_kib), first, n);
	resident("probe_rss", offsetof(struct weight, probe_rss_kib), first, n);
	same("fds", offsetof(struct weight, fds), first, n);
	same("probe_fds", offsetof(struct weight, probe_fds), first, n);
	same("children", offsetof(struct weight, children), first, n);
	same("files", offsetof(struct weight, files), first, n);
}

static void say(double hour, const struct weight *w)
{
	printf("hour %5.2f: daemon rss %.0f KiB heap %.2f KiB fds %.0f; probe rss %.0f KiB heap %.2f "
	       "KiB fds %.0f; children %.0f files %.0f\n",
	       hour, w->rss_kib, w->heap_kib, w->fds, w->probe_rss_kib, w->probe_heap_kib,
	       w->probe_fds, w->children, w->files);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int hours = argc == 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0, n, first;
	struct day_world world = {.events = 0};
	const char *warm;
	const struct weight *early, *last;
	uint64_t begin_ns = clock_now_ns();

	if (!hours || hours > HOURS_MAX)
		scale_die("usage: day HOURS (1 to %d)", HOURS_MAX);
	n = hours * CYCLES_HOUR;
	first = n / 4;
	day_driver_start();
	world_start(&world);
	for (unsigned int i = 0; i < n; i++) {
		script_cycle(&world, i);
		weigh(&world, &weights[i]);
		if ((i + 1) % CYCLES_HOUR == 0 || getenv("DAY_VERBOSE"))
			say((double)(i + 1) / CYCLES_HOUR, &weights[i]);
	}
	early = &weights[hours > 2 ? 2 * CYCLES_HOUR - 1 : first];
	warm = hours > 2 ? "h2" : "warm";
	last = &weights[n - 1];
	printf("RESULT day hours=%u wall_s=%.0f events=%llu rss_kib_%s=%.0f rss_kib_h%u=%.0f "
	       "heap_kib_%s=%.1f heap_kib_h%u=%.1f fds_%s=%.0f fds_h%u=%.0f\n",
	       hours, (double)(clock_now_ns() - begin_ns) / 1e9, world.events, warm, early->rss_kib,
	       hours, last->rss_kib, warm, early->heap_kib, hours, last->heap_kib, warm, early->fds,
	       hours, last->fds);
	judge(first, n);
	world_stop(&world);
	return failed ? 1 : 0;
}
