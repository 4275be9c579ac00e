/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/store_name.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

#define SAY(message, ...) snprintf(message, POLICY_MESSAGE_MAX, __VA_ARGS__)
#define BLANKS		  " \t"

/* More targets than a LUN can have paths. */
#define MATCH_TARGETS (STORE_SCOPE_MAX + (size_t)POLICY_PATHS_MAX)

const char *store_scope_name(enum store_scope scope)
{
	static const char *const names[STORE_SCOPE_MAX] = {[STORE_LUN] = "lun",
							   [STORE_TARGET] = "target",
							   [STORE_PRODUCT] = "product",
							   [STORE_DEFAULT] = "default"};

	return (unsigned int)scope < STORE_SCOPE_MAX ? names[scope] : "unknown";
}

static int parse_lun(const char *text, struct store_name *name, char *message)
{
	if (!*text || strpbrk(text, BLANKS "\"")) {
		SAY(message, "section [lun %.100s]: write [lun WWID] or [lun ALIAS]", text);
		return -EINVAL;
	}
	if (copy_text(name->name, sizeof(name->name), text) < 0) {
		SAY(message, "LUN name longer than %d characters", STORE_NAME_MAX - 1);
		return -EINVAL;
	}
	return 0;
}

/* By the one parser of target names there is. */
static int parse_target(const char *text, struct store_name *name, char *message)
{
	struct path_expression expression;
	char condition[STORE_NAME_MAX + 8], why[POLICY_MESSAGE_MAX];

	if (!*text || strpbrk(text, BLANKS ",\"") || strlen(text) >= STORE_NAME_MAX) {
		SAY(message, "section [target %.100s]: write [target NAME], one iSCSI name", text);
		return -EINVAL;
	}
	snprintf(condition, sizeof(condition), "target=%s", text);
	if (path_expression_parse(condition, &expression, why) < 0) {
		SAY(message, "section [target %.60s]: %.150s", text, why);
		return -EINVAL;
	}
	return copy_text(name->name, sizeof(name->name), expression.target);
}

/* One quoted word at *text, blanks at its end removed; *text moves behind it. */
static int take_quoted(const char **text, char *buffer, size_t size)
{
	const char *begin = *text + strspn(*text, BLANKS), *end;
	size_t length;

	if (*begin != '"')
		return -EINVAL;
	end = strchr(++begin, '"');
	if (!end)
		return -EINVAL;
	*text = end + 1;
	for (length = (size_t)(end - begin); length > 0 && begin[length - 1] == ' ';)
		length--;
	if (length == 0 || length >= size)
		return -EINVAL;
	memcpy(buffer, begin, length);
	buffer[length] = '\0';
	return 0;
}

static int parse_product(const char *text, struct store_name *name, char *message)
{
	const char *rest = text;

	if (take_quoted(&rest, name->name, INQUIRY_VENDOR_MAX) == 0 &&
	    take_quoted(&rest, name->product, INQUIRY_PRODUCT_MAX) == 0 &&
	    rest[strspn(rest, BLANKS)] == '\0')
		return 0;
	SAY(message,
	    "section [product %.80s]: write [product \"VENDOR\" \"PRODUCT\"], at most %d and %d "
	    "characters, as in INQUIRY",
	    text, INQUIRY_VENDOR_MAX - 1, INQUIRY_PRODUCT_MAX - 1);
	return -EINVAL;
}

static int parse_default(const char *text, struct store_name *name, char *message)
{
	(void)name;
	if (!*text)
		return 0;
	SAY(message, "section [default %.80s]: [default] takes no name", text);
	return -EINVAL;
}

/*
 * Can it stand between the brackets? A line ends at a newline, a header at its first "]", and
 * a semicolon behind a blank begins a comment, in quotes too.
 */
static bool fits_header(const char *text)
{
	char before = '\0';

	for (; *text; before = *text++)
		if (*text == ']' || ((unsigned char)*text < ' ' && *text != '\t') ||
		    (*text == ';' && (before == ' ' || before == '\t')))
			return false;
	return true;
}

int store_name_parse(const char *text, struct store_name *ret, char *message)
{
	static int (*const parsers[STORE_SCOPE_MAX])(const char *, struct store_name *, char *) = {
		[STORE_LUN] = parse_lun,
		[STORE_TARGET] = parse_target,
		[STORE_PRODUCT] = parse_product,
		[STORE_DEFAULT] = parse_default};
	size_t length = strcspn(text, BLANKS);
	struct store_name name;
	int scope;

	if (!fits_header(text)) {
		SAY(message, "section [%.80s]: no name has \"]\", \" ;\" or control characters",
		    text);
		return -EINVAL;
	}
	for (scope = 0; scope < STORE_SCOPE_MAX; scope++) {
		const char *word = store_scope_name((enum store_scope)scope);

		if (strlen(word) != length || strncmp(text, word, length))
			continue;
		memset(&name, 0, sizeof(name));
		name.scope = (enum store_scope)scope;
		text += length;
		if (parsers[scope](text + strspn(text, BLANKS), &name, message) < 0)
			return -EINVAL;
		*ret = name;
		return 0;
	}
	SAY(message,
	    "section [%.80s]: allowed are [lun WWID], [lun ALIAS], [target NAME], "
	    "[product \"VENDOR\" \"PRODUCT\"], [default]",
	    text);
	return -EINVAL;
}

const char *store_name_format(const struct store_name *name, char *buffer)
{
	const char *word = store_scope_name(name->scope);

	if (name->scope == STORE_PRODUCT)
		snprintf(buffer, STORE_NAME_TEXT_MAX, "%s \"%s\" \"%s\"", word, name->name,
			 name->product);
	else
		snprintf(buffer, STORE_NAME_TEXT_MAX, "%s%s%s", word, *name->name ? " " : "",
			 name->name);
	return buffer;
}

bool store_name_equal(const struct store_name *a, const struct store_name *b)
{
	return a->scope == b->scope && !strcmp(a->name, b->name) && !strcmp(a->product, b->product);
}

static size_t match_target(const char *target, const struct store_lun *lun)
{
	size_t i;

	for (i = 0; i < lun->n_targets; i++)
		if (!strcmp(lun->targets[i], target))
			return 2 + (i < POLICY_PATHS_MAX ? i : POLICY_PATHS_MAX);
	return STORE_NO_MATCH;
}

size_t store_name_match(const struct store_name *name, const struct store_lun *lun)
{
	switch (name->scope) {
	case STORE_LUN:
		if (*lun->wwid && !strcmp(name->name, lun->wwid))
			return 0;
		return *lun->alias && !strcmp(name->name, lun->alias) ? 1 : STORE_NO_MATCH;
	case STORE_TARGET:
		return match_target(name->name, lun);
	case STORE_PRODUCT:
		if (!strcmp(name->name, lun->vendor) && !strcmp(name->product, lun->product))
			return MATCH_TARGETS;
		return STORE_NO_MATCH;
	case STORE_DEFAULT:
		return MATCH_TARGETS + 1;
	default:
		return STORE_NO_MATCH;
	}
}
