/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/access_state.h"

#include <stddef.h>
#include <string.h>

/* Words: drivers/scsi/scsi_sysfs.c, sdev_access_states. */
static const struct {
	const char *word;
	unsigned int rank;
} states[ACCESS_MAX] = {
	[ACCESS_UNKNOWN] = { "unknown", 1 },
	[ACCESS_OPTIMIZED] = { "active/optimized", 0 },
	[ACCESS_NON_OPTIMIZED] = { "active/non-optimized", 1 },
	[ACCESS_LBA_DEPENDENT] = { "lba-dependent", 2 },
	[ACCESS_STANDBY] = { "standby", 3 },
	[ACCESS_TRANSITIONING] = { "transitioning", 4 },
	[ACCESS_UNAVAILABLE] = { "unavailable", 5 },
	[ACCESS_OFFLINE] = { "offline", 6 },
};

enum access_state access_state_parse(const char *text)
{
	for (size_t i = ACCESS_UNKNOWN + 1; i < ACCESS_MAX; i++)
		if (strcmp(text, states[i].word) == 0)
			return (enum access_state)i;
	return ACCESS_UNKNOWN;
}

static enum access_state valid(enum access_state state)
{
	return (unsigned int)state < ACCESS_MAX ? state : ACCESS_UNKNOWN;
}

const char *access_state_name(enum access_state state)
{
	return states[valid(state)].word;
}

unsigned int access_state_rank(enum access_state state)
{
	return states[valid(state)].rank;
}
