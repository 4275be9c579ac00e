/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration that multipathd has in force. */
#include "daemon/multipathd_config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/multipathd_parse.h"

#define BLANKS " \t"

/* Take the quotes off, in place. */
static void unquote(char *text)
{
	char *to = text, *from = text + 1;

	if (text[0] != '"')
		return;
	while (*from) {
		if (*from == '"' && *++from != '"')
			break;
		*to++ = *from++;
	}
	*to = '\0';
}

bool mp_config_line(char *line, char **ret_key, char **ret_value)
{
	char *key = line + strspn(line, BLANKS);
	char *end = key + strcspn(key, BLANKS);
	char *value = end + strspn(end, BLANKS);

	if (!*key || *key == '#' || *key == '!')
		return false;
	*end = '\0';
	unquote(value);
	*ret_key = key;
	*ret_value = value;
	return true;
}

static enum mp_setting setting(const char *value)
{
	bool yes;

	if (parse_bool(value, &yes))
		return MP_NOT_SET;
	return yes ? MP_YES : MP_NO;
}

static void take_default(struct mp_config *config, const char *key, const char *value)
{
	uint64_t n;

	if (!strcmp(key, "polling_interval") && !parse_uint(value, 1, UINT_MAX, &n))
		config->polling_interval = (unsigned int)n;
	else if (!strcmp(key, "config_dir"))
		(void)copy_text(config->config_dir, sizeof(config->config_dir), value);
}

static int take_override(struct mp_config *config, const char *key, const char *value)
{
	if (!strcmp(key, "path_checker"))
		return copy_text(config->overrides_checker,
				 sizeof(config->overrides_checker), value);
	if (!strcmp(key, "detect_checker"))
		config->overrides_detect_checker = setting(value);
	else if (!strcmp(key, "detect_prio"))
		config->overrides_detect_prio = setting(value);
	return 0;
}

struct place {
	unsigned int depth;
	char section[32]; /* at depth 1 */
	bool has_defaults;
};

static int take_line(struct mp_config *config, struct place *at, char *line)
{
	bool quoted = strchr(line, '"'); /* a value "{" opens nothing */
	char *key, *value;

	if (!mp_config_line(line, &key, &value))
		return 0;
	if (!strcmp(key, "}"))
		return at->depth-- ? 0 : -EPROTO;
	if (!quoted && !strcmp(value, "{")) {
		if (!at->depth++)
			if (copy_text(at->section, sizeof(at->section), key))
				return -EPROTO;
		at->has_defaults |= !strcmp(at->section, "defaults");
		return 0;
	}
	if (!at->depth)
		return -EPROTO;
	if (at->depth == 1 && !strcmp(at->section, "defaults"))
		take_default(config, key, value);
	if (at->depth == 1 && !strcmp(at->section, "overrides"))
		return take_override(config, key, value) ? -EPROTO : 0;
	return 0;
}

int mp_config_parse(const char *reply, struct mp_config *ret)
{
	struct mp_config config = {0};
	struct place at = {0};
	char *copy, *save = NULL;
	int r = mp_reply_check(reply);

	if (r)
		return r;
	copy = strdup(reply);
	if (!copy)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\n", &save); line && !r;
	     line = strtok_r(NULL, "\n", &save))
		r = take_line(&config, &at, line);
	free(copy);
	if (!r && (at.depth || !at.has_defaults))
		r = -EPROTO;
	if (!r)
		*ret = config;
	return r;
}
