# Policies where the portals have IPv6 addresses, named by address and by network, and policies for a product, overridden by one
# LUN: in force, and carried by the I/O. The portal that carries it fails, also silently.
# lab: init=script timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

WRITES=400
target_start tgt 4 luns=3
login 4 6
assert_eq "sessions over IPv6" 4 "$(cat /sys/class/iscsi_connection/connection*/persistent_address | grep -c '^fd00:')"
ours_start

# carried LUN: the portals that carried a writer's blocks, each with its share ("3:400", "2:200 3:200"). The LUN has no other
# load.
carried() {
	local n line
	local -a disks=() word
	for n in 1 2 3 4; do disks+=("$(portal_disk "$n" "$1")"); done
	line=$(pathcount --device "$(map_device "$1")" --count $WRITES --depth 4 "${disks[@]}") || fail "pathcount: $line"
	read -r -a word <<< "$line" # writes N errors N corrupt N ms N merged N DISK N …
	line=''
	for n in 1 2 3 4; do
		((word[9 + 2 * n] == 0)) || line+="$n:${word[9 + 2 * n]} "
	done
	echo "${line% }"
}
# carries LUN PORTAL…: exactly these carried it, in parts that differ by no more than a twentieth.
carries() {
	local lun=$1 found part most=0 least=$WRITES
	shift
	found=$(carried "$lun")
	note "LUN $lun, $WRITES writes by portal: $found"
	assert_eq "portals that carry LUN $lun" "$*" "$(tr ' ' '\n' <<< "$found" | cut -d: -f1 | paste -sd ' ')"
	for part in $found; do
		part=${part#*:}
		((part <= most)) || most=$part
		((part >= least)) || least=$part
	done
	assert_le "difference of the parts" $((most - least)) $((WRITES / $# / 20))
}
# refused TEXT ARGS…: policy set is refused, and the message has TEXT.
refused() {
	local text=$1 status=0 said
	shift
	said=$(mpathiscsi policy set "$@" 2>&1) || status=$?
	assert_match "exit status of: policy set $*" '^[24]$' "$status"
	assert_match "message of: policy set $*" "$text" "$said"
}
set_scope() { assert "mpathiscsi policy set $*" mpathiscsi policy set --timeout 60s "$@"; }
explained() { mpathiscsi explain "$(map_name "$1")" | tr -s ' \n' ' '; }
section_of() {
	mpathiscsi policy show --json | python3 -c 'import json, sys
for lun in json.load(sys.stdin)["luns"]:
    if lun["alias"] == sys.argv[1]: print(lun["scope"])' "$(map_name "$1")"
}

title "IPv6: by address and by network"
policy_set 1 failover-only --active 'portal=[fd00:0:0:3::2]' --standby 'portal=[fd00:0:0:2::]/64'
assert_wait 20 "LUN 1" groups_are "3 2 1 4" 1
# Networks 2 and 3 are one /63; with a port.
policy_set 2 round-robin-with-subset -a 'portal=[fd00:0:0:2::]/63:3260' -s 'portal=[fd00:0:0:4::2]:3260' -x 'source=[fd00:0:0:1::]/64'
assert_wait 20 "LUN 2" groups_are "2,3 4 1" 2
policy_set 3 weighted-path -w 'portal=[fd00:0:0:4::]/64:1' -w 'portal=[fd00:0:0:1::2]:3260:2' -w 'portal=[fd00:0:0:2::]/63:7'
assert_wait 20 "LUN 3" groups_are "4 1 2 3" 3
mpathiscsi policy show
carries 1 3
carries 2 2 3
carries 3 4
assert_match "explain names the network" 'portal=\[fd00:0:0:2::\]/64' "$(explained 1)"
refused 'brackets' "$(map_name 1)" failover-only --active portal=fd00:0:0:3::2
refused '\[fd00:0:0:3::\]/64' "$(map_name 1)" failover-only --active 'portal=[fd00:0:0:3::2]/64'
refused 'ISDSC_' "$(map_name 1)" failover-only --active 'portal=[fd00:0:0:9::]/64'
assert "LUN 1 as before" groups_are "3 2 1 4" 1
# Nothing excluded: then "everything is up again" is to be had.
policy_set 2 round-robin-with-subset -a 'portal=[fd00:0:0:2::]/63:3260' -s 'portal=[fd00:0:0:4::2]:3260'
assert_wait 30 "all paths are up" all_up

title "IPv6: the portal in use goes silent under load"
quick_3() { [[ $(quick_why | grep -cE ' \[?fd00:(0:0:)?3::2.* quick$') == 3 ]]; }
assert_wait 60 "the session over portal 3 is quick" quick_3
seen=''
measure_look() {
	seen=$(active_portals 1)
}
measure_cut ipv6 3
assert_eq "portal in use meanwhile" 2 "$seen"
assert_eq "I/O errors, corrupt blocks" "0 0" "$MEASURED_ERRORS $MEASURED_CORRUPT"
assert_le "longest stall (ms), of about 15 s with stock timers" "$MEASURED_STALL_MS" 7000
carries 1 3

title "a product's policy, one LUN's own before it"
for lun in 1 2 3; do
	assert "clear LUN $lun" mpathiscsi policy clear "$(map_name $lun)"
done
refused 'ISDSC_|no LUN' --product LAB/OTHER round-robin
set_scope --default failover-only --active 'portal=[fd00:0:0:4::2]'
assert_wait 30 "the default" groups_are "4 1 2 3" 2
set_scope --product LAB/TGT weighted-path -w 'portal=[fd00:0:0:2::2]:1' -w 'portal=[fd00:0:0:1::2]:2'
for lun in 1 2 3; do
	assert_wait 30 "LUN $lun has the product's" groups_are "2 1 3 4" $lun
done
policy_set 2 round-robin-with-subset -a 'portal=[fd00:0:0:4::2]' -a 'portal=[fd00:0:0:3::2]'
assert_wait 20 "LUN 2 its own" groups_are "3,4 1 2" 2
assert "LUN 1 keeps the product's" groups_are "2 1 3 4" 1
carries 1 2
carries 2 3 4
carries 3 2
assert_eq "section of LUN 1" 'product "LAB" "TGT"' "$(section_of 1)"
assert_eq "section of LUN 2" "lun $(lun_wwid 2)" "$(section_of 2)"
set_scope --product LAB/TGT failover-only --active 'portal=[fd00:0:0:1::]/64'
assert_wait 30 "LUN 1 follows the product" groups_are "1 2 3 4" 1
assert_wait 30 "LUN 3 as well" groups_are "1 2 3 4" 3
assert "LUN 2 keeps its own" groups_are "3,4 1 2" 2
carries 1 1
carries 2 3 4
assert "clear LUN 2" mpathiscsi policy clear "$(map_name 2)"
assert_wait 30 "LUN 2 has the product's" groups_are "1 2 3 4" 2
assert "clear the product" mpathiscsi policy clear --product LAB/TGT
assert_wait 30 "then the default has effect" groups_are "4 1 2 3" 1
assert_wait 30 "on LUN 2 as well" groups_are "4 1 2 3" 2
carries 2 4
result scopes ok=true "ipv6_stall_ms=$MEASURED_STALL_MS" "errors=$MEASURED_ERRORS" "corrupt=$MEASURED_CORRUPT"
