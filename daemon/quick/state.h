/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_STATE_H
#define MPATHISCSI_QUICK_STATE_H

/* What daemon/quick/ knows, shared by its files only. */

#include <systemd/sd-event.h>

#include "checker/damping.h"
#include "checker/patience.h"
#include "checker/suspicion.h"
#include "common/identity.h"
#include "daemon/complaint.h"
#include "daemon/lun_ask.h"
#include "daemon/multipathd_parse.h"
#include "daemon/quick/connection.h"
#include "daemon/quick/decide.h"
#include "daemon/quick/disk_load.h"
#include "daemon/quick/hang.h"
#include "daemon/quick/iscsi_events.h"
#include "daemon/quick/levers.h"
#include "daemon/quick/links.h"
#include "daemon/quick/pace.h"
#include "daemon/quick/quick.h"
#include "daemon/quick/raw_use.h"
#include "daemon/quick/settings.h"
#include "daemon/quick/switch.h"
#include "daemon/watch.h"

/* Before a connection is ended (fence_act.c). */
enum fence_stage {
	FENCE_NONE,
	FENCE_ASKED, /* the target is being asked */
	FENCE_OVER,  /* done, or cannot be done */
};

/* One session of the kernel, from its first sight on. One that is logged out is remembered for
 * as long as its flaps count, for it may come back under another number. Ordered by meaning. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct quick_session {
	unsigned int sid;
	uint64_t name_hash;
	bool present;
	/* the login */
	struct connection_name connection;
	uint64_t logged_in_ns; /* since; 0: not logged in */
	bool was_lost;	       /* … and before that it was seen to fail */
	uint32_t stock_ms;     /* what the kernel's own timers ride out */
	uint32_t nop_ms;	       /* after which the kernel's own NOP ends a silent connection; 0: off */
	uint64_t timers_ns;    /* when the kernel's timers were read */
	/* the look */
	bool tcp_known;
	struct tcp_sample tcp;
	uint64_t in_flight, completed;
	struct patience patience;
	struct suspicion suspicion;
	enum suspicion_verdict verdict;
	bool odd;	      /* connection, probe or link are not as they are every day */
	bool healthy;	      /* nothing speaks against it */
	uint64_t answered_ns; /* last sign of life of portal or connection */
	uint64_t nop_answered_ns; /* … to the probe */
	struct session_link link; /* the interface it goes out by */
	/* the deed */
	struct quick_decision decision;
	char decision_lun[DEVICE_WWID_MAX]; /* the LUN that stands in the way, "" none */
	struct lever_state levers;
	uint32_t wished_ms; /* user time-out last asked for */
	bool levers_on;
	bool draining;	    /* drain.c: not quick any more, but commands in flight still are */
	uint64_t drain_mark; /* completed commands at which they are through */
	uint64_t levers_ns;	    /* when they were last looked after */
	uint64_t disks_ns, disks_generation; /* … those of each disk; of which inventory */
	enum fence_stage fence;	    /* in this outage */
	uint64_t fence_ns;	    /* when it was asked for */
	bool given_up;		    /* in this outage */
	bool doubtful;		    /* lost, or taken for dead, and the checkers were told: */
	uint32_t doubted;	    /* … so many times, see board.h */
	enum quick_reason refused;  /* why a dead connection was not given up; QUICK_YES none */
	bool tcp_gone;		    /* the connection it was logged in over does not exist any more */
	bool outage_known;	    /* … and that has been dealt with */
	uint64_t lost_ns;	    /* when */
	bool lost_quick;	    /* it was quick then */
	bool lost_armed;	    /* … and its own time-out seems to have ended it */
	bool lost_answering;	    /* … while its portal had been answering within that time */
	struct damping damping;
	bool rising, held;
	struct lun_ask *poke; /* poke.c: the question that is out; NULL none */
	uint64_t poked_for_ns; /* the silence it was for */
	uint64_t reinstated_ns; /* paths were given back to dm last, see rideout.c */
	uint64_t doomed_since_ns; /* hang_doom.c asks of giving it up: a LUN hangs since; 0 no */
	bool may_go;		  /* … as of this look: yes, with all others on which one hangs */
	uint64_t ended_for_ns;	  /* the look at which hang_act.c tried to end it last */
};

/* borrow.c: a map whose queueing we turned on. */
struct borrowed_map {
	char name[DM_NAME_TEXT_MAX];
	bool needed; /* as of this look */
};

#define QUICK_PLACES 1024 /* sessions are numbered one after the other */

struct quick {
	struct watch *watch;
	struct quick_settings settings;
	char complaint[SETTINGS_MESSAGE_MAX];
	bool settings_known; /* false: the file was broken from the start, so nothing acts */
	struct switch_state switched;
	struct connections *connections;
	struct levers *levers;
	struct iscsi_events *events;
	struct links *links; /* NULL: nothing is known of any link */
	sd_event_source *beat;
	uint64_t beat_ns; /* last beat */
	struct pace pace; /* what it asked for */
	uint32_t doubt_start; /* the sessions' numbers on the board begin here */
	struct quick_session *sessions;
	size_t n_sessions;
	uint32_t *place; /* QUICK_PLACES: where a session stood last, by its number */
	bool flagged;		      /* some path was said to be held out or to hang */
	struct disk_loads loads; /* as of this look; empty: not read at it */
	uint64_t loads_ns;	 /* when they were read last */
	uint32_t loads_cost_us;	 /* … and what that took */
	uint64_t load_mark;	 /* … and what had ended by then, on all sessions */
	uint64_t moved_ns;	 /* reads or writes were seen to go on; 0 never */
	struct raw_uses *raw_uses; /* of disks that are in no map; NULL: all of them may be used */
	struct release_budget budget;
	struct complaint memory; /* there was none to decide with */
	struct hangs *hangs; /* LUNs that hang on some paths, see hang.h; NULL: not looked for */
	/* multipathd's word on queueing */
	struct mp_map *maps;
	size_t n_maps;
	unsigned int polling_s;
	uint64_t maps_asked_ns, config_asked_ns;
	bool maps_pending;
	bool maps_fresh; /* the last answer came when last asked */
	int maps_error;	 /* why it did not: of multipathd_submit() */
	struct borrowed_map *borrowed; /* sorted by name */
	size_t n_borrowed;
	bool tuned; /* routes of ours may be there */
	uint64_t tuned_hash, tuned_ns;
	uint64_t n_released, n_dropped, n_lost, n_false, n_reinstated; /* for people */
	uint64_t n_fenced, n_not_fenced;
	uint64_t n_links_lost;
};

/* quick.c: may anything act? */
bool quick_acts(const struct quick *quick);
/* What a step that decides returned: 0, -ENOMEM. Logged now and then. */
void quick_say_memory(struct quick *quick, int r, uint64_t now_ns);
/* The next beat comes in a moment. */
void quick_hurry(struct quick *quick);

/* sessions.c: the table follows the inventory; looks; NULL: unknown. */
int quick_sessions_sync(struct quick *quick, uint64_t now_ns);
void quick_sessions_look(struct quick *quick, bool late, uint64_t now_ns);
struct quick_session *quick_session(const struct quick *quick, unsigned int sid);
/* Has a session that was down logged in again? One small file per session that is down. */
bool quick_sessions_came_back(const struct quick *quick);
const struct iscsi_identity *quick_identity(const struct quick *quick, unsigned int sid);
/* "10.0.1.2:3260 over p1" */
#define QUICK_NAME_MAX (PORTAL_TEXT_MAX + ISCSI_IFACE_MAX + 8)
const char *quick_name(const struct quick *quick, const struct quick_session *session,
		       char *buffer, size_t size);

/* haste.c: the disks' counters, read when 'wanted' and now and then; do they move? What a look tells
 * of haste. */
void quick_read_loads(struct quick *quick, bool wanted, uint64_t now_ns);
/* disk_loads_read(), and what it costs is remembered. */
int quick_loads(struct quick *quick, struct disk_loads *ret);
void quick_note_moves(struct quick *quick, uint64_t now_ns);
struct pace_facts quick_sessions_pace(const struct quick *quick, uint64_t now_ns);

/* tune.c: routes as the settings want them; all of ours away. */
void quick_tune(struct quick *quick, uint64_t now_ns);
void quick_untune(struct quick *quick);

/* drain.c: a session that stops being quick has commands in flight that still are. */
void quick_drain_begin(const struct quick *quick, struct quick_session *session, uint64_t now_ns);
bool quick_drained(const struct quick *quick, const struct quick_session *session);
bool quick_holds_quick_io(const struct quick_session *session);
/* End connections with such I/O that the kernel would end soon, in its way. */
void quick_end_before_kernel(struct quick *quick, uint64_t now_ns);

/* borrow.c */
void quick_borrow_queueing(struct quick *quick, uint64_t now_ns);
void quick_give_back_queueing(struct quick *quick);

/* poke.c: give TCP something to be acknowledged. */
void quick_poke(struct quick *quick, struct quick_session *session,
		const struct board_session *probe);

/* facts.c: what decide.h wants to know of every session. */
struct quick_facts {
	struct decide_lun *luns;      /* of all sessions, one after the other */
	const struct lun **which;     /* the LUN behind each of them */
	size_t *first;		      /* index of a session's first; [n_sessions]: the end */
};
int quick_facts_make(const struct quick *quick, struct quick_facts *ret); /* -ENOMEM */
void quick_facts_free(struct quick_facts *facts);
struct decide_session quick_facts_of(const struct quick *quick, const struct quick_facts *facts,
				     size_t session, uint64_t now_ns);
/* Since when it has waited for an acknowledgement so long that other paths must have proved
 * themselves meanwhile; 0: it has not. */
uint64_t quick_unproven_since(const struct quick_session *session, uint64_t now_ns);
/* Since when something has been wrong with it; 0: nothing is. Who answered later was alive then. */
uint64_t quick_trouble_since(const struct quick_session *session);
/* Could this path carry I/O, as far as we know? */
bool quick_path_usable(const struct quick *quick, const struct lun *lun,
		       const struct lun_path *path);

/* act.c */
void quick_act(struct quick *quick, uint64_t now_ns);	   /* levers as decided */
void quick_give_up(struct quick *quick, uint64_t now_ns);  /* connections that are dead */
void quick_on_losses(struct quick *quick, uint64_t now_ns); /* connections that have gone */
bool quick_is_dead(const struct quick_session *session); /* and not given up yet */
bool quick_is_lost(const struct quick_session *session);
/* End the connection of one that answers, because of 'why' (for the log). -EBUSY: the limit of
 * sessions given up per minute is reached (said once an outage); -EINPROGRESS: it is being fenced
 * off, call again; other -errno. */
int quick_end_session(struct quick *quick, struct quick_session *session, const char *why,
		      uint64_t now_ns);
/* Why a session's time-out is above its base, "" it is not. */
const char *quick_why_patient(const struct quick *quick, const struct quick_session *session);
void quick_take_back(struct quick *quick);		   /* all levers */

/* doubt.c: before the above act, the checkers are told that what they know may be out of date: of all
 * sessions that are lost or taken for dead; of one that is to be ended for another reason. */
void quick_doubt(struct quick *quick);
void quick_doubt_session(struct quick *quick, struct quick_session *session);
uint32_t quick_doubt_start(uint64_t now_ns);

/* fence_act.c. 0: the connection may be ended now; -EINPROGRESS: ask again at the next beat. */
int quick_fence(struct quick *quick, struct quick_session *session, uint64_t now_ns);
/* One that turned out alive before it was given up: its next outage has a fence of its own. */
void quick_fence_expire(struct quick_session *session, bool dead);

/* rideout.c, holdout.c, maps.c */
void quick_ride_out(struct quick *quick, uint64_t now_ns);
void quick_hold_out(struct quick *quick, uint64_t now_ns);
void quick_ask_maps(struct quick *quick, uint64_t now_ns);
enum map_queueing quick_queueing(const struct quick *quick, const struct lun *lun,
				 uint32_t *ret_ms);

#endif
