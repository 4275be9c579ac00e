/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_DAY_CLOCK_H
#define TESTS_BENCH_DAY_CLOCK_H

/*
 * A clock that the test drives. It lies in memory that all processes of the play share: the daemon,
 * its probe, the commands and the stand-ins (participants). Below them, in the C library's calls
 * (clock.c), time is read from there, and whoever would wait sleeps until the driver (driver.c)
 * lets it look again. The driver does so one generation after the other: as long as anybody works
 * the clock stands still but for a trickle; when all of them have looked and found nothing to do,
 * it jumps to the first moment for which one of them waits. So a day takes as long as its work, and
 * no answer is late because the machine was busy.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define DAY_CLOCK     "/run/scale/clock"
#define DAY_SLOTS     32
#define DAY_NEVER     UINT64_MAX
#define DAY_TRICKLE   200 /* ns each reading of the clock takes */
#define DAY_BEGIN_NS  (1000 * 1000000000ULL)
#define DAY_REALTIME_S 1800000000

enum day_state {
	DAY_FREE,
	DAY_STARTING, /* forked, and not yet the program it is to be */
	DAY_RUNNING,
	DAY_ASLEEP,
	DAY_GONE, /* leaves; free when the process has ended */
};

/* A participant. Who holds it writes it: the process while it runs, the driver while it sleeps. */
struct day_slot {
	_Atomic uint32_t state;
	_Atomic int32_t pid;	  /* 0: not known yet */
	_Atomic uint64_t wake_ns; /* asleep: until then, or DAY_NEVER */
	_Atomic uint64_t looked;  /* asleep: the generation of the world it found nothing to do in */
	_Atomic uint32_t kick;	  /* futex: look again */
	_Atomic uint64_t heap;	  /* bytes of malloc() in use, when asked for */
	_Atomic uint32_t weigh;	  /* asked for */
	char name[16];
};

struct day_clock {
	_Atomic uint64_t now_ns;     /* CLOCK_MONOTONIC, and all like it */
	_Atomic uint64_t generation; /* of the world: another whenever somebody may have changed it */
	_Atomic uint64_t until_ns;   /* up to there participants may set the clock themselves */
	_Atomic uint64_t turns;	     /* counts those that a participant gave to another */
	_Atomic uint32_t news;	     /* futex of the driver: somebody sleeps, or is gone */
	struct day_slot slots[DAY_SLOTS];
};

/* clock.c */
struct day_clock *day_clock_open(int create);
/* A free slot for a process that is about to be forked; ends the program if there is none. */
struct day_slot *day_slot_take(struct day_clock *clock);
/* This process takes part from now on, as the one in 'slot'. */
void day_join(struct day_clock *clock, struct day_slot *slot);

long day_futex_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms);
void day_futex_wake(_Atomic uint32_t *word);

#endif
