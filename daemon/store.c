/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/store.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/analyzer.h"
#include "common/parse.h"

#define NO_POLICY "[%.100s] names no policy: add \"policy = NAME\""

struct parser {
	const char *file;
	const char *at;		/* rest of the text */
	unsigned int line;	/* of the line handed to inih last */
	/* inih cuts a section's name at 49 bytes and shows no border between two sections of
	 * one name: the header is kept as it was written. */
	char header[STORE_LINE_MAX + 2];
	unsigned int header_line;
	struct store store;
	char section[STORE_LINE_MAX + 2];
	unsigned int section_line; /* 0: no section is being filled */
	unsigned int opened_line;  /* of the last section that had a key */
	struct policy_setting setting;
	enum policy_error error; /* POLICY_OK until something is wrong */
	unsigned int error_line;
	char *message;
};

/* A name that is longer is shown by its end. */
#define FILE_SHOWN 255

static int fail_as(struct parser *p, enum policy_error error, unsigned int line,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Only the first complaint is kept. Returns 0: inih's "stop". */
static int fail_as(struct parser *p, enum policy_error error, unsigned int line,
		   const char *format, ...)
{
	size_t length = strlen(p->file), cut = length > FILE_SHOWN ? length - FILE_SHOWN : 0;
	char text[STORE_MESSAGE_MAX - FILE_SHOWN - 32];
	va_list args;

	if (p->error != POLICY_OK)
		return 0;
	p->error = error;
	p->error_line = line;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(p->message, STORE_MESSAGE_MAX, "%s%s:%u: %s", cut ? "..." : "", p->file + cut,
		 line, text);
	return 0;
}

#define fail(p, line, ...) fail_as(p, POLICY_INVALID_PARAMETER, line, __VA_ARGS__)

/* inih says nothing of a section without keys. */
static void refuse_empty(struct parser *p)
{
	if (p->header_line != p->opened_line)
		fail(p, p->header_line, NO_POLICY, p->header);
}

/* inih does not look at what stands behind the bracket. */
static void refuse_junk(struct parser *p, const char *behind)
{
	const char *at = behind + strspn(behind, STORE_BLANKS);

	if (*at && *at != '\n' && *at != ';' && *at != '#')
		fail(p, p->line, "\"%.*s\" behind \"]\": allowed is only a comment, from ; or #",
		     (int)(strcspn(at, "\r\n") < 80 ? strcspn(at, "\r\n") : 80), at);
}

static void note_header(struct parser *p, const char *line)
{
	const char *begin = line + strspn(line, STORE_BLANKS), *end = strchr(begin, ']');

	if (*begin != '[')
		return;
	if (!end) {
		fail(p, p->line, "section without \"]\"");
		return;
	}
	refuse_junk(p, end + 1);
	refuse_empty(p);
	snprintf(p->header, sizeof(p->header), "%.*s", (int)(end - begin) - 1, begin + 1);
	p->header_line = p->line;
}

/* inih's fgets(): hands out one line and counts; a line that is too long is an error. */
static char *next_line(char *buffer, int size, void *stream)
{
	struct parser *p = stream;
	size_t length = strcspn(p->at, "\n"), whole = length + (p->at[length] == '\n');

	if (!*p->at || p->error != POLICY_OK)
		return NULL;
	p->line++;
	/* Its end does not count: an edit may give the last line one. */
	if (whole >= (size_t)size || length > STORE_LINE_MAX) {
		fail(p, p->line, "line of %zu characters: at most %d are allowed", length,
		     STORE_LINE_MAX);
		return NULL;
	}
	memcpy(buffer, p->at, whole);
	buffer[whole] = '\0';
	p->at += whole;
	note_header(p, buffer);
	return buffer;
}

static struct policy_setting *setting_trimmed(const struct policy_setting *setting)
{
	size_t size = offsetof(struct policy_setting, rules) +
		      setting->n_rules * sizeof(setting->rules[0]);
	struct policy_setting *copy = malloc(size);

	if (copy)
		memcpy(copy, setting, size);
	return copy;
}

NO_LEAK_BEGIN /* the setting is its entry's: store_free() */
static int close_section(struct parser *p)
{
	struct policy_setting *setting;
	struct store_entry *entry;

	if (!p->section_line)
		return 1;
	entry = &p->store.entries[p->store.n - 1];
	p->section_line = 0;
	if (!p->setting.policy)
		return fail(p, entry->line, NO_POLICY, p->section);
	setting = setting_trimmed(&p->setting);
	if (!setting)
		return fail(p, entry->line, "out of memory");
	entry->setting = setting;
	return 1;
}
NO_LEAK_END

static bool grow(struct store *store)
{
	struct store_entry *bigger;

	if (store->entries && (store->n & (store->n + 1))) /* room for 1, 3, 7 … entries was made before */
		return true;
	bigger = reallocarray(store->entries, 2 * store->n + 1, sizeof(*bigger));
	if (bigger)
		store->entries = bigger;
	return bigger;
}

/* As `policy set --target` calls it. */
static enum policy_error name_error(const char *header)
{
	const char *target = store_scope_name(STORE_TARGET);
	size_t length = strlen(target);

	return !strncmp(header, target, length) && strchr(" \t", header[length]) ?
		       POLICY_INVALID_ISCSI_NAME :
		       POLICY_INVALID_PARAMETER;
}

static int open_section(struct parser *p)
{
	struct store_entry *entry;
	struct store_name name;
	char message[POLICY_MESSAGE_MAX];

	if (store_name_parse(p->header, &name, message) < 0)
		return fail_as(p, name_error(p->header), p->header_line, "%s", message);
	if (store_entry_named(&p->store, &name))
		return fail(p, p->header_line, "section [%.100s] stands twice", p->header);
	if (p->store.n >= STORE_ENTRIES_MAX)
		return fail(p, p->header_line, "more than %d sections", STORE_ENTRIES_MAX);
	if (!grow(&p->store))
		return fail(p, p->header_line, "out of memory");
	copy_text(p->section, sizeof(p->section), p->header);
	entry = &p->store.entries[p->store.n++];
	*entry = (struct store_entry){.name = name, .line = p->header_line};
	p->section_line = p->opened_line = p->header_line;
	memset(&p->setting, 0, sizeof(p->setting));
	return 1;
}

static int set_policy(struct parser *p, const char *value)
{
	char message[POLICY_MESSAGE_MAX];
	enum policy_error error;

	if (p->setting.policy)
		return fail(p, p->line, "\"policy\" stands twice in [%.100s]", p->section);
	error = policy_setting_parse(value, &p->setting, message);
	if (error != POLICY_OK)
		return fail_as(p, error, p->line, "policy = %.80s: %s", value, message);
	return 1;
}

/* Does a rule of the section name the same paths in the same words? In one line, as in
 * prio_args, it would be refused. */
static bool named_before(const struct policy_setting *setting,
			 const struct path_expression *expression)
{
	char text[STORE_LINE_MAX], other[STORE_LINE_MAX];
	size_t i;

	path_expression_format(expression, text, sizeof(text));
	for (i = 0; i < setting->n_rules; i++) {
		path_expression_format(&setting->rules[i].expression, other, sizeof(other));
		if (!strcmp(text, other))
			return true;
	}
	return false;
}

/*
 * What is wrong with the rule beside those before it. In the section of one LUN two active rules
 * name two paths, or the same path twice: with one active path either is refused when it is set.
 * Other sections may be for LUNs that have different ones of these paths.
 */
static int check_beside(struct parser *p, const char *key, const char *value,
			const struct policy_rule *rule)
{
	const struct policy_setting *setting = &p->setting;

	if (named_before(setting, &rule->expression))
		return fail_as(p, POLICY_DUPLICATE_PATH_SPECIFIED, p->line,
			       "%.40s = %.80s: it is there twice; name each path once", key, value);
	if (setting->policy->one_active && rule->role == ROLE_ACTIVE &&
	    policy_names_active(setting) && p->store.entries[p->store.n - 1].name.scope == STORE_LUN)
		return fail_as(p, POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED, p->line,
			       "active = %.80s: %s has one active path, and one is named above; "
			       "name this one as standby",
			       value, setting->policy->name);
	return 1;
}

/* Rules go through the one parser there is, so that file, prio_args and command agree. */
static int add_rule(struct parser *p, const char *word, const char *value)
{
	struct policy_setting one;
	char message[POLICY_MESSAGE_MAX], text[STORE_LINE_MAX + POLICY_NAME_MAX + 16];
	enum policy_error error;

	if (!p->setting.policy)
		return fail(p, p->line, "\"policy = NAME\" must come before \"%.40s\"", word);
	if (!*value || strpbrk(value, " \t"))
		return fail(p, p->line, "%.40s = \"%.80s\": one expression a line", word, value);
	snprintf(text, sizeof(text), "%s %s %s", p->setting.policy->name, word, value);
	error = policy_setting_parse(text, &one, message);
	if (error != POLICY_OK)
		return fail_as(p, error, p->line, "%s", message);
	if (one.n_rules != 1 || p->setting.n_rules >= POLICY_RULES_MAX)
		return fail(p, p->line, "more than %d expressions", POLICY_RULES_MAX);
	if (!check_beside(p, *word ? word : "weight", value, &one.rules[0]))
		return 0;
	p->setting.rules[p->setting.n_rules++] = one.rules[0];
	return 1;
}

/* Where paths have weights, what stands behind the last colon of "active" would be taken for one,
 * though it may be a port. */
static int add_active(struct parser *p, const char *value)
{
	if (p->setting.policy && p->setting.policy->takes_weights)
		return fail(p, p->line,
			    "active = %.80s: policy %s has no active paths; allowed are weight = "
			    "EXPRESSION:WEIGHT and exclude = EXPRESSION",
			    value, p->setting.policy->name);
	return add_rule(p, "active", value);
}

static int add_weight(struct parser *p, const char *value)
{
	if (p->setting.policy && !p->setting.policy->takes_weights)
		return fail(p, p->line, "weight = %.80s: policy %s takes no weights", value,
			    p->setting.policy->name);
	return add_rule(p, "", value);
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;

	if (p->error != POLICY_OK)
		return 0;
	if (!*section)
		return fail(p, p->line, "\"%.40s\" stands before the first section, such as [lun WWID]", name);
	if (!p->header_line)
		return fail(p, p->line, "no section header before \"%.40s\" (is there a byte order "
					"mark in front of it? take it away)", name);
	if (p->section_line != p->header_line && (!close_section(p) || !open_section(p)))
		return 0;
	if (!strcmp(name, "policy"))
		return set_policy(p, value);
	if (!strcmp(name, "weight"))
		return add_weight(p, value);
	if (!strcmp(name, "active"))
		return add_active(p, value);
	if (!strcmp(name, "standby") || !strcmp(name, "exclude"))
		return add_rule(p, name, value);
	return fail(p, p->line,
		    "key \"%.40s\": allowed are policy, active, standby, exclude, weight", name);
}

enum policy_error store_parse(const char *text, const char *name, struct store *ret, char *message)
{
	struct parser p = {.file = name, .at = store_skip_mark(text), .message = message};
	int r;

	ini_max_line = STORE_LINE_MAX + 2;
	ini_allow_multiline = false;
	r = ini_parse_stream(next_line, &p, handle, &p);
	if (r < 0)
		fail(&p, p.line, "out of memory");
	/* inih goes on behind what it cannot read, and so we may have complained of what follows. */
	if (r > 0 && (unsigned int)r < p.error_line)
		p.error = POLICY_OK;
	if (r > 0)
		fail(&p, (unsigned int)r, "neither [section] nor key = value");
	refuse_empty(&p);
	if (p.error == POLICY_OK)
		close_section(&p);
	if (p.error != POLICY_OK) {
		store_free(&p.store);
		return p.error;
	}
	*ret = p.store;
	return POLICY_OK;
}
