/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checker/counters.h"
#include "checker/legs.h"
#include "common/sysfs.h"

struct look {
	const char *sysfs, *board;
	int root; /* descriptor of sysfs */
	const char *self;
	uint64_t now_ns;
	enum legs_state found;
};

static bool portal_answers(const struct look *look, const struct iscsi_identity *id)
{
	struct board_session record;
	struct evidence e = { .is_iscsi = true };
	enum board_trust trust;

	trust = board_read_session(look->board, id->sid, path_name_hash(&id->name),
				   look->now_ns, &record);
	evidence_set_board(&e, trust, &record, look->now_ns);
	return e.probe.state == PROBE_UP;
}

static enum legs_state leg_state(const struct look *look, const char *device)
{
	struct iscsi_identity id;
	uint64_t in_flight;
	int r = identity_by_name(look->sysfs, device, &id);

	if (r == -ENODEV)
		return LEGS_FREE;
	if (r)
		return LEGS_UNKNOWN;
	if (!id.is_iscsi)
		return LEGS_FREE;
	/* requeued I/O is stuck without being counted */
	if (id.device_state == DEVICE_BLOCKED || id.session_state == SESSION_FAILED)
		return LEGS_HOLD;
	if (portal_answers(look, &id))
		return LEGS_FREE;
	if (counters_in_flight(look->sysfs, device, &in_flight))
		return LEGS_UNKNOWN;
	return in_flight ? LEGS_HOLD : LEGS_FREE;
}

/* The worst word wins: HOLD ends the search, UNKNOWN beats FREE. */
static int look_at_slave(int dir, const char *name, void *arg)
{
	struct look *look = arg;
	enum legs_state state;

	(void)dir;
	if (!strcmp(name, look->self))
		return 0;
	state = leg_state(look, name);
	if (state != LEGS_FREE)
		look->found = state;
	return look->found == LEGS_HOLD;
}

static void look_below(struct look *look, const char *device, const char *directory,
		       int (*fn)(int dir, const char *entry, void *arg))
{
	char path[DEVICE_NAME_MAX + 32];
	int n = snprintf(path, sizeof(path), "block/%s/%s", device, directory);

	if (n < 0 || (size_t)n >= sizeof(path) || sysfs_each(look->root, path, fn, look) < 0)
		look->found = LEGS_UNKNOWN;
}

static int look_at_holder(int dir, const char *name, void *arg)
{
	struct look *look = arg;

	(void)dir;
	look_below(look, name, "slaves", look_at_slave);
	return look->found == LEGS_HOLD;
}

enum legs_state legs_look(const char *sysfs, const char *board, const char *device,
			  uint64_t now_ns)
{
	struct look look = {
		.sysfs = sysfs,
		.board = board,
		.root = sysfs_open_root(sysfs),
		.self = device,
		.now_ns = now_ns,
		.found = LEGS_FREE,
	};

	if (look.root < 0)
		return LEGS_UNKNOWN;
	look_below(&look, device, "holders", look_at_holder);
	close(look.root);
	return look.found;
}
