/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_SETTINGS_CHECK_H
#define MPATHISCSI_QUICK_SETTINGS_CHECK_H

/* Values of mpathiscsid.conf that are fine alone and make no sense together. */

#include "daemon/ini_text.h"
#include "daemon/quick/settings_keys.h"

/* A section as it was read: values and the lines they stand in. */
struct settings_section {
	char target[ISCSI_NAME_MAX]; /* "": [timing] */
	unsigned int line;	     /* of the header; 0: no such section */
	uint32_t value[KEY_MAX];
	unsigned int key_line[KEY_MAX]; /* 0: not set here */
};

/* Complain to 'text' about what cannot be together; the line is that of the last of the
 * values in question that 'section' sets. 'timing' is what 'section' results in. */
void settings_check_timing(const struct quick_settings *whole, const struct quick_timing *timing,
			   const struct settings_section *section, struct ini_text *text);
void settings_check_whole(const struct quick_settings *whole,
			  const struct settings_section *section, struct ini_text *text);

#endif
