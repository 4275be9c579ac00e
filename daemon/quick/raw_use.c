/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/raw_use.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define IDLE_NS (RAW_USE_IDLE_S * NS_PER_S)

/* Where the disk stands, or would have to. */
static size_t place_of(const struct raw_uses *uses, dev_t devt)
{
	size_t low = 0, high = uses->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (uses->uses[middle].devt < devt)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct raw_use *insert(struct raw_uses *uses, size_t place, dev_t devt,
			      const struct counters *counters)
{
	struct raw_use *grown = reallocarray(uses->uses, uses->n + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	uses->uses = grown;
	memmove(grown + place + 1, grown + place, (uses->n - place) * sizeof(*grown));
	uses->n++;
	grown[place] = (struct raw_use){.devt = devt,
					.completed = counters->completed,
					.moved_ns = counters->at_ns};
	return &grown[place];
}

bool raw_uses_look(struct raw_uses *uses, dev_t devt, const struct counters *counters)
{
	size_t place = place_of(uses, devt);
	struct raw_use *use = place < uses->n ? &uses->uses[place] : NULL;

	if (!counters->valid)
		return true;
	if (!use || use->devt != devt)
		use = insert(uses, place, devt, counters);
	if (!use)
		return true;
	if (counters->in_flight || counters->completed != use->completed)
		use->moved_ns = counters->at_ns;
	use->completed = counters->completed;
	use->looked_ns = counters->at_ns;
	return counters->at_ns - use->moved_ns < IDLE_NS;
}

void raw_uses_forget(struct raw_uses *uses, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < uses->n; i++)
		if (now_ns - uses->uses[i].looked_ns < IDLE_NS)
			uses->uses[kept++] = uses->uses[i];
	uses->n = kept;
}

void raw_uses_free(struct raw_uses *uses)
{
	free(uses->uses);
	*uses = (struct raw_uses){.n = 0};
}
