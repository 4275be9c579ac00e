/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLI_POLICY_H
#define MPATHISCSI_CLI_POLICY_H

#include "daemon/cli.h"
#include "daemon/store.h"

/* For which LUNs a command is: one, or a wider scope, as --target, --product, --default say. */
struct cli_scope {
	const char *lun;	/* as the user calls it; NULL with a name */
	bool has_name;
	struct store_name name; /* never of one LUN */
};

/* For getopt_long(): the options of a scope and their values. */
#define CLI_SCOPE_OPTIONS                                                                          \
	{"target", required_argument, NULL, CLI_OPTION_TARGET},                                    \
		{"product", required_argument, NULL, CLI_OPTION_PRODUCT},                          \
		{"default", no_argument, NULL, CLI_OPTION_DEFAULT}
enum { CLI_OPTION_TARGET = 512, CLI_OPTION_PRODUCT, CLI_OPTION_DEFAULT };

/* Take one of these options. EXIT_OK; else the reason on stderr and EXIT_USAGE (more than one
 * scope) or EXIT_REFUSED (a name that cannot be one). */
int cli_scope_option(struct cli_scope *scope, int option, const char *argument);

/* "lun" or "scope" for a request to the daemon. */
void cli_scope_field(const struct cli_scope *scope, struct json_object *fields);

/*
 * One command at a time changes the policies file and what multipathd's configuration has of it:
 * held from the first question to the daemon on, so that what is checked still holds when it is
 * done. Waits for its turn, two minutes at most. An exit code; unless it is EXIT_OK said on stderr, and there is nothing to unlock.
 */
int cli_store_lock(const struct cli *cli, int *ret_lock);
/* For who only reads the file: < 0 where there can be no lock, as on a medium that is read-only. */
int cli_store_lock_if_possible(const struct cli *cli);
void cli_store_unlock(int lock); /* < 0: nothing to do */

/*
 * Set a section of the policies file (NULL: remove it), with the lock held. An exit code;
 * everything said on stderr; unless it is EXIT_OK nothing was changed.
 */
int cli_store_edit(const struct cli *cli, const struct store_name *name, const char *alias,
		   const struct policy_setting *setting);

/* Let the daemon read the file. An exit code. */
int cli_policy_reload(struct cli *cli);

/* Ask the daemon what the section says, and what would come of taking it away
 * (daemon/policy_section.h); "unfit" as with policy-check. An exit code. */
int cli_ask_section(struct cli *cli, const struct cli_scope *scope, struct json_object **ret);

/* A reconfigure of multipathd is needed for 'what': not while a path is in trouble ("unfit" of
 * the daemon's reply), but with 'force'. EXIT_OK, or said on stderr and EXIT_REFUSED. */
int cli_may_reconfigure(struct json_object *checked, const char *what, bool force);

/*
 * Wait until what policy-check has 'checked' and was saved is in force: the daemon has this
 * setting for the section and for the LUNs that it governs, and the kernel's groups say the
 * same. EXIT_OK with the number of these LUNs in *ret_n (0: it governs none now); else said on
 * stderr and EXIT_PENDING (at once if the daemon has not taken it over), or an error's code.
 */
int cli_wait_in_force(struct cli *cli, const struct cli_scope *scope, struct json_object *checked,
		      uint64_t timeout_ms, size_t *ret_n);

/* The LUN of that WWID in an array of them; NULL: none. */
struct json_object *cli_find_lun(struct json_object *luns, const char *wwid);

/* Has the running kernel the policy's path selector? False, and a sentence in 'message'
 * (POLICY_MESSAGE_MAX bytes), only where that is known. */
bool cli_policy_is_supported(const struct policy *policy, char *message);

/* The verbs set, clear and check. */
int cli_policy_check(struct cli *cli, int argc, char **argv);
int cli_policy_set(struct cli *cli, int argc, char **argv);
int cli_policy_clear(struct cli *cli, int argc, char **argv);

/*
 * After a LUN's policy was saved: let the fragment that `mpathiscsi enable` wrote (if any)
 * carry it as prio_args, for the time when the daemon does not run, and its path selector
 * ("round-robin 0"; "" multipathd's own). 'setting' "" takes the policy away. With
 * 'reconfigure' multipathd is told to reconfigure if the LUN is in the fragment: for another
 * selector, or because it would go on using a policy that was taken away. Says on stderr
 * what could not be done; never an error of the command.
 */
void cli_policy_update_fragment(const struct cli *cli, const char *wwid, const char *setting,
				const char *selector, bool reconfigure);

/* One LUN's part of a change for several: as above. */
struct fragment_change {
	const char *wwid, *setting, *selector;
	bool reconfigure;
};

/* Say that the policies file has no such section, or that the file is missing. */
void cli_say_no_section(const struct cli *cli, const struct store_name *name);

/* Has the kernel the path selector of this policy ("" none) of the LUN ("wwid")? False: said. */
bool cli_lun_is_supported(struct json_object *lun, const char *policy_name);

/* The path selector of a LUN's policy, by the daemon's report of the LUN; "" without one. */
const char *cli_selector_of(struct json_object *lun);

/*
 * After the file has changed and the daemon has read it: update the fragment for these LUNs
 * ("wwid"), by the policies that have effect now. multipathd is told to reconfigure at most once,
 * if one of them has the flag 'reconfigure'. With the lock held.
 */
void cli_policy_follow(struct cli *cli, struct json_object *luns, const char *reconfigure);

#endif
