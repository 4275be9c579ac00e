/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_SINGLE_H
#define MPATHISCSI_SINGLE_H

/*
 * One daemon per board: takes a lock on "BOARD.lock" (its folder is made if missing) that
 * ends with the process. Returns a descriptor to keep open; -EBUSY: another daemon has it;
 * -errno.
 */
int single_lock(const char *board_path);

#endif
