/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_REPORT_SETTINGS_H
#define MPATHISCSI_QUICK_REPORT_SETTINGS_H

/* Settings and switch as JSON, for the daemon's answer to "status". */

#include <json-c/json.h>

#include "daemon/quick/settings.h"
#include "daemon/quick/switch.h"

/*
 * Add to 'timing' what is in force: every key of mpathiscsid.conf under its own name (words
 * as text, numbers as numbers), and "targets", an array of those with a section of their own:
 * "target" and what holds for it.
 */
void report_settings(const struct quick_settings *settings, struct json_object *timing);

/* Add "on": bool, and when off "off_by": "file" or "kernel" and "off_text": who and when. */
void report_switch(const struct switch_state *state, struct json_object *object);

#endif
