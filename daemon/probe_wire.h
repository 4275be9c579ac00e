/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_WIRE_H
#define MPATHISCSI_PROBE_WIRE_H

/*
 * What the engine and its child say to each other: one struct of fixed size per message
 * on a SOCK_SEQPACKET pair, both ends from one build. Pure: make and check, no I/O. Both
 * sides check all they receive; to the engine the child is a stranger.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/probe.h"

#define PROBE_WIRE_FD	   3 /* the child's end */
#define PROBE_WIRE_MAGIC   0x50493031U
#define PROBE_WIRE_VERSION 1

/* The child says something at least this often, and the engine looks at it as often. */
#define PROBE_BEAT_MS 500

enum probe_wire_type {
	PROBE_WIRE_NONE,
	/* engine to child */
	PROBE_WIRE_CONFIG, /* first message */
	PROBE_WIRE_ADD,
	PROBE_WIRE_UPDATE, /* flags of a target have changed */
	PROBE_WIRE_REMOVE, /* answered by GONE once its connection is closed */
	PROBE_WIRE_FENCE,  /* answered by FENCED, once */
	/* child to engine */
	PROBE_WIRE_BEAT, /* alive; the first one: ready */
	PROBE_WIRE_REPORT,
	PROBE_WIRE_GONE,
	PROBE_WIRE_FENCED,
	PROBE_WIRE_MAX
};

struct probe_wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t size; /* of the whole message */
	uint32_t id;   /* target or fence, never 0 nor used again; 0 in CONFIG and BEAT */
};

struct probe_wire_config {
	struct probe_wire_header header;
	uint32_t interval_ms, idle_interval_ms;
	uint32_t nop_deadline_ms, nop_deadline_max_ms, misses_silent;
	uint32_t connect_timeout_ms, login_timeout_ms, retry_min_ms, retry_max_ms;
	uint32_t slow_retry_ms, silent_relogin_ms, tcp_interval_ms, login_retry_ms;
};

struct probe_wire_address {
	uint32_t family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	uint32_t scope;
	uint8_t bytes[16];
};

#define PROBE_FLAG_HEADER_DIGEST    1U
#define PROBE_FLAG_KERNEL_LOGGED_IN 2U
#define PROBE_FLAG_TCP_ONLY	    4U /* a former probe was refused a session */
#define PROBE_FLAG_HURRY	    8U /* probe_engine_hurry() */
#define PROBE_FLAGS		    15U

struct probe_wire_add {
	struct probe_wire_header header;
	struct probe_wire_address portal; /* where to connect */
	struct probe_wire_address source; /* AF_UNSPEC: any */
	uint32_t port;
	uint32_t flags;
	char netdev[PATH_NETDEV_MAX];
	char target[ISCSI_NAME_MAX];
	char initiator[ISCSI_NAME_MAX];
	struct probe_chap chap;
};

struct probe_wire_update {
	struct probe_wire_header header;
	uint32_t flags;
};

/* Log in over this road as the kernel's session 'sid', and out again. */
struct probe_wire_fence {
	struct probe_wire_add add;
	uint32_t sid;
	uint32_t deadline_ms; /* 10 … 60000 */
};

struct probe_wire_fenced {
	struct probe_wire_header header;
	int32_t error; /* 0: the login was granted */
	uint32_t login_status;
	char text[PROBE_TEXT_MAX];
};

struct probe_wire_report {
	struct probe_wire_header header;
	uint64_t last_good_ns;
	uint64_t silent_since_ns;
	uint32_t state;
	uint32_t rtt_us;
	uint32_t rtt_var_us;
	uint32_t misses;
	uint32_t login_status;
	int32_t error;
	char text[PROBE_TEXT_MAX];
};

union probe_wire_message {
	struct probe_wire_header header; /* whole message for REMOVE, BEAT, GONE */
	struct probe_wire_config config;
	struct probe_wire_add add;
	struct probe_wire_update update;
	struct probe_wire_report report;
	struct probe_wire_fence fence;
	struct probe_wire_fenced fenced;
};

enum probe_wire_side { PROBE_WIRE_TO_CHILD, PROBE_WIRE_TO_ENGINE };

/* Zero the message and write its header; returns its size. */
size_t probe_wire_begin(union probe_wire_message *message, enum probe_wire_type type,
			uint32_t id);

/*
 * Is this, 'size' bytes long as received, a whole and sane message for that side? Checks
 * type, sizes, ids, ranges, enums, and that every text ends and is printable. 'now_ns':
 * a report may not come from the future.
 */
bool probe_wire_valid(const union probe_wire_message *message, size_t size,
		      enum probe_wire_side to, uint64_t now_ns);

void probe_wire_put_address(struct probe_wire_address *to, const struct ip_address *from);
void probe_wire_get_address(struct ip_address *to, const struct probe_wire_address *from);

/* The messages from the engine's structs, and back on the child's side. */
size_t probe_wire_put_config(union probe_wire_message *message,
			     const struct probe_config *config);
void probe_wire_get_config(struct probe_config *to, const struct probe_wire_config *from);
size_t probe_wire_put_add(union probe_wire_message *message, uint32_t id,
			  const struct probe_target *target, const struct portal *portal,
			  uint32_t flags);
size_t probe_wire_put_fence(union probe_wire_message *message, uint32_t id,
			    const struct probe_target *via, unsigned int sid,
			    uint32_t deadline_ms);
void probe_wire_get_report(struct probe_report *to, const struct probe_wire_report *from,
			   uint64_t now_ns);

/* Copy at most size - 1 bytes; whatever is not printable ASCII becomes '?'. */
void probe_wire_text(char *to, size_t size, const char *from);

#endif
