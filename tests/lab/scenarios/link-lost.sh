# The host loses its own link: no carrier, switched off, both links at once; and one that is back after 50 ms, which costs nothing.
# The kernel tells the daemon, so that nobody waits for a silence.
# lab: init=script timeout=1200
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh
. /lab/lib/falsealarm.sh

product_require
FO_SETTING=default
said() { grep -qF "$1" "$(log mpathiscsid)"; }
status_says() { grep -qF "$1" <(mpathiscsi status); }

# lost CASE CUTS: the link is lost, and its session given up each time; lines CUT and a RESULT for each depth.
lost() {
	local case=$1 cuts=$2 before after depth i
	FO_TIMES=()
	title "$case"
	before=$(quick_totals releases)
	failover_loads
	for ((i = 1; i <= cuts; i++)); do
		failover_cut "$case"
	done
	after=$(quick_totals releases)
	for depth in 1 32; do
		loads_use "$depth"
		load_stop
		assert_eq "$case, depth $depth: I/O errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
		failover_lines default "$case" "$depth" "$cuts" "$case" | tee -a "$LAB_OUT/cuts.txt"
	done
	assert_ge "$case: sessions given up" "$((after - before))" "$cuts"
}

failover_target linkdown
failover_up default
watch_start "$LAB_VAR/watch.log" "${FO_MAP[1]}" "${FO_MAP[2]}"

title "a link that is back after 50 ms"
falsealarm_case linkflap default 12
assert_eq "paths failed, sessions dropped, given up, I/O errors, corrupt blocks" "0 0 0 0 0" \
	"$FA_FAILED $FA_DROPPED $FA_RELEASED $FA_ERRORS $FA_CORRUPT"

lost linkdown 3
assert "the daemon has named the link" said "link p1 is down (no carrier); its connection is ended"
lost linkoff 2
assert "the daemon has named the link" said "link p1 is down (switched off); its connection is ended"
cuts=$(awk '$1 == "CUT" { for (i = 2; i <= NF; i++) if (sub(/^stall_ms=/, "", $i)) print $i }' "$LAB_OUT/cuts.txt" | sort -n)
read -r median < <(awk '{ ms[NR] = $1 } END { print ms[int((NR + 1) / 2)] }' <<< "$cuts")
# A quarter of a second; stock needs 15 s, a busy host a multiple of either.
assert_le "median stall, ms" "$median" 1500
result linklost "n=$(wc -l <<< "$cuts")" "median_ms=$median" "max_ms=$(tail -n 1 <<< "$cuts")"

# With nothing in flight no command fails, and the probe's word is good for a second yet: multipathd, which asks each second here,
# must not bring the paths back that the daemon has failed.
title "a link that is lost while nothing is in flight"
mkdir -p /etc/multipath/conf.d
printf 'defaults {\n\tpolling_interval 1\n\tmax_polling_interval 1\n}\n' > /etc/multipath/conf.d/polling.conf
multipathd reconfigure > /dev/null
failed_both() { watch_path_is "${FO_MAP[1]}" "${FO_DEV[1]}" F && watch_path_is "${FO_MAP[2]}" "${FO_DEV[2]}" F; }
reinstated() { grep -cE ' 8:[0-9]+: reinstated' "$(log multipathd)" || true; }
idle_quick() { watch_up 2 "${FO_MAP[@]}" && quick_are 4; }
for ((i = 1; i <= 3; i++)); do
	assert_wait 120 "all is well, cut $i" idle_quick
	before=$(reinstated)
	portal_link_down 1
	assert_wait 20 "its paths are failed" failed_both
	assert "they stay so" holds 4 failed_both
	assert_eq "paths brought back meanwhile" "$before" "$(reinstated)"
	portal_heal 1
done
assert "the daemon has turned new I/O away" said "link p1 is down (no carrier); nothing is in flight, new I/O goes elsewhere"

title "both links at once"
loads_start 32 "/dev/mapper/${FO_MAP[2]}" --threads 32 --rate 4 --blocks 16 --drain 90
failover_ready_all() { failover_home && quick_are 4 && loads_flow 32; }
assert_wait 120 "all is well" failover_ready_all
before=$(quick_totals releases)
# By one command: a busy host takes longer for two than the daemon for the first.
ip -n target -batch - <<< $'link set p1 down\nlink set p2 down'
assert_wait 20 "status names the first link" status_says "link p1 is down (no carrier)"
assert_wait 20 "status names the second link" status_says "link p2 is down (no carrier)"
pause 2
portal_heal 1 2
# A group of the map without a load is not active before the next I/O.
both_up() { watch_up 2 "${FO_MAP[@]}" && watch_active "${FO_MAP[2]}" "${FO_DEV[2]}"; }
assert_wait 120 "all paths are up again" both_up
assert_wait 60 "I/O flows" loads_flow 32
load_stop
assert_eq "I/O errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
assert_eq "nothing given up" "$before" "$(quick_totals releases)"
watch_stop
failover_down default
