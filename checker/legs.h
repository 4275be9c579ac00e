/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_LEGS_H
#define MPATHISCSI_LEGS_H

/*
 * The other paths of the dm map above a disk. A reload of the map waits for the I/O in
 * flight on all of them, so a path must not be called down early while another one, whose
 * portal is not in order either, may hold I/O that will not come back soon.
 */

#include <stdint.h>

#include "checker/verdict.h"

/*
 * Look at the slaves of every holder of 'device' except itself. LEGS_HOLD: one over iSCSI
 * is blocked, or its session not logged in, or it has I/O in flight while its portal's
 * probe is not seen to answer. LEGS_FREE: none such (also without any map). LEGS_UNKNOWN:
 * could not be read. About twenty small reads per path: only for the rare case. A path
 * that is not iSCSI is not looked at.
 */
enum legs_state legs_look(const char *sysfs, const char *board, const char *device,
			  uint64_t now_ns);

#endif
