/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy setting as one line of text, as in prio_args, and back. Read in two passes, the
 * first of which only checks, so that a setting that is wrong in its last word changes
 * nothing, and no second setting (24 KiB) has to be on the stack of a host's thread.
 */
#include "policies/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"
#include "policies/message.h"

#define BLANKS " \t\r\n"
/* A word of a setting: an expression (path_expression_parse() has the real limit), weight. */
#define WORD_MAX 768
#define NEVER_TEXT "never"

struct word {
	const char *start;
	size_t length;
};

/* Where reading stands: what is behind 'next' is unread. */
struct reader {
	const char *next;
	const struct policy *policy;
	enum role role;
};

/* Where paths have weights they are not named as active: behind that word the port of a portal
 * would be taken for its weight. */
#define WEIGHT_WORD "weight"

static const struct {
	const char *word;
	enum role role;
} role_words[] = {
	{ "active", ROLE_ACTIVE },
	{ WEIGHT_WORD, ROLE_ACTIVE },
	{ "standby", ROLE_STANDBY },
	{ "exclude", ROLE_EXCLUDED },
};
#define N_ROLE_WORDS (sizeof(role_words) / sizeof(role_words[0]))

static bool next_word(const char **next, struct word *ret)
{
	*next += strspn(*next, BLANKS);
	ret->start = *next;
	ret->length = strcspn(*next, BLANKS);
	*next += ret->length;
	return ret->length > 0;
}

static bool word_is(const struct word *word, const char *text)
{
	return strlen(text) == word->length && memcmp(word->start, text, word->length) == 0;
}

static enum role role_of_word(const struct word *word)
{
	for (size_t i = 0; i < N_ROLE_WORDS; i++)
		if (word_is(word, role_words[i].word))
			return role_words[i].role;
	return ROLE_NONE;
}

static const char *word_of_role(const struct policy *policy, enum role role)
{
	if (role == ROLE_ACTIVE && policy->takes_weights)
		return WEIGHT_WORD;
	for (size_t i = 0; i < N_ROLE_WORDS; i++)
		if (role_words[i].role == role)
			return role_words[i].word;
	return "active";
}

static void say_known_policies(const struct word *word, char *message)
{
	char list[POLICY_MESSAGE_MAX / 2], quoted[QUOTED_MAX];
	struct policy_text text = { list, sizeof(list), 0 };

	for (size_t i = 0; i < policy_count; i++)
		policy_add(&text, "%s%s", i ? ", " : "", policy_registry[i]->name);
	if (word->length == 0)
		policy_say(message, "no policy named; allowed are %s", list);
	else
		policy_say(message, "\"%s\" is no policy; allowed are %s",
			   policy_quote(word->start, word->length, quoted), list);
}

static enum policy_error read_policy(struct reader *reader, const char *text, char *message)
{
	char name[POLICY_NAME_MAX];
	struct word word;

	*reader = (struct reader){ .next = text, .policy = NULL, .role = ROLE_ACTIVE };
	next_word(&reader->next, &word);
	if (word.length < sizeof(name)) {
		memcpy(name, word.start, word.length);
		name[word.length] = '\0';
		reader->policy = policy_by_name(name);
	}
	if (reader->policy)
		return POLICY_OK;
	say_known_policies(&word, message);
	return POLICY_INVALID_LOAD_BALANCE_POLICY;
}

/* Take ":WEIGHT" off the end of 'word'. */
static enum policy_error cut_weight(char *word, struct policy_rule *rule, char *message)
{
	char *colon = strrchr(word, ':');
	char quoted[QUOTED_MAX];
	uint64_t weight = POLICY_WEIGHT_NEVER;
	int r = -EINVAL;

	if (colon && strcmp(colon + 1, NEVER_TEXT) == 0)
		r = 0;
	else if (colon)
		r = parse_uint(colon + 1, 0, POLICY_WEIGHT_NEVER - 1, &weight);
	if (r < 0) {
		policy_say(message,
			   "\"%s\" has no valid weight; end it with :WEIGHT, 0 (best) to %u, "
			   "or :%s",
			   policy_quote(word, strlen(word), quoted), POLICY_WEIGHT_NEVER - 1,
			   NEVER_TEXT);
		return POLICY_INVALID_PARAMETER;
	}
	*colon = '\0';
	rule->has_weight = true;
	rule->weight = (uint32_t)weight;
	return POLICY_OK;
}

/* Where a policy uses all paths there is nothing to say but which not to use. */
static enum policy_error refuse_named(const struct reader *reader, const struct word *word,
				      char *message)
{
	char quoted[QUOTED_MAX];

	if (reader->role == ROLE_EXCLUDED || reader->policy->takes_roles ||
	    reader->policy->takes_weights)
		return POLICY_OK;
	policy_say(message,
		   "\"%s\": %s uses every path alike; allowed is only exclude EXPRESSION",
		   policy_quote(word->start, word->length, quoted), reader->policy->name);
	return POLICY_INVALID_PARAMETER;
}

static enum policy_error parse_rule(const struct reader *reader, const struct word *word,
				    struct policy_rule *rule, char *message)
{
	char text[WORD_MAX], quoted[QUOTED_MAX];
	enum policy_error error = refuse_named(reader, word, message);

	if (error != POLICY_OK)
		return error;
	if (word->length >= sizeof(text)) {
		policy_say(message, "\"%s\": word of %zu bytes; at most %zu are allowed",
			   policy_quote(word->start, word->length, quoted), word->length,
			   sizeof(text) - 1);
		return POLICY_INVALID_PARAMETER;
	}
	memcpy(text, word->start, word->length);
	text[word->length] = '\0';
	*rule = (struct policy_rule){ .role = reader->role };
	if (reader->policy->takes_weights && reader->role != ROLE_EXCLUDED) {
		error = cut_weight(text, rule, message);
		if (error != POLICY_OK)
			return error;
	}
	if (path_expression_parse(text, &rule->expression, message) < 0)
		return POLICY_INVALID_PARAMETER;
	return POLICY_OK;
}

/* "active" and "weight" are each for other policies. */
static enum policy_error refuse_active(const struct policy *policy, const struct word *word,
				       char *message)
{
	if (word_is(word, word_of_role(policy, ROLE_ACTIVE)))
		return POLICY_OK;
	if (policy->takes_weights)
		policy_say(message,
			   "\"active\": %s has no active paths; allowed are "
			   WEIGHT_WORD " EXPRESSION:WEIGHT and exclude EXPRESSION",
			   policy->name);
	else
		policy_say(message, "\"" WEIGHT_WORD "\": %s takes no weights", policy->name);
	return POLICY_INVALID_PARAMETER;
}

/* A role word counts for the expressions behind it, and there must be one. */
static enum policy_error take_role(struct reader *reader, const struct word *word, enum role role,
				   char *message)
{
	const char *ahead = reader->next;
	struct word following;

	if (role == ROLE_ACTIVE && refuse_active(reader->policy, word, message) != POLICY_OK)
		return POLICY_INVALID_PARAMETER;
	if (role == ROLE_STANDBY && !reader->policy->takes_roles) {
		policy_say(message,
			   "\"standby\": %s has no standby paths; allowed %s",
			   reader->policy->name,
			   reader->policy->takes_weights ?
				   "are EXPRESSION:WEIGHT and exclude EXPRESSION" :
				   "is only exclude EXPRESSION");
		return POLICY_INVALID_PARAMETER;
	}
	if (!next_word(&ahead, &following) || role_of_word(&following) != ROLE_NONE) {
		policy_say(message,
			   "\"%.*s\" is followed by no path expression; write %.*s portal=...",
			   (int)word->length, word->start, (int)word->length, word->start);
		return POLICY_INVALID_PARAMETER;
	}
	reader->role = role;
	return POLICY_OK;
}

/* The next rule; *ret_end is set when there is none. */
static enum policy_error next_rule(struct reader *reader, struct policy_rule *ret, bool *ret_end,
				   char *message)
{
	enum policy_error error;
	struct word word;
	enum role role;

	*ret_end = false;
	while (next_word(&reader->next, &word)) {
		role = role_of_word(&word);
		if (role == ROLE_NONE)
			return parse_rule(reader, &word, ret, message);
		error = take_role(reader, &word, role, message);
		if (error != POLICY_OK)
			return error;
	}
	*ret_end = true;
	return POLICY_OK;
}

static bool same_expression(const struct path_expression *a, const struct path_expression *b)
{
	char text_a[WORD_MAX], text_b[WORD_MAX];

	path_expression_format(a, text_a, sizeof(text_a));
	path_expression_format(b, text_b, sizeof(text_b));
	return strcmp(text_a, text_b) == 0;
}

/* Is the expression one of the first 'n' of a text whose first n rules are known good? */
static bool named_before(struct reader start, size_t n, const struct path_expression *expression)
{
	char message[POLICY_MESSAGE_MAX];
	struct policy_rule rule;
	bool end;

	for (size_t i = 0; i < n; i++)
		if (next_rule(&start, &rule, &end, message) == POLICY_OK && !end &&
		    same_expression(&rule.expression, expression))
			return true;
	return false;
}

static enum policy_error check_rules(struct reader start, char *message)
{
	struct reader reader = start;
	struct policy_rule rule;
	enum policy_error error;
	char text[WORD_MAX], quoted[QUOTED_MAX];
	bool end;

	for (size_t n = 0;; n++) {
		error = next_rule(&reader, &rule, &end, message);
		if (error != POLICY_OK || end)
			return error;
		if (n == POLICY_RULES_MAX) {
			policy_say(message,
				   "more than %d path expressions; use networks, as in "
				   "portal=10.0.1.0/24",
				   POLICY_RULES_MAX);
			return POLICY_INVALID_PARAMETER;
		}
		if (!named_before(start, n, &rule.expression))
			continue;
		path_expression_format(&rule.expression, text, sizeof(text));
		policy_say(message, "\"%s\" is there twice; name each path once",
			   policy_quote(text, strlen(text), quoted));
		return POLICY_DUPLICATE_PATH_SPECIFIED;
	}
}

enum policy_error policy_setting_parse(const char *text, struct policy_setting *ret, char *message)
{
	struct reader reader;
	enum policy_error error;
	bool end = false;

	error = read_policy(&reader, text, message);
	if (error == POLICY_OK)
		error = check_rules(reader, message);
	if (error != POLICY_OK)
		return error;
	memset(ret, 0, sizeof(*ret));
	ret->policy = reader.policy;
	/* the same text again, found good: it cannot fail and it fits */
	while (next_rule(&reader, &ret->rules[ret->n_rules], &end, message) == POLICY_OK && !end)
		ret->n_rules++;
	return POLICY_OK;
}

/* ---- back to text ---- */

static void add_rule(struct policy_text *text, const struct policy_rule *rule)
{
	char expression[WORD_MAX];

	path_expression_format(&rule->expression, expression, sizeof(expression));
	policy_add(text, " %s", expression);
	if (rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER)
		policy_add(text, ":%s", NEVER_TEXT);
	else if (rule->has_weight)
		policy_add(text, ":%u", rule->weight);
}

int policy_setting_format(const struct policy_setting *setting, char *buffer, size_t size)
{
	struct policy_text text = { buffer, size, 0 };
	/* where roles are the point of it, the first one is written out too */
	enum role role = setting->policy->takes_roles ? ROLE_NONE : ROLE_ACTIVE;

	policy_add(&text, "%s", setting->policy->name);
	for (size_t i = 0; i < setting->n_rules; i++) {
		const struct policy_rule *rule = &setting->rules[i];

		if (rule->role != role)
			policy_add(&text, " %s", word_of_role(setting->policy, rule->role));
		role = rule->role;
		add_rule(&text, rule);
	}
	return (int)text.length;
}
