# Failover under load, cut by cut: two LUNs on two portals (failover groups, portal 1 active), one request at a time on LUN 1,
# 32 on LUN 2. A block is some cuts in a row with one setting of the host. Sourced by bench-failover.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

declare -A FO_RATE=([1]=50 [32]=4) FO_LUN=([1]=1 [32]=2) # I/Os a second and thread; LUN; by depth
FO_BOOT=$RANDOM$RANDOM FO_NOOP=''
declare -A FO_MAP=() FO_DEV=()
declare -a FO_FAILED=()

# failover_target CASE: the array the case needs.
failover_target() {
	case $1 in
	lunhang)
		LIO_SPLIT=1
		target_start lio 2 luns=2 controllers=2
		;;
	*) target_start tgt 2 luns=2 controllers=2 ;;
	esac
	[[ $1 != addrmove ]] || head_start
}

# --- settings of the host ---

# failover_up SETTING: from a host without sessions to one on which both LUNs' I/O goes over portal 1.
#   stock    Debian's defaults                     default, fast  ours with that profile
#   tuned    every timer of stock at its minimum   routes         fast with tune_routes
#   stranded default with stranded_io = wait       off            ours, but neither arming nor releasing
# The same for all: failover groups, failback at once, no_path_retry queue.
failover_up() {
	local lun
	title "$1"
	failover_noop "$1"
	login 2
	case $1 in
	stock) multipathd_start - < <(failover_conf_stock '') ;;
	tuned)
		multipathd_start - < <(failover_conf_stock "polling_interval 1
			max_polling_interval 1
			fast_io_fail_tmo 1")
		;;
	*) failover_up_ours "$1" ;;
	esac
	for lun in 1 2; do
		FO_MAP[$lun]=$(map_name "$lun")
		FO_DEV[$lun]=$(< "/sys/block/$(portal_disk 1 "$lun")/dev")
	done
	assert_eq "kernel timers of stock, tuned" ok "$(failover_tmo_check "$1")"
}

# Values of the node records are taken from this file at login.
failover_noop() {
	local noop=5
	[[ $1 != tuned ]] || noop=1
	sed -i -e '/noop_out_interval\|noop_out_timeout/d' /etc/iscsi/iscsid.conf
	printf 'node.conn[0].timeo.noop_out_interval = %s\nnode.conn[0].timeo.noop_out_timeout = %s\n' $noop $noop \
		>> /etc/iscsi/iscsid.conf
}

# Stock must be stock, also after ours was there: the timers that matter, as the kernel has them.
failover_tmo_check() {
	local file want=5 retries=5
	[[ $1 != tuned ]] || want=1
	[[ $1 == stock || $1 == tuned ]] || { echo ok; return; }
	for file in /sys/class/iscsi_session/session*/recovery_tmo; do
		[[ $(< "$file") == "$want" ]] || { echo "$file $(< "$file")"; return; }
	done
	for file in /sys/class/iscsi_connection/connection*/ping_tmo; do
		[[ $(< "$file") == "$want" ]] || { echo "$file $(< "$file")"; return; }
	done
	for file in /sys/class/scsi_disk/*/max_retries; do
		[[ ! -e $file || $(< "$file") == "$retries" ]] || { echo "$file $(< "$file")"; return; }
	done
	[[ $(ip route) != *rto_min* ]] || { echo "a route has rto_min"; return; }
	echo ok
}

failover_conf_stock() {
	cat <<-E
		defaults {
			find_multipaths yes
			$1
		}
		overrides {
			path_grouping_policy failover
			prio weightedpath
			prio_args "$(weighted_args 1 2)"
			detect_prio no
			failback immediate
			no_path_retry queue
		}
	E
}

failover_up_ours() {
	case $1 in
	# Cuts come faster here than a path is forgiven that comes and goes: no holding out.
	default | fast | safe) quick_conf "profile=$1" tune_routes=no flap_hold=0 ;;
	stranded) quick_conf profile=default stranded_io=wait flap_hold=0 ;;
	routes) quick_conf profile=fast tune_routes=yes flap_hold=0 ;;
	off) quick_conf arm=off release=off ;;
	*) fail "setting \"$1\" is none of stock, tuned, off, safe, default, stranded, fast, routes" ;;
	esac
	daemon_start
	multipathd_start - <<-E
		defaults {
			find_multipaths yes
			no_path_retry queue
		}
	E
	assert "mpathiscsi enable" mpathiscsi enable >> "$(log enable)"
	assert_wait 40 "every path has checker iscsi" checker_everywhere iscsi
	assert_wait 60 "every LUN has a map with all paths" maps_complete
	policy_set 1 failover-only --active portal=10.0.1.2 --standby portal=10.0.2.2
	policy_set 2 failover-only --active portal=10.0.1.2 --standby portal=10.0.2.2
}

# failover_down SETTING: back to a host without sessions.
failover_down() {
	if [[ $1 != stock && $1 != tuned ]]; then
		assert "mpathiscsi disable" mpathiscsi disable >> "$(log enable)"
		daemon_stop
		rm -f "$QUICK_CONF"
	fi
	multipathd_stop
	maps_flush
	logout
	assert_wait 20 "no session is left" not portal_session 1
}

# --- cases: failover_begin CASE makes the fault, failover_end takes it back ---

failover_begin() {
	case $1 in
	silent) portal_cut 1 ;;
	stopped)
		failover_daemons STOP
		portal_cut 1
		;;
	data) data_cut 1 ;;
	rst) portal_refuse 1 ;;
	linkdown) portal_link_down 1 ;;
	linkoff) ip link set p1 down ;;
	targetstop) controller_freeze 1 ;;
	targetreboot)
		# A machine that stops says nothing; when it is back, its kernel knows no connection.
		portal_cut 1
		controller_kill 1
		;;
	addrmove) head_move ;;
	lunhang) lio_lun_hang 1 1 ;;
	*) fail "case \"$1\" is none of silent, stopped, data, rst, linkdown, linkoff, targetstop, targetreboot, addrmove, lunhang" ;;
	esac
}

failover_end() {
	case $1 in
	silent | rst | linkdown | stopped) portal_heal 1 ;;
	linkoff)
		ip link set p1 up
		ip addr replace fd00:0:0:1::1/64 dev p1 nodad # the kernel takes IPv6 addresses away
		;;
	data) data_heal ;;
	targetstop)
		# For good: another process takes its place. One that went on would carry out late what is written again by then.
		controller_kill 1
		controller_start 1
		;;
	targetreboot)
		controller_start 1
		portal_heal 1
		;;
	addrmove) ;; # the address stays where it is now
	lunhang) lio_lun_resume 1 1 ;;
	esac
}

# failover_over CASE: whether the fault has had its effect: what was stuck is free, and dm has given up the path if it will.
failover_over() {
	since "$FO_CUT"
	failover_seen_failed
	case $1 in
	targetreboot) ((SINCE_MS > 8000)) ;; # it is back by then, whatever happened meanwhile
	lunhang) ((SINCE_MS > 25000)) || { [[ ${FO_FAILED[1]} == F ]] && loads_flow 1 32; } ;;
	addrmove | data) ((SINCE_MS > 2000)) && loads_flow 1 32 ;; # a new connection finds the portal: the path need not fail
	*) [[ ${FO_FAILED[1]}${FO_FAILED[2]} == FF ]] && loads_flow 1 32 ;;
	esac
}
# A path may have failed and be back before anybody asks again.
failover_seen_failed() {
	local lun
	for lun in 1 2; do
		watch_path "${FO_MAP[$lun]}" "${FO_DEV[$lun]}"
		[[ $WATCH_PATH != F ]] || FO_FAILED[lun]=F
	done
}

failover_daemons() {
	kill "-$1" "$MULTIPATHD_PID"
	[[ $FO_SETTING == stock || $FO_SETTING == tuned ]] || kill "-$1" "$DAEMON_PID"
}

# data_cut N: only the kernel session's own connection over portal N is silent; others, new ones too, get through.
data_cut() {
	local port
	port=$(session_port "$1")
	in_target nft -f - <<-NFT
		table inet data {
			chain input {
				type filter hook input priority 0;
				iifname p$1 tcp sport $port drop
			}
			chain output {
				type filter hook output priority 0;
				oifname p$1 tcp dport $port drop
			}
		}
	NFT
}
data_heal() { in_target nft delete table inet data; }

# head_start: a second head of the array on network 1, in a namespace of its own; it serves the same LUNs with the same identity.
# head_move: the address of portal 1 goes to the other head, as when one takes over: it announces itself, the old one has lost it.
head_start() {
	modprobe macvlan
	ip netns add head
	ip -n target link add link p1 name head netns head type macvlan mode bridge
	ip netns exec head sysctl -qw net.ipv4.conf.all.arp_notify=1 net.ipv4.conf.head.arp_notify=1
	ip netns exec target sysctl -qw net.ipv4.conf.all.arp_notify=1 net.ipv4.conf.p1.arp_notify=1
	ip -n head link set lo up
	ip -n head link set head up
	HEAD_AT=target
	nsenter --net=/run/netns/head tgtd -f -C 9 --iscsi portal=0.0.0.0:3260 >> "$(log tgtd9)" 2>&1 &
	TARGET_PID[9]=$!
	tgt_luns 9
}
head_move() {
	local from=target from_dev=p1 to=head to_dev=head
	[[ $HEAD_AT == target ]] || from=head from_dev=head to=target to_dev=p1
	ip -n $from addr delete 10.0.1.2/24 dev $from_dev
	ip -n $to addr add 10.0.1.2/24 dev $to_dev
	# arp_notify: an interface that comes up with an address announces it.
	ip netns exec $to busybox arping -A -c 1 -I $to_dev 10.0.1.2 > /dev/null
	HEAD_AT=$to
}

# --- a block of cuts ---

# failover_loads: a verified load of each depth, on the LUN of that depth.
failover_loads() {
	local depth
	for depth in 1 32; do
		loads_start "$depth" "/dev/mapper/${FO_MAP[${FO_LUN[$depth]}]}" --threads "$depth" --rate "${FO_RATE[$depth]}" \
			--blocks $((depth == 1 ? 256 : 16)) --threshold 200 --drain 90
	done
}

# failover_ready: everything as it should be before a cut.
failover_ready() {
	assert_wait 120 "all sessions and paths are up, LUNs 1 and 2 use portal 1" failover_home
	if [[ $FO_SETTING =~ ^(safe|default|stranded|fast|routes)$ ]]; then
		assert_wait 60 "all paths are quick" quick_are 4
		mpathiscsi status --timing >> "$(log timing)"
	fi
	assert_wait 30 "I/O flows" loads_flow 1 32
}
failover_home() {
	watch_up 2 "${FO_MAP[@]}" &&
		watch_active "${FO_MAP[1]}" "${FO_DEV[1]}" && watch_active "${FO_MAP[2]}" "${FO_DEV[2]}"
}

# failover_cut CASE: one cut; leaves "CUT HEAL END" (ms) in FO_TIMES.
failover_cut() {
	local heal end
	failover_ready
	FO_FAILED=([1]='' [2]='')
	now; FO_CUT=$NOW_MS
	failover_begin "$1"
	# The command takes its time on a busy host; what it does, it does at its end.
	[[ $1 == addrmove ]] || { now; FO_CUT=$NOW_MS; }
	assert_wait 90 "the fault is over for the I/O" failover_over "$1"
	[[ $1 != stopped ]] || failover_daemons CONT
	now; heal=$NOW_MS
	failover_end "$1"
	assert_wait 120 "all paths are up again, I/O is back on portal 1" failover_home
	assert_wait 60 "I/O flows" loads_flow 1 32
	now; end=$NOW_MS
	FO_TIMES+=("$FO_CUT $heal $end")
	say "$FO_SETTING, cut ${#FO_TIMES[@]}: fault for $((heal - FO_CUT)) ms, all as before $((end - heal)) ms later"
}

# failover_block CASE[,CASE…] SETTING BLOCK CUTS: the host is set up, cut CUTS times, the cases in turn, and taken down; prints
# a line "CUT …" for each cut and depth, and a line "BLOCK …" for each case and depth. Files for plots go to $LAB_OUT/cuts.
failover_block() {
	local block=$3 cuts=$4 depth i
	local -a cases
	IFS=, read -r -a cases <<< "$1"
	FO_SETTING=$2 FO_TIMES=()
	failover_up "$2"
	watch_start "$LAB_VAR/watch.log" "${FO_MAP[1]}" "${FO_MAP[2]}"
	failover_loads
	for ((i = 1; i <= cuts; i++)); do
		failover_cut "${cases[(i - 1) % ${#cases[@]}]}"
	done
	watch_stop
	for depth in 1 32; do
		loads_use "$depth"
		load_stop
		cp "$LOAD_JSON" "$LAB_OUT/$2.$block.qd$depth.json"
		failover_lines "$2" "$block" "$depth" "$cuts" "${cases[@]}" | tee -a "$LAB_OUT/cuts.txt"
	done
	failover_down "$2"
	: > "$LAB_VAR/watch.log"
}

# failover_lines SETTING BLOCK DEPTH CUTS CASE…: the lines of a block's finished load. Its errors are those of each of its cases.
failover_lines() {
	local setting=$1 block=$2 depth=$3 cuts=$4 case i
	shift 4
	for ((i = 1; i <= cuts; i++)); do
		failover_line "${@:(i - 1) % $# + 1:1}" "$setting" "$block" "$i" "$depth"
	done
	for case in $(printf '%s\n' "$@" | sort -u); do
		echo "BLOCK case=$case setting=$setting block=$block boot=$FO_BOOT qd=$depth cuts=$cuts io_errors=$LOAD_ERRORS corrupt=$LOAD_CORRUPT"
	done
}

# failover_line CASE SETTING BLOCK CUT DEPTH: what a cut cost, from the finished load's stalls and series and from the log of the paths.
#   stall_ms     the longest request between cut and heal; heal_ms: the longest that ended after it, until all was as before
#   calm_ms      the longest request in the two seconds before the cut: what the busy host itself does
#   free_ms      from the cut until the last request that was issued before the path had failed was done
#   detect_ms    from the cut until the path had failed in dm; failback_ms: from the heal until I/O was on its path again; -1: never
failover_line() {
	local cut heal end depth=$5 map dev files=$LAB_OUT/cuts/$2.$3.$4
	read -r cut heal end <<< "${FO_TIMES[$4 - 1]}"
	map=${FO_MAP[${FO_LUN[$depth]}]} dev=${FO_DEV[${FO_LUN[$depth]}]}
	mkdir -p "$LAB_OUT/cuts"
	awk -v cut="$cut" -v end="$end" '{ t = $1 * 1000 - cut } t >= -2000 && t <= end - cut { printf "%.0f %d %.1f %.1f\n", t, $2, $3, $4 }' \
		"$LAB_VAR/load.$depth.series" > "$files.qd$depth"
	awk -v cut="$cut" -v end="$end" -v map="$map" -v dev="$dev" '$2 == map {
		t = $1 * 1000 - cut; if (t > end - cut) exit
		one = index($0, dev "=A") ? "A" : "F"; used = $0 ~ (" A:" dev "=A") ? 1 : 2
		line = one " " used; if (t < -2000) { before = line; next }
		if (before != "") print -2000, before; before = ""; print int(t), line
	} END { if (before != "") print -2000, before }' "$LAB_VAR/watch.log" > "$files.paths$depth"
	printf 'CUT case=%s setting=%s block=%s cut=%s boot=%s qd=%s %s\n' "$1" "$2" "$3" "$4" "$FO_BOOT" "$depth" \
		"$(failover_figures "$files.qd$depth" "$files.paths$depth" $((heal - cut)))"
}

# failover_figures SERIES PATHS HEAL: the words of a line, from the two files of a cut; times in ms since it.
failover_figures() {
	awk -v heal="$3" 'BEGIN { detect = failback = -1 }
		FNR == NR {
			if ($1 > 0 && $2 == "F" && detect < 0) detect = $1
			if ($1 > heal && $3 == 1 && failback < 0) failback = $1 - heal
			next
		}
		$1 <= 0 { if ($3 > calm) calm = $3; next }
		$1 <= heal && $3 > stall { stall = $3 }
		$1 > heal && $3 > back { back = $3 }
		# What was under way at the heal was held up by the fault.
		$1 > heal && $1 - $3 <= heal && $3 > stall { stall = $3 }
		$1 <= heal && $1 - $3 <= (detect < 0 ? 0 : detect) { free = $1 }
		END { printf "stall_ms=%.1f heal_ms=%.1f calm_ms=%.1f free_ms=%d detect_ms=%d failback_ms=%d fault_ms=%d",
			stall, back, calm, free, detect, failback, heal }' "$2" "$1"
}
