/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/board.h"

static const char *const trust_texts[] = {
	[BOARD_FRESH] = "board is up to date",
	[BOARD_STALE] = "board is stale: daemon not running",
	[BOARD_NO_RECORD] = "not on the board",
	[BOARD_ABSENT] = "no board: daemon never ran",
	[BOARD_FOREIGN] = "board is not ours: other owner, mode, boot or contents",
	[BOARD_VERSION_MISMATCH] = "board is of another version: restart daemon and multipathd",
	[BOARD_DAMAGED] = "board is damaged",
};

static const char *const probe_states[] = {
	[PROBE_NONE] = "none",
	[PROBE_CONNECTING] = "connecting",
	[PROBE_UP] = "up",
	[PROBE_LATE] = "late",
	[PROBE_SILENT] = "silent",
	[PROBE_LOST] = "lost",
	[PROBE_REFUSED] = "refused",
	[PROBE_UNREACHABLE] = "unreachable",
	[PROBE_LOGIN_FAILED] = "login-failed",
	[PROBE_REDIRECTED] = "redirected",
	[PROBE_TCP_ONLY] = "tcp-only",
	[PROBE_LOCAL] = "local",
};

_Static_assert(sizeof(trust_texts) / sizeof(trust_texts[0]) == BOARD_TRUST_MAX, "one a value");
_Static_assert(sizeof(probe_states) / sizeof(probe_states[0]) == PROBE_STATE_MAX, "one a value");

const char *board_trust_text(enum board_trust trust)
{
	return (unsigned int)trust < BOARD_TRUST_MAX ? trust_texts[trust] : "unknown";
}

const char *probe_state_name(enum probe_state state)
{
	return (unsigned int)state < PROBE_STATE_MAX ? probe_states[state] : "unknown";
}
