# Late writes: a command that was given up on over one path may still be carried out after newer data was written over another.
# The same blocks are written twice, the second time as soon as the first write has been acknowledged (over whatever path it
# was), and read back when everything has arrived:
#   delay:S  what the initiator sends to portal 1 is held for S seconds and then delivered, in order (LIO, both portals in one
#	     portal group)
#   stopped  the target process behind portal 1 is stopped, and goes on when the second writes are done (tgt, two processes
#	     with a portal each over the same disk, which know nothing of each other)
# Arguments: cases="stopped delay:8 delay:25", settings="stock default safe" (nofence: safe without its fence), n=1.
# lab: init=script timeout=2400
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh

cases="stopped delay:8 delay:25" settings="stock default safe" n=1 blocks=16
for word in "$@"; do
	[[ $word =~ ^(cases|settings|n)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
declare -i run=0
declare -A stale=() slowest=() fenced=()

# latewrite STEP: a step of tools/latewrite on LUN 1; prints what it prints.
latewrite_step() { latewrite "$1" "/dev/mapper/${FO_MAP[1]}" "$blocks" "$run"; }

# home: all is up, and the LUN's I/O goes over portal 1.
home() {
	assert_wait 120 "all sessions and paths are up" all_up
	assert_wait 60 "I/O goes over portal 1" active_is 1
	[[ $1 == stock ]] || assert_wait 60 "all paths are quick" quick_are 4
}

# queue_empty: nothing that was held on network 1 is still on its way.
queue_empty() { [[ $(tc -s qdisc show dev p1) == *'backlog 0b 0p'* ]]; }

fault_begin() {
	case $1 in
	delay:*) portal_netem_out 1 delay "${1#*:}s" limit 100000 ;;
	stopped) controller_freeze 1 ;;
	*) fail "case \"$1\" is none of delay:SECONDS, stopped" ;;
	esac
}

# fault_end CASE BEGIN-MS: lets everything arrive. What the initiator sends after a while (to log in again, say) is held too, as
# long as there is something of before: nothing is overtaken.
fault_end() {
	local hold
	if [[ $1 == stopped ]]; then
		controller_thaw 1
		return
	fi
	hold=$((${1#*:} * 1000))
	since "$2"
	# The last that can matter was sent when the first writes were given up.
	((SINCE_MS >= hold + race_ms)) || pause "$(awk "BEGIN { print ($hold + $race_ms - $SINCE_MS) / 1000 }")"
	portal_heal 1
}

# race SETTING CASE
race() {
	local setting=$1 case=$2 pid begin line before=0
	run+=1
	home "$setting"
	[[ $setting == stock ]] || before=$(fence_count)
	assert "preparation" latewrite_step prepare
	fault_begin "$case"
	now; begin=$NOW_MS
	latewrite_step race > "$LAB_VAR/race" &
	pid=$!
	wait "$pid" || fail "the writes failed"
	since "$begin"; race_ms=$SINCE_MS
	line=$(< "$LAB_VAR/race")
	fault_end "$case" "$begin"
	assert_wait 120 "all sessions and paths are up" all_up
	since "$begin"
	latewrite_step check > "$LAB_VAR/check" || fail "reading back failed"
	read -r -a word <<< "$(tr -c '0-9\n' ' ' < "$LAB_VAR/check")"
	assert_eq "blocks that are neither old nor new" 0 "${word[2]}"
	stale[$setting.$case]=$((${stale[$setting.$case]:-0} + word[1]))
	line=${line#old_ms=}
	slowest[$setting.$case]=$((${line%% *} > ${slowest[$setting.$case]:-0} ? ${line%% *} : ${slowest[$setting.$case]:-0}))
	[[ $setting == stock ]] || fenced[$setting.$case]=$((${fenced[$setting.$case]:-0} + $(fence_count) - before))
	say "$setting, $case: first write held for ${line%% *} ms; after $SINCE_MS ms ${word[1]} of $blocks blocks are stale"
}

# fence_count: how often the daemon says it has fenced a session off.
fence_count() { grep -c ': fenced: ' "$(log mpathiscsid)" || true; }

# races SETTING CASE…: all of them with one setting of the host.
races() {
	local setting=$1 case i
	shift
	FO_SETTING=$setting
	failover_up "${setting/nofence/safe}"
	[[ $setting != nofence ]] || quick_conf profile=safe fence=none
	for case in "$@"; do
		for ((i = 0; i < n; i++)); do
			race "$setting" "$case"
		done
	done
	failover_down "${setting/nofence/safe}"
}

sysctl -qw net.ipv4.tcp_slow_start_after_idle=0 # all the writes leave at once
at_tgt='' at_lio=''
for case in $cases; do
	if [[ $case == stopped ]]; then at_tgt+=" $case"; else at_lio+=" $case"; fi
done
if [[ -n $at_tgt ]]; then
	target_start tgt 2 luns=2 controllers=2
	for setting in $settings; do
		# shellcheck disable=SC2086 # a list
		races "$setting" $at_tgt
	done
	target_stop
fi
if [[ -n $at_lio ]]; then
	target_start lio 2 luns=2
	for setting in $settings; do
		# shellcheck disable=SC2086
		races "$setting" $at_lio
	done
fi

for case in $cases; do
	for setting in $settings; do
		result latewrite "case=${case/:/ hold_s=}" "setting=$setting" "stale=${stale[$setting.$case]}" "blocks=$((blocks * n))" \
			"held_ms=${slowest[$setting.$case]}" "fenced=${fenced[$setting.$case]:-0}"
		RESULT_NAMES[-1]=$setting.$case
	done
done
# What can be told at all: the longest delay outlasts stock's patience.
[[ -z ${stale[stock.delay:25]:-} ]] || assert_ge "stale blocks of stock after 25 s" "${stale[stock.delay:25]}" 1
for case in $cases; do
	[[ $case != delay:* || -z ${stale[safe.$case]:-} ]] ||
		assert_eq "stale blocks with a fence, $case" 0 "${stale[safe.$case]}"
done
