# Asymmetric access: an array of two controllers whose ALUA states change at run time, and policies on two LUNs of the same sessions.
# lab: init=script timeout=300
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

# Controller 1 has portals 1 and 2, controller 2 has 3 and 4.
target_start lio 4 luns=2 controllers=2
alua_set 2 nonoptimized
login 4
multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 1")

priorities() {
	local n lun text=''
	for lun in 1 2; do
		for n in 1 2 3 4; do text+="$(path_priority "$n" "$lun") "; done
	done
	echo "$text"
}
stock_ready() { path_priority_is 1 50 1 && path_priority_is 3 10 1 && path_priority_is 4 10 2; }
assert_wait 20 "stock multipathd sees the ALUA states" stock_ready
stock=$(priorities)

title "no policy, no daemon: as stock"
mpathiscsi enable > "$(log enable)"
assert_wait 40 "every path has checker iscsi" checker_everywhere iscsi
as_stock() { [[ $(priorities) == "$stock" ]]; }
assert_wait 20 "priorities as stock's: $stock" as_stock
assert_wait 20 "the optimized group is first" groups_are "1,2 3,4" 1
alua_set 1 standby
assert_wait 20 "a standby path is a ghost" checker_is 1 ghost
assert_wait 20 "and has stock's priority" path_priority_is 1 1
alua_set 1 optimized
assert_wait 20 "priorities as stock's again" as_stock
assert_wait 30 "all paths up" all_up
say "priorities of portals 1 to 4, LUN 1 and 2: $(priorities), as stock; groups 1,2 before 3,4"

title "no policy, with the daemon: the best paths share, the others stand by one by one"
daemon_start
assert_wait 30 "groups of LUN 1" groups_are "1,2 3 4" 1
assert_wait 30 "groups of LUN 2" groups_are "1,2 3 4" 2
assert_match "explain" "none set; round-robin-with-subset by access state" "$(mpathiscsi explain "$(map_name 1)")"
alua_set 1 standby
assert_wait 20 "a standby path is a ghost" checker_is 1 ghost
assert_wait 30 "now the others are the best" groups_are "3,4 1 2" 1
alua_set 1 optimized
assert_wait 30 "as before" groups_are "1,2 3 4" 1
assert_wait 30 "all paths up" all_up
mpathiscsi status | head -12

# refused NAME ARGS…: policy set must be refused with that symbolic name and exit code 4.
refused() {
	local name=$1 status=0 text
	shift
	text=$(mpathiscsi policy set "$@" 2>&1) || status=$?
	assert_eq "exit code of: policy set $*" 4 "$status"
	assert_match "policy set $*" "$name" "$text"
	note "$text"
}

title "round-robin over paths of different access"
refused ISDSC_INVALID_LOAD_BALANCE_POLICY "$(map_name 1)" round-robin
assert "groups as before" groups_are "1,2 3 4" 1

title "round-robin-with-subset follows the target"
policy_set 1 round-robin-with-subset
assert_wait 20 "the optimized paths share, the others stand by one by one" groups_are "1,2 3 4" 1
load_start "$(map_device 1)"
# follow OPTIMIZED OTHER GROUPS ACTIVE: swaps the controllers' states, waits for dm.
follow() {
	local begin
	now; begin=$NOW_MS
	alua_set "$1" optimized
	alua_set "$2" nonoptimized
	assert_wait 20 "groups follow the target: $3" groups_are "$3" 1
	assert_wait 20 "dm uses portals $4" active_is "$4" 1
	since "$begin"; FOLLOW_MS=$SINCE_MS
	say "controller $1 is optimized now: groups $3, in use $4, after $SINCE_MS ms"
	assert_wait 20 "load flows" load_flowing
}
follow 2 1 "3,4 1 2" "3 4"; there_ms=$FOLLOW_MS
follow 1 2 "1,2 3 4" "1 2"; back_ms=$FOLLOW_MS
load_stop
say "load: $LOAD_IOS I/Os, $LOAD_ERRORS errors, $LOAD_CORRUPT corrupt, longest $LOAD_STALL_MS ms"
assert_eq "errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"

title "a policy that contradicts the target is taken, with a warning"
text=$(mpathiscsi policy set --timeout 60s "$(map_name 1)" failover-only --active portal=10.0.3.2 2>&1) || fail "refused: $text"
note "$text"
assert_match "the warning" 'non-?optimized' "$text"
assert_wait 20 "it is in force" groups_are "3 1 2 4" 1
explained() { mpathiscsi explain "$(map_name "$1")" | tr -s ' \n' ' '; }
assert_match "explain warns of it as well" 'warning: the path to 10\.0\.3\.2:3260 is to carry I/O and is active/non-optimized' "$(explained 1)"

title "two policies on two LUNs of the same sessions"
policy_set 1 round-robin-with-subset
policy_set 2 weighted-path -w portal=10.0.2.2:1 -w portal=10.0.1.2:2 -w portal=10.0.3.2:3 -w portal=10.0.4.2:4
assert_wait 20 "LUN 1" groups_are "1,2 3 4" 1
assert "explain of LUN 1 warns of nothing any more" not grep -q warning <<< "$(explained 1)"
assert_wait 20 "LUN 2" groups_are "2 1 3 4" 2
mpathiscsi policy show

title "a policy for the whole target, overridden by one LUN"
assert "set it" mpathiscsi policy set --timeout 60s --target "$TARGET_IQN" failover-only --active portal=10.0.2.2
assert "LUN 1 keeps its own" groups_are "1,2 3 4" 1
assert "LUN 2 clears its own" mpathiscsi policy clear "$(map_name 2)"
assert_wait 30 "LUN 2 has the target's" groups_are "2 1 3 4" 2
assert "and is changed with it" mpathiscsi policy set --timeout 60s --target "$TARGET_IQN" failover-only --active portal=10.0.1.2
assert_wait 30 "LUN 2 follows" groups_are "1 2 3 4" 2
assert "LUN 1 keeps its own" groups_are "1,2 3 4" 1
assert "LUN 1 clears its own" mpathiscsi policy clear "$(map_name 1)"
assert_wait 30 "LUN 1 has the target's" groups_are "1 2 3 4" 1

title "a dry run for the target: each LUN's groups before and after"
first_groups() {
	mpathiscsi policy set --target "$TARGET_IQN" failover-only --active portal=10.0.2.2 --dry-run --json > "$LAB_OUT/dry-run.json"
	python3 - "$LAB_OUT/dry-run.json" <<-'P'
		import json, sys
		for lun in json.load(open(sys.argv[1]))["luns"]:
		    for when in "before", "after":
		        print(*(p["path"].split(".")[2] for p in lun["forecast"]["paths"] if p[when]["group"] == 1), end=" ")
		P
}
# The daemon hears of a new table a moment after dm has it.
first_groups_are() { [[ $(first_groups) == "$1" ]]; }
assert_wait 5 "portals of the first group of LUN 1 and of LUN 2, before and after: 1 2 1 2" first_groups_are "1 2 1 2 "
assert "and nothing was changed" groups_are "1 2 3 4" 1
result alua "follow_ms=$there_ms" "back_ms=$back_ms" "longest_stall_ms=$LOAD_STALL_MS" "ios=$LOAD_IOS" "errors=$LOAD_ERRORS" "corrupt=$LOAD_CORRUPT"
