/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LEVERS_H
#define MPATHISCSI_QUICK_LEVERS_H

/*
 * What makes a session quick, and takes it back:
 *   TCP_USER_TIMEOUT  on the socket that iscsid holds (pidfd_getfd): the kernel ends the
 *		       connection when sent data stays unacknowledged for so long;
 *   max_retries = 0   of each of its disks (scsi_disk): I/O whose connection has ended goes
 *		       straight up to dm-multipath;
 *   recovery_tmo      of the session: how long its disks stay blocked: 0 with stranded_io = fail
 *		       (mpathiscsid.conf), else it is left as it is.
 * What was before is written to a record in /run first, so that a helper can put it back when
 * the daemon is gone (mpathiscsi-disarm). A descriptor of iscsid's is held no longer than the
 * call.
 */

#include "daemon/quick/connection.h"

#define LEVERS_RECORD_PATH "/run/mpathiscsi/quick"
#define LEVERS_DISKS_MAX   1024

/* A session as it is to be. */
struct lever_wish {
	unsigned int sid;
	struct connection_name connection;
	uint32_t inode;		    /* of its socket, from connections_look() */
	uint32_t user_timeout_ms;   /* 0: do not arm the socket (release alone is wanted) */
	int recovery_tmo_s;	    /* to be set; -1: leave it */
	const char *const *devices; /* names ("sdb") of all its disks */
	size_t n_devices;
	bool keep_disks;	    /* leave the disks as they are; 'devices' is not looked at */
};

/* How the socket lever stands. */
enum lever_socket {
	SOCKET_OFF,	  /* not wanted */
	SOCKET_ARMED,
	SOCKET_NOT_HELD,  /* no iscsid holds it (restarted): cannot be armed, or not disarmed */
	SOCKET_DENIED,	  /* EPERM: ptrace_scope, LSM, capabilities */
	SOCKET_FAILED,	  /* see error */
};
const char *lever_socket_text(enum lever_socket socket); /* a phrase */

struct lever_state {
	bool quick;		  /* max_retries is 0 on every disk of the wish; with keep_disks
				   * left as it was */
	enum lever_socket socket;
	uint32_t user_timeout_ms; /* in force on the socket */
	int error;		  /* of the last failure, negative errno; 0 none */
};

struct levers;

/* 'sysfs' NULL: /sys; 'record' NULL: LEVERS_RECORD_PATH. What a former daemon has left in
 * the record is taken over: it is put back or kept by the next calls. -errno. */
int levers_new(const char *sysfs, const char *record, struct levers **ret);

/* Make it so; level-triggered and cheap when nothing is to do: it reads each disk's
 * max_retries and the session's recovery_tmo, and looks whether the record is still there.
 * Never blocks. What somebody else has written to one of these meanwhile is what was before,
 * from then on. Record before deed: when the record cannot be written nothing is changed and
 * that -errno returned; -ENODEV: no such session; -E2BIG: too many disks. A socket that
 * cannot be armed is tried again after 10 s, or when the session has another. */
int levers_set(struct levers *levers, const struct lever_wish *wish, struct lever_state *ret);

/*
 * Put back what was before, for one session; one that has no record is left alone. What
 * cannot be put back now stays in the record and is tried again by later calls: recovery_tmo
 * of a session that is down (EBUSY), the option of a socket that no iscsid holds (until the
 * session has another socket). A value that somebody else has written since stays. 0: nothing
 * is left; -EAGAIN: something is, see levers_state().
 */
int levers_clear(struct levers *levers, unsigned int sid);

/* How the levers of a session stand by the record and what the last calls found; after a
 * levers_clear() that left something: what. -ENOENT: nothing of it is changed. */
int levers_state(const struct levers *levers, unsigned int sid, struct lever_state *ret);

/* Sessions with something changed, in ascending order. Returns how many there are. */
size_t levers_list(const struct levers *levers, unsigned int *sids, size_t max);

/* What recovery_tmo was before us, by the record; INT_MIN: not changed by us. */
int levers_recovery_before(const struct levers *levers, unsigned int sid);

/* Forget sessions that do not exist any more in sysfs. */
void levers_forget_gone(struct levers *levers);

/* Frees the memory only: nothing is put back. */
void levers_free(struct levers *levers);

#endif
