/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker/abi.h"

#define HOST_PATH_FRESH HOST_UNCHECKED

/*
 * The host's functions: weak, so that one binary loads everywhere, and without versions,
 * so that they bind to whatever version the host exports. Absent ones are NULL.
 */
#define HOST_FUNCTION __attribute__((weak, visibility("default")))
extern int checker_is_sync(const struct checker *c) HOST_FUNCTION;
extern bool checker_need_wait(struct checker *c) HOST_FUNCTION; /* from 0.11.0 on */

enum abi_layout abi_detect(void)
{
	if (!checker_is_sync)
		return ABI_UNKNOWN;
	return checker_need_wait ? ABI_BC : ABI_A;
}

/* The opaque struct seen as the layout that was detected. */
static const struct checker_a *view_a(const struct checker *c)
{
	return (const void *)c;
}

static const struct checker_bc *view_bc(const struct checker *c)
{
	return (const void *)c;
}

bool abi_plausible(enum abi_layout layout, const struct checker *c)
{
	int path_state = view_bc(c)->path_state;

	switch (layout) {
	case ABI_A:
		return path_state == 0;
	case ABI_BC:
		return path_state == HOST_PATH_FRESH;
	default:
		return false;
	}
}

int abi_fd(enum abi_layout layout, const struct checker *c)
{
	return layout == ABI_A ? view_a(c)->fd : view_bc(c)->fd;
}

unsigned int abi_timeout(enum abi_layout layout, const struct checker *c)
{
	return layout == ABI_A ? view_a(c)->timeout : view_bc(c)->timeout;
}

void *abi_context(enum abi_layout layout, const struct checker *c)
{
	return layout == ABI_A ? view_a(c)->context : view_bc(c)->context;
}

void abi_set_context(enum abi_layout layout, struct checker *c, void *context)
{
	if (layout == ABI_A)
		((struct checker_a *)(void *)c)->context = context;
	else
		((struct checker_bc *)(void *)c)->context = context;
}

void abi_set_msgid(enum abi_layout layout, struct checker *c, short msgid)
{
	if (layout == ABI_A)
		((struct checker_a *)(void *)c)->msgid = msgid;
	else
		((struct checker_bc *)(void *)c)->msgid = msgid;
}

bool abi_is_sync(const struct checker *c)
{
	return checker_is_sync && checker_is_sync(c);
}
