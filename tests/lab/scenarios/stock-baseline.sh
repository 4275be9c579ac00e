# Stock multipathd with Debian's defaults loses the active of two portals without a sound.
# lab: init=script timeout=180
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

title "stock multipathd, checker tur, Debian defaults"
target_start tgt 2
login 2
multipathd_start - <<E2
defaults {
	find_multipaths yes
}
overrides {
	path_grouping_policy failover
	path_checker tur
	prio weightedpath
	prio_args "$(weighted_args 1 2)"
	failback immediate
	no_path_retry queue
}
E2
assert_wait 20 "portal 1 is the active one" active_is 1

measure_cut stock 1
assert_eq "I/O errors" 0 "$MEASURED_ERRORS"
assert_eq "corrupt blocks" 0 "$MEASURED_CORRUPT"
# The kernel's own timers: 5 s + 5 s to its NOP time-out, then 5 s of recovery_tmo.
assert_ge "longest stall (ms)" "$MEASURED_STALL_MS" 10000
assert_le "longest stall (ms)" "$MEASURED_STALL_MS" 25000
