/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_POLICY_H
#define MPATHISCSI_POLICY_H

/*
 * Policies as pure functions: (settings, paths of one LUN) -> role, group and priority of
 * each path. No I/O, no clock, no statics, no logging, no allocation.
 *
 * A plan depends on the policy and on which paths exist, never on which of them is up:
 * when a group has no usable path the kernel goes down the list by itself, so a failure
 * changes no priority and makes multipathd reload no table (DESIGN.md, decision 6). The one
 * exception is what the target itself says of its paths (ALUA): when it changes, so may the
 * plan.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/access_state.h"
#include "common/path_name.h"

#define POLICY_NAME_MAX	   32
#define POLICY_RULES_MAX   64  /* rules (expressions) in one policy setting */
#define POLICY_PATHS_MAX   256 /* paths of one LUN */
#define POLICY_WEIGHT_NEVER UINT32_MAX /* weighted-path: never use */

/* Priority of the best group; each further group one less. Never below PRIORITY_LOWEST. */
#define PRIORITY_BEST	1000
#define PRIORITY_LOWEST 1

enum role {
	ROLE_NONE, /* no policy places this path */
	ROLE_ACTIVE,
	ROLE_STANDBY,
	ROLE_EXCLUDED,
	ROLE_MAX
};
const char *role_name(enum role role); /* "active" … */

/*
 * A path expression: conditions that must all hold ("portal=10.0.1.2,iface=eth0").
 * Never a device name. An unset condition matches everything.
 */
struct path_expression {
	bool has_portal, has_port, has_source, has_target, has_tpgt, has_iface;
	struct ip_address portal; /* network address */
	unsigned int portal_bits; /* prefix length; full length for one address */
	uint16_t port;
	struct ip_address source;
	unsigned int source_bits;
	char target[ISCSI_NAME_MAX];
	int tpgt;
	char iface[ISCSI_IFACE_MAX]; /* open-iscsi's interface or the network device */
};

/* One line of a setting: which paths, in which role or with which weight. */
struct policy_rule {
	struct path_expression expression;
	enum role role;	 /* ROLE_ACTIVE, _STANDBY, _EXCLUDED; weighted: ROLE_ACTIVE */
	bool has_weight;
	uint32_t weight; /* lowest wins; POLICY_WEIGHT_NEVER */
};

struct policy;

struct policy_setting {
	const struct policy *policy;
	size_t n_rules;
	struct policy_rule rules[POLICY_RULES_MAX]; /* in the order given: the list order */
};

/* What a policy says about one path. Filled by plan_make() in the order of its input. */
struct plan_path {
	enum role role;
	unsigned int group; /* 0 is the best; equal means balanced together */
	int priority;	    /* PRIORITY_BEST - group, at least PRIORITY_LOWEST */
	int rule;	    /* index of the rule that placed it; -1: none (default place) */
};

/* A path of the LUN: what it is called, and what the target says of it. */
struct policy_path {
	struct path_name name;
	enum access_state access;
	bool preferred; /* the target's preferred port group */
	/* It cannot carry I/O now, as far as is known. For the checks below only: a plan does
	 * not depend on what is up. */
	bool failed;
};

/* One path as a policy's place() sees it: in stable list order, rule already matched. */
struct policy_candidate {
	const struct path_name *name;
	int rule;		       /* first matching rule, -1 none */
	enum role role;		       /* of that rule; ROLE_NONE without */
	bool has_weight;
	uint32_t weight;
	unsigned int access_rank;      /* access_state_rank(); 0 for all if access is symmetric */
};

struct policy_input {
	const struct policy_candidate *paths; /* never excluded ones */
	size_t n;			      /* at least 1 */
	bool names_active; /* a rule makes paths active, whether one exists now or not */
};

struct policy {
	const char *name;
	const char *summary;	/* one line for --help and `policy list` */
	const char *selector;	/* dm path selector: "round-robin 0", "queue-length 0" */
	/* With neither of these two, rules may only exclude. */
	bool takes_roles;	/* active/standby rules are allowed */
	bool one_active;	/* of a LUN's paths exactly one may be named as active */
	bool takes_weights;	/* EXPRESSION:WEIGHT rules are allowed */
	bool shares_all;	/* sends I/O over every path: not to be set where access differs */
	/*
	 * Give each candidate its role and group. Candidates come sorted in list order
	 * (index of the matching rule, paths without a rule last; then the better access
	 * state, the target's preferred ones, path_name_compare). Groups must be contiguous
	 * from 0.
	 */
	void (*place)(const struct policy_input *in, struct plan_path *out);
};

/* The registry: policies/policies.def, one line a policy. */
#define POLICY(id) extern const struct policy policy_##id;
#include "policies/policies.def"
#undef POLICY
extern const struct policy *const policy_registry[];
extern const size_t policy_count;
const struct policy *policy_by_name(const char *name); /* NULL: unknown */
int policy_index(const struct policy *policy);

/* Errors of a setting, by the names administrators know (facts: policies, section 7). */
enum policy_error {
	POLICY_OK,
	POLICY_INVALID_LOAD_BALANCE_POLICY,	/* unknown policy, or one that shares all
						   where the paths' access differs */
	POLICY_INVALID_PARAMETER,		/* malformed expression, weight, or a standby
						   where the policy has none */
	POLICY_DUPLICATE_PATH_SPECIFIED,	/* a path named by two rules of the same text */
	POLICY_PATH_COUNT_MISMATCH,		/* no paths or too many; more rules than paths */
	POLICY_INVALID_PATH_ID,			/* expression matches no path of this LUN */
	POLICY_MULTIPLE_PRIMARY_PATHS_SPECIFIED,/* failover-only with more than one active */
	POLICY_NO_PRIMARY_PATH_SPECIFIED,	/* no active path left, or only failed ones named */
	POLICY_INVALID_ISCSI_NAME,		/* of a section of the policies file */
	POLICY_LB_POLICY_NOT_SUPPORTED,		/* the kernel has no such path selector */
	POLICY_ERROR_MAX
};
const char *policy_error_name(enum policy_error error); /* "ISDSC_INVALID_PARAMETER" … */

#define POLICY_MESSAGE_MAX 256

/*
 * Parse a setting from its one-line text, as in prio_args:
 *	failover-only active portal=10.0.1.2 standby portal=10.0.2.2 portal=10.0.3.2
 *	weighted-path portal=10.0.1.2:10 portal=[fd00::2]:20 iface=eth1:never
 *	weighted-path portal=10.0.1.0/24:10 exclude portal=10.0.9.2
 * Words "active", "standby", "exclude" set the role of the expressions behind them (start:
 * active). In a policy that takes weights the last ":NUMBER" of a word is its weight (0…4294967294,
 * "never"), and the word is "weight" instead of "active", which is refused there: the port of a
 * portal would be taken for the weight.
 * On failure *ret is untouched and 'message' (POLICY_MESSAGE_MAX bytes) says which word is
 * wrong and what is allowed.
 */
enum policy_error policy_setting_parse(const char *text, struct policy_setting *ret, char *message);

/* The same text again, canonical: parse(format(x)) == x. Returns the length as snprintf. */
int policy_setting_format(const struct policy_setting *setting, char *buffer, size_t size);

/* One expression. 0 or -EINVAL with 'message' (POLICY_MESSAGE_MAX bytes). */
int path_expression_parse(const char *text, struct path_expression *ret, char *message);
int path_expression_format(const struct path_expression *expression, char *buffer, size_t size);
bool path_expression_matches(const struct path_expression *expression, const struct path_name *name);

/* Has the setting a rule that makes paths active? */
bool policy_names_active(const struct policy_setting *setting);

/*
 * Check a setting against the paths that exist when it is set: no more rules than paths,
 * every expression matches at least one path, no two rules name the same path, exactly one
 * primary for failover-only, at least one active path, of those named as active one that has
 * not failed, and for a policy that shares all: one access state for all that are not
 * excluded. 'message' as above.
 */
enum policy_error policy_setting_check(const struct policy_setting *setting,
				       const struct policy_path *paths, size_t n, char *message);

/*
 * The same for one of several LUNs that a setting is for (a target's, all): rules that match
 * none of its paths do not matter to it.
 */
enum policy_error policy_scope_check(const struct policy_setting *setting,
				     const struct policy_path *paths, size_t n, char *message);

/*
 * Is a setting that may be set, has been, or stands in a file or prio_args, most likely not
 * what was meant? True, and a sentence in 'message' (POLICY_MESSAGE_MAX bytes), the first of:
 * every path is named as a standby, and one of them is active; failover-only has further paths
 * that are named as active; it contradicts what the target says of its paths: a path that is
 * to carry I/O is not in the best access state that a path of the LUN has, or a policy that
 * shares all leaves paths out because their state is worse. Else false, and 'message' is
 * untouched. 'plan': what plan_make() made of the same setting and paths.
 */
bool policy_warning(const struct policy_setting *setting, const struct policy_path *paths,
		    const struct plan_path *plan, size_t n, char *message);

/* Does an expression match none of the paths now? As above. To be asked only where the setting
 * is for this LUN alone; a path may come later. */
bool policy_unmatched(const struct policy_setting *setting, const struct policy_path *paths,
		      size_t n, char *message);

/*
 * Is access the same over all paths that the setting does not exclude (NULL: over all)? Yes
 * if all states that are known are equal.
 */
bool policy_access_symmetric(const struct policy_setting *setting,
			     const struct policy_path *paths, size_t n);

/*
 * The plan. 'paths' in any order (the result does not depend on it), out[i] belongs to
 * paths[i]; n at most POLICY_PATHS_MAX, else -E2BIG. 'setting' NULL: no policy, every path
 * gets ROLE_NONE, group 0. Excluded paths share the lowest place, PRIORITY_LOWEST. A policy
 * that shares all never balances over paths of different access states: those in the best
 * one share, the others stand by.
 */
int plan_make(const struct policy_setting *setting, const struct policy_path *paths, size_t n,
	      struct plan_path *out);

#endif
