/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostticks: prints the frequency of this host's time-stamp counter in kHz. QEMU's emulation gives
 * guests this very counter; a guest that is starved of CPU while it boots measures it wrongly by
 * any factor (45 instead of 2300 MHz has been seen), and all its clocks with it. The host's own
 * clock and counter are read together, so that being starved does not matter here.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct reading {
	uint64_t ticks;
	uint64_t ns;
};

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Of many readings the one during which least time went by: nobody came in between. */
static struct reading read_both(void)
{
	struct reading best = {0};
	uint64_t narrowest = UINT64_MAX;
	int i;

	for (i = 0; i < 1000; i++) {
		uint64_t before = __rdtsc(), ns = monotonic_ns(), after = __rdtsc();

		if (after - before < narrowest) {
			narrowest = after - before;
			best = (struct reading){.ticks = before + narrowest / 2, .ns = ns};
		}
	}
	return best;
}

int main(void)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	struct reading a = read_both(), b;

	nanosleep(&pause, NULL);
	b = read_both();
	printf("%.0f\n", (double)(b.ticks - a.ticks) * 1e6 / (double)(b.ns - a.ns));
	return 0;
}
