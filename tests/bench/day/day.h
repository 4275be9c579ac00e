/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_DAY_H
#define TESTS_BENCH_DAY_H

/*
 * A day in the life of the daemon (tests/bench/run-day): the real daemon, probe and command on the
 * host that tests/bench/scale makes, under a clock that is driven (clock.h).
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/day/clock.h"
#include "tests/bench/scale/scale.h"

#define DAY_PORTALS 4
#define DAY_LUNS    4
#define DAY_SYSFS   "/sys"
#define DAY_CYCLE_S 600
#define DAY_LOG	    "/run/scale/log"

/* driver.c: who drives the clock. */
extern struct day_clock *day_clock;
void day_driver_start(void);
uint64_t day_now_ns(void);
/* Let the play go on to this time. */
void day_run_until(uint64_t until_ns);
/* A new process that takes part: like fork(). */
pid_t day_fork(const char *name);
/* Let the play go on until this child of ours has ended: its wait status. */
int day_run_until_ended(pid_t pid, double limit_s);
/* Bytes of malloc() in use in a participant that sleeps. */
uint64_t day_heap(pid_t pid);
/* The driver itself has changed something. */
void day_touched(void);
/* The participant of that name, not this pid; 0: none. */
pid_t day_find(const char *name, pid_t but);

/* world.c: the host, and what happens to it. */
struct day_world {
	struct scale_shared *shared;
	struct scale_iscsid iscsid;
	int target; /* its commands */
	pid_t daemon, multipathd;
	uint32_t last_sid;
	unsigned int last_place;
	unsigned int luns;	   /* of those that may be there */
	unsigned long long events; /* that happened so far */
};

void world_start(struct day_world *world);
void world_stop(struct day_world *world);
unsigned int world_place(const struct day_world *world, unsigned int portal); /* of its session */
void world_login(struct day_world *world, unsigned int portal); /* a new session, other names */
void world_logout(struct day_world *world, unsigned int portal);
void world_cut(struct day_world *world, unsigned int portal);	 /* connections are reset */
void world_return(struct day_world *world, unsigned int portal); /* the same logs in again */
void world_silent(struct day_world *world, unsigned int portal, bool silent);
void world_lun(struct day_world *world, bool there); /* the last LUN, unmapped or mapped */
void world_multipathd(struct day_world *world, bool runs);
void world_storm(struct day_world *world, unsigned int n); /* of uevents */
/* `mpathiscsi …` must end well; words end with NULL. */
void world_command(struct day_world *world, const char *const *words);
/* What must hold when all is quiet. */
void world_check(const struct day_world *world);

/* clients.c: those that behave badly at the control socket. */
void clients_disturb(struct day_world *world);

/* script.c: one cycle of DAY_CYCLE_S, different from cycle to cycle in whom it hits. */
void script_cycle(struct day_world *world, unsigned int number);

/* weigh.c: what the daemon and its probe take. */
struct weight {
	double rss_kib, heap_kib, probe_rss_kib, probe_heap_kib;
	double fds, probe_fds, children, files;
};
void weigh(const struct day_world *world, struct weight *ret);

#endif
