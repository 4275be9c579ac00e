# One of eight LUNs hangs on one of two controllers, behind a portal that goes on to answer NOPs and TEST UNIT READY (LIO over
# a suspended device): how long its I/O stands still, and what becomes of the seven others of the same sessions. Stock and
# ours in one boot.
# Arguments: settings="stock ours", luns=N (8), portals=N (2), hang=SECONDS (20), heal=forget|late (forget): how the hang
# ends. forget: the controller does not carry out what was stuck; late: it does, which a host that has moved on to another
# path cannot prevent: what this overwrites is counted as corrupt, and not asserted.
# lab: init=script timeout=900
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

settings="stock ours" luns=8 portals=2 hang=20 heal=forget
for word in "$@"; do
	[[ $word =~ ^(settings|luns|portals|hang|heal)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
declare -A MAP=()

# series_rate LUN FROM TO: I/Os a second; series_worst: the longest request that ended or was in flight (ms).
series_rate() {
	awk -v from="$2" -v to="$3" '{ t = $1 * 1000 } t >= from && t < to { n += $2 } END { printf "%.1f", n * 1000 / (to - from) }' \
		"$LAB_VAR/load.$1.series"
}
series_worst() {
	awk -v from="$2" -v to="$3" '{ t = $1 * 1000; if (t < from || t >= to) next }
		$3 > worst { worst = $3 } $4 > worst { worst = $4 } END { printf "%.0f", worst }' "$LAB_VAR/load.$1.series"
}

# others_rate FROM TO, others_worst FROM TO: of all LUNs but the first.
others_rate() {
	local lun
	for ((lun = 2; lun <= luns; lun++)); do
		series_rate "$lun" "$1" "$2"
		echo
	done | awk '{ n += $1 } END { printf "%.1f", n }'
}
others_worst() {
	local lun
	for ((lun = 2; lun <= luns; lun++)); do
		series_worst "$lun" "$1" "$2"
		echo
	done | sort -n | tail -n 1
}

setting_start() {
	local lun
	title "$1"
	[[ $1 == stock ]] || daemon_start
	multipathd_start - < <(multipath_conf "polling_interval 2" "max_polling_interval 5" "no_path_retry queue" \
		"path_grouping_policy multibus" 'path_selector "round-robin 0"')
	if [[ $1 == ours ]]; then
		ours_enable
		wait_for 90 quick_are $((luns * portals)) || fail "not every path is quick: $(quick_why)"
	fi
	for ((lun = 1; lun <= luns; lun++)); do
		MAP[$lun]=$(map_name "$lun")
		loads_start "$lun" "/dev/mapper/${MAP[$lun]}" --threads $((lun == 1 ? 4 : 1)) --rate $((lun == 1 ? 5 : 20)) \
			--blocks 64 --threshold 300 --drain 120
	done
	assert_wait 60 "load flows on all LUNs" loads_flow $(seq "$luns")
}

setting_stop() {
	[[ $1 == stock ]] || { assert "mpathiscsi disable" mpathiscsi disable >> "$(log enable)"; daemon_stop; }
	multipathd_stop
	maps_flush
}

# hang_end SETTING: stock has everything that was stuck carried out, for it has not moved any of it.
hang_end() {
	if [[ $1 == ours && $heal == forget ]]; then lio_lun_forget 1 1; else lio_lun_resume 1 1; fi
}

# hang_total SETTING NAME: a counter of the daemon.
hang_total() { [[ $1 == stock ]] && echo 0 || status_value "s['quick']['$2']"; }
hang_said() { [[ $(status_value "sum('hang' in p for p in s['luns'][0]['paths'])") -ge 1 ]]; }
hang_over() { [[ $(status_value "sum('hang' in p for l in s['luns'] for p in l['paths'])") == 0 ]]; }

# measure SETTING: one hang under load, its RESULT line.
measure() {
	local begin end lun errors=0 corrupt=0 corrupt_others=0 recovered before during
	pause 5
	now; begin=$NOW_MS
	lio_lun_hang 1 1
	say "LUN 1 hangs on controller 1"
	if [[ $1 == ours ]]; then
		wait_for "$hang" loads_flow 1 || true
		loads_use 1; load_look
		say "LUN 1: longest I/O so far $LOAD_LONGEST_MS ms, $LOAD_STUCK threads stuck"
		assert_wait 5 "status says that LUN 1 hangs" hang_said
		status_value "'\n'.join(p['portal'] + ': ' + p.get('hang', '-') for p in s['luns'][0]['paths'])"
	fi
	since "$begin"
	((SINCE_MS >= hang * 1000)) || pause "$(awk "BEGIN { print $hang - $SINCE_MS / 1000 }")"
	now; end=$NOW_MS
	hang_end "$1"
	say "the hang ends"
	assert_wait 150 "all sessions and paths are up again" all_up
	since "$end"; recovered=$SINCE_MS
	[[ $1 == stock ]] || assert_wait 20 "no path of it is kept out any more" hang_over
	assert_wait 60 "I/O flows on all LUNs" loads_flow $(seq "$luns")
	for ((lun = 1; lun <= luns; lun++)); do
		loads_use "$lun"
		load_stop
		cp "$LOAD_JSON" "$LAB_OUT/$1.lun$lun.json"
		((lun > 1)) || STALL_MS=$LOAD_STALL_MS
		((errors += LOAD_ERRORS, corrupt += LOAD_CORRUPT, corrupt_others += lun > 1 ? LOAD_CORRUPT : 0)) || true
	done
	before=$(others_rate $((begin - 5000)) "$begin")
	during=$(others_rate "$begin" "$end")
	RATIO=$(awk "BEGIN { printf \"%.2f\", $during / $before }")
	ERRORS=$errors CORRUPT=$corrupt CORRUPT_OTHERS=$corrupt_others
	result lunhang "setting=$1" "luns=$luns" "portals=$portals" "hang_ms=$((end - begin))" "stall_ms=$STALL_MS" \
		"others_before=$before" "others_during=$during" "others_ratio=$RATIO" \
		"others_worst_before_ms=$(others_worst $((begin - 5000)) "$begin")" "others_worst_ms=$(others_worst "$begin" "$end")" \
		"recovered_ms=$recovered" "heal=$([[ $1 == stock ]] && echo late || echo "$heal")" "io_errors=$errors" "corrupt=$corrupt" \
		"hangs=$(hang_total "$1" hangs)" "released=$(hang_total "$1" hang_releases)"
	RESULT_NAMES[-1]=lunhang.$1
}

title "LIO, $portals portals on two controllers, $luns LUNs"
LIO_SPLIT=1
target_start lio "$portals" "luns=$luns" controllers=2
login "$portals"
for setting in $settings; do
	setting_start "$setting"
	measure "$setting"
	assert_eq "$setting: I/O errors" 0 "$ERRORS"
	assert_eq "$setting: corrupt blocks of other LUNs" 0 "$CORRUPT_OTHERS"
	if [[ $setting == ours ]]; then
		[[ $heal == late ]] || assert_eq "corrupt blocks" 0 "$CORRUPT"
		# The 10 s and the rate are the bench's affair; here, on a machine that does other things, what
		# tells a LUN that goes on from one that stands still.
		assert_le "longest stall of the LUN (ms)" "$STALL_MS" $((hang * 700))
		assert_ge "rate of the other LUNs, against that before" "$RATIO" 0.5
	else
		assert_ge "$setting: the LUN stands still for as long as it hangs (ms)" "$STALL_MS" $((hang * 1000 - 1000))
	fi
	setting_stop "$setting"
done
