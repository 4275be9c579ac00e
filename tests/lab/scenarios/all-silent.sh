# Every portal of the array falls silent in the same instant and comes back: what becomes of the I/O in flight, stock and
# ours side by side, by the map's no_path_retry. Nothing may become an I/O error that stock would have ridden out.
# Arguments: reps=N (1), cells="CELL…" (as below, all: every one; default: two of them), settings="stock ours".
# lab: init=script timeout=3600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

# A cell is WHAT:SECONDS, the seconds of silence and what befalls multipathd:
#   plain    nothing
#   before   stopped 2 s before the silence, started when I/O flows again (a stopping multipathd takes queueing away)
#   instant  stopped in the same instant
#   during   stopped 1 s into the silence, started when I/O flows again
#   upgrade  stopped 1 s into the silence, started again 1 s later
reps=1 settings="stock ours" cells="plain:2 during:8"
# How much later than stock I/O may go on: 1 s; in the short version, which runs beside other guests, 4 s.
late=4000
for word in "$@"; do
	[[ $word =~ ^(reps|cells|settings)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
[[ $# == 0 ]] || late=1000
[[ $cells != all ]] ||
	cells="plain:2 plain:8 plain:12 plain:20 plain:40 before:2 before:8 instant:8 instant:40 during:8 upgrade:8 upgrade:40"

# Four targets of one LUN and two sessions each, so that none is bound to another's fate. A map is named as its no_path_retry.
# With polling_interval 5: retry12 waits 60 s without a path, longer than the kernel's timers (15 s); retry2 10 s only.
maps=(queue retry12 retry2 fail)
declare -A retry=([queue]=queue [retry12]=12 [retry2]=2 [fail]=fail)
declare -A device=() errors=() corrupt=() resumed=() flowing=()

iqn() { echo "$TARGET_IQN:$1"; }
by_path() { echo "/dev/disk/by-path/ip-$(portal_address "$2"):3260-iscsi-$(iqn "$1")-lun-1"; }

targets_start() {
	local tid=10 map
	net_start 2
	TARGET_KIND=tgt TARGET_CONTROLLERS=1 TARGET_LUNS=0
	controller_start 1
	for map in "${maps[@]}"; do
		tid=$((tid + 1))
		truncate -s 16M "$LAB_VAR/$map.img"
		tgt_admin 1 --lld iscsi --op new --mode target --tid $tid -T "$(iqn "$map")"
		tgt_admin 1 --lld iscsi --op new --mode logicalunit --tid $tid --lun 1 -b "$LAB_VAR/$map.img"
		tgt_admin 1 --lld iscsi --op update --mode logicalunit --tid $tid --lun 1 \
			--params "scsi_id=lab$tid,scsi_sn=lab$tid,vendor_id=LAB,product_id=TGT"
		tgt_admin 1 --lld iscsi --op bind --mode target --tid $tid -I ALL
	done
}

sessions_start() {
	local map n
	iscsid_start
	for n in 1 2; do
		for map in "${maps[@]}"; do
			TARGET_IQN=$(iqn "$map") login_record $n
			iscsiadm -m node -T "$(iqn "$map")" -p "$(portal_address $n):3260" -I "p$n" -l >> "$(log iscsiadm)" 2>&1
		done
	done
	for map in "${maps[@]}"; do
		assert_wait 30 "disks of $map" test -b "$(by_path "$map" 1)" -a -b "$(by_path "$map" 2)"
	done
	udevadm settle
}

# conf SETTING: ours by multipath.conf alone, since `mpathiscsi enable` would make the maps wait longer than they are to here.
# With both, I/O goes over both paths.
conf() {
	local map ours='path_checker iscsi
				detect_checker no
				detect_prio no
				prio iscsi
				path_grouping_policy group_by_prio'
	cat <<-E2
		devices {
			device {
				vendor "LAB"
				product "TGT"
				failback immediate
				$([[ $1 == ours ]] && echo "$ours" || echo "path_grouping_policy multibus")
			}
		}
	E2
	printf 'defaults {\n\tfind_multipaths yes\n\tpolling_interval 5\n}\nmultipaths {\n'
	for map in "${maps[@]}"; do
		printf '\tmultipath {\n\t\twwid %s\n\t\talias %s\n\t\tno_path_retry %s\n\t}\n' \
			"$(udevadm info -q property -n "$(by_path "$map" 1)" | sed -n 's/^ID_SERIAL=//p')" "$map" "${retry[$map]}"
	done
	printf '}\n'
}

multipathd_again() {
	multipathd -d >> "$(log multipathd)" 2>&1 &
	MULTIPATHD_PID=$!
}

multipathd_end() {
	kill "$MULTIPATHD_PID" # the shell's own child: no zombie is waited for here
}
multipathd_ended() { ! process_runs "$MULTIPATHD_PID"; }

logged_in() {
	local state
	for state in /sys/class/iscsi_session/session*/state; do
		[[ $(< "$state") == LOGGED_IN ]] || return 1
	done
}

# ready SETTING: all as at the beginning; with ours, the maps that wait long enough are quick and the others are not.
ready() {
	assert_wait 60 "multipathd answers" multipathd_ready
	assert_wait 90 "all sessions are logged in" logged_in
	assert_wait 90 "all paths are usable" watch_up 2 "${maps[@]}"
	[[ $1 == ours ]] || return 0
	assert_wait 40 "both paths of \"queue\" and \"retry12\" are quick, no other" quick_as_due
}
# With no_path_retry 2 or fail patience cannot be moved to the map.
quick_as_due() {
	[[ $(quick_why | awk '{ print $1, $4 == "quick" }' | sort | tr '\n' ';') == \
		"fail 0;fail 0;queue 1;queue 1;retry12 1;retry12 1;retry2 0;retry2 0;" ]]
}

silence() {
	local what=$1 seconds=$2
	if [[ $what == before ]]; then
		multipathd_end
		assert_wait 30 "multipathd ends" multipathd_ended
		pause 2
	fi
	now; cut_at=$NOW_MS
	[[ $what != instant ]] || multipathd_end
	portals_cut 1 2
	if [[ $what == during || $what == upgrade ]]; then
		pause 1
		multipathd_end
	fi
	if [[ $what == upgrade ]]; then
		# A process that still ends when its successor starts would keep it from starting.
		assert_wait 30 "multipathd ends" multipathd_ended
		pause 1
		multipathd_again
	fi
	since "$cut_at"
	((SINCE_MS >= seconds * 1000)) || pause "$(awk "BEGIN { print $seconds - $SINCE_MS / 1000 }")"
	now; heal_at=$NOW_MS
	portals_uncut 1 2
}

# The last moment at which an I/O from before the heal was still stuck, or none had been good since the cut; after the heal, in ms.
resumed_ms() {
	{ load_stalls; load_gaps; } | awk -v heal="$heal_at" '
		$1 * 1000 <= heal && $2 * 1000 > heal && $2 * 1000 - heal > last { last = $2 * 1000 - heal }
		END { printf "%.0f\n", last }'
}

# cell SETTING WHAT:SECONDS: one silence, measured on all maps at once.
cell() {
	local setting=$1 what=${2%:*} seconds=${2#*:} map key stuck=''
	for map in "${maps[@]}"; do
		loads_start "$map" "/dev/mapper/$map" --threads 4 --rate 20 --blocks 32 --threshold 300
	done
	assert_wait 30 "load flows on all maps" loads_flow "${maps[@]}"
	silence "$what" "$seconds"
	# Without help: multipathd is started only afterwards. A map whose I/O does not come back is helped then, and it is told.
	if [[ $what != plain && $what != upgrade ]]; then
		wait_for 45 loads_flow "${maps[@]}" || stuck="I/O did not resume without multipathd on:$(stuck_maps)"
		assert_wait 30 "multipathd ends" multipathd_ended
		multipathd_again
	fi
	assert_wait 120 "I/O flows again on all maps" loads_flow "${maps[@]}"
	ready "$setting"
	for map in "${maps[@]}"; do
		loads_use "$map"
		load_stop
		cp "$LOAD_JSON" "$LAB_OUT/$setting.$what.$seconds.$map.json"
		key=$setting.$what.$seconds.$map
		errors[$key]=$((${errors[$key]:-0} + LOAD_ERRORS))
		corrupt[$key]=$((${corrupt[$key]:-0} + LOAD_CORRUPT))
		resumed[$key]+="$(resumed_ms) "
		note "$setting $what $seconds s, $map: $LOAD_ERRORS errors, $LOAD_CORRUPT corrupt blocks, resumed after $(resumed_ms) ms"
	done
	[[ -z $stuck ]] || { note "$setting $what $seconds s: $stuck"; flowing[$setting.$what.$seconds]=no; }
}
stuck_maps() {
	local map
	for map in "${maps[@]}"; do
		loads_flow "$map" || printf ' %s' "$map"
	done
}

median() { tr ' ' '\n' | grep . | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }

# report: a RESULT line a cell and map, and what is not as it must be.
report() {
	local cell what seconds map stock ours wrong=''
	for cell in $cells; do
		what=${cell%:*} seconds=${cell#*:}
		for map in "${maps[@]}"; do
			for setting in $settings; do
				key=$setting.$what.$seconds.$map
				result allsilent "multipathd=$what" "silent_s=$seconds" "no_path_retry=${retry[$map]}" "setting=$setting" "n=$reps" \
					"io_errors=${errors[$key]}" "corrupt=${corrupt[$key]}" "resumed_ms=$(median <<< "${resumed[$key]}")" \
					"resumed_max_ms=$(tr ' ' '\n' <<< "${resumed[$key]}" | sort -n | tail -n 1)"
				RESULT_NAMES[-1]=$key
				[[ ${corrupt[$key]} == 0 ]] || wrong+="$key: ${corrupt[$key]} corrupt blocks; "
			done
			[[ $settings == "stock ours" ]] || continue
			stock=stock.$what.$seconds.$map ours=ours.$what.$seconds.$map
			if ((errors[$stock] == 0 && errors[$ours] > 0)); then
				wrong+="$ours: ${errors[$ours]} I/O errors, stock has none; "
			fi
			if (($(median <<< "${resumed[$ours]}") > $(median <<< "${resumed[$stock]}") + late)); then
				wrong+="$ours: resumed after $(median <<< "${resumed[$ours]}") ms, stock after $(median <<< "${resumed[$stock]}"); "
			fi
		done
		if [[ ${flowing[ours.$what.$seconds]:-yes} == no && ${flowing[stock.$what.$seconds]:-yes} == yes ]]; then
			wrong+="ours.$what.$seconds: needed multipathd to resume, stock did not; "
		fi
	done
	grep -h '^corrupt\|corrupt (' "$(log ioload)" || true
	[[ -z $wrong ]] || fail "$wrong"
}

title "four targets, no_path_retry queue, 12, 2 and fail"
targets_start
sessions_start
watch_start "$LAB_OUT/paths.log" "${maps[@]}"
for setting in $settings; do
	title "$setting"
	[[ $setting != ours ]] || daemon_start
	conf "$setting" > "$LAB_VAR/multipath.conf"
	multipathd_start "$LAB_VAR/multipath.conf"
	[[ $setting != ours ]] || assert "every path has checker iscsi" checker_everywhere iscsi
	ready "$setting"
	for ((rep = 1; rep <= reps; rep++)); do
		for cell in $cells; do
			say "$setting, $cell s of silence, $rep of $reps"
			cell "$setting" "$cell"
		done
	done
	multipathd_stop
	maps_flush
done
watch_stop
report
