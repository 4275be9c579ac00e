/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/link_loss.h"

#include <stdio.h>

#include "common/clock.h"

/* May the connection live on by the way that its packets take now? */
static bool goes_elsewhere(const struct link_facts *facts)
{
	if (!facts->now.device || facts->now.device == facts->before.device ||
	    facts->now_state != LINK_UP)
		return false;
	return facts->now.direct || !facts->before.direct;
}

static enum link_loss loss_of_state(enum link_state state)
{
	switch (state) {
	case LINK_NO_CARRIER:
		return LINK_LOSS_CARRIER;
	case LINK_OFF:
		return LINK_LOSS_OFF;
	case LINK_GONE:
		return LINK_LOSS_GONE;
	default:
		return LINK_LOSS_NONE;
	}
}

enum link_loss link_loss_of(const struct link_facts *facts)
{
	enum link_loss loss = loss_of_state(facts->state);

	if (!facts->before.device)
		return LINK_LOSS_NONE;
	if (facts->address_known && !facts->address_there)
		return loss != LINK_LOSS_NONE ? loss : LINK_LOSS_ADDRESS;
	return facts->now_known && !goes_elsewhere(facts) ? loss : LINK_LOSS_NONE;
}

bool link_debounce_step(struct link_debounce *debounce, enum link_loss loss, uint64_t now_ns)
{
	if (loss == LINK_LOSS_NONE) {
		*debounce = (struct link_debounce){.loss = LINK_LOSS_NONE};
		return false;
	}
	if (!debounce->since_ns)
		debounce->since_ns = now_ns;
	debounce->loss = loss;
	/* Once lost it is lost until it is back, whatever the clock does. */
	if (now_ns >= debounce->since_ns &&
	    now_ns - debounce->since_ns >= LINK_LOSS_MS * NS_PER_MS)
		debounce->lost = true;
	return debounce->lost;
}

const char *link_loss_text(enum link_loss loss, const char *interface, const char *address,
			   char *buffer, size_t size)
{
	switch (loss) {
	case LINK_LOSS_CARRIER:
		snprintf(buffer, size, "link %s is down (no carrier)", interface);
		break;
	case LINK_LOSS_OFF:
		snprintf(buffer, size, "link %s is down (switched off)", interface);
		break;
	case LINK_LOSS_GONE:
		snprintf(buffer, size, "interface %s is gone", interface);
		break;
	case LINK_LOSS_ADDRESS:
		snprintf(buffer, size, "address %s is not the host's any more", address);
		break;
	default:
		snprintf(buffer, size, "%s", "");
		break;
	}
	return buffer;
}
