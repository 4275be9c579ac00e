/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/settings_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

#define OF_TIMING(field) .per_target = true, .offset = offsetof(struct quick_timing, field)
#define OF_WHOLE(field)	 .offset = offsetof(struct quick_settings, field)
#define NUMBER(min_, max_, unit_) .kind = KIND_NUMBER, .min = min_, .max = max_, .unit = unit_
#define MINUTES(n)		  ((n) * 60000U)

const struct settings_key_info settings_keys[KEY_MAX] = {
	[KEY_PROFILE] = {"profile", KIND_PROFILE, OF_WHOLE(profile)},
	[KEY_ARM] = {"arm", KIND_AUTO, OF_TIMING(arm)},
	[KEY_RELEASE] = {"release", KIND_AUTO, OF_TIMING(release)},
	[KEY_FENCE] = {"fence", KIND_FENCE, OF_TIMING(fence)},
	[KEY_STRANDED] = {"stranded_io", KIND_STRANDED, OF_TIMING(fail_stranded)},
	[KEY_USER_TIMEOUT] = {"user_timeout_ms", OF_TIMING(user_timeout_ms),
			      NUMBER(100, 10000, " ms")},
	[KEY_USER_TIMEOUT_MAX] = {"user_timeout_max_ms", OF_TIMING(user_timeout_max_ms),
				  NUMBER(100, MINUTES(1), " ms")},
	[KEY_CONNECTION_DEAD] = {"connection_dead_ms", OF_TIMING(connection_dead_ms),
				 NUMBER(200, MINUTES(2), " ms")},
	[KEY_TARGET_DEAD] = {"target_dead_ms", OF_TIMING(target_dead_ms),
			     NUMBER(500, MINUTES(5), " ms")},
	[KEY_LUN_DEAD] = {"lun_dead_ms", OF_TIMING(lun_dead_ms), .zero = true,
			  NUMBER(1000, MINUTES(10), " ms")},
	[KEY_FLOOR] = {"floor_ms", OF_TIMING(floor_ms), NUMBER(0, MINUTES(10), " ms")},
	[KEY_TUNE_ROUTES] = {"tune_routes", KIND_YES, OF_WHOLE(tune_routes)},
	[KEY_RTO_MIN] = {"rto_min_ms", OF_WHOLE(rto_min_ms), NUMBER(40, 1000, " ms")},
	[KEY_RELEASES] = {"releases_per_minute", OF_WHOLE(releases_per_minute),
			  NUMBER(0, 600, "")},
	[KEY_STABLE] = {"stable_ms", OF_WHOLE(stable_ms), NUMBER(1000, MINUTES(10), " ms")},
	[KEY_RISE] = {"rise_ms", OF_WHOLE(rise_ms), NUMBER(0, MINUTES(10), " ms")},
	[KEY_HALF_LIFE] = {"flap_half_life_s", OF_WHOLE(flap_half_life_s),
			   NUMBER(1, 3600, " s")},
	[KEY_FLAP_HOLD] = {"flap_hold", OF_WHOLE(flap_hold), .zero = true,
			   NUMBER(1000, 20000, "")},
	[KEY_FLAP_REUSE] = {"flap_reuse", OF_WHOLE(flap_reuse), NUMBER(1, 19999, "")},
};

/* The words of a kind: for value 0, 1, … */
static const char *const words[][PROFILE_MAX] = {
	[KIND_PROFILE] = {"safe", "default", "fast"},
	[KIND_AUTO] = {"off", "auto"},
	[KIND_FENCE] = {"none", "reinstate"},
	[KIND_STRANDED] = {"wait", "fail"},
	[KIND_YES] = {"no", "yes"},
};

enum settings_key settings_key_find(const char *name)
{
	enum settings_key i;

	for (i = 0; i < KEY_MAX; i++)
		if (!strcmp(settings_keys[i].name, name))
			break;
	return i;
}

int settings_key_parse(const struct settings_key_info *key, const char *text, uint32_t *ret)
{
	uint64_t number;
	uint32_t i;
	int r;

	if (key->kind != KIND_NUMBER) {
		for (i = 0; i < PROFILE_MAX && words[key->kind][i]; i++) {
			if (strcmp(words[key->kind][i], text) != 0)
				continue;
			*ret = i;
			return 0;
		}
		return -EINVAL;
	}
	r = parse_uint(text, 0, key->max, &number);
	if (r < 0 || (number < key->min && !(key->zero && number == 0)))
		return -EINVAL;
	*ret = (uint32_t)number;
	return 0;
}

void settings_key_allowed(const struct settings_key_info *key, char *buffer, size_t size)
{
	const char *const *word = words[key->kind == KIND_NUMBER ? 0 : key->kind];

	if (key->kind == KIND_NUMBER)
		snprintf(buffer, size, "%s%u to %u%s", key->zero ? "0 and " : "", key->min,
			 key->max, key->unit);
	else
		snprintf(buffer, size, "%s, %s%s%s", word[0], word[1], word[2] ? ", " : "",
			 word[2] ? word[2] : "");
}

static bool is_flag(const struct settings_key_info *key)
{
	return key->kind != KIND_NUMBER && key->kind != KIND_PROFILE;
}

void settings_key_put(const struct settings_key_info *key, struct quick_settings *whole,
		      struct quick_timing *timing, uint32_t value)
{
	char *place = (key->per_target ? (char *)timing : (char *)whole) + key->offset;
	enum quick_profile profile = (enum quick_profile)value;
	bool flag = value;

	if (key->kind == KIND_PROFILE)
		memcpy(place, &profile, sizeof(profile));
	else if (is_flag(key))
		memcpy(place, &flag, sizeof(flag));
	else
		memcpy(place, &value, sizeof(value));
}

uint32_t settings_key_get(const struct settings_key_info *key,
			  const struct quick_settings *whole, const struct quick_timing *timing)
{
	const char *place = (key->per_target ? (const char *)timing : (const char *)whole) +
			    key->offset;
	enum quick_profile profile;
	uint32_t value;
	bool flag;

	if (key->kind == KIND_PROFILE) {
		memcpy(&profile, place, sizeof(profile));
		return (uint32_t)profile;
	}
	if (is_flag(key)) {
		memcpy(&flag, place, sizeof(flag));
		return flag;
	}
	memcpy(&value, place, sizeof(value));
	return value;
}

const char *settings_key_word(const struct settings_key_info *key, uint32_t value)
{
	return key->kind == KIND_NUMBER ? NULL : words[key->kind][value];
}

const char *profile_name(enum quick_profile profile)
{
	return profile < PROFILE_MAX ? words[KIND_PROFILE][profile] : "?";
}
