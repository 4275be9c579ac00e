/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_BORROW_DECIDE_H
#define MPATHISCSI_BORROW_DECIDE_H

/*
 * Must a LUN's map queue although multipathd has turned that off? Pure; borrow.c tells why
 * and acts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After a login: by then multipathd has had its say about the paths. */
#define QUICK_AFTER_LOGIN_MS 30000

/* A path of the map, and its session. */
struct borrow_path {
	bool usable;	   /* dm may use it, and nothing speaks against it */
	bool connected;	   /* the session is logged in, and its connection stands */
	bool quick_io;	   /* connected: I/O that was issued quick is in flight, or may be */
	bool unproven;	   /* connected: the peer owes an answer for longer than one that lives */
	bool was_quick;	   /* when the connection ended last */
	uint64_t ended_ms; /* not connected: for so long */
	uint64_t back_ms;  /* connected: for so long */
	uint64_t stock_ms; /* so long stock's timers keep I/O below dm after the connection ends */
};

/*
 * True while quick I/O of the LUN is on a connection that does not answer; or has come back
 * from one that ended, for as long as stock would have kept it below dm; or waits in dm for
 * dm to use a path whose session is back. False as soon as one path can take it.
 */
bool borrow_needed(const struct borrow_path *paths, size_t n);

#endif
