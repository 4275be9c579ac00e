/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_LEVERS_RECORD_H
#define MPATHISCSI_QUICK_LEVERS_RECORD_H

/*
 * What was before the levers were pulled, as a value and as text, one line a lever:
 *	socket SID INODE LOCAL PEER BEFORE-MS	TCP_USER_TIMEOUT of that very socket
 *	recovery SID BEFORE SET			recovery_tmo in s; -1 off
 *	disk SID H:C:T:L BEFORE			max_retries; -1 without limit
 * Pure.
 */

#include "daemon/quick/connection.h"

#define LEVER_ADDRESS_MAX 64 /* "H:C:T:L" and its NUL */
#define LEVER_VALUE_MAX	  INT32_MAX

struct lever_disk {
	char address[LEVER_ADDRESS_MAX];
	int before;
};

/* Of one session. */
struct lever_record {
	unsigned int sid;
	bool socket;
	uint32_t inode;
	struct connection_name connection;
	uint32_t timeout_before_ms;
	bool recovery;
	int recovery_before, recovery_set;
	struct lever_disk *disks;
	size_t n_disks;
	size_t next; /* where a search begins: mostly they are asked for in the same order */
};

/* Ascending by sid. Free with lever_records_free(). */
struct lever_records {
	struct lever_record *sessions;
	size_t n;
};

/* NULL: none. Pointers are good until the next add or remove. */
struct lever_record *lever_records_find(const struct lever_records *records, unsigned int sid);
/* Found or made; NULL: no memory. */
struct lever_record *lever_records_add(struct lever_records *records, unsigned int sid);
void lever_records_remove(struct lever_records *records, unsigned int sid);
void lever_records_free(struct lever_records *records);

struct lever_disk *lever_record_find_disk(const struct lever_record *record,
					  const char *address);
/* Found or made; NULL: no memory, or LEVERS_DISKS_MAX. */
struct lever_disk *lever_record_add_disk(struct lever_record *record, const char *address);
void lever_record_remove_disk(struct lever_record *record, struct lever_disk *disk);
/* Nothing in it? */
bool lever_record_empty(const struct lever_record *record);

/* Text to be free()d; "" when all are empty. -ENOMEM. */
int lever_records_format(const struct lever_records *records, char **ret);

/* Lines that are not exactly as above (or a second one for the same lever) are left out and
 * counted. -ENOMEM; *ret is written on success only. */
int lever_records_parse(const char *text, struct lever_records *ret, size_t *ret_damaged);

#endif
