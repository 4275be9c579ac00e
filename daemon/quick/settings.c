/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mpathiscsid.conf: text to settings. What goes together is settings_check.c's business. */
#include "daemon/quick/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/ini_text.h"
#include "daemon/quick/settings_check.h"
#include "daemon/store.h"

struct parser {
	struct settings_section timing; /* line 0: there is none */
	struct settings_section targets[SETTINGS_TARGETS_MAX];
	size_t n_targets;
	struct settings_section *open; /* NULL: [control] */
	unsigned int control_line;
	char group[SETTINGS_GROUP_MAX];
	struct quick_settings result;
};

static bool is_iscsi_name(const char *name)
{
	return !strncmp(name, "iqn.", 4) || !strncmp(name, "eui.", 4) || !strncmp(name, "naa.", 4);
}

static void open_target(struct parser *p, struct ini_text *text, const char *name)
{
	struct settings_section *section = &p->targets[p->n_targets];
	size_t i;

	if (p->n_targets == SETTINGS_TARGETS_MAX) {
		ini_text_fail(text, text->line, "more than %d targets", SETTINGS_TARGETS_MAX);
		return;
	}
	if (strlen(name) >= sizeof(section->target)) {
		ini_text_fail(text, text->line, "target name of %zu bytes: at most %d are allowed",
			      strlen(name), ISCSI_NAME_MAX - 1);
		return;
	}
	for (i = 0; name[i]; i++)
		section->target[i] = (char)tolower((unsigned char)name[i]);
	section->target[i] = '\0';
	if (!is_iscsi_name(section->target) || strpbrk(name, " \t")) {
		ini_text_fail(text, text->line,
			      "[target %.100s]: not a target's name (iqn.…, eui.… or naa.…)", name);
		return;
	}
	for (i = 0; i < p->n_targets; i++)
		if (!strcmp(p->targets[i].target, section->target))
			ini_text_fail(text, text->line, "section [target %.230s] stands twice",
				      section->target);
	section->line = text->line;
	p->open = section;
	p->n_targets++;
}

static void open_section(struct ini_text *text, const char *header, void *arg)
{
	struct parser *p = arg;
	const char *name = header + strcspn(header, " \t");

	if (!strcmp(header, "timing")) {
		if (p->timing.line)
			ini_text_fail(text, text->line, "section [timing] stands twice");
		p->timing.line = text->line;
		p->open = &p->timing;
	} else if (!strcmp(header, "control")) {
		if (p->control_line)
			ini_text_fail(text, text->line, "section [control] stands twice");
		p->control_line = text->line;
		p->open = NULL;
	} else if (!strncmp(header, "target", 6) && name == header + 6 && *name) {
		open_target(p, text, name + strspn(name, " \t"));
	} else {
		ini_text_fail(text, text->line,
			      "section [%.100s]: allowed are [timing], [target NAME] and [control]",
			      header);
	}
}

static void refuse_key(struct ini_text *text, const char *name, bool of_target)
{
	char allowed[SETTINGS_MESSAGE_MAX] = "";
	size_t used = 0, i;

	for (i = 0; i < KEY_MAX; i++)
		if (!of_target || settings_keys[i].per_target)
			used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
						 used ? ", " : "", settings_keys[i].name);
	ini_text_fail(text, text->line, "key \"%.40s\": allowed in [%s] are %s", name,
		      of_target ? "target …" : "timing", allowed);
}

static bool is_group_name(const char *name)
{
	static const char others[] = "0123456789-._";
	const char *c = name;

	while (isalpha((unsigned char)*c) || (*c && c > name && strchr(others, *c)) || *c == '_')
		c++;
	return c > name && !*c && strlen(name) < SETTINGS_GROUP_MAX;
}

/* The one key of [control]. */
static void take_group(struct ini_text *text, const char *name, const char *value,
		       struct parser *p)
{
	if (strcmp(name, "group") != 0)
		ini_text_fail(text, text->line, "key \"%.40s\": allowed in [control] is group",
			      name);
	else if (*p->group)
		ini_text_fail(text, text->line, "\"group\" stands twice");
	else if (!is_group_name(value))
		ini_text_fail(text, text->line, "group = %.80s: not the name of a group", value);
	else
		(void)copy_text(p->group, sizeof(p->group), value);
}

static void take_setting(struct ini_text *text, const char *name, const char *value, void *arg)
{
	struct settings_section *section = ((struct parser *)arg)->open;
	enum settings_key key = settings_key_find(name);
	bool of_target;
	char allowed[64];

	if (!section) {
		take_group(text, name, value, arg);
		return;
	}
	of_target = section->target[0];
	if (key == KEY_MAX || (of_target && !settings_keys[key].per_target)) {
		refuse_key(text, name, of_target);
		return;
	}
	if (section->key_line[key]) {
		ini_text_fail(text, text->line, "\"%s\" stands twice, first in line %u", name,
			      section->key_line[key]);
		return;
	}
	if (settings_key_parse(&settings_keys[key], value, &section->value[key]) < 0) {
		settings_key_allowed(&settings_keys[key], allowed, sizeof(allowed));
		ini_text_fail(text, text->line, "%s = %.80s: allowed are %s", name, value, allowed);
		return;
	}
	section->key_line[key] = text->line;
}

static void apply(const struct settings_section *section, struct quick_settings *whole,
		  struct quick_timing *timing)
{
	size_t i;

	for (i = 0; i < KEY_MAX; i++)
		if (section->key_line[i])
			settings_key_put(&settings_keys[i], whole, timing, section->value[i]);
}

static void raise_to(uint32_t floor_ms, uint32_t *value)
{
	if (*value && *value < floor_ms)
		*value = floor_ms;
}

static void apply_floor(struct quick_timing *timing)
{
	raise_to(timing->floor_ms, &timing->user_timeout_ms);
	raise_to(timing->floor_ms, &timing->user_timeout_max_ms);
	raise_to(timing->floor_ms, &timing->connection_dead_ms);
	raise_to(timing->floor_ms, &timing->target_dead_ms);
	raise_to(timing->floor_ms, &timing->lun_dead_ms);
}

static void resolve_target(struct parser *p, struct ini_text *text,
			   const struct settings_section *section)
{
	struct quick_target *target = &p->result.targets[p->result.n_targets++];

	copy_text(target->name, sizeof(target->name), section->target);
	target->timing = p->result.timing;
	apply(section, &p->result, &target->timing);
	settings_check_timing(&p->result, &target->timing, section, text);
	apply_floor(&target->timing);
}

/* The profile first, wherever it stands; then single values; then what targets change. */
static void resolve(struct parser *p, struct ini_text *text)
{
	const struct settings_section *timing = &p->timing;
	struct quick_settings *result = &p->result;
	size_t i;

	settings_profile(timing->key_line[KEY_PROFILE]
				 ? (enum quick_profile)timing->value[KEY_PROFILE]
				 : PROFILE_DEFAULT,
			 result);
	apply(timing, result, &result->timing);
	if (result->profile == PROFILE_FAST && result->tune_routes &&
	    !timing->key_line[KEY_USER_TIMEOUT])
		result->timing.user_timeout_ms = settings_fast_tuned_ms(result);
	settings_check_whole(result, timing, text);
	settings_check_timing(result, &result->timing, timing, text);
	for (i = 0; i < p->n_targets; i++)
		resolve_target(p, text, &p->targets[i]);
	apply_floor(&result->timing);
	memcpy(result->group, p->group, sizeof(result->group));
}

int settings_parse(const char *text, const char *path, struct quick_settings *ret, char *message)
{
	static const struct ini_text_reader reader = {open_section, take_setting};
	struct parser *p = calloc(1, sizeof(*p));
	struct ini_text ini = {.file = path,
			       .at = text,
			       .message = message,
			       .message_size = SETTINGS_MESSAGE_MAX,
			       .reader = &reader,
			       .arg = p};
	int r;

	message[0] = '\0';
	if (!p) {
		snprintf(message, SETTINGS_MESSAGE_MAX, "%.100s: out of memory", path);
		return -ENOMEM;
	}
	r = ini_text_read(&ini);
	if (r == 0)
		resolve(p, &ini);
	if (r == 0 && ini.failed)
		r = -EINVAL;
	if (r == 0)
		*ret = p->result;
	free(p);
	return r;
}

int settings_load(const char *path, struct quick_settings *ret, char *message)
{
	char *text;
	int r = store_read_file(path, &text);

	if (r < 0) {
		snprintf(message, SETTINGS_MESSAGE_MAX, "%.200s: %s", path,
			 store_read_error(r));
		return r;
	}
	r = settings_parse(text, path, ret, message);
	free(text);
	return r;
}

const struct quick_timing *settings_timing(const struct quick_settings *settings,
					   const char *target)
{
	size_t i;

	for (i = 0; i < settings->n_targets; i++)
		if (!strcmp(settings->targets[i].name, target))
			return &settings->targets[i].timing;
	return &settings->timing;
}
