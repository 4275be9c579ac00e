/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* {role} {reason} {group} {current} {wait} are filled in; the target's access state follows
 * behind, where there is one. */
static const struct why_row {
	const char *code;
	bool carries;
	const char *sentence;
} rows[] = {
	[WHY_NO_MAP] = {"no-map", false,
			"no I/O: multipathd has made no map of this LUN; {role}; {reason}"},
	[WHY_NOT_IN_MAP] = {"not-in-map", false,
			    "no I/O: not in the LUN's map, multipathd has not taken it in; {role}; "
			    "{reason}"},
	[WHY_EXCLUDED] = {"excluded", false, "never used: {role}; kept failed in the kernel's map"},
	[WHY_HELD] = {"held", false,
		      "no I/O: failed by an operator (mpathiscsi fail), until reinstated; {role}, "
		      "{group}; {reason}"},
	[WHY_HELD_MULTIPATHD] = {"held-multipathd", false,
				 "no I/O: failed by an operator (multipathd fail path), until "
				 "reinstated; {role}, {group}; {reason}"},
	[WHY_DOWN] = {"down", false, "no I/O: down, {reason}; {role}, {group}"},
	[WHY_SUSPECT] = {"suspect", false,
			 "no I/O: failed in the kernel's map, {reason}; {role}, {group}"},
	[WHY_FAILED] = {"failed", false,
			"no I/O: failed in the kernel's map, by an I/O error or by hand, until "
			"multipathd's next good check or `multipathd reinstate path`; {reason}; "
			"{role}, {group}"},
	[WHY_IN_USE_EXCLUDED] = {"in-use-excluded", true,
				 "carries I/O although excluded{wait}; {role}; {group}, in use"},
	[WHY_IN_USE_DOWN] = {"in-use-down", true,
			     "in the group in use, but down: {reason}; the kernel notices at the "
			     "next I/O; {role}, {group}"},
	[WHY_IN_USE_SUSPECT] = {"in-use-suspect", true,
				"carries I/O, but suspect: {reason}; {role}; {group}, in use"},
	[WHY_IN_USE_PENDING] = {"in-use-pending", true,
				"carries I/O until the policy is in force{wait}; {role}; {group}, in use"},
	[WHY_IN_USE_STANDBY] = {"in-use-standby", true,
				"carries I/O, no path before it is usable; {role}; {group}, in use"},
	[WHY_IN_USE] = {"in-use", true, "carries I/O; {role}; {group}, in use"},
	[WHY_EXCLUDED_SOON] = {"excluded-soon", false,
			       "no I/O: {role}; not yet failed in the kernel's map{wait}; {group}, "
			       "{current} is in use"},
	[WHY_DOWN_IDLE] = {"down-idle", false,
			   "no I/O: down, {reason}; the kernel has not tried it; {role}, {group}"},
	[WHY_SUSPECT_IDLE] = {"suspect-idle", false,
			      "no I/O: suspect, {reason}; {role}; {group}, {current} is in use"},
	[WHY_DISABLED] = {"group-disabled", false,
			  "no I/O: its group is disabled in the kernel, by hand or by the target; "
			  "{role}; {group}, {current} is in use"},
	[WHY_PENDING] = {"pending", false,
			 "no I/O yet: the policy wants it, but is not in force{wait}; {role}; "
			 "{group}, {current} is in use"},
	[WHY_FAILBACK] = {"failback", false,
			  "no I/O yet: its group comes first, but {current} is in use, until "
			  "multipathd fails back or because it was switched by hand; {role}; {group}"},
	[WHY_STANDBY] = {"standby", false, "no I/O: {role}; {group}, {current} is in use"},
	[WHY_BEHIND] = {"behind", false,
			"no I/O: a path before it is in use; {role}; {group}, {current} is in use"},
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) == WHY_MAX, "one row a reason");

static enum why explain_failed(const struct explain_state *s)
{
	if (s->role == ROLE_EXCLUDED)
		return WHY_EXCLUDED;
	if (s->hold != EXPLAIN_NOT_HELD)
		return s->hold == EXPLAIN_HELD_BY_US ? WHY_HELD : WHY_HELD_MULTIPATHD;
	if (s->verdict == VERDICT_DOWN || s->verdict == VERDICT_TIMEOUT)
		return WHY_DOWN;
	return s->verdict == VERDICT_PENDING ? WHY_SUSPECT : WHY_FAILED;
}

static enum why explain_in_use(const struct explain_state *s)
{
	if (s->role == ROLE_EXCLUDED)
		return WHY_IN_USE_EXCLUDED;
	if (s->verdict == VERDICT_DOWN || s->verdict == VERDICT_TIMEOUT)
		return WHY_IN_USE_DOWN;
	if (s->verdict == VERDICT_PENDING)
		return WHY_IN_USE_SUSPECT;
	if (!s->in_force && !s->by_plan)
		return WHY_IN_USE_PENDING;
	return s->role == ROLE_STANDBY ? WHY_IN_USE_STANDBY : WHY_IN_USE;
}

static enum why explain_ready(const struct explain_state *s)
{
	if (s->role == ROLE_EXCLUDED)
		return WHY_EXCLUDED_SOON;
	if (s->verdict == VERDICT_DOWN || s->verdict == VERDICT_TIMEOUT)
		return WHY_DOWN_IDLE;
	if (s->verdict == VERDICT_PENDING)
		return WHY_SUSPECT_IDLE;
	if (s->disabled)
		return WHY_DISABLED;
	if (!s->in_force && s->by_plan)
		return WHY_PENDING;
	if (s->group < s->current)
		return WHY_FAILBACK;
	return s->role == ROLE_STANDBY ? WHY_STANDBY : WHY_BEHIND;
}

enum why explain_path(const struct explain_state *s)
{
	if (!s->has_map)
		return WHY_NO_MAP;
	if (!s->in_map)
		return WHY_NOT_IN_MAP;
	if (!s->usable)
		return explain_failed(s);
	return s->group == s->current ? explain_in_use(s) : explain_ready(s);
}

const char *explain_code(enum why why)
{
	return (unsigned int)why < WHY_MAX ? rows[why].code : "?";
}

bool explain_carries(enum why why)
{
	return (unsigned int)why < WHY_MAX && rows[why].carries;
}

/* A growing text that is cut where the buffer ends. */
struct text {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = (int)t->left - 1;
	t->at += n;
	t->left -= (size_t)n;
}

static void add_word(struct text *t, const char *word, size_t n, const struct explain_words *w)
{
	if (!strncmp(word, "role", n))
		add(t, "%s", w->role);
	else if (!strncmp(word, "reason", n))
		add(t, "%s", w->reason);
	else if (!strncmp(word, "wait", n) && *w->wait)
		add(t, " (%s)", w->wait);
	else if (!strncmp(word, "group", n))
		add(t, "group %d of %d", w->group + 1, w->n_groups);
	else if (!strncmp(word, "current", n) && w->current < 0)
		add(t, "no group");
	else if (!strncmp(word, "current", n))
		add(t, "group %d", w->current + 1);
}

const char *explain_text(enum why why, const struct explain_words *words, char *buffer,
			 size_t size)
{
	const char *p = (unsigned int)why < WHY_MAX ? rows[why].sentence : "";
	struct text t = {buffer, size};

	for (;;) {
		size_t plain = strcspn(p, "{");
		const char *end = strchr(p + plain, '}');

		add(&t, "%.*s", (int)plain, p);
		if (!end)
			break;
		p += plain + 1;
		add_word(&t, p, (size_t)(end - p), words);
		p = end + 1;
	}
	if (*words->access)
		add(&t, "; target's access state: %s", words->access);
	return buffer;
}

/* "rule 2 of [lun mpatha], portal=10.0.2.2:10" */
static void add_rule(struct text *t, const struct policy_setting *setting, const char *scope,
		     int index)
{
	const struct policy_rule *rule = &setting->rules[index];
	char expression[640];

	path_expression_format(&rule->expression, expression, sizeof(expression));
	add(t, "rule %d of [%s], %s", index + 1, scope, expression);
	if (rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER)
		add(t, ":never");
	else if (rule->has_weight)
		add(t, ":%" PRIu32, rule->weight);
}

/* Does a rule name paths that come first? Where all name only standbys, or what is not to be used,
 * the paths that none names do. */
static bool names_first(const struct policy_setting *setting)
{
	for (size_t i = 0; i < setting->n_rules; i++) {
		const struct policy_rule *rule = &setting->rules[i];

		if (rule->role == ROLE_ACTIVE &&
		    !(rule->has_weight && rule->weight == POLICY_WEIGHT_NEVER))
			return true;
	}
	return false;
}

const char *explain_role(const struct policy_setting *setting, const char *scope,
			 const struct plan_path *plan, char *buffer, size_t size)
{
	struct text t = {buffer, size};

	buffer[0] = '\0';
	if (!setting || plan->role == ROLE_NONE)
		add(&t, "no policy places it");
	else if (plan->rule >= 0 && (size_t)plan->rule < setting->n_rules) {
		add(&t, "%s: ", role_name(plan->role));
		add_rule(&t, setting, scope, plan->rule);
	} else if (setting->n_rules)
		add(&t, "%s: no rule of [%s] names it%s", role_name(plan->role), scope,
		    names_first(setting) ? ", so it is behind all that are named" :
					   ": the policy's default place");
	else if (*scope)
		add(&t, "%s: %s of [%s] names no path", role_name(plan->role),
		    setting->policy->name, scope);
	else
		add(&t, "%s: no policy is set, so the target's access states decide",
		    role_name(plan->role));
	return buffer;
}
