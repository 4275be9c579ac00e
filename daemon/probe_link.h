/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_LINK_H
#define MPATHISCSI_PROBE_LINK_H

/*
 * One libiscsi connection (child process): all that knows the library. It collects what
 * the library's callbacks say; the owner looks at it after each probe_link_service() and
 * closes the link when it is done with it, never from inside a callback.
 *
 * Rules the library (1.19 and 1.20) needs: no timeouts of its own, no reconnect, numeric
 * addresses, one context per attempt, an ISID of the random type (but for a fence).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/probe_guard.h"
#include "daemon/probe_login.h"
#include "daemon/probe_socket.h"
#include "daemon/probe_wire.h"
#include "daemon/ration.h"

/* More outstanding than misses_silent may ask for. */
#define PROBE_LINK_NOPS 16

struct iscsi_context;
struct probe_link;

struct probe_nop {
	struct probe_link *link;
	bool busy;     /* sent, neither answered nor given up with the connection */
	bool answered; /* … until the owner has seen it */
	bool missed;   /* its deadline passed (owner's) */
	bool excused;  /* our own loop was late: its time is no measure (owner's) */
	uint64_t sent_ns;
	uint64_t answered_ns;
	uint64_t deadline_ns; /* (owner's) */
};

/* May not move while open: the library holds pointers into it. */
struct probe_link {
	struct iscsi_context *iscsi; /* NULL: closed */
	bool connected;
	bool login_done; /* the target has answered, well or not: */
	bool logged_in;
	bool redirected;
	bool logged_out;
	bool forgotten; /* the library's copy of the secrets is wiped */
	bool dead;	/* the connection is of no more use: */
	int error;	/* … why, negative errno */
	uint32_t login_status;
	char text[PROBE_TEXT_MAX]; /* why the login failed, or where the redirect goes */
	struct probe_guard guard;
	struct probe_login login;
	struct ration heard; /* PDUs, and times that we were woken up for them */
	struct probe_nop nops[PROBE_LINK_NOPS];
};

/* Begin to connect. 0, or negative errno with the link closed and a reason in link->text.
 */
int probe_link_open(struct probe_link *link, const struct probe_wire_add *add,
		    const struct probe_road *road);

/*
 * The same with the ISID of the kernel's session 'sid', as iscsid makes it: type OUI,
 * 00:02:3d, then the low 24 bits of the session number (open-iscsi usr/config.h and
 * session_conn_poll(), the same in 2.1.8 and 2.1.11; nothing in sysfs tells it). The login
 * takes that session's place at the target (RFC 7143, 6.3.5).
 */
int probe_link_open_as(struct probe_link *link, const struct probe_wire_add *add,
		       const struct probe_road *road, uint32_t sid);

/* Destroy the connection. NOPs under way are forgotten. */
void probe_link_close(struct probe_link *link);

int probe_link_fd(const struct probe_link *link);
short probe_link_events(const struct probe_link *link);

/* Let the library read and write; sets the fields above. */
void probe_link_service(struct probe_link *link, short revents);

/* Once connected: begin to log in. Failure sets 'dead'. */
void probe_link_login(struct probe_link *link);

/* Send a NOP-Out. NULL: none free, or the link is dead now. Its answer may be there
 * already on return. */
struct probe_nop *probe_link_ping(struct probe_link *link, uint64_t now_ns);

/*
 * recv() as the library shall have it: bytes pass the link's guard. The program that
 * links this defines recv() to be it (the library, loaded dynamically, then uses that
 * one); if it does not, no login succeeds. For other descriptors it is plain recv().
 */
ssize_t probe_link_recv(int fd, void *buffer, size_t size, int flags);

/* Begin to log out. Failure sets 'dead'. */
void probe_link_logout(struct probe_link *link);

#endif
