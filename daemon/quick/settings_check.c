/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/settings_check.h"

#include <stdio.h>

#define RTO_MIN_UNTUNED_MS 200U /* TCP_RTO_MIN of linux include/net/tcp.h */

/* The line to blame for a combination of two keys. */
static unsigned int line_of(const struct settings_section *section, enum settings_key a,
			    enum settings_key b)
{
	unsigned int line = section->key_line[a];

	if (section->key_line[b] > line)
		line = section->key_line[b];
	return line ? line : section->line;
}

static void check_order(const struct quick_timing *t, const struct settings_section *section,
			struct ini_text *text)
{
	if (t->user_timeout_ms > t->user_timeout_max_ms)
		ini_text_fail(text, line_of(section, KEY_USER_TIMEOUT, KEY_USER_TIMEOUT_MAX),
			      "user_timeout_ms %u is above user_timeout_max_ms %u",
			      t->user_timeout_ms, t->user_timeout_max_ms);
	if (t->connection_dead_ms > t->target_dead_ms)
		ini_text_fail(text, line_of(section, KEY_CONNECTION_DEAD, KEY_TARGET_DEAD),
			      "connection_dead_ms %u is above target_dead_ms %u: a network that is "
			      "silent would be taken for a target that hangs",
			      t->connection_dead_ms, t->target_dead_ms);
	if (t->lun_dead_ms && t->target_dead_ms > t->lun_dead_ms)
		ini_text_fail(
			text, line_of(section, KEY_TARGET_DEAD, KEY_LUN_DEAD),
			"target_dead_ms %u is above lun_dead_ms %u: a target that hangs would "
			"be taken for LUNs that do; lun_dead_ms = 0 gives up no LUN",
			t->target_dead_ms, t->lun_dead_ms);
}

/* A connection is dead when it was sent to again twice: at the earliest after three RTOs. */
static void check_tcp(const struct quick_settings *whole, const struct quick_timing *t,
		      const struct settings_section *section, struct ini_text *text)
{
	uint32_t least = 3 * (whole->tune_routes ? whole->rto_min_ms : RTO_MIN_UNTUNED_MS);

	if (t->release && t->connection_dead_ms < least)
		ini_text_fail(text, line_of(section, KEY_CONNECTION_DEAD, KEY_RTO_MIN),
			      "connection_dead_ms %u is below %u: TCP's second retransmission goes "
			      "out no earlier (%s lowers that)",
			      t->connection_dead_ms, least,
			      whole->tune_routes ? "a smaller rto_min_ms" : "tune_routes = yes");
}

void settings_check_timing(const struct quick_settings *whole, const struct quick_timing *timing,
			   const struct settings_section *section, struct ini_text *text)
{
	check_order(timing, section, text);
	check_tcp(whole, timing, section, text);
	if (timing->arm && timing->fence)
		ini_text_fail(
			text, line_of(section, KEY_ARM, KEY_FENCE),
			"fence = reinstate with arm = auto: the kernel ends an armed connection "
			"without a fence; set arm = off or fence = none");
}

void settings_check_whole(const struct quick_settings *whole,
			  const struct settings_section *section, struct ini_text *text)
{
	if (whole->flap_hold && whole->flap_reuse >= whole->flap_hold)
		ini_text_fail(text, line_of(section, KEY_FLAP_HOLD, KEY_FLAP_REUSE),
			      "flap_reuse %u is not below flap_hold %u", whole->flap_reuse,
			      whole->flap_hold);
}
