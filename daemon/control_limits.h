/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CONTROL_LIMITS_H
#define MPATHISCSI_CONTROL_LIMITS_H

/* How much of the daemon its clients may take. Pure: times come in, decisions go out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_CONNECTIONS_MAX 32 /* root has the difference for itself */
#define CONTROL_LOOKERS_MAX	24
#define CONTROL_REPLIES_MAX	(32U << 20) /* bytes waiting for those who may only look */

/* One connection, as far as it matters here. */
struct control_guest {
	bool is_root;
	uint64_t since_ns; /* accepted */
	size_t waiting;	   /* bytes of a reply that it has not read */
};

enum { CONTROL_TAKE = -1, CONTROL_REFUSE = -2 };

/*
 * Who has to leave for a newcomer? CONTROL_TAKE: nobody; CONTROL_REFUSE: the newcomer; else the
 * index of a guest: of those who may only look the oldest, which has had the most time; when
 * there are none the oldest at all, for root only.
 */
int control_whom_to_dismiss(const struct control_guest *guests, size_t n, bool newcomer_is_root);

/* Who has to leave before guest 'own' gets a reply of 'size' bytes? As above; never 'own', and
 * never root. */
int control_whom_to_hurry(const struct control_guest *guests, size_t n, size_t own, size_t size);

/*
 * Those who may only look have a tenth of the daemon's time, all together, and at most 100
 * requests a second; what they did not use in the last seconds is there for a burst. Zeroed: full.
 */
struct control_budget {
	uint64_t debt_ns; /* to be worked off, at a tenth of real time */
	uint64_t seen_ns;
};

/* May a request be answered now? 0: yes; else in so many ms. */
uint32_t control_budget_wait_ms(struct control_budget *budget, uint64_t now_ns);

/* One was, and took so long. */
void control_budget_charge(struct control_budget *budget, uint64_t took_ns);

#endif
