# What checking costs: CPU time of multipathd and of our daemon per path and hour, ours beside tur, directio and a checker that
# does nothing (tools/checkers/idle.c), in one boot; and NOPs on the wire per portal, with one LUN and with all.
# Arguments: luns=N (64), window=SECONDS (40), rounds="equal documented", checkers="directio tur" (beside idle and iscsi; without both
# nothing is judged but the counts). Without: a short run with 4 LUNs that asserts the counts only.
# lab: init=script timeout=3600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/usage.sh

luns=4 window=10 rounds=equal checkers="directio tur" judge=''
[[ $# == 0 ]] || judge=yes luns=64 window=40 rounds="equal documented"
for word in "$@"; do
	[[ $word =~ ^(luns|window)=([1-9][0-9]*)$ || $word =~ ^(rounds|checkers)=([a-z ]*)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
paths=$((luns * 4))
declare -A cpu=()

# --- the array: one LUN first, then all ---

luns_add() {
	local lun loop n
	TARGET_LUNS=$luns
	for ((lun = 2; lun <= luns; lun++)); do
		truncate -s 8M "$(target_backing "$lun")"
		loop=$(losetup -f --show "$(target_backing "$lun")")
		lio_store_start "$lun" "$(lio_store "$lun" 1)" "$loop"
		lio_alua_group 1 "$lun"
		lio_lun_export 1 "$lun"
	done
	for n in 1 2 3 4; do
		iscsiadm -m session -r "$(portal_session $n | tr -dc 0-9)" --rescan >> "$(log iscsiadm)" 2>&1
	done
	assert_wait 300 "$paths disks" disks_are "$paths"
	udevadm settle -t 300
}
disks_are() {
	local -a disks=(/sys/class/iscsi_session/session*/device/target*/*/block/sd*)
	[[ ${#disks[@]} == "$1" && -e ${disks[0]} ]]
}

# --- multipathd with a checker ---

# conf CHECKER POLLING: as little else as possible, and the same for all.
conf() {
	cat <<-E
		defaults {
			find_multipaths yes
			polling_interval ${2%/*}
			max_polling_interval ${2#*/}
			no_path_retry queue
		}
		overrides {
			path_checker $1
			detect_checker no
			detect_prio no
			prio const
			path_grouping_policy multibus
		}
	E
}

paths_up() { [[ $(dmsetup status --target multipath | grep -oE ' [0-9]+:[0-9]+ A ' | wc -l) == "$paths" ]]; }

checker_start() {
	[[ $1 != iscsi ]] || daemon_start
	conf "$1" "$2" > /etc/multipath.conf
	modprobe -a dm_multipath dm_service_time dm_round_robin scsi_dh_alua
	multipathd -d >> "$(log multipathd)" 2>&1 &
	MULTIPATHD_PID=$!
	assert_wait 60 "multipathd answers" multipathd_ready
	assert_wait 400 "$paths usable paths" paths_up
	assert_wait 60 "every path has checker $1" checker_everywhere "$1"
	udevadm settle -t 300
	# The interval grows from polling_interval to the maximum, doubling.
	pause $((${2#*/} > 1 ? 45 : 5))
}

checker_stop() {
	multipathd_stop
	[[ $1 != iscsi ]] || daemon_stop
}

# measure CHECKER LOAD ROUND: CPU time over a window: sets cpu[CHECKER.LOAD.ROUND], ms per path and hour.
measure() {
	local checker=$1 key=$1.$2.$3 ms i
	local -a pids=("$MULTIPATHD_PID") spent=(0 0 0)
	[[ $checker != iscsi ]] || pids+=("$DAEMON_PID" "$(pgrep -P "$DAEMON_PID")")
	for i in "${!pids[@]}"; do spent[i]=$(ticks "${pids[i]}"); done
	now; begin=$NOW_MS
	pause "$window"
	since "$begin"; ms=$SINCE_MS
	for i in "${!pids[@]}"; do spent[i]=$((($(ticks "${pids[i]}") - spent[i]) * 10)); done
	cpu[$key]=$(awk -v t="$((spent[0] + spent[1] + spent[2]))" -v p="$paths" -v ms="$ms" 'BEGIN { printf "%.1f", t / p * 3600000 / ms }')
	note "$checker, $2, $3 polling: multipathd ${spent[0]} ms, daemon ${spent[1]} ms, its probe ${spent[2]} ms in $ms ms"
	assert "paths are still usable" paths_up
}

# load_on, load_off: about one small read a second on each path, evenly.
load_on() {
	local -a maps=(/dev/mapper/36*)
	local IFS=:
	fio --name=load "--filename=${maps[*]}" --rw=randread --bs=4k --size=4M --ioengine=psync --direct=1 --thread \
		--file_service_type=roundrobin:1 --rate_iops=$((paths * 5 / 4)) --time_based --runtime=600 >> "$(log fio)" 2>&1 &
	LOAD_PID=$!
	pause 5
	assert "the load runs" process_runs "$LOAD_PID"
}
load_off() {
	kill "$LOAD_PID"
	wait "$LOAD_PID" || true
}

# --- NOPs on the wire ---

# A NOP-Out: a segment of one basic header (48 bytes) with opcode 0 (RFC 7143, 11.18), TCP header with timestamps.
nops_count_start() {
	in_target nft -f - <<-'NFT'
		table inet nops {
			chain input {
				type filter hook input priority -1;
				tcp dport 3260 ip length 100 @th,256,8 & 0x3f == 0 counter
			}
		}
	NFT
}
nops_per_portal() {
	local a b
	a=$(nops); pause "$window"; b=$(nops)
	awk -v n=$((b - a)) -v s="$window" 'BEGIN { printf "%.2f", n / s / 4 }'
}
nops() { in_target nft list table inet nops | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

result_checker() {
	result checker "${@:2}"
	RESULT_NAMES[-1]=$1
}

cp /lab/tools/libcheckidle.so /usr/lib/multipath/ 2> /dev/null || cp /lab/tools/libcheckidle.so /lib/multipath/
target_start lio 4 luns=1 size=8
login 4
daemon_start
nops_count_start
pause 5
one=$(nops_per_portal)
result_checker nops_1 "nops_per_portal_s=$one" luns=1 sessions=4
luns_add
pause 5
all=$(nops_per_portal)
result_checker nops_all "nops_per_portal_s=$all" "luns=$luns" sessions=4
daemon_stop
none=$(nops_per_portal)
result_checker nops_none "nops_per_portal_s=$none" "luns=$luns" setting=stock
say "$paths paths"
# The maps are made once, at nobody's expense.
if [[ -n $judge ]]; then
	checker_start idle 1/1
	checker_stop idle
fi

for round in $rounds; do
	polling=1/1
	[[ $round == equal ]] || polling=5/20
	for checker in idle iscsi $checkers; do
		title "checker $checker, polling_interval $polling"
		checker_start "$checker" "$polling"
		measure "$checker" idle "$round"
		if [[ $round == equal ]]; then
			load_on
			measure "$checker" load "$round"
			load_off
		fi
		checker_stop "$checker"
	done
done

# ratio A B BASE: what A costs above the checker that does nothing, over what B does.
ratio() { awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { if (b - n <= 0) print "none"; else printf "%.2f", (a - n) / (b - n) }'; }
for round in $rounds; do
	for load in idle load; do
		[[ -v cpu[iscsi.$load.$round] ]] || continue
		base=${cpu[idle.$load.$round]}
		for checker in idle iscsi $checkers; do
			mine=${cpu[$checker.$load.$round]}
			result_checker "$checker.$load.$round" "setting=$checker" "paths=$paths" "load=$load" "polling=$round" "cpu_ms_per_path_hour=$mine" \
				"above_idle_ms=$(awk -v a="$mine" -v b="$base" 'BEGIN { printf "%.1f", a - b }')" \
				"ratio_directio=$(ratio "$mine" "${cpu[directio.$load.$round]:-0}" "$base")" \
				"ratio_tur=$(ratio "$mine" "${cpu[tur.$load.$round]:-0}" "$base")"
		done
	done
done

assert_ge "NOPs per portal and second are counted" "$one" 1
assert_le "NOPs do not grow with LUNs" "$all" "$(awk -v n="$one" 'BEGIN { print n * 1.1 + 0.1 }')"
if [[ -n $judge && -v cpu[directio.idle.equal] && -v cpu[tur.idle.equal] ]]; then
	# At a polling of one second directio's own cost is lost in the noise of what multipathd does beside it.
	if (($(awk -v d="${cpu[directio.idle.equal]}" -v n="${cpu[idle.idle.equal]}" 'BEGIN { print d > 1.05 * n }'))); then
		assert_le "CPU above the idle checker, over directio's" "$(ratio "${cpu[iscsi.idle.equal]}" "${cpu[directio.idle.equal]}" "${cpu[idle.idle.equal]}")" 0.5
	else
		note "directio costs no more here than a checker that does nothing: no measure"
	fi
	assert_le "CPU above the idle checker, over tur's" "$(ratio "${cpu[iscsi.idle.equal]}" "${cpu[tur.idle.equal]}" "${cpu[idle.idle.equal]}")" 0.25
fi
