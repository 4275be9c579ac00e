# A silent portal costs a fraction of a second: sessions become quick, one is cut under verified load, heals, fails back.
# lab: init=script timeout=280
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

target_start tgt 2
login 2
daemon_start --verbose
multipathd_start - <<E2
defaults {
	find_multipaths yes
}
E2
mpathiscsi enable > "$(log enable)"
assert_wait 40 "every path has checker iscsi" checker_everywhere iscsi
assert_wait 60 "every LUN has a map with all paths" maps_complete
policy_set 1 failover-only --active portal=10.0.1.2 --standby portal=10.0.2.2
wait_for 20 quick_are 2 || { quick_why; mpathiscsi status --json | tail -90; ss -tn; cat /sys/class/iscsi_connection/*/{address,port,local_port} /sys/class/iscsi_host/*/ipaddress; fail "not quick"; }
mpathiscsi status
mpathiscsi status --timing || true
measure_look() { mpathiscsi status; mpathiscsi explain "$(map_name 1)"; }
measure_cut quick 1
assert_eq "I/O errors" 0 "$MEASURED_ERRORS"
assert_eq "corrupt blocks" 0 "$MEASURED_CORRUPT"
mpathiscsi status
assert_wait 40 "every path is quick again" quick_are 2
measure_cut quick2 1
mpathiscsi status --json | head -c 6000
