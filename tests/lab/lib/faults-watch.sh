# The fault matrix: what is looked at. Loads, counters of the disks, what a sound host is, what must not be left behind.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

declare -a FAULT_USED=() FAULT_COUNTS=() FAULT_LOAD_ERRORS=() FAULT_LOAD_CORRUPT=() FAULT_LOAD_LATE=() FAULT_LONGEST=()
declare -A FAULT_AT=() FAULT_BASE=() FAULT_NOW=() FAULT_RIGHT=()
FAULT_LACKS='' FAULT_LEAK='' FAULT_KNOWN=''
FAULT_RSS_KIB=2048 # that a daemon may be larger than before the first fault: it keeps what it has once needed

# fault_wait SECONDS COMMAND…: as wait_for, with half a second between two looks: these are dear, and the processor is emulated.
fault_wait() {
	local limit=$(($1 * 1000)) begin i
	shift
	now; begin=$NOW_MS
	until "$@"; do
		since "$begin"
		((SINCE_MS < limit)) || return 1
		for i in 1 2 3 4 5 6 7 8 9 10; do tick; done
	done
}

# --- load ---

# fault_loads_start: a verified load on every LUN: 12 I/Os a second of two threads; the five begin at once.
fault_loads_start() {
	local lun
	for lun in 1 2 3 4 5; do
		rm -f "$LAB_VAR/load.$lun".*
		ioload --device "/dev/mapper/${TRUTH_MAPS[lun]}" --threads 2 --rate 6 --blocks 64 --threshold 500 --drain 120 \
			--output "$LAB_VAR/load.$lun.json" --status "$LAB_VAR/load.$lun.status" >> "$(log ioload)" 2>&1 &
		LOADS_PID[$lun]=$!
	done
	fault_wait 30 loads_flow 1 2 3 4 5 || fault_wrong "I/O does not flow before the fault: $(fault_stuck)"
}

# fault_loads_stop: ends them; every block is read and compared.
fault_loads_stop() {
	local lun
	FAULT_LOAD_ERRORS=() FAULT_LOAD_CORRUPT=() FAULT_LOAD_LATE=() FAULT_LONGEST=()
	for lun in 1 2 3 4 5; do
		kill -TERM "${LOADS_PID[$lun]}" 2> /dev/null || true # all at once: they verify side by side
	done
	for lun in 1 2 3 4 5; do
		loads_use "$lun"
		wait "$LOAD_PID" || true
		if [[ ! -s $LOAD_JSON || $(load_value stuck) != 0 ]]; then
			fault_wrong_lun "$lun" "I/O that never came back"
			continue
		fi
		FAULT_LOAD_ERRORS[lun]=$(load_value errors)
		FAULT_LOAD_CORRUPT[lun]=$(load_value corrupt)
		FAULT_LOAD_LATE[lun]=$(load_value late)
		FAULT_LONGEST[lun]=$(load_value longest_stall_ms)
	done
}

fault_stuck() {
	local lun
	for lun in 1 2 3 4 5; do
		loads_use "$lun"
		load_look && ((LOAD_STUCK > 0)) && echo -n "LUN $lun: $LOAD_STUCK for $LOAD_OLDEST_MS ms; "
	done
	return 0
}

# fault_waits [LUN]: whether I/O has been waiting for five seconds and more: of that LUN, or of each.
fault_waits() {
	local lun
	for lun in ${1:-1 2 3 4 5}; do
		loads_use "$lun"
		load_look && ((LOAD_STUCK > 0 && LOAD_OLDEST_MS >= 5000)) || return 1
	done
}

# --- counters ---

# fault_learn: the disks of each LUN's paths, anew when they have other names.
fault_learn() {
	local seen
	seen=$(echo /sys/class/iscsi_session/session*/device/target*/*/block/sd*)
	[[ $(wc -w <<< "$seen") == 20 ]] || return 1
	[[ $seen != "$FAULT_KNOWN" ]] || return 0
	truth_learn && FAULT_KNOWN=$seen
}

# fault_read: FAULT_AT[LUN.LETTER]: reads and writes completed over that path so far.
fault_read() {
	local lun k
	local -a disks stat
	for lun in 1 2 3 4 5; do
		read -r -a disks <<< "${TRUTH_DISKS[lun]}"
		for k in 0 1 2 3; do
			read -r -a stat 2> /dev/null < "/sys/block/${disks[k]}/stat" || stat=(0 0 0 0 0)
			FAULT_AT[$lun.$k]=$((stat[0] + stat[4]))
		done
	done
}

# fault_counted: since FAULT_FROM, whether every LUN has had its I/Os; sets FAULT_USED and FAULT_COUNTS.
fault_counted() {
	local lun k sum n enough=0
	fault_read
	for lun in 1 2 3 4 5; do
		sum=0
		FAULT_USED[lun]='' FAULT_COUNTS[lun]=''
		for k in 0 1 2 3; do
			n=$((FAULT_AT[$lun.$k] - FAULT_FROM[$lun.$k]))
			sum=$((sum + n))
			((n <= 0)) || FAULT_USED[lun]+=$(truth_letter $((k + 1)))
			FAULT_COUNTS[lun]+="$n "
		done
		FAULT_USED[lun]=${FAULT_USED[lun]:--}
		((sum < FAULT_IOS)) || enough=$((enough + 1))
	done
	((enough == 5))
}

fault_count() {
	local key
	declare -gA FAULT_FROM=()
	fault_read
	for key in "${!FAULT_AT[@]}"; do FAULT_FROM[$key]=${FAULT_AT[$key]}; done
	fault_wait 60 fault_counted || fault_wrong "too little I/O: $(fault_stuck)"
}

# fault_failings: paths that dm has failed since the fault began.
fault_failings() { fault_dmesg | grep -c 'multipath: .*Failing path' || true; }
# fault_dmesg: what the kernel has said since.
fault_dmesg() { dmesg | diff "$LAB_VAR/dmesg.before" - | sed -n 's/^> //p'; }

# --- a sound host ---

# fault_recovered: all is as it was; FAULT_LACKS says what is not.
fault_recovered() {
	local dir lun n=0 ready
	for dir in /sys/class/iscsi_session/session*; do
		FAULT_LACKS="a session is $(cat "$dir/state" 2> /dev/null)"
		[[ $(cat "$dir/state" 2> /dev/null) == LOGGED_IN ]] || return 1
		n=$((n + 1))
	done
	FAULT_LACKS="$n sessions"
	((n == 4)) || return 1
	FAULT_LACKS="maps lack paths"
	fault_learn 2> /dev/null || return 1
	truth_look
	for lun in 1 2 3 4 5; do
		FAULT_LACKS="LUN $lun has ${TRUTH_SEEN[$lun.up]}, uses ${TRUTH_SEEN[$lun.used]}"
		[[ ${TRUTH_SEEN[$lun.up]} == ABCD && ${TRUTH_SEEN[$lun.used]} == "$(fault_use "$lun" ABCD)" ]] || return 1
	done
	FAULT_LACKS="I/O is stuck: $(fault_stuck)"
	loads_flow 1 2 3 4 5 || return 1
	ready=$(timeout 5 multipathd show paths format '%t %T' | grep -c '^active *ready') || true
	FAULT_LACKS="$ready of 20 paths are ready"
	[[ $ready == 20 ]] || return 1
	[[ $FAULT_SETTING != alone ]] || return 0
	FAULT_LACKS="path groups are not the plan's"
	[[ $FAULT_SETTING != iscsi ]] || fault_in_order || return 1
	FAULT_LACKS="not all paths are quick"
	fault_quick_all
}

# fault_groups: a line a map: NAME and its groups in the table's order, as letters.
fault_groups() {
	dmsetup status --target multipath | awk -v known="$TRUTH_KNOWN" '
	function sorted(text,   out, k) {
		for (k = 1; k <= 4; k++) if (index(text, substr("ABCD", k, 1))) out = out substr("ABCD", k, 1)
		return out
	}
	BEGIN { count = split(known, word, " "); for (k = 1; k <= count; k += 3) letter[word[k]] = word[k + 2] }
	{
		map = $1; sub(/:$/, "", map)
		i = 5; i += $i + 1; i += $i + 1; groups = $i; i += 2; line = map
		for (g = 1; g <= groups; g++) {
			i++; i += $i + 1; paths = $i; args = $(i + 1); i += 2; here = ""
			for (p = 1; p <= paths; p++) { here = here letter[$i]; i += 3 + args }
			line = line " " sorted(here)
		}
		print line
	}'
}
# fault_in_order: whether every map has the groups of its policy.
fault_in_order() {
	local seen lun
	local -a wanted=([1]="A B C D" [2]="ABCD" [3]="AB C D" [4]="A B C D" [5]="ABCD")
	seen=$(fault_groups)
	for lun in 1 2 3 4 5; do
		[[ $'\n'$seen$'\n' == *$'\n'"${TRUTH_MAPS[lun]} ${wanted[lun]}"$'\n'* ]] || return 1
	done
}

# fault_take: FAULT_NOW: how many there are of what can be left behind.
fault_take() {
	local name
	FAULT_NOW=()
	for name in mpathiscsid mpathiscsi-prob mpathiscsi multipathd iscsid; do fault_take_process "$name"; done
	FAULT_NOW[sessions]=$(find /sys/class/iscsi_session -mindepth 1 | wc -l)
	FAULT_NOW[connections]=$(ss -Htn state established dport = :3260 | wc -l)
	FAULT_NOW[target.sessions]=$(fault_target_sessions)
	FAULT_NOW[disks]=$(echo /sys/block/sd* | wc -w)
	FAULT_NOW[maps]=$(dmsetup ls | wc -l)
	FAULT_NOW[files]=$(find /run/mpathiscsi /etc/mpathiscsi /etc/multipath /etc/iscsi /run/lock/iscsi ! -type d 2> /dev/null | sort | md5sum)
	FAULT_NOW[temporary]=$(find /tmp /dev/shm ! -type d | wc -l)
}
# fault_take_process NAME: processes of that name, and what they have: one process is started for all of it.
fault_take_process() {
	local pid key value n=0
	local -a fds
	for pid in $(pgrep -x "$1"); do
		n=$((n + 1))
		fds=("/proc/$pid/fd"/*)
		FAULT_NOW[fd.$1]=$((${FAULT_NOW[fd.$1]:-0} + ${#fds[@]}))
		while read -r key value _; do
			case $key in
			Threads:) FAULT_NOW[threads.$1]=$((${FAULT_NOW[threads.$1]:-0} + value)) ;;
			VmRSS:) FAULT_NOW[rss.$1]=$((${FAULT_NOW[rss.$1]:-0} + value)) ;;
			esac
		done 2> /dev/null < "/proc/$pid/status"
	done
	FAULT_NOW[processes.$1]=$n
}
# fault_target_list: the sessions that the target knows of, of the kernel and of our probe (its alias tells them apart).
fault_target_list() {
	local c
	for ((c = 1; c <= TARGET_CONTROLLERS; c++)); do
		case $TARGET_KIND in
		tgt) timeout 5 tgtadm -C "$c" --lld iscsi --op show --mode conn --tid 1 ;;
		lio) tr '\0' '\n' < "$LIO/iscsi/$TARGET_IQN/tpgt_$c/dynamic_sessions" | sed '/./s/^/Session: /' ;;
		esac
	done
}
fault_target_sessions() { fault_target_list | grep -c '^Session:' || true; }

# fault_least KEY: whether of that the fewest count that were seen, and fewer are no fault: they come and go.
fault_least() { [[ $1 == fd.* || $1 == threads.* || $1 == rss.* || $1 == target.* ]]; }

# fault_base: this is what there should be: of what comes and goes the fewest of four looks, and not fewer than were once taken for
# sound: a host that was just put right may not have opened all again.
fault_base() {
	local key look
	local -A least=()
	for look in 1 2 3 4; do
		((look == 1)) || pause 1
		fault_take
		for key in "${!FAULT_NOW[@]}"; do
			fault_least "$key" && [[ -n ${least[$key]:-} && ${least[$key]} -le ${FAULT_NOW[$key]} ]] || least[$key]=${FAULT_NOW[$key]}
		done
	done
	for key in "${!least[@]}"; do
		fault_least "$key" && [[ ${FAULT_BASE[$key]:-0} -gt ${least[$key]} ]] || FAULT_BASE[$key]=${least[$key]}
	done
	fault_descriptors > "$LAB_OUT/descriptors.txt"
	for key in "${!FAULT_BASE[@]}"; do echo "$key ${FAULT_BASE[$key]}"; done | sort > "$LAB_OUT/base.txt"
	[[ $FAULT_SETTING == alone ]] || DAEMON_WAS=$(daemon_pid)
	MULTIPATHD_WAS=$MULTIPATHD_PID
	find /run/mpathiscsi /etc/mpathiscsi /etc/multipath /etc/iscsi ! -type d 2> /dev/null | sort > "$LAB_OUT/files.txt"
}

# fault_no_leak: whether there are as many as at the beginning; of what comes and goes there may be fewer. Daemons open and close
# all the time, so each number needs to be right once, at any of the looks since fault_leak_begin.
fault_leak_begin() { FAULT_RIGHT=(); }
fault_no_leak() {
	local key margin
	fault_take
	FAULT_LEAK=''
	for key in "${!FAULT_BASE[@]}"; do
		margin=0
		[[ $key != rss.* ]] || margin=$FAULT_RSS_KIB
		# The checker keeps up to four threads for the next tests (checker/test_job.c).
		[[ $key != threads.multipathd ]] || margin=4
		if [[ ${FAULT_NOW[$key]:-} == "${FAULT_BASE[$key]}" ]] ||
			{ fault_least "$key" && ((${FAULT_NOW[$key]:-0} <= FAULT_BASE[$key] + margin)); }; then
			FAULT_RIGHT[$key]=1
		elif [[ -z ${FAULT_RIGHT[$key]:-} ]]; then
			FAULT_LEAK+="$key ${FAULT_NOW[$key]:-0}, was ${FAULT_BASE[$key]}; "
		fi
	done
	[[ -z $FAULT_LEAK ]] || { FAULT_LACKED=$FAULT_LEAK; return 1; }
}
# fault_usage NAME: what there is after that fault, in a line of usage.txt.
fault_usage() {
	local key line=$1
	for key in fd.multipathd threads.multipathd rss.multipathd fd.mpathiscsid threads.mpathiscsid rss.mpathiscsid target.sessions; do
		line+=" $key=${FAULT_NOW[$key]:-.}"
	done
	echo "$line" >> "$LAB_OUT/usage.txt"
}
# fault_descriptors: what the daemons have open, for a person who looks for a leak.
fault_descriptors() {
	local pid
	for pid in $(pgrep -x 'mpathiscsid|mpathiscsi-prob|multipathd'); do
		echo "$(< "/proc/$pid/comm") $pid"
		find "/proc/$pid/fd" -mindepth 1 -printf '%f -> %l\n' 2> /dev/null | sort -n
	done
	ss -xpn 2> /dev/null | grep -E 'multipathd|mpathiscsi' || true
	echo "sessions at the target, connections here"
	fault_target_list
	ss -Htno dport = :3260
}

# fault_alive: the same processes as before but for those that the fault ends (F_RESTARTS).
fault_alive() {
	process_runs "$MULTIPATHD_PID" || fault_wrong "multipathd has died"
	[[ $F_RESTARTS == *multipathd* || $MULTIPATHD_PID == "$MULTIPATHD_WAS" ]] || fault_wrong "multipathd was restarted"
	MULTIPATHD_WAS=$MULTIPATHD_PID
	[[ $FAULT_SETTING != alone ]] || return 0
	process_runs "$DAEMON_PID" || fault_wrong "mpathiscsid has died"
	[[ $F_RESTARTS == *daemon* || $DAEMON_PID == "$DAEMON_WAS" ]] || fault_wrong "mpathiscsid was restarted"
	DAEMON_WAS=$DAEMON_PID
}
fault_quick_all() { [[ $FAULT_SETTING == alone ]] || quick_are 20; }
