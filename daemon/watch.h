/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_WATCH_H
#define MPATHISCSI_WATCH_H

/*
 * The daemon's knowledge and the one level-triggered step that brings the world to it:
 * look (inventory), decide (plan), probe, publish (board). Whatever happens (an event, a
 * timer, a request) leads to the same step; running it twice changes nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "checker/verdict.h"
#include "common/board.h"
#include "daemon/complaint.h"
#include "daemon/failed.h"
#include "daemon/inventory.h"
#include "daemon/lingering.h"
#include "daemon/lun.h"
#include "daemon/multipathd_async.h"
#include "daemon/probe.h"
#include "daemon/probe_log.h"
#include "daemon/regroup.h"
#include "daemon/store.h"

struct watch_options {
	const char *sysfs;	/* NULL: /sys */
	const char *board_path; /* NULL: BOARD_DEFAULT_PATH */
	const char *store_path;
	const char *failed_path; /* NULL: FAILED_DEFAULT_PATH */
	const char *settings_path; /* NULL: SETTINGS_DEFAULT_PATH */
	const char *switch_path;   /* NULL: SWITCH_DEFAULT_PATH */
	const char *levers_path;   /* NULL: LEVERS_RECORD_PATH */
	const char *routes_path;   /* NULL: ROUTES_RECORD_PATH */
	struct probe_config probe;
};

/* What the board says of paths, as it was told last, sorted by session and LUN. */
struct published {
	bool known; /* else the file of a previous daemon is asked */
	struct board_path *records;
	size_t n;
};

/* One iSCSI session of the kernel. */
struct watched_session {
	const struct iscsi_identity *id; /* any disk of it, in the inventory */
	struct probe_target target;
	bool probed;		/* software iSCSI and credentials readable */
	const char *not_probed; /* why not; a phrase */
	enum reason said;	/* last reason that was logged */
	struct probe_log log;	/* of its probe */
};

#define WATCH_GROUP_MAX 64

struct watch {
	struct watch_options options;
	sd_event *event;
	struct inventory inventory;
	struct complaint reading; /* of paths and maps */
	struct store store;
	bool store_loaded; /* false: the file was broken from the start, keep the board's plan */
	char store_message[STORE_MESSAGE_MAX]; /* complaint about the file, "" none */
	enum policy_error store_error;	       /* of what kind; valid with a message */
	uint64_t store_hash; /* of the text last read, good or bad; as of none if it could not be */
	struct lun_table luns;
	bool planned; /* 'luns' is whole; else the board's plan stays */
	bool look_for_disks; /* at the next rescan: disks may have come or gone */
	bool probes_told;    /* the probes know all there is; else they are to be told */
	bool publish_paths;  /* what the board says of paths may be out of date */
	struct watched_session *sessions; /* by sid */
	size_t n_sessions;
	struct probe_engine *probes;
	struct probe_log_process probes_log;
	struct board *board;
	int board_error; /* last publish: 0 or -errno, logged once per change */
	struct published published;
	uint64_t *held; /* hashes of the WWIDs of LUNs whose new plan waits, sorted */
	size_t n_held;
	struct failed failed;	    /* by `mpathiscsi fail` */
	struct lingering lingering; /* failed in dm, and in order */
	struct complaint following; /* what lingers: no memory for it */
	struct regroup regroup;	    /* LUNs whose table is out of order */
	struct multipathd *multipathd;
	struct control *control; /* main()'s; NULL: none yet */
	char admitted_group[WATCH_GROUP_MAX];
	gid_t admitted_gid;
	bool admitted; /* [control] group is as these say (daemon/admit.h) */
	struct quick *quick; /* what acts (daemon/quick/); NULL: nothing does */
	sd_event_source *tick, *beat, *rescan;
	struct inventory_news news; /* what the next reading of the inventory must not take over */
	uint64_t listed_ns;	    /* when disks were looked for last */
	uint64_t paths_ns;	    /* when what the board says of paths was looked through last */
};

/* Read everything, start probing, publish. -errno. Timers live in 'event'. */
int watch_start(sd_event *event, const struct watch_options *options, struct watch *watch);

/* Something was plugged or changed: look for disks and maps soon (events are gathered). */
void watch_rescan_soon(struct watch *watch);

/* The same, and what is known of this disk ("sda" or "3:0:0:1"; NULL: of any) is doubtful. */
void watch_disk_changed(struct watch *watch, const char *device);

/* A map has changed: read what had an event soon. */
void watch_refresh_soon(struct watch *watch);

/* Read the states anew now, without waiting for the next tick. Replaces what pointers into
 * the inventory, the sessions and the LUNs point at. */
void watch_refresh(struct watch *watch);

/* Put everything on the board now; what is known of the sessions alone. */
void watch_publish(struct watch *watch);
void watch_publish_sessions(struct watch *watch);

/* Read the policies file again. -errno: broken, unreadable or gone, watch->store_message says
 * how, and the policies in force stay. */
int watch_reload(struct watch *watch);

/* Is there no policies file any more, though there are policies of it in force? Nobody takes his
 * policies back like that: it is an accident. */
bool watch_store_missing(const struct watch *watch);
#define WATCH_STORE_MISSING                                                                      \
	"the file is missing: put it back, or an empty one in its place if there are to be no "  \
	"policies"

/* The same if the file's text is another than at the last reading, or there is a complaint that
 * may no longer hold; else nothing. */
void watch_reload_changed(struct watch *watch);

/* What the probe says about a session, as it stands on the board. */
void watch_session_record(const struct watch *watch, const struct watched_session *session,
			  uint64_t now_ns, struct board_session *ret);

/* The daemon's own judgement of a path, from session, device and probe. */
struct verdict watch_judge(const struct watch *watch, const struct iscsi_identity *id,
			   uint64_t now_ns, struct evidence *ret_evidence);

const struct watched_session *watch_session(const struct watch *watch, unsigned int sid);

/* Stop probing, free. The board file stays. */
void watch_stop(struct watch *watch);

#endif
