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
	bool shared; /* nobody, who may be others too */
	uid_t uid;
	gid_t gid;
};

struct probe_process {
	pid_t pid;  /* 0: none */
	int pidfd;  /* readable once it has ended; -1: there is none, ask now and then */
	int socket; /* our end, SOCK_SEQPACKET, non-blocking; -1 closed */
	int words;  /* what it writes to stderr; non-blocking, at its end too; -1 closed */
	int start;  /* ends when the program runs, or carries why it does not; -1: that is known */
	int failed; /* why it does not, negative errno; 0 */
};

/* None. */
void probe_process_init(struct probe_process *process);

/*
 * 'name' NULL: _mpathiscsi, or nobody where that does not exist. Without root nothing is
 * changed. -ENOENT: no such user.
 */
int probe_user_find(const char *name, struct probe_user *ret);

/*
 * Start 'path' with nothing but /dev/null, a pipe as stderr and its socket on descriptor
 * PROBE_WIRE_FD, an empty environment, no signal blocked or ignored, in a session of its
 * own, in "/", as 'user', without new privileges, killed when the calling thread ends.
 * 0, or negative errno: there is no process. Waits for nothing: a program may be on a disk whose
 * paths are dead, and then exec waits for what we are to do. One that cannot be run ends at once,
 * and probe_process_reap() says why.
 */
int probe_spawn(const char *path, const struct probe_user *user,
		struct probe_process *ret);

/* Does the program run, or is it known why not? */
bool probe_process_started(struct probe_process *process);

/* Kill it, if it still runs; close our end. It is still to be reaped. */
void probe_process_kill(struct probe_process *process);

/* Can it be reaped? One that was killed may take its time, if the kernel waits for a disk in it. */
bool probe_process_ended(const struct probe_process *process);

/* Wait at most 'wait_ms' for its end, then kill it and wait PROBE_KILL_MS. Still to be reaped. */
void probe_process_finish(struct probe_process *process, int wait_ms);
#define PROBE_KILL_MS 1000

/*
 * Reap it, close all; what has not ended is left alone. Says in 'text' how it ended: "exited with
 * status 1", "killed by signal 11". Nothing to do if pid is 0.
 */
void probe_process_reap(struct probe_process *process, char *text, size_t size);

#endif
