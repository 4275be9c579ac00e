/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LUN_WARNING_H
#define MPATHISCSI_LUN_WARNING_H

/* What the policy of a LUN says that is hardly meant, as its paths are now. */

#include <stdbool.h>

#include "daemon/lun.h"

/* True, and a sentence in 'message' (POLICY_MESSAGE_MAX bytes): policy_warning(), or, in a
 * section of this LUN's own, policy_unmatched(). Else false, and 'message' is untouched. */
bool lun_warning(const struct lun *lun, char *message);

/* Log those of all LUNs, the first few in full. */
void lun_log_warnings(const struct lun_table *table);

#endif
