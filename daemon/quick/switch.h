/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_SWITCH_H
#define MPATHISCSI_QUICK_SWITCH_H

/*
 * The one switch for everything that acts: `mpathiscsi off` is a file that outlives a reboot,
 * and mpathiscsi=off on the kernel's command line does the same. While it is off no
 * connection is armed or given up, no path held out, no LUN's I/O aborted, and what was
 * changed is given back; probes, verdicts, policies and priorities go on.
 */

#include <stdbool.h>
#include <stddef.h>

#define SWITCH_DEFAULT_PATH    SYSCONFDIR "/mpathiscsi/off"
#define SWITCH_CMDLINE_PATH    "/proc/cmdline"
#define SWITCH_TEXT_MAX	       256
#define SWITCH_KERNEL_WORD     "mpathiscsi"

enum switch_by {
	SWITCH_ON,
	SWITCH_OFF_FILE,
	SWITCH_OFF_KERNEL, /* whatever the file says */
};

struct switch_state {
	enum switch_by by;
	char text[SWITCH_TEXT_MAX]; /* "" when on, else who and when: "by root (uid 0) at …" */
};

/*
 * How the switch stands. 'path' and 'cmdline' NULL: the default ones. A file that is there
 * but cannot be read means off: somebody has put it there.
 */
void switch_read(const char *path, const char *cmdline, struct switch_state *ret);

bool switch_is_on(const struct switch_state *state);

/* Pure: does the kernel's command line say mpathiscsi=off (or no, false, 0)? The last one
 * counts; what stands behind "--" is for init. */
bool switch_cmdline_off(const char *cmdline);

/* What a file of `mpathiscsi off` contains: "by root (uid 0) at 2026-01-02 03:04:05 UTC: why".
 * 'who', 'why' ("" none) are cleaned of control characters. 'time_s': since 1970. */
void switch_format(const char *who, unsigned int uid, long long time_s, const char *why,
		   char *ret_text);

/* Turn off (a file with 'text') or on (no file), for good on return: synced. The folder is
 * made if it is missing. -errno. */
int switch_write_off(const char *path, const char *text);
int switch_write_on(const char *path);

#endif
