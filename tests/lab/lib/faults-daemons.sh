# The fault matrix: sessions ended by hand, daemons that die, stand still or are restarted.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

fault_log_out() { iscsiadm -m node -T "$TARGET_IQN" -I "p$1" -u >> "$(log iscsiadm)" 2>&1; }
fault_log_in() { iscsiadm -m node -T "$TARGET_IQN" -I "p$1" -l >> "$(log iscsiadm)" 2>&1; }

fault_begin_logout() { fault_log_out 1; }
fault_proof_logout() { not portal_session 1 > /dev/null; }
fault_end_logout() { fault_log_in 1; }

# All sessions end; they begin anew in another order, so that every disk has another name.
fault_begin_rename() {
	local n
	FAULT_NAMES=${TRUTH_DISKS[*]}
	for n in 1 2 3 4; do fault_log_out $n; done
}
fault_proof_rename() { [[ $(find /sys/class/iscsi_session -mindepth 1 | wc -l) == 0 ]]; }
fault_end_rename() {
	local n
	for n in 3 4 2 1; do
		fault_log_in $n
		fault_wait 30 portal_complete $n || fault_wrong "disks of portal $n do not appear"
	done
	fault_wait 60 maps_complete && fault_learn
	[[ ${TRUTH_DISKS[*]} != "$FAULT_NAMES" ]] || fault_wrong "the disks have their old names"
}

# Each of the daemons dies by SIGKILL; while it is away portal 1 falls silent: there is no reset by which the kernel alone would know.
fault_begin_iscsid() {
	# shellcheck disable=SC2046 # a list of processes
	kill -KILL $(pgrep -x iscsid)
	wait_for 10 not pgrep -x iscsid > /dev/null
	portal_cut 1
}
fault_proof_iscsid() {
	not pgrep -x iscsid > /dev/null
	fault_silent
}
# fault_silent: portal 1 is; in what follows the proof that the host had something to find out by itself.
fault_silent() { [[ $(portal_answer 1) == silent ]]; }
fault_end_iscsid() {
	portal_heal 1
	fault_iscsid
	wait_for 20 iscsiadm -m session > /dev/null 2>&1
	# It must have taken the sessions over: the one that failed meanwhile comes back, and one that ends now is begun again.
	fault_wait 90 session_is 1 LOGGED_IN
	fault_drop 1
}

fault_begin_mpathd() {
	kill -KILL "$MULTIPATHD_PID"
	wait "$MULTIPATHD_PID" 2> /dev/null || true
	portal_cut 1
}
fault_proof_mpathd() {
	not process_runs "$MULTIPATHD_PID"
	fault_silent
}
fault_end_mpathd() {
	portal_heal 1
	fault_multipathd
}

fault_begin_daemon() {
	kill -KILL "$DAEMON_PID"
	wait "$DAEMON_PID" 2> /dev/null || true
	portal_cut 1
}
fault_proof_daemon() {
	not process_runs "$DAEMON_PID"
	fault_silent
}
fault_end_daemon() {
	portal_heal 1
	fault_daemon
}

# Stopped for 10 s, and the portal goes silent meanwhile.
fault_begin_dstop() {
	kill -STOP "$DAEMON_PID"
	now; FAULT_STOPPED=$NOW_MS
	portal_cut 1
}
fault_proof_dstop() {
	[[ $(ps -o stat= -p "$DAEMON_PID") == T* ]]
	fault_silent
}
fault_during_dstop() {
	since "$FAULT_STOPPED"
	((SINCE_MS >= 10000)) || pause "$(awk "BEGIN { print 10 - $SINCE_MS / 1000 }")"
	kill -CONT "$DAEMON_PID"
	fault_wait 30 daemon_ready || fault_wrong "mpathiscsid does not answer"
}
fault_end_dstop() { portal_heal 1; }

# udevd is ended and started anew while a session begins.
fault_begin_udevd() {
	fault_log_out 1
	udevadm control --exit
	wait_for 20 not pgrep -x systemd-udevd > /dev/null
}
fault_proof_udevd() {
	not pgrep -x systemd-udevd > /dev/null
	not portal_session 1 > /dev/null
}
fault_end_udevd() {
	fault_log_in 1
	/usr/lib/systemd/systemd-udevd --daemon
	udevadm trigger --action=add --subsystem-match=block
	udevadm settle --timeout=60
}
