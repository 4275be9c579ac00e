/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_MULTIPATHD_PARSE_H
#define MPATHISCSI_MULTIPATHD_PARSE_H

/*
 * What multipathd answers, as structs. Pure: text in, structs out.
 *
 * Lists are asked for with a format of ours, its fields parted by the ASCII unit
 * separator: the kernel replaces control characters in INQUIRY data and nobody puts one
 * in an alias, so that a '|' or ',' in a name cannot be taken for a border. Only
 * wildcards that every multipathd from 0.8.5 on knows (an unknown one prints nothing).
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MP_SEPARATOR "\x1f"

/* Requests whose replies mp_paths_parse(), mp_maps_parse(), mp_daemon_parse() take. */
#define MP_SHOW_PATHS                                                                    \
	"show paths raw format \"%d" MP_SEPARATOR "%D" MP_SEPARATOR "%w" MP_SEPARATOR    \
	"%t" MP_SEPARATOR "%o" MP_SEPARATOR "%T" MP_SEPARATOR "%c" MP_SEPARATOR          \
	"%p" MP_SEPARATOR "%m" MP_SEPARATOR "%i" MP_SEPARATOR "%P" MP_SEPARATOR "%s\""
#define MP_SHOW_MAPS                                                                     \
	"show maps raw format \"%n" MP_SEPARATOR "%w" MP_SEPARATOR "%d" MP_SEPARATOR     \
	"%Q" MP_SEPARATOR "%N" MP_SEPARATOR "%F" MP_SEPARATOR "%t" MP_SEPARATOR "%G\""
#define MP_SHOW_DAEMON "show daemon"

#define MP_NAME_MAX 256 /* alias, WWID: multipath-tools has 128 */

enum mp_dm_state { MP_DM_UNDEF, MP_DM_ACTIVE, MP_DM_FAILED };

enum mp_checker_state {
	MP_UNDEF, /* no map has the path, or not yet checked */
	MP_READY,
	MP_GHOST,
	MP_FAULTY,
	MP_SHAKY,
	MP_PENDING,
	MP_TIMEOUT,
	MP_DELAYED,
	MP_DISCONNECTED,
	MP_OTHER, /* a word of a later version */
};
const char *mp_checker_state_name(
	enum mp_checker_state state); /* multipathd's own words */

struct mp_path {
	char dev[32]; /* "sda" */
	dev_t devt;
	char wwid[MP_NAME_MAX]; /* "" not known yet */
	enum mp_dm_state dm;
	bool offline; /* the daemon found the SCSI device offline */
	enum mp_checker_state checker_state;
	char checker[32];      /* "tur", "iscsi"; "" has none yet */
	int priority;	       /* -1: not defined */
	char map[MP_NAME_MAX]; /* alias; "" when no map has the path */
	char hcil[48];	       /* "7:0:0:1": for people */
	char protocol[32];     /* "scsi:iscsi", "scsi:fcp"; "" foreign (native NVMe) */
	char inquiry[160];     /* "VENDOR,PRODUCT" or "VENDOR,PRODUCT,REV": for people */
};

/* What a map does with I/O while it has no usable path. */
enum mp_queueing {
	MP_QUEUEING_UNSET,   /* no_path_retry set nowhere: the map fails I/O at once */
	MP_QUEUEING_OFF,     /* fails at once, or its retries have run out */
	MP_QUEUEING_ON,	     /* queues for ever */
	MP_QUEUEING_CHECKS,  /* will queue for 'retries' polling intervals */
	MP_QUEUEING_SECONDS, /* has no path: queues for 'seconds' more */
};

struct mp_map {
	char alias[MP_NAME_MAX];
	char wwid[MP_NAME_MAX];
	char dm[32]; /* "dm-3"; "" not known */
	enum mp_queueing queueing;
	unsigned int retries;  /* MP_QUEUEING_CHECKS */
	unsigned int seconds;  /* MP_QUEUEING_SECONDS */
	unsigned int n_active; /* paths that the checker calls up or ghost */
	char failback[32];     /* "immediate", "followover", "-" (manual), a countdown */
	bool suspended;
	bool foreign; /* not a dm-multipath map (native NVMe) */
};

enum mp_daemon_state {
	MP_DAEMON_STARTING, /* init, startup */
	MP_DAEMON_CONFIGURE,
	MP_DAEMON_IDLE,
	MP_DAEMON_RUNNING,
	MP_DAEMON_SHUTDOWN,
};

struct mp_daemon {
	pid_t pid;
	enum mp_daemon_state state;
	bool pending; /* a reconfigure is asked for but has not begun (told from 0.12 on)
		       */
};

/*
 * Is this reply an error? 0: no ("ok", data). Else -ETIMEDOUT: multipathd did not get its
 * lock in time; -EPERM: not root; -EBUSY: map in use; -ENODEV: no such path or map (told
 * from 0.9.9 on); -EOPNOTSUPP: this multipathd does not know the command; -EREMOTEIO: it
 * says "fail" and no more.
 */
int mp_reply_check(const char *reply);

/*
 * Parse a list. *ret_list is one allocation, free() it; NULL and 0 for an empty list. An
 * error reply gives mp_reply_check()'s value; -EPROTO: a line has another number of
 * fields, a field is too long or no number, so the whole reply cannot be trusted;
 * -ENOMEM.
 */
int mp_paths_parse(const char *reply, struct mp_path **ret_list, size_t *ret_n);
int mp_maps_parse(const char *reply, struct mp_map **ret_list, size_t *ret_n);

/* "pid 812 idle". -EPROTO as above. */
int mp_daemon_parse(const char *reply, struct mp_daemon *ret);

#endif
