/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_SPAWN_H
#define MPATHISCSI_PROBE_SPAWN_H

/* Starting and reaping the engine's child process. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who the child is to be. */
struct probe_user {
	bool change; /* false: as we are (we are not root) */
	uid_t uid;
	gid_t gid;
};

struct probe_process {
	pid_t pid;  /* 0: none */
	int pidfd;  /* readable once it has ended */
	int socket; /* our end, SOCK_SEQPACKET, non-blocking; -1 closed */
};

/*
 * 'name' NULL: _mpathiscsi, or nobody where that does not exist. Without root nothing is
 * changed. -ENOENT: no such user.
 */
int probe_user_find(const char *name, struct probe_user *ret);

/*
 * Start 'path' with nothing but /dev/null, stderr and its socket on descriptor
 * PROBE_WIRE_FD, an empty environment, no signal blocked or ignored, in a session of its
 * own, in "/", as 'user', without new privileges, killed when the calling thread ends.
 * 0, or negative errno also when exec failed. End with probe_process_reap().
 */
int probe_spawn(const char *path, const struct probe_user *user,
		struct probe_process *ret);

/* Kill it, if it still runs; close our end. It is still to be reaped. */
void probe_process_kill(struct probe_process *process);

/*
 * Wait at most 'wait_ms' for its end, then kill it; reap it, close all. Says in 'text'
 * how it ended: "exited with status 1", "killed by signal 11". Nothing to do if pid is 0.
 */
void probe_process_reap(struct probe_process *process, int wait_ms, char *text,
			size_t size);

#endif
