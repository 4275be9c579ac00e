/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_BOARD_FORMAT_H
#define MPATHISCSI_BOARD_FORMAT_H

/*
 * The board on disk, for its reader and its writer only. All numbers in the byte order of
 * the host; no structure has padding.
 *
 *	offset 0	struct board_header	(check sum; written once)
 *	       256	struct board_beat	(check sum; written each 500 ms)
 *	       512	session slots, then path slots
 *
 * A slot is a struct board_slot and its contents. All zero: never used, a search ends
 * there. A removed record leaves a tombstone, which a search passes; so a record never
 * moves within a file, and a search cannot miss one that is there. The check sum covers
 * the place of the slot too: a copy of a record elsewhere is garbage.
 */

#include "common/board.h"

#define BOARD_MAGIC	   "mpiscsi\n"
#define BOARD_BYTE_ORDER   0x01020304U
#define BOARD_BEAT_OFFSET  256
#define BOARD_TABLE_OFFSET 512
/* Longest search. The writer makes the table larger before one would take longer. */
#define BOARD_PROBE_MAX	   64
#define BOARD_CAPACITY_MAX (1U << 22)
#define BOARD_BOOT_ID_MAX  40

struct board_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint32_t header_size; /* BOARD_TABLE_OFFSET */
	uint32_t session_size;	/* of a slot */
	uint32_t path_size;
	uint32_t session_capacity; /* slots; a power of two */
	uint32_t path_capacity;
	uint32_t reserved;
	char boot_id[BOARD_BOOT_ID_MAX];
	uint64_t checksum; /* of all before it */
};

struct board_beat {
	uint64_t beat_ns; /* CLOCK_MONOTONIC; 0: nothing published yet; or BOARD_RETIRED */
	uint32_t pid;	  /* of the writer */
	uint32_t sequence;
	uint64_t checksum;
};

/* The writer has put another file in this one's place. */
#define BOARD_RETIRED UINT64_MAX

/* First bytes of the file: what a reader gets with one read. */
struct board_front {
	struct board_header header;
	uint8_t gap[BOARD_BEAT_OFFSET - sizeof(struct board_header)];
	struct board_beat beat;
};

enum board_use { BOARD_SLOT_EMPTY, BOARD_SLOT_USED, BOARD_SLOT_TOMBSTONE };

struct board_slot {
	uint64_t checksum; /* of the slot's place and all behind this field; never 0 */
	uint32_t sequence; /* counts writes */
	uint32_t use;	   /* enum board_use */
};

struct board_session_slot {
	struct board_slot slot;
	struct board_session record;
};

struct board_path_slot {
	struct board_slot slot;
	struct board_path record;
};

_Static_assert(sizeof(struct board_header) == 88, "no padding");
_Static_assert(sizeof(struct board_beat) == 24, "no padding");
_Static_assert(sizeof(struct board_front) == 280, "no padding");
_Static_assert(sizeof(struct board_session_slot) == 80, "no padding");
_Static_assert(sizeof(struct board_path_slot) == 64, "no padding");
#define BOARD_SLOT_MAX 80

enum board_kind { BOARD_SESSIONS, BOARD_PATHS, BOARD_KINDS };

/* One of the two tables of a file. */
struct board_table {
	enum board_kind kind;
	size_t slot_size;
	uint32_t capacity;
	size_t offset; /* in the file */
};

/* Table 'kind' of a file with this (checked) header. */
struct board_table board_table_of(const struct board_header *header, enum board_kind kind);

/* Size of the file. */
size_t board_file_size(const struct board_header *header);

/* A header without boot id and check sum. */
struct board_header board_header_make(uint32_t session_capacity, uint32_t path_capacity);
uint64_t board_header_checksum(const struct board_header *header);
uint64_t board_beat_checksum(const struct board_beat *beat);

/* Check sum of the slot (its bytes at 'slot') at 'index' of 'table'. */
uint64_t board_slot_checksum(const struct board_table *table, uint32_t index, const void *slot);

/* What the slot is; -EBADMSG: neither empty nor with a good check sum. */
int board_slot_use(const struct board_table *table, uint32_t index, const void *slot);

/* Where the search for a key begins. */
uint32_t board_session_start(uint32_t sid, uint32_t capacity);
uint32_t board_path_start(uint32_t sid, uint64_t lun, uint32_t capacity);

/* The kernel's boot id; -errno. 'buffer' holds BOARD_BOOT_ID_MAX bytes, the rest zeroed. */
int board_boot_id(char *buffer);

/*
 * Judge a header: BOARD_FRESH (all right, nothing said about the heartbeat), or FOREIGN,
 * VERSION_MISMATCH, DAMAGED. 'file_size' is what the file has.
 */
enum board_trust board_header_judge(const struct board_header *header, const char *boot_id,
				    uint64_t file_size);

#endif
