/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_UPKEEP_H
#define MPATHISCSI_UPKEEP_H

#include "daemon/watch.h"

/*
 * Once a tick, with states just read: which paths does multipathd keep failed for no reason of
 * theirs (lingering.h), and which tables has it left out of order (regroup.h)? Never waits.
 */
void upkeep_step(struct watch *watch);

#endif
