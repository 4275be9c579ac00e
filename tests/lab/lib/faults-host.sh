# The fault matrix: the host runs out of things, its clock jumps, its devices chatter. While it has run out, portal 1 is silent: the
# host must find that out, and fail over, all the same.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# The clock goes an hour forward, and two back; an hour forward at the end.
fault_shift() {
	local before=$CLOCK_OFFSET_US moved
	clock_shift "$1"
	moved=$(((CLOCK_OFFSET_US - before) / 1000000))
	((moved >= $1 - 2 && moved <= $1 + 2)) && FAULT_SHIFTS=$((FAULT_SHIFTS + 1))
}
fault_begin_clock() {
	FAULT_SHIFTS=0
	fault_shift 3600
	pause 3
	fault_shift -7200
}
fault_proof_clock() { [[ $FAULT_SHIFTS == 2 ]]; }
fault_end_clock() { fault_shift 3600; }

# fault_write_fails FILE REASON: whether a block cannot be written there for that reason.
fault_write_fails() {
	local said
	said=$(LC_ALL=C dd if=/dev/zero "of=$1" bs=4k count=1 2>&1) || true
	rm -f "$1" 2> /dev/null || true
	[[ $said == *"$2"* ]]
}

# fault_fill FILE: fills its file system, and keeps it full: whoever deletes something there makes room. fault_fill_end FILE.
fault_fill() {
	dd if=/dev/zero "of=$1" bs=64k status=none 2> /dev/null || true
	fault_fill_on "$1" 2> /dev/null &
	FAULT_FILLER=$!
	fault_wait 20 fault_write_fails "$1.more" 'No space left'
}
fault_fill_on() {
	trap - ERR
	while :; do
		until ! printf '%1024s' '' >> "$1"; do :; done
		tick
	done
}
fault_fill_end() {
	kill "$FAULT_FILLER"
	wait "$FAULT_FILLER" 2> /dev/null || true
	rm -f "$1"
}

fault_begin_runfull() {
	mount -o "remount,size=$(($(df --output=used -k /run | tail -n 1) + 512))k" /run
	fault_fill /run/full
	portal_cut 1
}
fault_proof_runfull() {
	fault_silent
	fault_wait 10 fault_write_fails /run/more 'No space left'
	fault_wait 10 fault_write_fails /run/mpathiscsi/more 'No space left'
}
fault_end_runfull() {
	fault_fill_end /run/full
	mount -o remount,size=50% /run
	portal_heal 1
}

# fault_refused: a change of a policy cannot be saved: it is refused, and the one in force stays.
fault_refused() {
	local text
	text=$(timeout 40 mpathiscsi policy set "${TRUTH_MAPS[2]}" failover-only --active portal=10.0.3.2 2>&1) || true
	[[ $text == *ISDSC_FAILURE_TO_PERSIST_LB_POLICY* ]] || fault_wrong "policy set: $text"
}

fault_begin_etcro() {
	mount --bind /etc /etc
	mount -o remount,bind,ro /etc
	portal_cut 1
}
fault_proof_etcro() {
	fault_silent
	fault_write_fails /etc/mpathiscsi/more 'Read-only file system'
	fault_refused
}
fault_end_etcro() {
	umount -l /etc
	portal_heal 1
}

# A file system of 64 KiB over the daemon's folder, with its files and no room.
fault_begin_diskfull() {
	local copy=$LAB_VAR/store
	rm -rf "$copy"
	cp -a /etc/mpathiscsi "$copy"
	mount -t tmpfs -o size=64k tmpfs /etc/mpathiscsi
	cp -a "$copy/." /etc/mpathiscsi/
	touch /etc/mpathiscsi/policies.conf.lock
	fault_fill /etc/mpathiscsi/full
	portal_cut 1
}
fault_proof_diskfull() {
	fault_silent
	fault_wait 10 fault_write_fails /etc/mpathiscsi/more 'No space left'
	fault_refused
}
fault_end_diskfull() {
	fault_fill_end /etc/mpathiscsi/full
	umount -l /etc/mpathiscsi
	rm -rf "$LAB_VAR/store"
	portal_heal 1
}

# fault_ours: the processes of ours.
fault_ours() { echo "$DAEMON_PID"; pgrep -x mpathiscsi-prob; }

# No process of ours gets another file descriptor.
fault_begin_fds() {
	local pid fd
	for pid in $(fault_ours); do
		fd=0
		while [[ -e /proc/$pid/fd/$fd ]]; do fd=$((fd + 1)); done
		prlimit --pid "$pid" "--nofile=$fd:"
	done
	portal_cut 1
}
# Whoever asks gets no answer, or a late one: a daemon that could open one more would answer at once. It must not spin over it.
fault_proof_fds() {
	local before after i begin unanswered=0
	local -a stat asked=()
	fault_silent
	for i in 1 2 3; do
		timeout 4 mpathiscsi status > /dev/null 2>&1 &
		asked+=($!)
	done
	read -r -a stat < "/proc/$DAEMON_PID/stat"
	before=$((stat[13] + stat[14]))
	now; begin=$NOW_MS
	for i in "${asked[@]}"; do wait "$i" || unanswered=$((unanswered + 1)); done
	pause 1
	read -r -a stat < "/proc/$DAEMON_PID/stat"
	after=$((stat[13] + stat[14]))
	since "$begin"
	say "mpathiscsid without file descriptors: $unanswered of 3 requests without an answer, $((after - before)) ticks of $((SINCE_MS / 10))"
	((unanswered > 0))
	((after - before <= SINCE_MS / 20)) ||
		fault_wrong "mpathiscsid spins without file descriptors: $((after - before)) ticks of $((SINCE_MS / 10))"
}
fault_end_fds() {
	local pid
	for pid in $(fault_ours); do prlimit --pid "$pid" --nofile=1024: || true; done
	portal_heal 1
	fault_wait 30 daemon_ready || fault_wrong "mpathiscsid does not answer"
}

# No process of ours gets more memory: what it asks the kernel for is refused, which the kernel is watched at. One that ends for it
# is started again, as systemd does.
fault_begin_memory() {
	local pid
	rm -f "$LAB_VAR"/refused.*
	FAULT_TRACERS=()
	for pid in $(fault_ours); do
		strace -f -q -e trace=mmap,mremap -o "$LAB_VAR/refused.$pid" -p "$pid" 2> /dev/null &
		FAULT_TRACERS+=($!)
		wait_for 10 fault_traced "$pid"
		prlimit --pid "$pid" "--as=$(awk '{ print $1 * 4096 }' "/proc/$pid/statm"):"
	done
	portal_cut 1
}
fault_traced() { ! grep -q '^TracerPid:.0$' "/proc/$1/status"; }
fault_proof_memory() {
	fault_silent
	fault_wait 60 fault_ask_for_memory
	say "refused: $(grep -h ENOMEM "$LAB_VAR"/refused.* | head -n 2 | paste -sd ' ')"
	process_runs "$DAEMON_PID" || say "mpathiscsid has ended"
}
# Eight at a time, whose answers must lie somewhere.
fault_ask_for_memory() {
	local i asked=()
	for i in 1 2 3 4 5 6 7 8; do
		timeout 5 mpathiscsi status --json > /dev/null 2>&1 &
		asked+=($!)
	done
	wait "${asked[@]}"
	grep -qs ENOMEM "$LAB_VAR"/refused.*
}
fault_end_memory() {
	local pid
	kill "${FAULT_TRACERS[@]}" 2> /dev/null || true
	wait "${FAULT_TRACERS[@]}" 2> /dev/null || true
	for pid in $(fault_ours); do prlimit --pid "$pid" --as=unlimited: 2> /dev/null || true; done
	portal_heal 1
	process_runs "$DAEMON_PID" || { wait "$DAEMON_PID" 2> /dev/null || true; fault_daemon; }
	fault_wait 30 daemon_ready || fault_wrong "mpathiscsid does not answer"
}

# 1000 uevents as quickly as they can be written, of devices that the daemons listen to; counted by one who listens, too.
fault_begin_uevents() {
	local i
	local -a files all=()
	: > "$LAB_VAR/uevents"
	stdbuf -oL udevadm monitor --kernel > "$LAB_VAR/uevents" 2>&1 &
	FAULT_MONITOR=$!
	wait_for 10 grep -q 'the kernel uevent' "$LAB_VAR/uevents"
	files=(/sys/class/iscsi_session/session*/uevent /sys/class/iscsi_connection/connection*/uevent)
	for ((i = 0; i < 1000; i++)); do
		if ((i % 10)); then all+=("${files[i % ${#files[@]}]}"); else all+=("/sys/block/${TRUTH_DISKS[1]%% *}/uevent"); fi
	done
	# tee writes once to each file that it is told, as often as it is told.
	for ((i = 0; i < 1000; i += 250)); do echo change | tee "${all[@]:i:250}" > /dev/null; done
}
# All were received; from the first to the last.
fault_proof_uevents() {
	fault_wait 60 fault_uevents_came
	kill "$FAULT_MONITOR"
	wait "$FAULT_MONITOR" 2> /dev/null || true
	FAULT_UEVENTS_MS=$(grep -E '^KERNEL\[.*(iscsi_session|iscsi_connection|block)' "$LAB_VAR/uevents" | grep ' change ' | head -n 1000 |
		awk -F'[][]' 'NR == 1 { first = $2 } { last = $2 } END { printf "%d", (last - first) * 1000 }')
	say "1000 uevents within $FAULT_UEVENTS_MS ms"
	((FAULT_UEVENTS_MS <= 5000)) # a second, but for the emulation
}
fault_uevents_came() { (($(grep -cE '^KERNEL\[.* change ' "$LAB_VAR/uevents") >= 1000)); }
fault_end_uevents() { udevadm settle --timeout=100; }
