/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_PROBE_SYSCALLS_H
#define MPATHISCSI_PROBE_SYSCALLS_H

/*
 * From here on this process makes only the system calls that a probe needs; anything else ends
 * it. Needs PR_SET_NO_NEW_PRIVS. Does nothing under AddressSanitizer, whose reports need files.
 * -errno: not installed.
 */
int probe_syscalls_filter(void);

#endif
