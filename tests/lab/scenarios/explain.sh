# explain and whatif before, during and after failures: what was foretold is what then happens. Completion too.
# lab: init=script timeout=400
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/shows.sh

# json EXPRESSION COMMAND…: a value of a command's JSON, by a Python expression on "s".
json() {
	local expression=$1
	shift
	"$@" | python3 -c "import json, sys; s = json.load(sys.stdin); print($expression)"
}

# explained PORTAL KEY: what explain says of the path over a portal.
explained() {
	json "[p for p in s['paths'] if p['path'] == '$(portal_address "$1"):3260'][0]['$2']" \
		mpathiscsi explain --json "$map"
}
explained_is() { [[ $(explained "$1" reason) =~ ^($2)$ ]]; }

# foretold ARGS…: the numbers of the portals that would carry I/O, as active_portals prints them.
foretold() {
	json "' '.join(p['path'].split('.')[2] for p in s['paths'] if p['after']['carries_io'])" \
		mpathiscsi whatif --json "$map" "$@"
}

target_start tgt 3
login 3
ours_start
map=$(map_name 1)
policy_set 1 failover-only --active portal=10.0.1.2 --standby portal=10.0.2.2 --standby portal=10.0.3.2
assert_wait 30 "one group per path" groups_are "1 2 3"

title "1. before"
load_start "$(map_device)"
assert_wait 20 "load flows" load_flowing
shows mpathiscsi explain "$map"
assert_eq "carries now" "['10.0.1.2:3260']" "$(json "s['now']" mpathiscsi explain --json "$map")"
assert_eq "would be next" "['10.0.2.2:3260']" "$(json "s['next']" mpathiscsi explain --json "$map")"
assert_eq "reasons" "in-use standby standby" "$(explained 1 reason) $(explained 2 reason) $(explained 3 reason)"
assert_match "the rule" 'standby: rule 3 of \[lun .*\], portal=10\.0\.3\.2' "$(explained 3 because)"
assert_eq "which standby fails changes nothing" 1 "$(foretold --down portal=10.0.2.2)"
assert_eq "two down" 3 "$(foretold --down iface=p1 portal=10.0.2.0/24)"
assert_eq "another policy" "1 2 3" "$(foretold --policy round-robin)"
assert_eq "another policy, one down" 2 \
	"$(foretold --down iface=p3 --policy "weighted-path portal=10.0.1.2:9 portal=10.0.2.2:5 portal=10.0.3.2:1")"
shows mpathiscsi whatif "$map" --down portal=10.0.1.2
shows mpathiscsi whatif "$map" --down portal=10.0.0.0/16
assert_match "nothing left, and then" 'nothing is left: I/O waits for about [0-9]+ s, then fails' \
	"$(mpathiscsi whatif "$map" --down target="$TARGET_IQN" | tr -s ' \n' ' ')"
shows mpathiscsi policy set "$map" round-robin-with-subset -a portal=10.0.2.2 -a portal=10.0.3.2 -x portal=10.0.1.2 --dry-run
shows mpathiscsi whatif --help
shows mpathiscsi explain --help
assert_eq "a dry run changes nothing" failover-only "$(json "s['policy_name']" mpathiscsi explain --json "$map")"
for bad in "--down portal=10.0.9.9" "--down sda" "--up portal=10.0.1.2 --down iface=p1" "--policy fastest"; do
	status=0
	# shellcheck disable=SC2086 # words
	mpathiscsi whatif "$map" $bad 2> /run/refused || status=$?
	assert_eq "whatif $bad is refused: $(cat /run/refused)" 4 "$status"
	assert_match "its name" 'ISDSC_(INVALID_PATH_ID|INVALID_PARAMETER|DUPLICATE_PATH_SPECIFIED|INVALID_LOAD_BALANCE_POLICY)' \
		"$(< /run/refused)"
done

title "2. completion"
. /usr/share/bash-completion/completions/mpathiscsi
# completes LINE TEXT: at the end of LINE exactly that is offered (bash keeps what stands before its word break).
completes() {
	COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
	_mpathiscsi
	assert_eq "completion of \"$1\"" "$2" "$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')"
}
completes "mpathiscsi explain " "$map"
completes "mpathiscsi policy show ${map::3}" "$map"
completes "mpathiscsi whatif $map --down portal=" "10.0.1.2 10.0.2.2 10.0.3.2"
completes "mpathiscsi whatif $map --down portal=10.0.1.2 portal=10.0.2" 10.0.2.2
completes "mpathiscsi whatif $map --down if" "iface=p1 iface=p2 iface=p3"
completes "mpathiscsi policy set $map failover-only --active=source=10.0.3" 10.0.3.1
completes "mpathiscsi policy set $map failover-only -a portal=10.0.1.2,if" "10.0.1.2,iface=p1 10.0.1.2,iface=p2 10.0.1.2,iface=p3"
completes "mpathiscsi whatif $map -d ta" "target=$TARGET_IQN"
completes "mpathiscsi whatif $map -d tp" "tpg=1"
completes "mpathiscsi policy set --target " "$TARGET_IQN"
completes "mpathiscsi policy clear --product " LAB/TGT
completes "mpathiscsi policy show --product=LA" LAB/TGT
completes "mpathiscsi policy set --default failover-only --active portal=10.0.2" 10.0.2.2
say "completed: LUNs and their expressions, targets and products"

title "3. during: portal 1 refuses, then portal 2 is silent"
expected=$(foretold --down portal=10.0.1.2)
portal_refuse 1
assert_wait 60 "dm gives path 1 up" path_is 1 F
assert_wait 60 "I/O flows again" load_flowing
assert_eq "I/O is where it was foretold" "$expected" "$(active_portals)"
shows mpathiscsi explain "$map"
assert_wait 30 "path 1 is explained" explained_is 1 'down|suspect|failed'
assert_eq "path 2" in-use-standby "$(explained 2 reason)"
assert_eq "up again, supposed" 1 "$(foretold --up portal=10.0.1.2)"
expected=$(foretold --down iface=p2)
portal_cut 2
assert_wait 60 "dm gives path 2 up" path_is 2 F
assert_wait 60 "I/O flows again" load_flowing
assert_eq "I/O is where it was foretold" "$expected" "$(active_portals)"
shows mpathiscsi explain "$map"
shows mpathiscsi whatif "$map" --down portal=10.0.3.2
assert_eq "nothing would be left" "" "$(foretold --down portal=10.0.3.2)"

title "4. after"
expected=$(foretold --up portal=10.0.1.2 portal=10.0.2.2)
portal_heal 1 2
assert_wait 90 "all paths are up again" all_up
assert_wait 90 "failback as foretold" active_is "$expected"
assert_wait 20 "I/O flows" load_flowing
assert_wait 30 "path 1 is explained" explained_is 1 in-use
assert_eq "reasons" "standby standby" "$(explained 2 reason) $(explained 3 reason)"

title "5. what an operator fails"
expected=$(foretold --down portal=10.0.1.2)
assert "mpathiscsi fail" mpathiscsi fail "$map" portal=10.0.1.2
assert_wait 30 "path 1 is explained" explained_is 1 held
assert_wait 30 "I/O goes where it was foretold" active_is "$expected"
shows mpathiscsi explain "$map"
shows mpathiscsi whatif "$map" --up portal=10.0.1.2
assert "mpathiscsi reinstate" mpathiscsi reinstate "$map" portal=10.0.1.2
assert_wait 60 "and back" active_is 1
assert_wait 30 "path 1 is explained" explained_is 1 in-use

title "6. several paths at once"
expected=$(foretold --policy round-robin)
policy_set 1 round-robin
assert_wait 30 "one group of all" groups_are "1,2,3"
assert_eq "as foretold" "$expected" "$(active_portals)"
shows mpathiscsi explain "$map"
shows mpathiscsi whatif "$map" --down iface=p2
assert_eq "reasons" "in-use in-use in-use" "$(explained 1 reason) $(explained 2 reason) $(explained 3 reason)"
load_stop
assert_eq "I/O errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
