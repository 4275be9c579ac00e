# The five policies as an administrator writes them without our daemon, in multipath.conf: a policy a LUN, as in the truth table
# and the fault matrix. Sourced by the scenarios that go without the daemon's policies.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# by_conf_lun LUN SELECTOR PRIO_ARGS: what is written for a LUN.
by_conf_lun() {
	cat <<-S
		multipath {
			wwid $(lun_wwid "$1")
			path_grouping_policy group_by_prio
			path_selector "$2 0"
			prio iscsi
			prio_args "$3"
			failback immediate
			no_path_retry queue
		}
	S
}

# by_conf WEIGHT WEIGHT WEIGHT WEIGHT: LUNs 1 to 5, with these weights of LUN 4's paths.
by_conf() {
	by_conf_lun 1 round-robin "failover-only active portal=10.0.1.2"
	by_conf_lun 2 round-robin "round-robin"
	by_conf_lun 3 round-robin "round-robin-with-subset active portal=10.0.1.2 portal=10.0.2.2 standby portal=10.0.3.2 portal=10.0.4.2"
	by_conf_lun 4 round-robin "weighted-path portal=10.0.1.2:$1 portal=10.0.2.2:$2 portal=10.0.3.2:$3 portal=10.0.4.2:$4"
	by_conf_lun 5 queue-length "least-queue-depth"
}
