/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who drives the clock: see clock.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/day/day.h"

#define LOOK_AFTER_MS 20 /* for those that end without a word */
#define STUCK_S	      60 /* in real time: a busy host is slow, not wrong */

struct day_clock *day_clock;

/* By slot: its process, known to be the same one as long as this is open; -1: none. */
static int processes[DAY_SLOTS];

/* Children that have ended, and nobody has asked for yet. */
static struct {
	pid_t pid;
	int status;
} ended[DAY_SLOTS];

void day_driver_start(void)
{
	memset(processes, -1, sizeof(processes));
	day_clock = day_clock_open(1);
	if (!day_clock)
		scale_die("%s: %s", DAY_CLOCK, strerror(errno));
}

uint64_t day_now_ns(void)
{
	return day_clock->now_ns;
}

void day_touched(void)
{
	day_clock->generation++;
}

static void become(struct day_slot *slot, const char *name)
{
	scale_become(name);
	strncpy(slot->name, name, sizeof(slot->name) - 1);
	slot->pid = getpid();
}

pid_t day_fork(const char *name)
{
	struct day_slot *slot = day_slot_take(day_clock);
	pid_t pid = fork();

	if (pid == 0)
		become(slot, name);
	return pid;
}

/* A stand-in of the host. */
pid_t scale_fork(const char *name)
{
	struct day_slot *slot = day_slot_take(day_clock);
	pid_t pid = fork();

	if (pid == 0) {
		become(slot, name);
		day_join(day_clock, slot);
	}
	return pid;
}

static void note_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return; /* not our child */
	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (!ended[i].pid) {
			ended[i].pid = pid;
			ended[i].status = status;
			return;
		}
	scale_die("children end, and nobody asks for them");
}

/* True: the process of this slot has ended, and the slot is free. */
static bool bury(size_t i, int wait_ms)
{
	struct day_slot *slot = &day_clock->slots[i];
	struct pollfd end = {.fd = processes[i], .events = POLLIN};

	if (slot->state == DAY_FREE || !slot->pid)
		return false;
	if (end.fd < 0)
		end.fd = processes[i] = (int)syscall(SYS_pidfd_open, slot->pid, 0);
	if (end.fd >= 0 && poll(&end, 1, wait_ms) <= 0)
		return false;
	if (end.fd >= 0)
		close(end.fd);
	processes[i] = -1;
	note_end(slot->pid);
	slot->pid = 0;
	memset(slot->name, 0, sizeof(slot->name));
	slot->weigh = 0;
	slot->state = DAY_FREE;
	day_clock->until_ns = 0; /* somebody may wait for this end: no further on their own */
	day_touched();
	return true;
}

static void say_who(void)
{
	static const char *const states[] = {"", "starting", "running", "asleep", "gone"};

	for (size_t i = 0; i < DAY_SLOTS; i++) {
		const struct day_slot *slot = &day_clock->slots[i];

		if (slot->state != DAY_FREE)
			fprintf(stderr, "  %s (%d): %s\n", slot->name, slot->pid,
				states[slot->state]);
	}
}

static void kick(struct day_slot *slot)
{
	slot->state = DAY_RUNNING;
	slot->kick++;
	day_futex_wake(&slot->kick);
}

/* Does anybody work? Those that sleep and have not seen the world as it is are told to look, but
 * only when nobody works: what they find is then whole. */
static bool anybody_works(void)
{
	uint64_t generation = day_clock->generation, turns = day_clock->turns;
	bool works = false;

	for (size_t i = 0; i < DAY_SLOTS; i++) {
		uint32_t state = day_clock->slots[i].state;

		if (state == DAY_GONE)
			bury(i, 1000);
		else
			works |= state != DAY_FREE && state != DAY_ASLEEP;
	}
	/* Slots are not read all at once: one may have passed its turn on to another. */
	if (works || generation != day_clock->generation || turns != day_clock->turns)
		return true;
	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (day_clock->slots[i].state == DAY_ASLEEP &&
		    day_clock->slots[i].looked != generation) {
			kick(&day_clock->slots[i]);
			works = true;
		}
	return works;
}

/* Until all have looked and found nothing to do; up to until_ns they go on by themselves. */
static void settle(void)
{
	uint64_t begin_ns = clock_now_ns(), at_ns = 0;

	for (;;) {
		uint32_t news = day_clock->news;

		if (!anybody_works())
			break;
		if (day_futex_wait(&day_clock->news, news, LOOK_AFTER_MS) == 0 || errno != ETIMEDOUT)
			continue;
		for (size_t i = 0; i < DAY_SLOTS; i++)
			bury(i, 0);
		if (at_ns != day_now_ns()) {
			at_ns = day_now_ns();
			begin_ns = clock_now_ns();
		}
		if (clock_now_ns() - begin_ns > STUCK_S * NS_PER_S) {
			say_who();
			scale_die("nothing goes on at %.3f s; the daemon's log: " DAY_LOG,
				  (double)day_now_ns() / 1e9);
		}
	}
	day_clock->until_ns = 0;
}

/* The next moment for which somebody waits. Those whose moment it is look again. */
static void jump(uint64_t until_ns)
{
	uint64_t next_ns = until_ns;

	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (day_clock->slots[i].state == DAY_ASLEEP &&
		    day_clock->slots[i].wake_ns < next_ns)
			next_ns = day_clock->slots[i].wake_ns;
	if (next_ns > day_now_ns())
		day_clock->now_ns = next_ns;
	day_clock->until_ns = until_ns;
	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (day_clock->slots[i].state == DAY_ASLEEP &&
		    day_clock->slots[i].wake_ns <= next_ns)
			kick(&day_clock->slots[i]);
}

void day_run_until(uint64_t until_ns)
{
	settle();
	while (day_now_ns() < until_ns) {
		jump(until_ns);
		settle();
	}
}

static bool has_ended(pid_t pid, int *ret_status)
{
	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (ended[i].pid == pid) {
			*ret_status = ended[i].status;
			ended[i].pid = 0;
			return true;
		}
	return false;
}

int day_run_until_ended(pid_t pid, double limit_s)
{
	uint64_t limit_ns = day_now_ns() + (uint64_t)(limit_s * 1e9);
	int status;

	for (;;) {
		settle();
		if (has_ended(pid, &status))
			return status;
		if (day_now_ns() >= limit_ns) {
			say_who();
			scale_die("%d has not ended in %g s", (int)pid, limit_s);
		}
		jump(limit_ns);
	}
}

static struct day_slot *slot_of(pid_t pid)
{
	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (day_clock->slots[i].pid == pid)
			return &day_clock->slots[i];
	return NULL;
}

uint64_t day_heap(pid_t pid)
{
	struct day_slot *slot = slot_of(pid);

	if (!slot)
		scale_die("process %d does not take part", (int)pid);
	slot->weigh = 1;
	day_touched();
	settle();
	return slot->heap;
}

pid_t day_find(const char *name, pid_t but)
{
	for (size_t i = 0; i < DAY_SLOTS; i++)
		if (day_clock->slots[i].pid != but && !strcmp(day_clock->slots[i].name, name))
			return day_clock->slots[i].pid;
	return 0;
}
