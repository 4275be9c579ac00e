# 64 LUNs over 4 portals, really logged in: 256 paths. Enable, the first plan, a policy on all of them, and the loss of the
# portal that carries everything, with verified loads on a few LUNs.
# lab: init=script timeout=2400 mem=3072
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/usage.sh

luns=64 portals=4
paths=$((luns * portals))
target_start lio $portals luns=$luns size=8
login $portals
MULTIPATHD_READY_S=300 MULTIPATHD_MAPS_S=400 # 256 paths on an emulated processor
multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 2" "no_path_retry queue")
paths_usable() { [[ $(dmsetup status --target multipath | grep -oE ' [0-9]+:[0-9]+ A ' | wc -l) == "$1" ]]; }
assert_wait 400 "$paths usable paths" paths_usable $paths
maps=$(dmsetup ls --target multipath | wc -l)
assert_eq "maps" $luns "$maps"

title "start"
quick_conf stable_ms=1000
now; begin=$NOW_MS
daemon_start
planned() { [[ $(status_value "sum(len(l['paths']) for l in s['luns'])") == "$paths" ]]; }
assert_wait 30 "the daemon knows $paths paths" planned
since "$begin"; start_ms=$SINCE_MS
mpathiscsi enable > "$(log enable)" 2>&1 || fail "enable: $(tail -n 3 "$(log enable)")"
assert_wait 120 "every path has checker iscsi" checker_everywhere iscsi
assert_wait 60 "$paths usable paths" paths_usable $paths

title "a policy on all"
now; begin=$NOW_MS
mpathiscsi policy set --default failover-only --active portal="$(portal_address 1)" --timeout 120s > "$(log policy)" 2>&1 ||
	fail "policy set: $(tail -n 3 "$(log policy)")"
since "$begin"; set_ms=$SINCE_MS
in_force() { [[ $(status_value "sum(l['in_force'] for l in s['luns'])") == "$luns" ]]; }
assert_wait 60 "in force on $luns LUNs" in_force
assert_wait 60 "every path is quick" quick_are $paths

# ours: process ids of the daemon and its children.
ours() { echo "$DAEMON_PID"; pgrep -P "$DAEMON_PID"; }
mapfile -t pids < <(ours)
before=$(ticks "${pids[@]}")
now; begin=$NOW_MS
pause 20
since "$begin"
idle=$(awk -v t="$(($(ticks "${pids[@]}") - before))" -v ms="$SINCE_MS" 'BEGIN { printf "%.2f", t * 1000 / ms }')
rss=$(for pid in "${pids[@]}"; do awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; done | awk '{ n += $1 } END { printf "%.1f", n / 1024 }')
now; begin=$NOW_MS
mpathiscsi status > "$(log status)"
since "$begin"; status_ms=$SINCE_MS

title "the portal that carries everything is cut, and back"
loaded="1 22 43 64"
for lun in $loaded; do loads_start "lun$lun" "$(map_device "$lun")" --rate 50; done
portal_cut 1
now; begin=$NOW_MS
assert_wait 30 "no usable path over portal 1" paths_usable $((paths - luns))
since "$begin"; cut_ms=$SINCE_MS
# shellcheck disable=SC2086 # a list of names
assert_wait 30 "all loads flow" loads_flow lun${loaded// / lun}
portal_heal 1
assert_wait 120 "$paths usable paths again" paths_usable $paths
assert_wait 60 "in force on $luns LUNs" in_force
errors=0 corrupt=0 stall_ms=0
for lun in $loaded; do
	loads_use "lun$lun"
	load_stop
	errors=$((errors + LOAD_ERRORS)) corrupt=$((corrupt + LOAD_CORRUPT))
	((${LOAD_STALL_MS%.*} <= ${stall_ms%.*})) || stall_ms=$LOAD_STALL_MS
done
assert_eq "errors, corrupt blocks" "0 0" "$errors $corrupt"
assert "the daemon is the same" process_runs "$DAEMON_PID"
# shellcheck disable=SC2086 # numbers
result scale_guest luns=$luns paths=$paths rss_mib=$rss idle_cpu_pct=$idle start_ms=$start_ms set_all_ms=$set_ms status_ms=$status_ms cut_ms=$cut_ms longest_stall_ms=$stall_ms errors=$errors corrupt=$corrupt
