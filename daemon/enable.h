/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_ENABLE_H
#define MPATHISCSI_ENABLE_H

/*
 * `mpathiscsi enable` and `disable`: put our fragment into multipathd's configuration, or
 * take it away. Level-triggered: enabling what is enabled changes nothing.
 */

#include <stdbool.h>
#include <stdio.h>

#define ENABLE_CONF_DIR SYSCONFDIR "/multipath/conf.d"

/* NULL and 0 mean the usual. */
struct enable_options {
	bool dry_run; /* show, change nothing */
	bool json;
	const char *conf_dir;	/* ENABLE_CONF_DIR */
	const char *plugin_dir; /* PLUGINDIR: where multipathd loads plugins from */
	const char *store_path; /* policies file; NULL: no policies */
	const char *control_path; /* mpathiscsid's socket: CONTROL_DEFAULT_PATH */
	const char *sysfs;	/* /sys */
	const char *socket;	/* as for multipathd_connect() */
	unsigned int timeout_s; /* for multipathd to take it over: 60 */
	FILE *out;		/* stdout: what was done, or would be; notes; JSON */
	FILE *err;		/* stderr: why not */
};

/*
 * Both return an exit code (enum cli_exit): EXIT_OK; EXIT_REFUSED: a file of that name is
 * not ours or was edited, a policies file is broken, or missing while mpathiscsid has
 * policies of it in force, plugins are missing; EXIT_FAILED:
 * nothing to enable, or multipathd, sysfs or the file system did not do their part (then
 * what was written is said); EXIT_PENDING: written, but multipathd did not take it over
 * in time; EXIT_NOT_PERMITTED.
 *
 * When multipathd cannot load our checker after all (its paths are left without one),
 * enable takes the fragment back before it fails.
 */
int cmd_enable(const struct enable_options *options);
int cmd_disable(const struct enable_options *options);

/*
 * The policy of one LUN has changed ("" none): rewrite its prio_args and path_selector ("":
 * none) in the fragment. No reconfigure: multipathd reads it at its next one. 0 and
 * *ret_changed (may be NULL); -ENODATA: not enabled; -ENXIO: the LUN is not in the fragment; -E2BIG: the text does not fit, prio_args was emptied; -EPERM, -EBADMSG:
 * as fragment_parse(); -errno. 'conf_dir' NULL: ENABLE_CONF_DIR.
 */
int fragment_update(const char *conf_dir, const char *wwid, const char *policy,
		    const char *selector, bool *ret_changed);

#endif
