/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A setting against the paths that exist when it is set, and what the target says of them.
 * Stricter than the plan, which must make the best of any setting: what a person types is
 * refused when it cannot be what was meant. In the order of the sample DSM: number of paths,
 * the policy itself, duplicates and paths that are not there, roles.
 */
#include "policies/policy.h"

#include <string.h>

#include "policies/message.h"
#include "policies/primary.h"

#define RULE_TEXT_MAX 768
#define PORTALS_SHOWN 4

const char *policy_error_name(enum policy_error error)
{
	static const char *const names[POLICY_ERROR_MAX] = {
		[POLICY_OK] = "ISDSC_SUCCESS",
		[POLICY_INVALID_LOAD_BALANCE_POLICY] = "ISDSC_INVALID_LOAD_BALANCE_POLICY",
		[POLICY_INVALID_PARAMETER] = "ISDSC_INVALID_PARAMETER",
		[POLICY_DUPLICATE_PATH_SPECIFIED] = "ISDSC_DUPLICATE_PATH_SPECIFIED",
		[POLICY_PATH_COUNT_MISMATCH] = "ISDSC_PATH_COUNT_MISMATCH",
		[POLICY_INVALID_PATH_ID] = "ISDSC_INVALID_PATH_ID",
		[POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED] =
			"ISDSC_MULTIPLE_PRIMARY_PATHS_SPECIFIED",
		[POLICY_NO_PRIMARY_PATH_SPECIFIED] = "ISDSC_NO_PRIMARY_PATH_SPECIFIED",
		[POLICY_INVALID_ISCSI_NAME] = "ISDSC_INVALID_ISCSI_NAME",
		[POLICY_LB_POLICY_NOT_SUPPORTED] = "ISDSC_LB_POLICY_NOT_SUPPORTED",
	};

	return (unsigned int)error < POLICY_ERROR_MAX ? names[error] : "unknown";
}

static const char *quote_rule(const struct policy_rule *rule, char *quoted)
{
	char text[RULE_TEXT_MAX];

	path_expression_format(&rule->expression, text, sizeof(text));
	return policy_quote(text, strlen(text), quoted);
}

static bool portal_seen(const struct policy_path *paths, size_t n, const struct portal *portal)
{
	for (size_t i = 0; i < n; i++)
		if (portal_compare(&paths[i].name.portal, portal) == 0)
			return true;
	return false;
}

/* The next portal in numeric order behind 'last' (NULL: the first); NULL: no more. */
static const struct portal *next_portal(const struct policy_path *paths, size_t n,
					const struct portal *last)
{
	const struct portal *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct portal *portal = &paths[i].name.portal;

		if (last && portal_compare(portal, last) <= 0)
			continue;
		if (!best || portal_compare(portal, best) < 0)
			best = portal;
	}
	return best;
}

static void list_portals(const struct policy_path *paths, size_t n, struct policy_text *text)
{
	const struct portal *portal = NULL;
	char buffer[PORTAL_TEXT_MAX];
	size_t distinct = 0, shown = 0;

	for (size_t i = 0; i < n; i++)
		distinct += !portal_seen(paths, i, &paths[i].name.portal);
	while (shown < PORTALS_SHOWN && (portal = next_portal(paths, n, portal)))
		policy_add(text, "%s%s", shown++ ? ", " : "",
			   portal_format(portal, buffer, sizeof(buffer)));
	if (distinct > shown)
		policy_add(text, " and %zu more", distinct - shown);
}

static enum policy_error check_count(size_t n, char *message)
{
	if (n == 0)
		policy_say(message, "the LUN has no iSCSI path; log in to its target first");
	else if (n > POLICY_PATHS_MAX)
		policy_say(message, "the LUN has %zu paths; at most %d are allowed", n,
			   POLICY_PATHS_MAX);
	else
		return POLICY_OK;
	return POLICY_PATH_COUNT_MISMATCH;
}

/* Each rule must match a path and none may be matched twice: more cannot be meant. */
static enum policy_error check_surplus(const struct policy_setting *setting,
				       const struct policy_path *paths, size_t n, char *message)
{
	char list[POLICY_MESSAGE_MAX];
	struct policy_text text = { list, sizeof(list), 0 };

	if (setting->n_rules <= n)
		return POLICY_OK;
	list_portals(paths, n, &text);
	policy_say(message,
		   "%zu path expressions, but the LUN has %zu path%s; its portals are %s",
		   setting->n_rules, n, n == 1 ? "" : "s", list);
	return POLICY_PATH_COUNT_MISMATCH;
}

static bool matches_any(const struct policy_rule *rule, const struct policy_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (path_expression_matches(&rule->expression, &paths[i].name))
			return true;
	return false;
}

bool policy_unmatched(const struct policy_setting *setting, const struct policy_path *paths,
		      size_t n, char *message)
{
	char quoted[QUOTED_MAX], list[POLICY_MESSAGE_MAX];
	struct policy_text text = { list, sizeof(list), 0 };
	size_t i = 0;

	while (i < setting->n_rules && matches_any(&setting->rules[i], paths, n))
		i++;
	if (i == setting->n_rules)
		return false;
	list_portals(paths, n, &text);
	policy_say(message, "\"%s\" matches no path of the LUN; its portals are %s",
		   quote_rule(&setting->rules[i], quoted), list);
	return true;
}

static enum policy_error check_named_once(const struct policy_setting *setting,
					  const struct path_name *path, char *message)
{
	const struct policy_rule *first = NULL;
	char one[QUOTED_MAX], other[QUOTED_MAX], portal[PORTAL_TEXT_MAX];

	for (size_t i = 0; i < setting->n_rules; i++) {
		const struct policy_rule *rule = &setting->rules[i];

		if (!path_expression_matches(&rule->expression, path))
			continue;
		if (first) {
			policy_say(message,
				   "the path to %s is named by \"%s\" and by \"%s\"; name it once",
				   portal_format(&path->portal, portal, sizeof(portal)),
				   quote_rule(first, one), quote_rule(rule, other));
			return POLICY_DUPLICATE_PATH_SPECIFIED;
		}
		first = rule;
	}
	return POLICY_OK;
}

/* Two paths, neither excluded, whose states are known and differ. */
static bool differing_pair(const struct policy_path *paths, const struct plan_path *plan, size_t n,
			   size_t *ret_a, size_t *ret_b)
{
	size_t a = n;

	for (size_t i = 0; i < n; i++) {
		if (plan[i].role == ROLE_EXCLUDED || paths[i].access == ACCESS_UNKNOWN)
			continue;
		if (a < n && paths[i].access != paths[a].access) {
			*ret_a = a;
			*ret_b = i;
			return true;
		}
		if (a == n)
			a = i;
	}
	return false;
}

static enum policy_error check_access(const struct policy_setting *setting,
				      const struct policy_path *paths,
				      const struct plan_path *plan, size_t n, char *message)
{
	char one[PORTAL_TEXT_MAX], other[PORTAL_TEXT_MAX];
	size_t a, b;

	if (!setting->policy->shares_all || !differing_pair(paths, plan, n, &a, &b))
		return POLICY_OK;
	policy_say(message,
		   "%s cannot be used: the path to %s is %s, that to %s %s; take "
		   "round-robin-with-subset, which keeps to the best of them",
		   setting->policy->name,
		   portal_format(&paths[a].name.portal, one, sizeof(one)),
		   access_state_name(paths[a].access),
		   portal_format(&paths[b].name.portal, other, sizeof(other)),
		   access_state_name(paths[b].access));
	return POLICY_INVALID_LOAD_BALANCE_POLICY;
}

static enum policy_error check_primary(const struct policy_setting *setting,
				       const struct plan_path *plan, size_t n, char *message)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any = any || plan[i].role != ROLE_EXCLUDED;
	if (!any)
		policy_say(message, "every path of the LUN is excluded; leave at least one in use");
	else if (primary_woken(setting, plan, n))
		policy_say(message, "every path in use is named as a standby, none as the active "
				    "one; name it with active EXPRESSION");
	else
		return POLICY_OK;
	return POLICY_NO_PRIMARY_PATH_SPECIFIED;
}

/* Have all paths failed that a rule names as active (and that exist)? */
static enum policy_error check_failed(const struct policy_setting *setting,
				      const struct policy_path *paths,
				      const struct plan_path *plan, size_t n, char *message)
{
	const struct policy_path *failed = NULL;
	char portal[PORTAL_TEXT_MAX];

	if (!setting->policy->takes_roles)
		return POLICY_OK;
	for (size_t i = 0; i < n; i++) {
		if (plan[i].rule < 0 || setting->rules[plan[i].rule].role != ROLE_ACTIVE)
			continue;
		if (!paths[i].failed)
			return POLICY_OK;
		failed = failed ? failed : &paths[i];
	}
	if (!failed)
		return POLICY_OK;
	policy_say(message,
		   "the path to %s is to be active and has failed, and no other is named as "
		   "active; name one that works, wait until this one does (or reinstate it), or "
		   "insist with --force",
		   portal_format(&failed->name.portal, portal, sizeof(portal)));
	return POLICY_NO_PRIMARY_PATH_SPECIFIED;
}

static enum policy_error check_roles(const struct policy_setting *setting,
				     const struct policy_path *paths,
				     const struct plan_path *plan, size_t n, char *message)
{
	const struct plan_path *surplus = primary_surplus(setting, plan, n);
	enum policy_error error = check_primary(setting, plan, n, message);

	if (error != POLICY_OK)
		return error;
	if (!surplus)
		return check_failed(setting, paths, plan, n, message);
	primary_say_surplus(setting, &paths[surplus - plan].name, message);
	return POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED;
}

static enum policy_error check_all(const struct policy_setting *setting,
				   const struct policy_path *paths, size_t n, bool all_match,
				   char *message)
{
	struct plan_path plan[POLICY_PATHS_MAX];
	enum policy_error error = check_count(n, message);

	if (error != POLICY_OK)
		return error;
	plan_make(setting, paths, n, plan); /* n was checked */
	error = check_access(setting, paths, plan, n, message);
	if (error == POLICY_OK && all_match)
		error = check_surplus(setting, paths, n, message);
	if (error == POLICY_OK && all_match && policy_unmatched(setting, paths, n, message))
		error = POLICY_INVALID_PATH_ID;
	for (size_t i = 0; i < n && error == POLICY_OK; i++)
		error = check_named_once(setting, &paths[i].name, message);
	if (error == POLICY_OK)
		error = check_roles(setting, paths, plan, n, message);
	return error;
}

enum policy_error policy_setting_check(const struct policy_setting *setting,
				       const struct policy_path *paths, size_t n, char *message)
{
	return check_all(setting, paths, n, true, message);
}

enum policy_error policy_scope_check(const struct policy_setting *setting,
				     const struct policy_path *paths, size_t n, char *message)
{
	return check_all(setting, paths, n, false, message);
}
