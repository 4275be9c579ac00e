/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LEVERS_STATE_H
#define MPATHISCSI_QUICK_LEVERS_STATE_H

/* Inside of levers.h, shared by its files only. */

#include "daemon/quick/iscsid_socket.h"
#include "daemon/quick/levers.h"
#include "daemon/quick/levers_file.h"
#include "daemon/quick/levers_record.h"

/* What is known of a session's socket lever beside the record. */
struct lever_live {
	unsigned int sid;
	struct iscsid_holder holder;
	uint32_t inode;	      /* of the socket this is about */
	uint32_t in_force_ms; /* set by this process; 0: not, or not sure */
	enum lever_socket socket;
	int error;
	uint64_t retry_ns; /* after a failure: not to be tried again before */
};

struct levers {
	int root; /* of sysfs */
	struct levers_file file;
	struct lever_records records;
	bool dirty; /* the records differ from the file */
	struct lever_live *live;
	size_t n_live;
};

/* What a call of levers_set() has found to be done. */
struct lever_deeds {
	char (*addresses)[LEVER_ADDRESS_MAX]; /* of the wish's disks; "" not to be had */
	bool *pull;			      /* max_retries is not 0 yet */
	size_t n, n_recorded;		      /* disks; those of them in the record */
	bool recovery;
	int socket; /* descriptor, -1 none */
	int error;  /* the first of the disks' or of recovery_tmo */
	bool quick;
};

/* The first error is kept. */
void levers_note_error(struct lever_deeds *deeds, int error);

/* Before the record is written: what is to be recorded and done. */
void levers_plan_disks(struct levers *levers, struct lever_record *record,
		       const struct lever_wish *wish, struct lever_deeds *deeds);
void levers_plan_recovery(struct levers *levers, struct lever_record *record,
			  const struct lever_wish *wish, struct lever_deeds *deeds);

/* After it: max_retries of the disks found by the plan. */
void levers_pull_disks(struct levers *levers, struct lever_deeds *deeds);

/* Put back; what is done, or was overwritten by somebody, leaves the record. Of the disks
 * those that are not in 'keep' (NULL: all). */
void levers_restore_disks(struct levers *levers, struct lever_record *record,
			  const struct lever_deeds *keep);
void levers_restore_recovery(struct levers *levers, struct lever_record *record);

/*
 * Before the record is written: what is to be recorded, and a descriptor of the socket when
 * there is something to set (-1: there is not); to be handed to levers_socket_pull(), or
 * closed.
 */
int levers_socket_plan(struct levers *levers, struct lever_record *record,
		       struct lever_live *live, const struct lever_wish *wish);

/* After it: sets the option and closes 'fd'; -1: nothing to do. */
void levers_socket_pull(struct lever_live *live, const struct lever_wish *wish, int fd);

/* Put the option back; the record no longer has it if that is done or needless. */
void levers_socket_restore(struct levers *levers, struct lever_record *record,
			   struct lever_live *live);

#endif
