/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_FENCES_H
#define MPATHISCSI_PROBE_FENCES_H

/* Fences: what the caller asked for and what he was told. */

#include "tests/integration/probe_lab.h"

struct fence_seen {
	unsigned int calls, sid;
	uint64_t at_ns;
	struct probe_fence_result result;
};

static inline void fence_done(unsigned int sid, const struct probe_fence_result *result, void *arg)
{
	struct fence_seen *seen = arg;

	seen->calls++;
	seen->sid = sid;
	seen->at_ns = clock_now_ns();
	seen->result = *result;
}

static inline bool fence_was_told(struct lab *lab, const void *arg)
{
	(void)lab;
	return ((const struct fence_seen *)arg)->calls > 0;
}

/* One fence from beginning to end; its outcome in *seen. */
static inline bool fence_within(struct lab *lab, const struct probe_target *via,
				unsigned int sid, unsigned int deadline_ms,
				struct fence_seen *seen)
{
	int r;

	*seen = (struct fence_seen){.calls = 0};
	r = probe_engine_fence(lab->engine, via, sid, deadline_ms, fence_done, seen);
	REQUIRE(lab, !r, "not taken: %s", strerror(-r));
	REQUIRE(lab, lab_wait(lab, fence_was_told, seen, deadline_ms + 1500), "never told");
	REQUIRE(lab, seen->sid == sid, "told of session %u", seen->sid);
	return true;
}

static inline bool fence_of(struct lab *lab, const struct probe_target *via, unsigned int sid,
			    struct fence_seen *seen)
{
	return fence_within(lab, via, sid, 2000, seen);
}

static inline bool fence_once(struct lab *lab, const struct probe_target *via,
			      unsigned int deadline_ms, struct fence_seen *seen)
{
	return fence_within(lab, via, 4711, deadline_ms, seen);
}

#endif
