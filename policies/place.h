/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_POLICY_PLACE_H
#define MPATHISCSI_POLICY_PLACE_H

/* Places that several policies give. Shared by the files of policies/ alone. */

#include "policies/policy.h"

/*
 * The paths for which 'shares' is true are active and share group 0. The others stand by
 * behind them, in list order, each in a group of its own: when every active path is gone the
 * kernel wakes exactly one. Where 'shares' takes none, the first path of the list is active.
 */
void place_shared(const struct policy_input *in,
		  bool (*shares)(const struct policy_input *in,
				 const struct policy_candidate *path),
		  struct plan_path *out);

/* All paths in the best access state that any of them has share group 0: all of them where
 * access is symmetric. */
void place_best_access(const struct policy_input *in, struct plan_path *out);

#endif
