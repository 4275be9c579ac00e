/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/regroup.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

static const struct regroup_entry *find(const struct regroup *r, const struct regroup_lun *lun)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->entries[i].id == lun->id && r->entries[i].plan_ns == lun->plan_ns)
			return &r->entries[i];
	return NULL;
}

int regroup_step(struct regroup *r, struct regroup_lun *luns, size_t n, uint64_t now_ns)
{
	struct regroup_entry *entries = calloc(n + 1, sizeof(*entries));

	for (size_t i = 0; i < n; i++)
		luns[i].due = false;
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct regroup_entry *before = find(r, &luns[i]);

		entries[i] = (struct regroup_entry){
			.id = luns[i].id, .plan_ns = luns[i].plan_ns, .since_ns = now_ns};
		if (before)
			entries[i] = *before;
		luns[i].due = !entries[i].asked &&
			      now_ns - entries[i].since_ns >= REGROUP_AFTER_MS * NS_PER_MS;
		entries[i].asked |= luns[i].due;
	}
	free(r->entries);
	r->entries = entries;
	r->n = n;
	return 0;
}

void regroup_free(struct regroup *r)
{
	free(r->entries);
	*r = (struct regroup){.n = 0};
}
