/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MPATHISCSI_CLI_POLICY_H
#define MPATHISCSI_CLI_POLICY_H

/*
 * After a LUN's policy was saved: let the fragment that `mpathiscsi enable` wrote (if any)
 * carry it as prio_args, for the time when the daemon does not run. 'setting' "" takes it
 * away, and multipathd, which would go on using the old one, is told to reconfigure. Says
 * on stderr what could not be done; never an error of the command.
 */
void cli_policy_update_fragment(const char *wwid, const char *setting);

#endif
