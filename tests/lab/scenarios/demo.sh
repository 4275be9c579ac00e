# A LUN fails over and back: stock multipathd, then our checker, policy and priorities, in one boot.
# lab: init=script timeout=280
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

title "1. stock multipathd: checker tur, Debian's defaults"
target_start tgt 2
login 2
multipathd_start - <<E2
defaults {
	find_multipaths yes
}
overrides {
	path_grouping_policy failover
	prio weightedpath
	prio_args "$(weighted_args 1 2)"
	failback immediate
	no_path_retry 12
}
E2
assert_wait 20 "portal 1 is the active one" active_is 1
assert_wait 20 "the checker is stock's" checker_everywhere tur
measure_cut stock 1
stock_stall=$MEASURED_STALL_MS stock_diversion=$MEASURED_DIVERSION_MS
errors=$MEASURED_ERRORS corrupt=$MEASURED_CORRUPT
multipathd_stop
maps_flush

title "2. the same host with multipath-iscsi: policy failover-only"
ours_start
policy_set 1 failover-only --active portal=10.0.1.2 --standby portal=10.0.2.2
assert_wait 20 "one group per path, portal 1 first" groups_are "1 2"
assert_wait 20 "portal 1 is the active one" active_is 1
mpathiscsi status
multipath -ll
multipathd show paths format "%d %c %T %i"
# Called by measure_cut when I/O flows on the standby.
measure_look() { mpathiscsi status; }
measure_cut ours 1
mpathiscsi status

title "what it came to"
printf '  %-34s %10s %10s\n' '' 'stock' 'ours'
printf '  %-34s %7s ms %7s ms\n' 'longest I/O stall' "$stock_stall" "$MEASURED_STALL_MS" \
	'until new I/O used the standby' "$stock_diversion" "$MEASURED_DIVERSION_MS"
errors=$((errors + MEASURED_ERRORS)) corrupt=$((corrupt + MEASURED_CORRUPT))
printf '  %s I/O errors, %s corrupt blocks\n\n' "$errors" "$corrupt"
result demo "stock_stall_ms=$stock_stall" "ours_stall_ms=$MEASURED_STALL_MS" \
	"stock_diversion_ms=$stock_diversion" "ours_diversion_ms=$MEASURED_DIVERSION_MS" \
	"errors=$errors" "corrupt=$corrupt"

assert_eq "I/O errors" 0 "$errors"
assert_eq "corrupt blocks" 0 "$corrupt"
assert_eq "policy in force at the end" True "$(status_value 's["luns"][0]["in_force"]')"
assert_eq "priorities" "1000 999" "$(path_priority 1) $(path_priority 2)"
assert "every checker is ours" checker_everywhere iscsi
