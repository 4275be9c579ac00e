/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_EVIL_H
#define MPATHISCSI_EVIL_H

/*
 * A target that speaks iSCSI badly: a table of named behaviours, each at an address of its own,
 * served by processes of their own (one that accepts, one for each connection). What a behaviour
 * does not touch is done as an honest target does it, so that each gets as far as it wants to.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/board.h"
#include "tests/integration/pdu.h"

#define EVIL_DATA_MAX 16384
#define EVIL_PORT     3266
#define EVIL_NAME     "iqn.2026-01.example.evil:target"

/* The credentials of the behaviours that ask for some. */
#define EVIL_USER	 "alice"
#define EVIL_PASSWORD	 "secretalice1"
#define EVIL_USER_IN	 "bob"
#define EVIL_PASSWORD_IN "secretbob123"

enum evil_when {
	EVIL_ACCEPT, /* instead of everything: the connection has just been accepted */
	EVIL_LOGIN,  /* at each login request */
	EVIL_ONLINE, /* once, after the login */
	EVIL_NOP,    /* at each NOP */
};

enum {
	EVIL_CHAP = 1,	   /* the probe has credentials */
	EVIL_MUTUAL = 2,   /* … and wants the target to prove itself */
	EVIL_DIGEST = 4,   /* header digests are agreed on */
	EVIL_BYTEWISE = 8, /* every byte is a segment of its own */
};

struct evil_peer;

struct evil {
	const char *name;
	enum evil_when when;
	bool (*act)(struct evil_peer *peer); /* false: close the connection */
	unsigned int may; /* states its portal may be in, a bit each */
	unsigned int is;  /* EVIL_CHAP … */
	int arg;
	const char *text; /* keys, each ended by a NUL, or whatever else the act sends */
	size_t text_size;
};

extern const struct evil evil_table[];
extern const size_t evil_count;

/* What the serving processes tell the test; in shared memory, changed atomically. */
struct evil_seen {
	unsigned int connects, logins, nops;
	unsigned int acted;  /* times that the behaviour was shown */
	unsigned int leaked; /* times that a password was read in what the probe sent */
};

/* One connection. */
struct evil_peer {
	const struct evil *evil;
	struct evil_seen *seen;
	int fd;
	bool full_feature, digest;
	struct pdu_place place;
	unsigned int logins, nops; /* on this connection */
	uint64_t random;
	uint8_t header[48]; /* of the last PDU read, and its data */
	size_t data_size;
	uint8_t data[EVIL_DATA_MAX + 4];
	uint8_t kept[48]; /* a header kept for later */
};

/* peer.c: sending and receiving. All return false when the connection is of no more use. */
bool evil_read(struct evil_peer *peer);
bool evil_write(struct evil_peer *peer, const void *bytes, size_t size);
/* One byte at a time with a pause between them. */
bool evil_write_slowly(struct evil_peer *peer, const void *bytes, size_t size, unsigned int ms);
/* A header as it should be, as an answer to the PDU read last. */
void evil_begin(struct evil_peer *peer, uint8_t *pdu, uint8_t opcode, uint8_t flags);
/* Header and data with padding, and the header's digest if one is agreed on. */
bool evil_send(struct evil_peer *peer, uint8_t *pdu, const void *data, size_t size);
/* Nothing more is said or read until the other side closes; always false. */
bool evil_hold(struct evil_peer *peer);
/* Close by RST; always false. */
bool evil_reset(struct evil_peer *peer);
bool evil_pause(struct evil_peer *peer, unsigned int ms);
uint32_t evil_random(struct evil_peer *peer);
uint32_t evil_crc32c(const uint8_t *bytes, size_t size);

/* honest.c: what an honest target does. */
bool evil_honest_login(struct evil_peer *peer);
/* The login response with these flags, keys and status. */
bool evil_login_response(struct evil_peer *peer, uint8_t flags, unsigned int status,
			 const void *text, size_t size);
bool evil_honest_nop(struct evil_peer *peer);
/* Serve a connection from its beginning to its end. */
void evil_serve(struct evil_peer *peer);

/* server.c: listen at the addresses of all behaviours and serve. 'seen': evil_count of them, shared.
 * Returns the process, -1 if it cannot be. */
pid_t evil_start(struct evil_seen *seen);
/* "127.66.0.N:3266", N from 1 */
void evil_address(size_t behaviour, char *text, size_t size);

/* What the behaviours do, by the phase in which they do it; the table says what is what. */
bool evil_hold_now(struct evil_peer *peer);   /* says nothing, reads nothing */
bool evil_deaf(struct evil_peer *peer);	      /* reads, and never answers */
bool evil_close_now(struct evil_peer *peer);
bool evil_reset_now(struct evil_peer *peer);
bool evil_say(struct evil_peer *peer);	      /* the text as it is, then deaf */
bool evil_repeat(struct evil_peer *peer);     /* the byte 'arg' without end */
bool evil_noise(struct evil_peer *peer);      /* random bytes, some with the look of PDUs */
bool evil_unread_login(struct evil_peer *peer);
bool evil_closed_window(struct evil_peer *peer);

bool evil_login_header(struct evil_peer *peer);	 /* 'arg' bytes of a header, then close */
bool evil_login_data(struct evil_peer *peer);	 /* announces 'arg' bytes, sends few */
bool evil_login_ahs(struct evil_peer *peer);
bool evil_login_endless(struct evil_peer *peer); /* 'arg': flags of the response */
bool evil_login_keys(struct evil_peer *peer);	 /* the text among the keys */
bool evil_login_long(struct evil_peer *peer);	 /* a key or value of 'arg' bytes */
bool evil_login_many(struct evil_peer *peer);	 /* as many keys as fit */
bool evil_login_status(struct evil_peer *peer);	 /* status 'arg' with the text */
bool evil_login_flags(struct evil_peer *peer);	 /* flags 'arg' */
bool evil_login_early(struct evil_peer *peer);	 /* opcode 'arg' instead of a login response */
bool evil_login_itt(struct evil_peer *peer);
bool evil_login_isid(struct evil_peer *peer);
bool evil_login_twice(struct evil_peer *peer);
bool evil_login_slow(struct evil_peer *peer);	 /* a byte every 'arg' ms */
bool evil_login_window(struct evil_peer *peer);	 /* no command may ever be sent */

bool evil_chap(struct evil_peer *peer);		 /* CHAP with the text as challenge */
bool evil_chap_skip(struct evil_peer *peer);	 /* in, without CHAP */
bool evil_chap_zero(struct evil_peer *peer);	 /* proves itself before it is asked to */
bool evil_chap_wrong(struct evil_peer *peer);
bool evil_chap_past(struct evil_peer *peer);	 /* in, past CHAP */

bool evil_flood(struct evil_peer *peer);     /* NOP-Ins; 'arg': FLOOD_… */
bool evil_async(struct evil_peer *peer);     /* event 'arg' */
bool evil_async_flood(struct evil_peer *peer);
bool evil_leave_flood(struct evil_peer *peer);
bool evil_opcode(struct evil_peer *peer);    /* opcode 'arg' with the text as header from byte 1 */
bool evil_announce(struct evil_peer *peer);  /* NOP-In that announces 'arg' bytes */
bool evil_cut(struct evil_peer *peer);	     /* 'arg' bytes of a NOP-In */
bool evil_cut_close(struct evil_peer *peer);
bool evil_ahs(struct evil_peer *peer);
bool evil_reject_short(struct evil_peer *peer);

enum { FLOOD_MUTE, FLOOD_ASK, FLOOD_DATA, FLOOD_SOME_MUTE, FLOOD_SOME_ASK, FLOOD_BYTES };

bool evil_nop_itt(struct evil_peer *peer);	/* answers another NOP: 'arg' is added */
bool evil_nop_twice(struct evil_peer *peer);	/* 'arg' times */
bool evil_nop_disorder(struct evil_peer *peer);
bool evil_nop_serials(struct evil_peer *peer);	/* 'arg': byte of the header */
bool evil_nop_data(struct evil_peer *peer);	/* 'arg' bytes of data that nobody asked for */
bool evil_nop_ttt(struct evil_peer *peer);
bool evil_nop_slow(struct evil_peer *peer);	/* a byte every 'arg' ms */
bool evil_nop_late(struct evil_peer *peer);	/* 'arg' ms late */
bool evil_nop_some(struct evil_peer *peer);	/* one of 'arg' */
bool evil_nop_reset(struct evil_peer *peer);	/* in the midst of an answer */
bool evil_nop_bad_digest(struct evil_peer *peer);
bool evil_nop_data_digest(struct evil_peer *peer);
bool evil_nop_reject(struct evil_peer *peer);	/* of a NOP; 'arg': reason */
bool evil_nop_scsi(struct evil_peer *peer);	/* a SCSI PDU, opcode 'arg', as the answer */

#endif
