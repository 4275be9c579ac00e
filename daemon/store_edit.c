/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing the policies file: one section is rewritten, every other line stays. */
#include "daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *store_skip_mark(const char *text)
{
	return strncmp(text, "\xef\xbb\xbf", 3) ? text : text + 3;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, STORE_BLANKS);
}

static size_t line_length(const char *at)
{
	size_t length = strcspn(at, "\n");

	return at[length] == '\n' ? length + 1 : length;
}

/* How new lines are to end: as the given one does. */
static const char *line_end(const char *line)
{
	size_t length = strcspn(line, "\n");

	return length > 0 && line[length] == '\n' && line[length - 1] == '\r' ? "\r\n" : "\n";
}

/* Is this line the header of the section, under its name or (a LUN's) its alias? */
static bool opens_section(const char *line, const struct store_name *name, const char *alias)
{
	const char *at = skip_blanks(line), *end = strpbrk(at, "]\n");
	char header[STORE_LINE_MAX + 2], message[POLICY_MESSAGE_MAX];
	struct store_name found;

	if (*at != '[' || !end || *end != ']' || (size_t)(end - at) >= sizeof(header))
		return false;
	snprintf(header, sizeof(header), "%.*s", (int)(end - at) - 1, at + 1);
	if (store_name_parse(header, &found, message) < 0)
		return false;
	return store_name_equal(&found, name) ||
	       (name->scope == STORE_LUN && found.scope == STORE_LUN && *alias &&
		!strcmp(found.name, alias));
}

static bool is_setting_line(const char *line)
{
	const char *at = skip_blanks(line);

	return *at && *at != '\n' && *at != '#' && *at != ';';
}

static void print_rule(FILE *out, const struct policy_setting *setting, size_t i, const char *end)
{
	static const char *const keys[ROLE_MAX] = {
		[ROLE_ACTIVE] = "active", [ROLE_STANDBY] = "standby", [ROLE_EXCLUDED] = "exclude"};
	const struct policy_rule *rule = &setting->rules[i];
	char expression[STORE_LINE_MAX];

	path_expression_format(&rule->expression, expression, sizeof(expression));
	if (!rule->has_weight)
		fprintf(out, "%-7s = %s%s", keys[rule->role] ? keys[rule->role] : "active",
			expression, end);
	else if (rule->weight == POLICY_WEIGHT_NEVER)
		fprintf(out, "weight  = %s:never%s", expression, end);
	else
		fprintf(out, "weight  = %s:%u%s", expression, rule->weight, end);
}

static void print_setting(FILE *out, const struct policy_setting *setting, const char *end)
{
	size_t i;

	fprintf(out, "policy  = %s%s", setting->policy->name, end);
	for (i = 0; i < setting->n_rules; i++)
		print_rule(out, setting, i, end);
}

/* The comment at the end of a header or setting line, by the rules of store_parse(): behind a
 * header's bracket either sign, behind a value a semicolon that follows a blank. NULL: none. */
static const char *inline_comment(const char *line)
{
	const char *at = skip_blanks(line);

	if (*at == '[') {
		at = skip_blanks(at + strcspn(at, "]\n") + 1);
		return *at == ';' || *at == '#' ? at : NULL;
	}
	for (; *at && *at != '\n'; at++)
		if (*at == ';' && at > line && strchr(STORE_BLANKS, at[-1]))
			return at;
	return NULL;
}

/* The line goes, what somebody wrote behind it stays. */
static void drop_line(FILE *out, const char *line, const char *end)
{
	const char *comment = inline_comment(line);

	if (comment)
		fprintf(out, "%.*s%s", (int)strcspn(comment, "\r\n"), comment, end);
}

/*
 * Copy one section's lines: its comments stay, its settings are replaced. Without a new
 * setting the header goes too. Returns the text behind the section.
 */
static const char *copy_section(FILE *out, const char *at, const struct policy_setting *setting)
{
	size_t length = line_length(at);
	const char *end = line_end(at);

	if (setting) {
		fwrite(at, 1, length, out);
		if (at[length - 1] != '\n')
			fputs(end, out);
		print_setting(out, setting, end);
	} else {
		drop_line(out, at, end);
	}
	for (at += length; *at && *skip_blanks(at) != '['; at += length) {
		length = line_length(at);
		if (is_setting_line(at))
			drop_line(out, at, end);
		else
			fwrite(at, 1, length, out);
	}
	return at;
}

int store_edit(const char *text, const struct store_name *name, const char *alias,
	       const struct policy_setting *setting, char **ret_text)
{
	bool found = false, ends_line = true, blank = true; /* of what was written last */
	char *result = NULL, header[STORE_NAME_TEXT_MAX];
	const char *end = line_end(text);
	size_t size, length;
	FILE *out = open_memstream(&result, &size);

	if (!out)
		return -ENOMEM;
	fwrite(text, 1, (size_t)(store_skip_mark(text) - text), out);
	text = store_skip_mark(text);
	while (*text) {
		if (opens_section(text, name, alias)) {
			text = copy_section(out, text, found ? NULL : setting);
			found = true;
			continue;
		}
		length = line_length(text);
		fwrite(text, 1, length, out);
		ends_line = text[length - 1] == '\n';
		blank = *skip_blanks(text) == '\n';
		text += length;
	}
	if (!found && setting) {
		fprintf(out, "%s%s[%s]%s", ends_line ? "" : end, blank ? "" : end,
			store_name_format(name, header), end);
		print_setting(out, setting, end);
	}
	if (fclose(out) != 0 || (!found && !setting)) {
		free(result);
		return found || setting ? -ENOMEM : -ENOENT;
	}
	*ret_text = result;
	return 0;
}
