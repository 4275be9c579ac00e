# A table that multipathd loads waits for all I/O in flight, so none may be loaded while I/O is stuck. Under failover-only: silent
# cuts of the active and of the standby portal, a LUN that hangs on one controller, and all returns, each under load on two LUNs;
# the tables put in force meanwhile are counted, and none may come while a request is stuck. multipathd before 0.9.6 has no reason
# for any; later ones load one by themselves when the preferred group has emptied and when it is back.
# Arguments: rounds=N (1), hang=SECONDS (20).
# lab: init=script timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/tables.sh

rounds=1 hang=20
for word in "$@"; do
	[[ $word =~ ^(rounds|hang)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
LOADS="1 2"
wrong='' errors=0 corrupt=0 stuck=0
version=$(dpkg-query -f '${Version}' -W multipath-tools)
loads_by_itself=''
! dpkg --compare-versions "$version" ge 0.9.6 || loads_by_itself=yes
declare -A MAP=() DEV=()

target() { # shellcheck disable=SC2034 # read by lio.sh
	LIO_SPLIT=1
	target_start lio 2 luns=2 controllers=2
}

loads_begin() {
	local lun
	for lun in $LOADS; do
		loads_start "$lun" "/dev/mapper/${MAP[$lun]}" --threads 8 --rate 10 --blocks 32 --threshold 300 --drain 90
	done
}
flows() { loads_flow $LOADS; }

# home: every path is usable, and both LUNs' I/O goes over portal 1.
home() {
	local lun
	watch_up 2 "${MAP[1]}" "${MAP[2]}" || return 1
	for lun in 1 2; do watch_active "${MAP[$lun]}" "${DEV[$lun]}" || return 1; done
}
home_and_quick() { home && quick_are 4; }

# failed_of PORTAL: whether dm has given up both LUNs' paths over it.
failed_of() { path_is "$1" F 1 && path_is "$1" F 2; }

# counted WHAT TABLES-BEFORE STEP-BEGIN: a line on what was loaded since.
counted() {
	local n
	n=$(($(tables_count 1 2) - $2))
	since "$3"
	note "$1: $n table(s) in $SINCE_MS ms"
	[[ $n == 0 || -n $loads_by_itself ]] || wrong+="$1: $n tables, at $(tables_times 1 2 | tail -n "$n" | paste -sd ' ') (fault at $(awk "BEGIN { print $3 / 1000 }")); "
	TABLES[$1]=$((${TABLES[$1]:-0} + n))
}
declare -A TABLES=()

# tables_while_stuck LUN: when a table of it was put in force while a request of its finished load had been waiting for 300 ms and
# had to wait on; a line each.
tables_while_stuck() {
	awk 'stalls { begin[++n] = $1 + 0.3; end[n] = $2; next }
		{ for (i = 1; i <= n; i++) if ($1 > begin[i] && $1 < end[i]) { print $1, end[i]; break } }' stalls=1 <(load_stalls) stalls=0 <(tables_times "$1")
}

# cut PORTAL NAME
cut_and_heal() {
	local before begin
	assert_wait 120 "all is as at the beginning" home_and_quick
	assert_wait 30 "I/O flows" flows
	before=$(tables_count 1 2)
	now; begin=$NOW_MS
	portal_cut "$1"
	assert_wait 60 "dm has given portal $1 up" failed_of "$1"
	assert_wait 60 "I/O flows" flows
	# As long as multipathd needs to check everything a few times.
	pause 12
	counted "$2" "$before" "$begin"
	before=$(tables_count 1 2)
	now; begin=$NOW_MS
	portal_heal "$1"
	assert_wait 120 "everything is back" home
	pause 6
	counted "$2-return" "$before" "$begin"
}

# The controller does not carry out what was stuck, as one that is restarted does not (see lun-hang).
hang_end() {
	local dev table
	dev=$(lio_store 1 1)
	table=$(dmsetup table "$dev")
	dmsetup load "$dev" --table "0 $(blockdev --getsz "/dev/mapper/$dev") error"
	dmsetup resume "$dev"
	dmsetup suspend "$dev"
	dmsetup load "$dev" --table "$table"
	lio_lun_resume 1 1
}

hang_and_resume() {
	local before begin
	assert_wait 120 "all is as at the beginning" home_and_quick
	assert_wait 30 "I/O flows" flows
	before=$(tables_count 1 2)
	now; begin=$NOW_MS
	lio_lun_hang 1 1
	assert_wait "$hang" "I/O of LUN 1 goes on over the other controller" flows
	since "$begin"
	say "LUN 1 flows again $SINCE_MS ms after it hung"
	((SINCE_MS >= hang * 1000)) || pause "$(awk "BEGIN { print $hang - $SINCE_MS / 1000 }")"
	counted lunhang "$before" "$begin"
	before=$(tables_count 1 2)
	now; begin=$NOW_MS
	hang_end
	assert_wait 180 "everything is back" home
	pause 6
	counted lunhang-return "$before" "$begin"
}

target
login 2
quick_conf flap_hold=0
ours_start
for lun in 1 2; do
	policy_set "$lun" failover-only --active portal=10.0.1.2 --standby portal=10.0.2.2
	MAP[$lun]=$(map_name "$lun")
	DEV[$lun]=$(< "/sys/block/$(portal_disk 1 "$lun")/dev")
done
watch_start "$LAB_OUT/paths.log" "${MAP[1]}" "${MAP[2]}"
loads_begin
tables_start
for ((round = 1; round <= rounds; round++)); do
	title "round $round"
	cut_and_heal 1 active
	cut_and_heal 2 standby
	hang_and_resume
done

title "the counter counts: another order of the groups is one table"
before=$(tables_count 1)
policy_set 1 failover-only --active portal=10.0.2.2 --standby portal=10.0.1.2
assert_wait 20 "portal 2 carries LUN 1" active_is 2 1
assert_ge "tables of LUN 1" $(($(tables_count 1) - before)) 1
tables_stop
watch_stop
for lun in $LOADS; do
	loads_use "$lun"
	load_stop
	errors=$((errors + LOAD_ERRORS)) corrupt=$((corrupt + LOAD_CORRUPT))
	while read -r at until; do
		stuck=$((stuck + 1))
		wrong+="LUN $lun: a table at $at while a request was stuck, until $until; "
	done < <(tables_while_stuck "$lun")
	say "LUN $lun: $LOAD_IOS I/Os, $LOAD_ERRORS errors, $LOAD_CORRUPT corrupt blocks, longest $LOAD_STALL_MS ms"
done
result reloadtraps "multipath_tools=$version" "rounds=$rounds" \
	"cut=${TABLES[active]}" "cut_return=${TABLES[active-return]}" "standby_cut=${TABLES[standby]}" \
	"standby_return=${TABLES[standby-return]}" "lunhang=${TABLES[lunhang]}" "lunhang_return=${TABLES[lunhang-return]}" \
	"while_stuck=$stuck" "errors=$errors" "corrupt=$corrupt"
cp "$LAB_VAR/tables.uevents" "$LAB_OUT/"
[[ -z $wrong ]] || fail "tables were loaded: $wrong"
assert_eq "I/O errors, corrupt blocks" "0 0" "$errors $corrupt"
