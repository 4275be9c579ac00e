/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_SETTINGS_H
#define MPATHISCSI_QUICK_SETTINGS_H

/*
 * How quick the daemon is to give up on a connection: the profile, the single values, and
 * what a target has of its own. Read from mpathiscsid.conf (mpathiscsid.conf(5)).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/path_name.h"

#define SETTINGS_DEFAULT_PATH SYSCONFDIR "/mpathiscsi/mpathiscsid.conf"

enum quick_profile { PROFILE_SAFE, PROFILE_DEFAULT, PROFILE_FAST, PROFILE_MAX };

/*
 * What holds for the sessions of one target. Durations in ms, none of them below floor_ms: a
 * floor has been put into the others already when a file was read.
 */
struct quick_timing {
	bool arm;     /* TCP_USER_TIMEOUT on the session's socket */
	bool release; /* free I/O on a verdict of the daemon's own */
	/* Before a release: reinstate the session through another portal. Never together with
	 * arm: the kernel ends an armed connection without asking anybody. */
	bool fence;
	/* What reached a disk between its session's loss and its path's failure comes back at
	 * once (recovery_tmo 0) instead of waiting as with stock. */
	bool fail_stranded;
	uint32_t user_timeout_ms;     /* of an armed connection that behaves */
	uint32_t user_timeout_max_ms; /* it grows up to this where packets are lost */
	uint32_t connection_dead_ms;  /* data unacknowledged so long, with back-off: dead */
	uint32_t target_dead_ms; /* portal answers no NOP so long, though TCP acknowledges */
	uint32_t lun_dead_ms;	 /* I/O of one LUN without an end so long; 0: never */
	uint32_t floor_ms;	 /* nothing is ever given up earlier; 0 none */
};

#define SETTINGS_TARGETS_MAX 256
#define SETTINGS_GROUP_MAX   33 /* a group's name has at most 32 bytes (shadow) */

struct quick_target {
	char name[ISCSI_NAME_MAX];
	struct quick_timing timing; /* with what it does not set taken from the whole */
};

struct quick_settings {
	enum quick_profile profile;
	struct quick_timing timing; /* of targets that have none of their own */
	bool tune_routes;	    /* lower rto_min on the routes to portals */
	uint32_t rto_min_ms;	    /* with tune_routes */
	uint32_t releases_per_minute; /* host-wide; 0 … 600 */
	uint32_t stable_ms;  /* a session is touched only when logged in for so long */
	uint32_t rise_ms;    /* a path that returns must be good for so long */
	uint32_t flap_half_life_s;  /* of the penalty of a path that comes and goes */
	uint32_t flap_hold;  /* penalty above which it is held out (one flap: 1000); 0 never */
	uint32_t flap_reuse; /* and below which it comes back */
	char group[SETTINGS_GROUP_MAX]; /* whose members may look (daemon/admit.h); "" nobody's */
	struct quick_target targets[SETTINGS_TARGETS_MAX];
	size_t n_targets;
};

#define SETTINGS_MESSAGE_MAX 512

/* A profile's values, no targets; what is in ret->targets is left as it is. */
void settings_profile(enum quick_profile profile, struct quick_settings *ret);

/* Names "safe", "default", "fast". */
const char *profile_name(enum quick_profile profile);

/* What user_timeout_ms is in the profile "fast" with tune_routes, unless set: three times
 * rto_min_ms (the second retransmission goes out after two, and is waited for), at most what
 * it is without. */
uint32_t settings_fast_tuned_ms(const struct quick_settings *settings);

/*
 * Parse the text of a file named 'path' (for messages). -EINVAL: 'message' (room for
 * SETTINGS_MESSAGE_MAX) names file, line, value and what is allowed, also for combinations
 * that make no sense; -ENOMEM. *ret is untouched then. An empty text is the profile "default".
 */
int settings_parse(const char *text, const char *path, struct quick_settings *ret,
		   char *message);

/* The same from a file; one that does not exist is empty. Other -errno with a message. */
int settings_load(const char *path, struct quick_settings *ret, char *message);

/* What holds for a target; its name in lower case, as in struct path_name. */
const struct quick_timing *settings_timing(const struct quick_settings *settings,
					   const char *target);

/* What was measured of one session, for settings_check_live(). */
struct settings_fact {
	const char *target;    /* name, lower case */
	const char *portal;    /* for the message */
	uint32_t rtt_us;       /* smoothed round trip of its NOPs; 0: not known */
	uint32_t rto_us;       /* TCP's retransmission time-out now; 0: not known */
	bool routes_tuned;     /* rto_min_ms is in force on its route */
	uint64_t queueing_ms;  /* shortest no_path_retry of the maps of its LUNs; 0: they do
				* not queue, or not known: no opinion; UINT64_MAX: for ever */
};

enum settings_fit {
	SETTINGS_FIT,
	SETTINGS_WARNING, /* works, but not as the values say; 'message' tells why */
	SETTINGS_REFUSED, /* cannot work: the old settings stay */
};

/*
 * Do the settings go with what was measured? Pure. The worst finding wins, its first one is
 * told in 'message' (SETTINGS_MESSAGE_MAX bytes; "" when all is well):
 * refused	a deadline that acts is not above the round trip it waits for; user_timeout_ms
 *		not above the time in which a retransmission is answered (two round trips, or
 *		what the RTO has above its floor); connection_dead_ms not above the RTO, when
 *		nothing has been sent again yet;
 * refused	the longest deadline that acts and rise_ms together are longer than
 *		no_path_retry: a map would give I/O errors before a path can be back;
 * warning	user_timeout_ms is below 2.5 times an RTO that says something of the network:
 *		that is used there (checker/patience.h).
 */
enum settings_fit settings_check_live(const struct quick_settings *settings,
				      const struct settings_fact *facts, size_t n, char *message);

#endif
