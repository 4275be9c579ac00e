/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/borrow_decide.h"

static bool in_trouble(const struct borrow_path *path)
{
	if (!path->connected)
		return path->was_quick && path->ended_ms < path->stock_ms;
	return path->quick_io && path->unproven;
}

static bool is_coming_back(const struct borrow_path *path)
{
	return path->connected && path->was_quick && path->back_ms < QUICK_AFTER_LOGIN_MS;
}

bool borrow_needed(const struct borrow_path *paths, size_t n)
{
	bool needed = false;

	for (size_t i = 0; i < n; i++) {
		if (in_trouble(&paths[i]))
			needed = true;
		else if (paths[i].usable)
			return false;
		else
			needed |= is_coming_back(&paths[i]);
	}
	return needed;
}
