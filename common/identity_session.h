/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_IDENTITY_SESSION_H
#define MPATHISCSI_IDENTITY_SESSION_H

/* The session part of an identity: reading /sys/class/iscsi_{session,connection,host}. */

#include "common/identity.h"

/* Descriptor of class/iscsi_session/session<sid>. -ENOENT: no such session; -errno. */
int session_open(int root, unsigned int sid);

/* Fill the session fields of *id; id->sid and id->host say which. What cannot be read is
 * left empty. 'session' is the descriptor above. */
void session_read(int root, int session, struct iscsi_identity *id);

/* Only what changes by itself; what cannot be read keeps its last value, but for the two
 * states: an unreadable state is unknown. */
void session_refresh(int root, int session, struct iscsi_identity *id);

/* identity_session_stands() */
bool session_stands(int root, const struct iscsi_identity *id);

#endif
