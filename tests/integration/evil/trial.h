/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EVIL_TRIAL_H
#define MPATHISCSI_EVIL_TRIAL_H

/*
 * One probe engine with its child, a healthy portal and some of the evil ones, watched while it
 * runs on an event loop that it may share with others. A trial without evil is the measure of
 * what the machine itself does to a healthy portal meanwhile.
 */

#include "daemon/probe.h"
#include "tests/integration/evil/evil.h"

#define TRIAL_EVIL_MAX 250

/* What was seen of one behaviour. */
struct trial_evil {
	unsigned int states;  /* a bit each */
	unsigned int changes; /* told to the owner */
	enum probe_state last;
	bool told_secret; /* a text for people held one */
	unsigned int fences; /* outcomes told */
};

struct trial {
	struct probe_engine *engine;
	uint64_t interval_ns; /* between NOPs */
	size_t first, n;      /* behaviours */
	struct trial_evil evil[TRIAL_EVIL_MAX]; /* of 'n' */
	uint64_t beat_ns;     /* last answer of the healthy portal */
	uint64_t beat_wait_ns; /* the child's waiting for a CPU until then */
	unsigned int beats, missed;
	bool counting;
	uint64_t begin_ns, took_ns;
	uint64_t cpu_ns, wait_ns; /* of the child, while it was counted */
	pid_t pid; /* the child's when counting began */
};

/* Make the engine and begin to probe the healthy portal, and behaviours first … first + n - 1. */
int trial_begin(struct trial *trial, sd_event *event, const struct probe_config *config,
		size_t first, size_t n);

/* Probe these behaviours from now on, or none. */
int trial_set(struct trial *trial, bool evil);

/* After every turn of the loop: count the healthy portal's answers. */
void trial_look(struct trial *trial);

bool trial_is_up(const struct trial *trial); /* the healthy portal */
void trial_count(struct trial *trial);	     /* from now on */
void trial_stop(struct trial *trial);	     /* count no more; take the last states */

/* Begin a fence over each evil portal, as far as the engine takes them. Their number. */
unsigned int trial_fence(struct trial *trial, unsigned int deadline_ms);
bool trial_fences_told(const struct trial *trial);

/* Children that died. */
unsigned int trial_deaths(const struct trial *trial);
pid_t trial_child(const struct trial *trial);

/* The child's share of one CPU while it was counted, in thousandths; and its share of the time in
 * which it had one if it wanted: what it would take were the machine idle. */
unsigned int trial_cpu(const struct trial *trial);
unsigned int trial_demand(const struct trial *trial);

void trial_end(struct trial *trial);

#endif
