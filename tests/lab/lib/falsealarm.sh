# Trouble that is no outage: each case bothers portal 1, which carries the I/O, while portal 2 is well; nothing may be given
# up. Sourced by bench-falsealarm.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

FALSEALARM_CASES="calm delay50 loss5 burst30 reads writes hogs daemonstop stop400 stop1000 clockback probecut linkflap"
FA_HELPER='' FA_SAMPLER=''

# falsealarm_trouble CASE SECONDS: makes the trouble for that long, then takes it back.
falsealarm_trouble() {
	now
	FA_UNTIL=$((NOW_MS + $2 * 1000))
	case $1 in
	calm) pause "$2" ;;
	delay50) # uniform from 0 to 100 ms, which also changes the order of packets
		portal_netem 1 delay 50ms 50ms
		pause "$2"
		;;
	loss5)
		portal_netem 1 loss 5%
		portal_netem_out 1 loss 5%
		pause "$2"
		;;
	burst30) falsealarm_repeat falsealarm_burst ;;
	reads | writes) falsealarm_saturate "$1" "$2" ;;
	hogs) falsealarm_hogs "$2" ;;
	daemonstop) falsealarm_repeat falsealarm_stop "$DAEMON_PID" 3 5 ;;
	stop400) falsealarm_repeat falsealarm_stop "${TARGET_PID[1]}" 0.4 3 ;;
	stop1000) falsealarm_repeat falsealarm_stop "${TARGET_PID[1]}" 1 4 ;;
	clockback)
		clock_shift -3600
		pause "$2"
		clock_shift 3600
		;;
	probecut)
		probe_cut 1
		pause "$2"
		in_target nft delete table inet probe
		;;
	linkflap) falsealarm_repeat falsealarm_flap ;;
	*) fail "case \"$1\" is none of $FALSEALARM_CASES" ;;
	esac
	portal_heal 1
}

# falsealarm_repeat COMMAND…: until the time is over.
falsealarm_repeat() {
	while :; do
		"$@"
		now
		((NOW_MS < FA_UNTIL)) || return 0
	done
}

# 200 ms in which a third of the packets is lost, in both directions, each second.
falsealarm_burst() {
	portal_netem 1 loss 30%
	portal_netem_out 1 loss 30%
	pause 0.2
	tc -n target qdisc delete dev p1 root
	tc qdisc delete dev p1 root
	pause 0.8
}

# The cable of network 1 is out for 50 ms, and back for 3 s. One process does both: starting `ip` twice would take longer.
falsealarm_flap() {
	in_target python3 -c '
import fcntl, socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name, flags = struct.unpack("16sh", fcntl.ioctl(s, 0x8913, struct.pack("16sh", b"p1", 0)))  # SIOCGIFFLAGS
fcntl.ioctl(s, 0x8914, struct.pack("16sh", name, flags & ~1))  # SIOCSIFFLAGS, IFF_UP
time.sleep(0.05)
fcntl.ioctl(s, 0x8914, struct.pack("16sh", name, flags | 1))
'
	# IPv6 addresses go with the link.
	ip -n target addr replace fd00:0:0:1::2/64 dev p1 nodad
	pause 3
}

# falsealarm_stop PID SECONDS REST: the process stands still, then runs for REST seconds.
falsealarm_stop() {
	kill -STOP "$1"
	pause "$2"
	kill -CONT "$1"
	pause "$3"
}

# Large requests on a link of 50 Mbit/s whose queue is deep; written, they close the target's receive window too.
falsealarm_saturate() {
	local rw="read"
	[[ $1 == reads ]] || rw="write"
	portal_netem 1 rate 50mbit limit 20
	portal_netem_out 1 rate 50mbit limit 20
	fio --name=saturate "--filename=/dev/mapper/${FO_MAP[2]}" --rw=$rw --bs=1M --iodepth=16 --ioengine=libaio --direct=1 \
		--offset=16M --size=32M --time_based "--runtime=$2" >> "$(log fio)" 2>&1
}

falsealarm_hogs() {
	local i
	local -a hogs=()
	for i in 1 2 3 4 5 6 7 8; do
		(while :; do :; done) &
		hogs+=($!)
	done
	pause "$1"
	kill "${hogs[@]}"
	wait "${hogs[@]}" || true
}

# probe_cut N: everything to and from portal N vanishes but the kernel session's own connection.
probe_cut() {
	local port
	port=$(session_port "$1")
	in_target nft -f - <<-NFT
		table inet probe {
			chain input {
				type filter hook input priority 0;
				iifname p$1 tcp dport 3260 tcp sport != $port drop
			}
			chain output {
				type filter hook output priority 0;
				oifname p$1 tcp sport 3260 tcp dport != $port drop
			}
		}
	NFT
}

# --- what is counted ---

# falsealarm_sample FILE: in the background, twice a second; FILE has "WORST-NOP-MS WORST-UNACKED-MS".
#   NOP: the smoothed round trip of portal 1's probe, or for how long it has been silent.
#   unacked: while data of the session was unacknowledged, since the last acknowledgement.
falsealarm_sample() {
	local text rest nop=0 unacked=0 value
	trap - ERR EXIT
	set +eE
	while :; do
		text=$(timeout 5 mpathiscsi --json status)
		rest=$text
		while [[ $rest =~ \"rtt_us\":\ *([0-9]+) ]]; do
			value=$((BASH_REMATCH[1] / 1000))
			((value <= nop)) || nop=$value
			rest=${rest#*"${BASH_REMATCH[0]}"}
		done
		rest=$text
		while [[ $rest =~ \"silent_ms\":\ *([0-9]+) ]]; do
			((BASH_REMATCH[1] <= nop)) || nop=${BASH_REMATCH[1]}
			rest=${rest#*"${BASH_REMATCH[0]}"}
		done
		while read -r value; do
			((value <= unacked)) || unacked=$value
		done < <(ss -tinOH dst 10.0.1.2 dport = :3260 sport = ":$(session_port 1)" 2> /dev/null |
			sed -n '/ unacked:/ s/.* lastack:\([0-9]*\).*/\1/p')
		echo "$nop $unacked" > "$1"
		tick; tick; tick; tick; tick; tick; tick; tick
	done
}

# falsealarm_count: kernel messages and counters so far: connection errors, of those the kernel's own NOP time-outs, paths
# failed in dm, and the daemon's counters.
falsealarm_count() {
	local -a counter=(0 0 0)
	# shellcheck disable=SC2207 # three numbers
	[[ $FO_SETTING == stock ]] || counter=($(quick_totals releases lost false_alarms))
	dmesg | awk -v more="${counter[*]}" '
		/detected conn error/ { dropped++ } /detected conn error \(1022\)/ { nop++ } /multipath: .*Failing path/ { failed++ }
		END { print dropped + 0, nop + 0, failed + 0, more }'
}

# falsealarm_case CASE PROFILE SECONDS: under load from before to after; a RESULT line. Sets FA_DROPPED, FA_FAILED, FA_RELEASED.
falsealarm_case() {
	local case=$1 profile=$2 s=$3 depth errors=0 corrupt=0 longest=0 nop unacked
	local -a a b
	for depth in 1 32; do
		loads_start "$depth" "/dev/mapper/${FO_MAP[${FO_LUN[$depth]}]}" --threads "$depth" --rate "${FO_RATE[$depth]}" \
			--reads $((depth == 1 ? 30 : 5)) --blocks 16 --threshold 500 --drain 90
	done
	failover_ready
	dmesg -C
	read -r -a a < <(falsealarm_count)
	echo "0 0" > "$LAB_VAR/worst"
	falsealarm_sample "$LAB_VAR/worst" &
	FA_SAMPLER=$!
	falsealarm_trouble "$case" "$s"
	pause 2
	kill "$FA_SAMPLER"
	wait "$FA_SAMPLER" || true
	read -r -a b < <(falsealarm_count)
	dmesg > "$LAB_OUT/$profile.$case.dmesg"
	assert_wait 120 "all as before" failover_home
	read -r nop unacked < "$LAB_VAR/worst"
	for depth in 1 32; do
		loads_use "$depth"
		load_stop
		errors=$((errors + LOAD_ERRORS)) corrupt=$((corrupt + LOAD_CORRUPT))
		longest=$(awk -v a="$longest" -v b="$LOAD_STALL_MS" 'BEGIN { print (a > b ? a : b) }')
	done
	FA_DROPPED=$((b[0] - a[0])) FA_FAILED=$((b[2] - a[2])) FA_RELEASED=$((b[3] - a[3])) FA_ERRORS=$errors FA_CORRUPT=$corrupt
	result falsealarm "case=$case" "profile=$profile" "s=$s" "dropped=$FA_DROPPED" "nop_timeouts=$((b[1] - a[1]))" "failed=$FA_FAILED" \
		"released=$FA_RELEASED" "armed_lost=$((b[4] - a[4]))" "false_alarms=$((b[5] - a[5]))" "worst_nop_ms=$nop" "worst_unacked_ms=$unacked" \
		"longest_ms=$longest" "io_errors=$errors" "corrupt=$corrupt"
	RESULT_NAMES[-1]=$profile.$case
}
