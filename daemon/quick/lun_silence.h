/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LUN_SILENCE_H
#define MPATHISCSI_QUICK_LUN_SILENCE_H

/*
 * One LUN hangs behind a portal that is in order: TEST UNIT READY and NOP are answered, but
 * its reads and writes do not come back over one controller. Pure.
 *
 * A path is silent for as long as I/O has been in flight on it without a single one ending.
 * That alone condemns nothing: only while the session answers is the LUN to blame, and only
 * while another path of it, over another portal, does I/O or has none to do, is anything
 * gained by leaving.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After new I/O has been turned away, before what is stuck is freed: time in which another path
 * that nobody used before would show that it hangs, too. */
#define SILENCE_SETTLE_MS 400

/* A path's I/O, from look to look. All zero: nothing seen yet. */
struct silence {
	bool known;
	uint64_t completed;
	uint64_t in_flight;
	uint64_t moved_ns; /* the look that saw I/O end last; 0: none did yet */
	/* The first look that saw I/O in flight of which none has ended since; 0: none. Never
	 * earlier than the truth. */
	uint64_t since_ns;
};

/* What was counted now. */
struct silence_sample {
	uint64_t now_ns;
	uint64_t lost_ns;   /* of the time since the last one, in which we did not run: not counted */
	bool counted;	    /* the disk is listed; else nothing is known of it */
	uint64_t in_flight; /* reads and writes at the driver */
	uint64_t completed; /* that ended, all its life */
};

void silence_step(struct silence *silence, const struct silence_sample *sample);

/* One path of a LUN now. */
struct silence_path {
	struct silence io;
	uint32_t limit_ms;   /* silent for so long is hung; 0: never */
	unsigned int group;  /* target port group: paths with one number share a fate */
	unsigned int portal; /* paths with one number go over one portal */
	bool answers; /* session logged in, portal and connection and disk in order */
	bool usable;  /* dm may use it and nobody keeps it out */
};

enum silence_verdict {
	SILENCE_NONE,	    /* nothing is silent for long enough */
	SILENCE_LAST,	    /* no other path of the LUN over another portal is usable */
	SILENCE_EVERYWHERE, /* I/O on the others does not end either */
	SILENCE_HUNG,
	SILENCE_MAX
};

/*
 * Judge a LUN. ret_hung[i] is written for SILENCE_HUNG, else false everywhere: the paths to be
 * left together. These are the paths that are silent for their limit; the rest of their port
 * groups, unless I/O ended there since the silence began, if the LUN has paths in other groups;
 * with one group for all (many targets number every portal alike), those that are silent at all
 * and for half their limit. A path on which I/O ended since the silence began is never one of
 * them, nor is the last usable one.
 */
enum silence_verdict silence_judge(const struct silence_path *paths, size_t n, uint64_t now_ns,
				   bool *ret_hung);

/*
 * New I/O was turned away from the paths 'hung' at 'failed_ns': is it shown that what is stuck
 * there would do better elsewhere? Another usable path over another portal has ended I/O since
 * then, or has none in flight SILENCE_SETTLE_MS later.
 */
bool silence_may_free(const struct silence_path *paths, size_t n, const bool *hung,
		      uint64_t failed_ns, uint64_t now_ns);

const char *silence_text(enum silence_verdict verdict); /* a phrase */

#endif
