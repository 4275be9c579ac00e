/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control_limits.h"

#include "common/clock.h"

#define SHARE	   10 /* a tenth */
#define REQUEST_NS NS_PER_MS
#define BURST_NS   (NS_PER_S / 2)

/* The oldest guest, of those who may only look if 'lookers'; n: none. */
static size_t oldest(const struct control_guest *guests, size_t n, bool lookers)
{
	size_t found = n;

	for (size_t i = 0; i < n; i++) {
		if (lookers && guests[i].is_root)
			continue;
		if (found == n || guests[i].since_ns < guests[found].since_ns)
			found = i;
	}
	return found;
}

int control_whom_to_dismiss(const struct control_guest *guests, size_t n, bool newcomer_is_root)
{
	size_t lookers = 0, found;

	for (size_t i = 0; i < n; i++)
		lookers += !guests[i].is_root;
	if (n < CONTROL_CONNECTIONS_MAX && (newcomer_is_root || lookers < CONTROL_LOOKERS_MAX))
		return CONTROL_TAKE;
	found = oldest(guests, n, lookers > 0 || !newcomer_is_root);
	return found < n ? (int)found : CONTROL_REFUSE;
}

int control_whom_to_hurry(const struct control_guest *guests, size_t n, size_t own, size_t size)
{
	size_t waiting = 0, found = n;

	for (size_t i = 0; i < n; i++) {
		if (i == own || guests[i].is_root || !guests[i].waiting)
			continue;
		waiting += guests[i].waiting;
		if (found == n || guests[i].since_ns < guests[found].since_ns)
			found = i;
	}
	if (guests[own].is_root || found == n || waiting + size <= CONTROL_REPLIES_MAX)
		return CONTROL_TAKE;
	return (int)found;
}

uint32_t control_budget_wait_ms(struct control_budget *budget, uint64_t now_ns)
{
	uint64_t paid = (now_ns - budget->seen_ns) / SHARE;

	budget->debt_ns = paid < budget->debt_ns ? budget->debt_ns - paid : 0;
	budget->seen_ns = now_ns;
	if (budget->debt_ns < BURST_NS)
		return 0;
	return (uint32_t)((budget->debt_ns - BURST_NS) * SHARE / NS_PER_MS) + 1;
}

void control_budget_charge(struct control_budget *budget, uint64_t took_ns)
{
	budget->debt_ns += took_ns > REQUEST_NS ? took_ns : REQUEST_NS;
}
