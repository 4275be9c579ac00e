/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/quick/report_settings.h"

#include "daemon/quick/settings_keys.h"

static void add_key(struct json_object *object, const struct settings_key_info *key,
		    const struct quick_settings *settings, const struct quick_timing *timing)
{
	uint32_t value = settings_key_get(key, settings, timing);
	const char *word = settings_key_word(key, value);

	json_object_object_add(object, key->name,
			       word ? json_object_new_string(word) : json_object_new_int64(value));
}

static struct json_object *report_target(const struct quick_settings *settings,
					 const struct quick_target *target)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	json_object_object_add(object, "target", json_object_new_string(target->name));
	for (i = 0; i < KEY_MAX; i++)
		if (settings_keys[i].per_target)
			add_key(object, &settings_keys[i], settings, &target->timing);
	return object;
}

void report_settings(const struct quick_settings *settings, struct json_object *timing)
{
	struct json_object *targets = json_object_new_array();
	size_t i;

	for (i = 0; i < KEY_MAX; i++)
		add_key(timing, &settings_keys[i], settings, &settings->timing);
	for (i = 0; i < settings->n_targets; i++)
		json_object_array_add(targets, report_target(settings, &settings->targets[i]));
	json_object_object_add(timing, "targets", targets);
}

void report_switch(const struct switch_state *state, struct json_object *object)
{
	json_object_object_add(object, "on", json_object_new_boolean(switch_is_on(state)));
	if (switch_is_on(state))
		return;
	json_object_object_add(object, "off_by",
			       json_object_new_string(state->by == SWITCH_OFF_FILE ? "file"
										   : "kernel"));
	json_object_object_add(object, "off_text", json_object_new_string(state->text));
}
