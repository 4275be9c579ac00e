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
	bool failed;
	char *message;
};

static int fail(struct parser *p, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Only the first complaint is kept. Returns 0: inih's "stop". */
static int fail(struct parser *p, unsigned int line, const char *format, ...)
{
	char text[STORE_MESSAGE_MAX - 64];
	va_list args;

	if (p->failed)
		return 0;
	p->failed = true;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(p->message, STORE_MESSAGE_MAX, "%.48s:%u: %s", p->file, line, text);
	return 0;
}

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

	if (!*p->at || p->failed)
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

static int open_section(struct parser *p)
{
	struct store_entry *entry;
	struct store_name name;
	char message[POLICY_MESSAGE_MAX];

	if (store_name_parse(p->header, &name, message) < 0)
		return fail(p, p->header_line, "%s", message);
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

	if (p->setting.policy)
		return fail(p, p->line, "\"policy\" stands twice in [%.100s]", p->section);
	if (policy_setting_parse(value, &p->setting, message) != POLICY_OK)
		return fail(p, p->line, "policy = %.80s: %s", value, message);
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

/* Rules go through the one parser there is, so that file, prio_args and command agree. */
static int add_rule(struct parser *p, const char *word, const char *value)
{
	struct policy_setting one;
	char message[POLICY_MESSAGE_MAX], text[STORE_LINE_MAX + POLICY_NAME_MAX + 16];

	if (!p->setting.policy)
		return fail(p, p->line, "\"policy = NAME\" must come before \"%.40s\"", word);
	if (!*value || strpbrk(value, " \t"))
		return fail(p, p->line, "%.40s = \"%.80s\": one expression a line", word, value);
	snprintf(text, sizeof(text), "%s %s %s", p->setting.policy->name, word, value);
	if (policy_setting_parse(text, &one, message) != POLICY_OK)
		return fail(p, p->line, "%.200s", message);
	if (one.n_rules != 1 || p->setting.n_rules >= POLICY_RULES_MAX)
		return fail(p, p->line, "more than %d expressions", POLICY_RULES_MAX);
	if (named_before(&p->setting, &one.rules[0].expression))
		return fail(p, p->line, "%.40s = %.80s: it is there twice; name each path once",
			    *word ? word : "weight", value);
	p->setting.rules[p->setting.n_rules++] = one.rules[0];
	return 1;
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

	if (p->failed)
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
	if (!strcmp(name, "active") || !strcmp(name, "standby") || !strcmp(name, "exclude"))
		return add_rule(p, name, value);
	return fail(p, p->line,
		    "key \"%.40s\": allowed are policy, active, standby, exclude, weight", name);
}

int store_parse(const char *text, const char *name, struct store *ret, char *message)
{
	struct parser p = {.file = name, .at = text, .message = message};
	int r;

	ini_max_line = STORE_LINE_MAX + 2;
	ini_allow_multiline = false;
	r = ini_parse_stream(next_line, &p, handle, &p);
	if (r < 0)
		fail(&p, p.line, "out of memory");
	if (r > 0)
		fail(&p, (unsigned int)r, "neither [section] nor key = value");
	refuse_empty(&p);
	if (!p.failed)
		close_section(&p);
	if (p.failed) {
		store_free(&p.store);
		return -EINVAL;
	}
	*ret = p.store;
	return 0;
}

void store_free(struct store *store)
{
	size_t i;

	for (i = 0; i < store->n; i++)
		free(store->entries[i].setting);
	free(store->entries);
	store->entries = NULL;
	store->n = 0;
}

const struct store_entry *store_find(const struct store *store, const struct store_lun *lun)
{
	const struct store_entry *best = NULL;
	size_t closest = STORE_NO_MATCH, i;

	for (i = 0; i < store->n; i++) {
		size_t match = store_name_match(&store->entries[i].name, lun);

		if (match >= closest)
			continue;
		closest = match;
		best = &store->entries[i];
	}
	return best;
}

const struct store_entry *store_entry_named(const struct store *store,
					    const struct store_name *name)
{
	size_t i;

	for (i = 0; i < store->n; i++)
		if (store_name_equal(&store->entries[i].name, name))
			return &store->entries[i];
	return NULL;
}

int store_with(const struct store *store, const struct store_name *name,
	       struct policy_setting *setting, struct store *ret)
{
	struct store_entry *entries = calloc(store->n + 1, sizeof(*entries));
	size_t n = 0, i;

	if (!entries)
		return -ENOMEM;
	for (i = 0; i < store->n; i++)
		if (!store_name_equal(&store->entries[i].name, name))
			entries[n++] = store->entries[i];
	if (setting)
		entries[n++] = (struct store_entry){.name = *name, .setting = setting};
	*ret = (struct store){.entries = entries, .n = n};
	return 0;
}
