/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_BOARD_H
#define MPATHISCSI_BOARD_H

/*
 * The board: one small file in /run where the daemon (the only writer) leaves what it
 * knows, and the plugins inside multipathd read it.
 *
 * Both sides use pread()/pwrite(), never mmap(): a file that somebody truncates would send
 * SIGBUS to multipathd. Each record carries its own check sum over a sequence number, its
 * key and its contents, so that a torn read, a half-written record and garbage look alike:
 * the reader tries again a few times and then has no opinion. A lookup opens the file,
 * reads the header and one or two records, and closes it: a few microseconds, no state.
 *
 * Layout: header, then two open-addressed hash tables (linear probing, capacity a power
 * of two): sessions, paths. A writer that needs more room, or finds the file damaged,
 * writes a new file and renames it into place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_DEFAULT_PATH "/run/mpathiscsi/board"
#define BOARD_VERSION	   1
/* A heartbeat older than this is a dead (or stopped) writer. It beats each 500 ms. */
#define BOARD_STALE_MS 2000

/* What the daemon's probe of a session's portal saw last. 0 = nothing: no opinion. */
enum probe_state {
	PROBE_NONE,	     /* not probed: not yet, or nothing to probe with */
	PROBE_CONNECTING,    /* first connect or login still under way */
	PROBE_UP,	     /* NOPs are answered */
	PROBE_LATE,	     /* a NOP is overdue, fewer in a row than make it silent */
	PROBE_SILENT,	     /* several NOPs in a row not answered */
	PROBE_LOST,	     /* the target closed or reset the probe's connection */
	PROBE_REFUSED,	     /* TCP connect refused: host alive, nobody listens */
	PROBE_UNREACHABLE,   /* TCP connect timed out or no route */
	PROBE_LOGIN_FAILED,  /* login rejected or not answered; see login_status */
	PROBE_REDIRECTED,    /* the portal sends initiators elsewhere */
	PROBE_TCP_ONLY,	     /* target refuses a second session; TCP connect succeeds */
	PROBE_LOCAL,	     /* trouble of our own (bind, route, credentials): no opinion */
	PROBE_STATE_MAX
};

struct board_session {
	uint32_t sid;
	uint32_t state;		 /* enum probe_state */
	uint64_t name_hash;	 /* path_name_hash(): guards against a reused sid */
	uint64_t updated_ns;	 /* CLOCK_MONOTONIC of this record's last refresh */
	uint64_t last_good_ns;	 /* when the last NOP answer (TCP_ONLY: connect) arrived; 0 never */
	uint64_t silent_since_ns; /* when the oldest unanswered NOP was sent; 0 none */
	uint32_t rtt_us;	 /* smoothed round trip */
	uint32_t rtt_var_us;	 /* smoothed mean deviation (RFC 6298) */
	uint32_t misses;	 /* unanswered NOPs in a row */
	uint32_t login_status;	 /* RFC 7143 11.13.5 class << 8 | detail; 0 none */
	int32_t error;		 /* negative errno of connect or bind; 0 none */
	uint32_t doubted;	 /* another number each time the daemon has found its connection or link
				  * lost or dead or is about to end it, before it takes I/O off its
				  * paths; and another daemon's are others */
};

/* Why a path is kept out of use, whatever its role (which may be ROLE_NONE then).
 * FAILED: not until reinstated (`mpathiscsi fail`). HELD: it comes and goes; counts only while
 * the daemon lives, which alone can end it. HUNG: I/O of the LUN hung on it; until a READ
 * answers. Beside HELD the upper byte carries the penalty. */
#define BOARD_PATH_FAILED 1
#define BOARD_PATH_HELD	  2
#define BOARD_PATH_HUNG	  4
/* No reason, but about the plan: nobody has set a policy, it is what the product does by itself. */
#define BOARD_PATH_BUILT_IN 8

#define BOARD_PENALTY_UNIT 100U /* the upper byte counts in these; it stops at 25500 */

static inline uint16_t board_penalty_flags(uint32_t penalty)
{
	uint32_t units = penalty / BOARD_PENALTY_UNIT;

	return (uint16_t)((units < 0xff ? units : 0xff) << 8);
}

static inline uint32_t board_penalty(uint16_t flags)
{
	return (uint32_t)(flags >> 8) * BOARD_PENALTY_UNIT;
}

struct board_path {
	uint32_t sid;
	uint32_t role;		 /* enum role (policies/policy.h) */
	uint64_t lun;
	uint64_t name_hash;
	uint64_t wwid_hash;	 /* fnv1a of sysfs wwid: guards against a remapped LUN */
	int32_t priority;	 /* what the prioritizer returns; ≥ 1 */
	uint16_t policy;	 /* index of the policy in the registry, for people */
	uint16_t flags;		 /* BOARD_PATH_… */
	uint64_t plan_ns;	 /* CLOCK_MONOTONIC when this plan was made */
};

/* Can what was read be trusted? Anything but BOARD_FRESH carries no evidence. */
enum board_trust {
	BOARD_FRESH,	 /* record found, writer alive */
	BOARD_STALE,	 /* record found and whole, but the writer is dead or stopped */
	BOARD_NO_RECORD, /* board in order, nothing about this session or path */
	BOARD_ABSENT,	 /* no file */
	BOARD_FOREIGN,	 /* other magic, owner, mode, boot, byte order: not ours */
	BOARD_VERSION_MISMATCH,
	BOARD_DAMAGED,	 /* truncated or garbage, also after retries */
	BOARD_TRUST_MAX
};

/* A phrase for logs: "no board", "board is stale: daemon not running" … */
const char *board_trust_text(enum board_trust trust);
const char *probe_state_name(enum probe_state state); /* "up", "silent", … */

/*
 * Look up one record. 'path' NULL: BOARD_DEFAULT_PATH. 'now_ns': CLOCK_MONOTONIC of the
 * caller. *ret is written for BOARD_FRESH and BOARD_STALE only. The file must be regular,
 * owned by root or by the caller's own user, not writable by group or others, of this boot.
 * Never blocks, never allocates, takes no lock: safe in any thread of any host.
 */
enum board_trust board_read_session(const char *path, uint32_t sid, uint64_t name_hash,
				    uint64_t now_ns, struct board_session *ret);
enum board_trust board_read_path(const char *path, uint32_t sid, uint64_t lun,
				 uint64_t name_hash, uint64_t now_ns, struct board_path *ret);

/* Both records of one path with one look at the file; all as above, for each by itself. */
struct board_view {
	enum board_trust session_trust, path_trust;
	struct board_session session;
	struct board_path path;
};
void board_read_both(const char *path, uint32_t sid, uint64_t lun, uint64_t name_hash,
		     uint64_t now_ns, struct board_view *ret);

/* The writer's last heartbeat, CLOCK_MONOTONIC; 0 never. BOARD_FRESH however old it is;
 * anything else: no board to go by. As careful as the above. */
enum board_trust board_read_beat(const char *path, uint64_t *ret_beat_ns);

/* The writer's side (daemon only). */
struct board;

struct board_content {
	const struct board_session *sessions;
	size_t n_sessions;
	const struct board_path *paths;
	size_t n_paths;
};

/*
 * Take over or create the board at 'path' (NULL: default), mode 0640 and group 'gid'
 * ((gid_t)-1: leave). The records of a previous writer of this boot stay readable until
 * the first board_publish(). Free with board_free(). -errno.
 */
int board_new(const char *path, unsigned int gid, struct board **ret);

/* Give the board to another group from now on, whose members may read it. Needs to be in the
 * group, or CAP_CHOWN. -errno: it stays the former one's. */
int board_set_group(struct board *board, unsigned int gid);

/*
 * Make the board say exactly this: changed records are rewritten in place, others only
 * refreshed by the heartbeat; the file is replaced by a new one when it is full, damaged,
 * replaced or removed by somebody else. Level-triggered: call as often as you like.
 * *ret_repaired (may be NULL): the file had to be made anew because of damage. -errno
 * (-ENOSPC: /run is full; -EINVAL: two records with one key): the old records stay, and
 * are stale after BOARD_STALE_MS, for the heartbeat stops until a publish succeeds.
 */
int board_publish(struct board *board, const struct board_content *content, uint64_t now_ns,
		  bool *ret_repaired);

/*
 * The same for the sessions alone: paths stay as they were published last. -ESTALE: file damaged
 * or replaced, not published before, or the sessions do not fit in: publish everything. Other
 * -errno as above.
 */
int board_publish_sessions(struct board *board, const struct board_session *sessions, size_t n,
			   uint64_t now_ns);

/* Refresh only the heartbeat (one small write). -ESTALE: file damaged or replaced, or not
 * published since board_new() or a failure: publish. Other -errno of the write. */
int board_heartbeat(struct board *board, uint64_t now_ns);

/* Close; the file stays so that the last plan survives a restart of the daemon. */
void board_free(struct board *board);

#endif
