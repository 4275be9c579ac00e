# Over a portal there are two connections, the session's and the probe's. One of them alone is cut off: the session's own is found
# out and its I/O freed as fast as when the whole portal is silent; the probe's fails nothing, and it is said.
# Arguments: cuts=N of each kind (3), s=SECONDS the probe's connection is cut (30), profile=NAME (default).
# lab: init=script timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh
. /lab/lib/falsealarm.sh

cuts=3 s=30 profile=default
for word in "$@"; do
	[[ $word =~ ^(cuts|s|profile)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done

# stalls CASE DEPTH: the longest request of each cut of that kind, in ms, ascending.
stalls() { sed -n "s/^CUT case=$1 .* qd=$2 stall_ms=\([0-9.]*\) .*/\1/p" "$LAB_OUT/cuts.txt" | sort -n; }
median_of() { awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }

FO_SETTING=$profile
failover_target silent
failover_up "$profile"
watch_start "$LAB_VAR/watch.log" "${FO_MAP[1]}" "${FO_MAP[2]}"

title "$cuts cuts of the whole portal, $cuts of the session's own connection, in turn"
declare -a FO_TIMES=() kinds=()
for depth in 1 32; do
	loads_start "$depth" "/dev/mapper/${FO_MAP[${FO_LUN[$depth]}]}" --threads "$depth" --rate "${FO_RATE[$depth]}" \
		--blocks $((depth == 1 ? 256 : 16)) --threshold 200 --drain 90
done
for ((i = 1; i <= cuts; i++)); do
	for kind in silent data; do
		say "cut: $kind"
		kinds+=("$kind")
		failover_cut "$kind"
	done
done
errors=0 corrupt=0
for depth in 1 32; do
	loads_use "$depth"
	load_stop
	errors=$((errors + LOAD_ERRORS)) corrupt=$((corrupt + LOAD_CORRUPT))
	for i in "${!kinds[@]}"; do
		failover_line "${kinds[i]}" "$profile" 1 $((i + 1)) "$depth" | tee -a "$LAB_OUT/cuts.txt"
	done
done
worst=0
for depth in 1 32; do
	whole=$(stalls silent $depth | median_of)
	data=$(stalls data $depth | median_of)
	ratio=$(awk -v a="$data" -v b="$whole" 'BEGIN { printf "%.2f", a / b }')
	worst=$(awk -v a="$worst" -v b="$ratio" 'BEGIN { print (a > b ? a : b) }')
	result oneconnection cut=data "profile=$profile" "qd=$depth" "n=$cuts" "median_ms=$data" "whole_cut_median_ms=$whole" "ratio=$ratio" \
		"max_ms=$(stalls data $depth | tail -n 1)" "whole_cut_max_ms=$(stalls silent $depth | tail -n 1)" \
		"io_errors=$errors" "corrupt=$corrupt"
	RESULT_NAMES[-1]=data.$depth
done
assert_eq "I/O errors, corrupt blocks" "0 0" "$errors $corrupt"
# A busy host's clock is good to a few tenths of a second.
assert_le "data connection's cut against the whole portal's" "$worst" 1.5

title "the probe's connection is cut for $s s under load"
probe_is_cut() { in_target nft list table inet probe > /dev/null 2>&1; }
# What is said when the probe has been dead for long.
reports() {
	assert_wait 200 "the probe's connection is cut" probe_is_cut
	pause $((s * 2 / 3))
	mpathiscsi status > "$LAB_OUT/probe-cut.status"
	mpathiscsi explain "${FO_MAP[1]}" > "$LAB_OUT/probe-cut.explain"
	mpathiscsi status --json > "$LAB_OUT/probe-cut.json"
}
reports &
reporter=$!
falsealarm_case probecut "$profile" "$s"
wait "$reporter" || fail "no report"
cat "$LAB_OUT/probe-cut.status" "$LAB_OUT/probe-cut.explain"
assert_eq "sessions dropped, paths failed, sessions released, I/O errors, corrupt blocks" "0 0 0 0 0" \
	"$FA_DROPPED $FA_FAILED $FA_RELEASED $FA_ERRORS $FA_CORRUPT"
assert "status says that the probe fails and the session is well" grep -q 'the probe fails, but the session makes progress' \
	<(tr -s ' \n' ' ' < "$LAB_OUT/probe-cut.status")
assert "explain tells of it" grep -qE 'silent|unreachable|probe|data path works' "$LAB_OUT/probe-cut.explain"
calm_again() { ! mpathiscsi status | grep -q 'suspicion:'; }
assert_wait 60 "nothing is said any more" calm_again
result oneconnection cut=probe "profile=$profile" "s=$s" "dropped=$FA_DROPPED" "failed=$FA_FAILED" "released=$FA_RELEASED" reported=true
RESULT_NAMES[-1]=probe
