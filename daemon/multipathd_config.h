/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_MULTIPATHD_CONFIG_H
#define MPATHISCSI_MULTIPATHD_CONFIG_H

/* What `multipathd show config` says of the sections that bear on ours. Pure. */

#include <stdbool.h>

#define MP_SHOW_CONFIG "show config local" /* only devices that exist: shorter */

enum mp_setting { MP_NOT_SET, MP_NO, MP_YES };

struct mp_config {
	unsigned int polling_interval; /* s; 0: not told */
	char config_dir[256];	       /* "" not told (from 0.9 on it is fixed) */
	/* overrides{} beats devices{}: what of ours it would undo. */
	char overrides_checker[32]; /* "" not set there */
	enum mp_setting overrides_detect_checker;
	enum mp_setting overrides_detect_prio;
};

/* -EPROTO: not a configuration (sections do not close, no defaults section); error
 * replies as mp_reply_check(). *ret is untouched on failure. */
int mp_config_parse(const char *reply, struct mp_config *ret);

/*
 * Cut one line of a multipath configuration in place: leading blanks, the key, its value
 * without quotes ("" between quotes is one quote; "" if there is none). Returns false for
 * empty lines and comments. 'value' of "devices {" is "{".
 */
bool mp_config_line(char *line, char **ret_key, char **ret_value);

#endif
