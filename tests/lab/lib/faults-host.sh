# The fault matrix: the host runs out of things, its clock jumps, its devices chatter. While it does, portal 1 refuses: the host
# must fail over all the same.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# An hour forward, and back.
fault_begin_clock() {
	clock_shift 3600
	pause 3
	clock_shift -7200
	pause 3
	clock_shift 3600
}
fault_end_clock() { :; }

fault_begin_runfull() {
	mount -o "remount,size=$(($(df --output=used -k /run | tail -n 1) + 512))k" /run
	dd if=/dev/zero of=/run/full bs=64k status=none 2> /dev/null || true
	dd if=/dev/zero bs=1k status=none >> /run/full 2> /dev/null || true
	portal_refuse 1
}
fault_end_runfull() {
	rm /run/full
	mount -o remount,size=50% /run
	portal_heal 1
}

# fault_refused: a change of a policy cannot be saved: it is refused, and the one in force stays.
fault_refused() {
	local text
	[[ $FAULT_SETTING == iscsi ]] || return 0
	text=$(timeout 40 mpathiscsi policy set "${TRUTH_MAPS[2]}" failover-only --active portal=10.0.3.2 2>&1)
	[[ $text == *ISDSC_FAILURE_TO_PERSIST_LB_POLICY* ]] || fault_wrong "policy set: $text"
}

fault_begin_etcro() {
	mount --bind /etc /etc
	mount -o remount,bind,ro /etc
	portal_refuse 1
}
fault_during_etcro() { fault_refused; }
fault_end_etcro() {
	umount -l /etc
	portal_heal 1
}

# A file system of 64 KiB over the daemon's folder, with its files and no room.
fault_begin_diskfull() {
	local copy=$LAB_VAR/store
	rm -rf "$copy" && cp -a /etc/mpathiscsi "$copy"
	mount -t tmpfs -o size=64k tmpfs /etc/mpathiscsi
	cp -a "$copy/." /etc/mpathiscsi/
	touch /etc/mpathiscsi/policies.conf.lock
	dd if=/dev/zero of=/etc/mpathiscsi/full bs=4k status=none 2> /dev/null || true
	portal_refuse 1
}
fault_during_diskfull() { fault_refused; }
fault_end_diskfull() {
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
	portal_refuse 1
}
# Whoever asks gets no answer, or a late one; the daemon must not spin over it.
fault_during_fds() {
	local before after i
	local -a stat
	for i in 1 2 3; do timeout 2 mpathiscsi status > /dev/null 2>&1 & done
	read -r -a stat < "/proc/$DAEMON_PID/stat"
	before=$((stat[13] + stat[14]))
	pause 4
	read -r -a stat < "/proc/$DAEMON_PID/stat"
	after=$((stat[13] + stat[14]))
	say "mpathiscsid without file descriptors: $((after - before)) ticks of 400"
	((after - before <= 200)) || fault_wrong "mpathiscsid spins without file descriptors: $((after - before)) ticks of 400"
}
fault_end_fds() {
	local pid
	for pid in $(fault_ours); do prlimit --pid "$pid" --nofile=1024: || true; done
	portal_heal 1
	fault_wait 30 daemon_ready || fault_wrong "mpathiscsid does not answer"
}

# No process of ours gets more memory. One that ends for it is started again, as systemd does.
fault_begin_memory() {
	local pid
	for pid in $(fault_ours); do
		prlimit --pid "$pid" "--as=$(awk '{ print $1 * 4096 }' "/proc/$pid/statm"):"
	done
	portal_refuse 1
}
fault_during_memory() {
	local i
	for i in 1 2 3 4 5; do
		timeout 5 mpathiscsi status --json > /dev/null 2>&1 || true
	done
	process_runs "$DAEMON_PID" || say "mpathiscsid has ended"
}
fault_end_memory() {
	local pid
	for pid in $(fault_ours); do prlimit --pid "$pid" --as=unlimited: 2> /dev/null || true; done
	portal_heal 1
	process_runs "$DAEMON_PID" || { wait "$DAEMON_PID" 2> /dev/null; fault_daemon; }
	fault_wait 30 daemon_ready || fault_wrong "mpathiscsid does not answer"
}

# 1000 uevents in a second, of devices that the daemons listen to.
fault_begin_uevents() {
	local i k file
	local -a files
	files=(/sys/class/iscsi_session/session*/uevent /sys/class/iscsi_connection/connection*/uevent)
	now; k=$NOW_MS
	for ((i = 0; i < 1000; i++)); do
		file=${files[i % ${#files[@]}]}
		((i % 10)) || file=/sys/block/${TRUTH_DISKS[1]%% *}/uevent
		echo change > "$file"
	done
	since "$k"
	say "1000 uevents in $SINCE_MS ms"
}
fault_end_uevents() { udevadm settle --timeout=100; }
