/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_POLICY_PRIMARY_H
#define MPATHISCSI_POLICY_PRIMARY_H

/* Active paths that are too many or none, as checks refuse and warnings tell them. Shared by
 * the files of policies/ alone. 'plan': what plan_make() made of the setting and the paths. */

#include "policies/policy.h"

/* Which path was to be active, and was not made so by a policy that takes but one? NULL: none. */
const struct plan_path *primary_surplus(const struct policy_setting *setting,
					const struct plan_path *plan, size_t n);

/* Does the plan make a path active that was meant to stand by, for want of any other? */
bool primary_woken(const struct policy_setting *setting, const struct plan_path *plan, size_t n);

/* A sentence on a surplus one, into 'message' (POLICY_MESSAGE_MAX bytes). */
void primary_say_surplus(const struct policy_setting *setting, const struct path_name *name,
			 char *message);

#endif
