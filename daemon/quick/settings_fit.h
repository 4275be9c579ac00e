/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_QUICK_SETTINGS_FIT_H
#define MPATHISCSI_QUICK_SETTINGS_FIT_H

#include "daemon/quick/settings.h"

struct quick;

/*
 * settings_check_live() with what is known of the sessions that are logged in now. Of
 * no_path_retry only maps count that queue for long enough for a session to be quick at all.
 * Without memory nothing is refused.
 */
enum settings_fit quick_settings_fit(const struct quick *quick,
				     const struct quick_settings *settings, char *message);

#endif
