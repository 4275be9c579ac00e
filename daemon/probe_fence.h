/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_FENCE_H
#define MPATHISCSI_PROBE_FENCE_H

/*
 * One fence in the child process: a login with a kernel session's ISID, and a logout. What the
 * target answered is told as soon as it is known, for I/O waits for it; the logout follows.
 *
 * Driven as a probe session is: the caller polls the descriptor for the events, calls
 * probe_fence_service() with what came, and probe_fence_tick() when the time that it returned
 * last has come, and after every service.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/probe_wire.h"

struct probe_fence;

/* 'order' is copied. NULL: out of memory. */
struct probe_fence *probe_fence_new(const struct probe_wire_fence *order, uint64_t now_ns);

int probe_fence_fd(const struct probe_fence *fence); /* -1: none */
short probe_fence_events(const struct probe_fence *fence);
void probe_fence_service(struct probe_fence *fence, short revents, uint64_t now_ns);

/* Do what is due; returns when to be called next. */
uint64_t probe_fence_tick(struct probe_fence *fence, uint64_t now_ns);

/* Is the outcome known, and has it not been told? Then it is in 'message'. */
bool probe_fence_answer(const struct probe_fence *fence, union probe_wire_message *message);
void probe_fence_told(struct probe_fence *fence);

/* Outcome told and connection closed. */
bool probe_fence_gone(const struct probe_fence *fence);

/* Close at once, wipe, free. */
void probe_fence_free(struct probe_fence *fence);

#endif
