# The lab proves itself: targets, sessions, maps, verified load, and that each fault does what it says.
# lab: init=script timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

title "tgt: two controllers, two LUNs"
target_start tgt 2 luns=2 controllers=2
login 2
multipathd_start
assert_eq "sessions" 2 "$(find /sys/class/iscsi_session -mindepth 1 | wc -l)"
assert_eq "different LUNs have different maps" 2 "$(printf '%s\n' "$(map_name 1)" "$(map_name 2)" | sort -u | wc -l)"
assert_eq "disk of portal 2 is reached through" 2 "$(disk_portal "$(portal_disk 2)")"
assert_eq "iface of session" p1 "$(cat "/sys/class/iscsi_session/$(portal_session 1)/ifacename")"
assert_eq "checker of portal 1" ready "$(checker_state 1)"

title "verified load"
load_start "$(map_device 1)"
assert_wait 20 "load flows" load_flowing
load_stop
assert_eq "errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
assert_ge "blocks verified at the end" "$LOAD_VERIFIED" 100
say "clean load: $LOAD_IOS I/Os, $LOAD_VERIFIED blocks verified, longest $LOAD_STALL_MS ms"
load_start "$(map_device 2)"
assert_wait 20 "load flows" load_flowing
dd if=/dev/urandom of="$(map_device 2)" bs=4k count=64 oflag=direct status=none
assert_wait 20 "garbage on the device is noticed" eval 'load_look && ((LOAD_CORRUPT > 0))'
load_stop
say "garbage written below the load: $LOAD_CORRUPT corrupt reads seen"

title "faults of a portal"
assert_eq "healthy" open "$(portal_answer 1)"
for direction in in out both; do
	portal_cut 1 $direction
	assert_eq "cut $direction" "silent open" "$(portal_answer 1) $(portal_answer 2)"
	assert_eq "the link while cut" 1 "$(< /sys/class/net/p1/carrier)"
	portal_heal 1
	assert_wait 5 "healed" portal_answers 1 open
	say "cut $direction: silent, link up; heals"
done
portal_refuse 1
assert_eq "refuse" refused "$(portal_answer 1)"
assert_wait 10 "a refused session fails at once" not session_is 1 LOGGED_IN
portal_heal 1
assert_wait 40 "session returns" all_up
say "refuse: reset at once; heals"
portal_link_down 1
assert_eq "carrier" 0 "$(< /sys/class/net/p1/carrier)"
portal_heal 1
assert_wait 5 "healed" portal_answers 1 open
assert_eq "carrier" 1 "$(< /sys/class/net/p1/carrier)"
say "link down: no carrier; heals"
portal_netem 1 delay 300ms
rtt=$(ping -c 2 -q 10.0.1.2 | sed -n 's|.* = \([0-9.]*\)/.*|\1|p')
assert_ge "round trip (ms) with 300 ms delay" "$rtt" 300
portal_netem 1 loss 100%
assert_eq "all packets lost" silent "$(portal_answer 1)"
portal_heal 1
assert_wait 5 "healed" portal_answers 1 open
say "netem: $rtt ms, then all lost; heals"
assert_wait 60 "all paths up" all_up

title "faults of a controller"
inquiry() { timeout 3 iscsi-inq -i iqn.2026-01.org.example:selftest "iscsi://10.0.$1.2/$TARGET_IQN/1" > /dev/null 2>&1; }
assert "a login works" inquiry 1
controller_freeze 1
assert_eq "frozen: TCP" open "$(portal_answer 1)"
assert "frozen: no login" not inquiry 1
controller_thaw 1
assert_wait 20 "thawed: login" inquiry 1
say "freeze: TCP answers, iSCSI does not; thaws"
assert_wait 60 "all paths up" all_up
controller_kill 1
assert_wait 5 "killed" portal_answers 1 refused
assert_wait 10 "the session fails at once" not session_is 1 LOGGED_IN
assert_eq "the other controller" LOGGED_IN "$(session_state 2)"
controller_start 1
assert_wait 60 "all paths up" all_up
say "kill: reset; starts again, session returns"
tgt_lun_online 1 1 0
assert_wait 40 "TUR fails" checker_is 1 faulty
assert_eq "the other LUN of that portal" ready "$(checker_state 1 2)"
tgt_lun_online 1 1 1
assert_wait 40 "TUR works" checker_is 1 ready
assert_wait 60 "all paths up" all_up
say "LUN offline on one controller: its path only; comes back"

title "measured stall"
load_start "$(map_device 1)"
assert_wait 20 "load flows" load_flowing
portal=$(active_portals 1)
controller_freeze "$portal"
now; stopped_at=$NOW_MS
assert_wait 5 "I/O stalls" load_stalled
pause 2
controller_thaw "$portal"
since "$stopped_at"; stopped_ms=$SINCE_MS
assert_wait 20 "load flows" load_flowing
load_stop
say "frozen for $stopped_ms ms: stall of $LOAD_STALL_MS ms, later I/O good after $LOAD_DIVERSION_MS ms"
assert_ge "longest stall (ms)" "$LOAD_STALL_MS" $((stopped_ms - 300))
assert_le "longest stall (ms)" "$LOAD_STALL_MS" $((stopped_ms + 1000))
assert_eq "errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
result tgt "frozen_ms=$stopped_ms" "longest_stall_ms=$LOAD_STALL_MS" "diversion_ms=$LOAD_DIVERSION_MS"

title "IPv6"
multipathd_stop
maps_flush
logout
login 2 6
multipathd_start
session=$(portal_session 1)
assert_match "address of the session" '^fd00:' "$(< "/sys/class/iscsi_connection/connection${session#session}:0/address")"
multipathd_stop
maps_flush
logout
target_stop

title "LIO: two controllers with ALUA"
target_start lio 2 luns=2 controllers=2
login 2
multipathd_start - <<E2
defaults {
	find_multipaths yes
	polling_interval 1
	max_polling_interval 1
}
overrides {
	path_grouping_policy group_by_prio
	path_checker tur
	detect_checker no
	prio alua
	failback immediate
	no_path_retry queue
}
E2
assert_wait 10 "optimized has priority 50" path_priority_is 1 50
load_start "$(map_device 1)"
assert_wait 20 "load flows" load_flowing
alua_set 1 nonoptimized
assert_wait 20 "non-optimized has priority 10" path_priority_is 1 10
assert_wait 20 "dm uses controller 2" active_is 2
say "ALUA non-optimized on controller 1: priority 10, I/O on portal $(active_portals 1)"
alua_set 1 standby
assert_wait 20 "standby is a ghost path" checker_is 1 ghost
say "ALUA standby: checker says $(checker_state 1)"
alua_set 1 unavailable
assert_wait 20 "unavailable is faulty" checker_is 1 faulty
alua_set 1 optimized
assert_wait 20 "optimized has priority 50" path_priority_is 1 50
assert_wait 60 "all paths up" all_up
say "ALUA optimized again: priority $(path_priority 1)"
lio_lun_hang 1
assert_wait 5 "I/O stalls" load_stalled
assert "login and inquiry work while the LUN hangs" inquiry 1
lio_lun_resume 1
assert_wait 20 "load flows" load_flowing
load_stop
assert_eq "errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
say "LUN hang: I/O stood still for $LOAD_STALL_MS ms, inquiry answered, 0 errors"
lio_controller_enable 1 0
assert_wait 20 "a disabled controller drops its session" not session_is 1 LOGGED_IN
assert_eq "its listener" open "$(portal_answer 1)"
lio_controller_enable 1 1
assert_wait 60 "all paths up" all_up
say "controller disabled and enabled: session dropped, comes back"
result lio "hang_stall_ms=$LOAD_STALL_MS"
