/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/integration/evil/show.h"

#include <stdio.h>

#include "common/clock.h"

static void turn(sd_event *event, struct trial *list, size_t n)
{
	sd_event_run(event, 20000);
	for (size_t i = 0; i < n; i++)
		trial_look(&list[i]);
}

void show_run(sd_event *event, struct trial *list, size_t n, unsigned int ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (clock_now_ns() < end_ns)
		turn(event, list, n);
}

bool show_all_up(sd_event *event, struct trial *list, size_t n)
{
	uint64_t end_ns = clock_now_ns() + 10 * NS_PER_S;
	size_t up = 0;

	while (up < n && clock_now_ns() < end_ns) {
		turn(event, list, n);
		for (up = 0; up < n && trial_is_up(&list[up]); up++)
			;
	}
	return up == n;
}

bool show_gapless(const struct trial *trial, const struct trial *control)
{
	return trial->missed <= 2 * control->missed + 3 + trial->beats / 20 &&
	       4 * trial->beats > control->beats;
}

bool show_too_busy(const struct trial *trial, unsigned int max)
{
	return trial_cpu(trial) > max ||
	       (trial_cpu(trial) > SHOW_CPU_NO_MATTER && trial_demand(trial) > SHOW_DEMAND_MAX);
}

void show_heading(void)
{
	printf("%-36s %-6s %-12s %4s %6s %4s %5s\n", "behaviour", "phase", "verdict", "died",
	       "missed", "told", "cpu %");
}

void show_row(const char *name, const char *phase, const char *verdict, const struct trial *trial,
	      unsigned int told)
{
	int width = 36;

	for (const char *p = name; *p; p++)
		width += (*p & 0xc0) == 0x80; /* bytes that take no column */
	printf("%-*s %-6s %-12s %4u %6u %4u %5.1f\n", width, name, phase, verdict,
	       trial_deaths(trial), trial->missed, told, trial_cpu(trial) / 10.0);
}

void show_control(const struct trial *trial)
{
	show_row("(no evil beside it)", "", "", trial, 0);
}
