/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ABI_H
#define MPATHISCSI_ABI_H

/*
 * The interface between multipathd and a path checker, as measured in the releases 0.8.5
 * to 0.15.1 of multipath-tools. No package ships a header for it and upstream promises
 * nothing, so it is declared here and cross-checked when a path is taken over (abi.c).
 *
 *	layout A: 0.8.5 … 0.10.x    layout B: 0.11 … 0.14    layout C: 0.15
 *
 * 'cls' is the host's and never followed. The last member of A and B, 'mpcontext', is left
 * out on purpose: it does not exist in C, where B's place for it lies outside the struct.
 */

#include <stdbool.h>
#include <stddef.h>

struct checker; /* the host's; only through checker_view */

struct checker_a {
	void *cls;
	int fd;
	unsigned int timeout; /* s */
	int disable;
	short msgid;
	void *context;
};

struct checker_bc {
	void *cls;
	int fd;
	unsigned int timeout;
	int disable;
	int path_state;
	short msgid;
	void *context;
};

#if defined(__x86_64__) && !defined(__ILP32__)
_Static_assert(offsetof(struct checker_a, fd) == 8 && offsetof(struct checker_a, timeout) == 12 &&
	       offsetof(struct checker_a, disable) == 16 &&
	       offsetof(struct checker_a, msgid) == 20 &&
	       offsetof(struct checker_a, context) == 24, "layout A as measured");
_Static_assert(offsetof(struct checker_bc, fd) == 8 &&
	       offsetof(struct checker_bc, timeout) == 12 &&
	       offsetof(struct checker_bc, path_state) == 20 &&
	       offsetof(struct checker_bc, msgid) == 24 &&
	       offsetof(struct checker_bc, context) == 32, "layouts B and C as measured");
#endif

/* The states a checker may return, the same numbers in all releases. The others are the
 * host's own (6 … 9 aside) or take no action (0, 1): never returned. */
enum host_state {
	HOST_WILD = 0,
	HOST_UNCHECKED = 1,
	HOST_DOWN = 2,
	HOST_UP = 3,
	HOST_GHOST = 5,
	HOST_PENDING = 6,
	HOST_TIMEOUT = 7,
};

#define HOST_MSGID_NONE	 0
#define HOST_MSGID_FIRST 100 /* the first of a checker's own */
#define HOST_MSGIDS_MAX	 100

enum abi_layout {
	ABI_UNKNOWN, /* no host we know: refuse */
	ABI_A,
	ABI_BC,
};

/* Which layout does the process we live in use? By the functions it exports. */
enum abi_layout abi_detect(void);

/*
 * Does a fresh struct checker, as libcheck_init() gets it, look like that layout? In B and
 * C 'path_state' has been set to UNCHECKED (1) by select_checker(); in A the same place
 * holds 'msgid' and padding, all zero.
 */
bool abi_plausible(enum abi_layout layout, const struct checker *c);

int abi_fd(enum abi_layout layout, const struct checker *c);
unsigned int abi_timeout(enum abi_layout layout, const struct checker *c);
void *abi_context(enum abi_layout layout, const struct checker *c);
void abi_set_context(enum abi_layout layout, struct checker *c, void *context);
void abi_set_msgid(enum abi_layout layout, struct checker *c, short msgid);

/* Does the host want the answer at once, without threads? */
bool abi_is_sync(const struct checker *c);

#endif
