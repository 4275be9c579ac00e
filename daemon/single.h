/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SINGLE_H
#define MPATHISCSI_SINGLE_H

#include <stdbool.h>

/*
 * One daemon per board: takes a lock on "BOARD.lock" (its folder is made if missing) that
 * ends with the process. Returns a descriptor to keep open; -EBUSY: another daemon has it;
 * -errno.
 */
int single_lock(const char *board_path);

/* May nobody but root and us write in the board's folder (made if missing)? A sticky one, such as
 * /tmp, passes: nobody can take away there what is ours. */
bool single_folder_safe(const char *board_path);

/* Does a daemon (even a stopped one) hold that lock now? False also where it cannot be told.
 * Does not wait. */
bool single_held(const char *board_path);

#endif
