/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_SETTINGS_KEYS_H
#define MPATHISCSI_QUICK_SETTINGS_KEYS_H

/* The keys of mpathiscsid.conf: one table for the parser, the report and the tests. */

#include "daemon/quick/settings.h"

enum settings_key {
	KEY_PROFILE,
	KEY_ARM,
	KEY_RELEASE,
	KEY_FENCE,
	KEY_STRANDED,
	KEY_USER_TIMEOUT,
	KEY_USER_TIMEOUT_MAX,
	KEY_CONNECTION_DEAD,
	KEY_TARGET_DEAD,
	KEY_LUN_DEAD,
	KEY_FLOOR,
	KEY_TUNE_ROUTES,
	KEY_RTO_MIN,
	KEY_RELEASES,
	KEY_STABLE,
	KEY_RISE,
	KEY_HALF_LIFE,
	KEY_FLAP_HOLD,
	KEY_FLAP_REUSE,
	KEY_MAX
};

enum settings_kind {
	KIND_PROFILE,
	KIND_AUTO,
	KIND_FENCE,
	KIND_STRANDED,
	KIND_YES,
	KIND_NUMBER
};

struct settings_key_info {
	const char *name;
	enum settings_kind kind;
	bool per_target; /* in struct quick_timing; else in struct quick_settings */
	bool zero;	 /* 0 is allowed too, below 'min' */
	size_t offset;
	uint32_t min, max; /* KIND_NUMBER */
	const char *unit;  /* "" none */
};

extern const struct settings_key_info settings_keys[KEY_MAX];

/* The key of a name, KEY_MAX: none. */
enum settings_key settings_key_find(const char *name);

/* -EINVAL: not one of the words, no number, or out of range. */
int settings_key_parse(const struct settings_key_info *key, const char *text, uint32_t *ret);

/* What is allowed: "auto, off", "100 to 10000 ms". */
void settings_key_allowed(const struct settings_key_info *key, char *buffer, size_t size);

/* Write or read a value; 'whole' is used for keys that no target has of its own. */
void settings_key_put(const struct settings_key_info *key, struct quick_settings *whole,
		      struct quick_timing *timing, uint32_t value);
uint32_t settings_key_get(const struct settings_key_info *key,
			  const struct quick_settings *whole, const struct quick_timing *timing);

/* The word for a value, NULL for numbers. */
const char *settings_key_word(const struct settings_key_info *key, uint32_t value);

#endif
