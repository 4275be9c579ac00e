# The fault matrix: the target's processes and LUNs, with tgt: a process a controller, portals 1 and 2 behind the first.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

fault_begin_tstop() { controller_freeze 1; }
fault_proof_tstop() { [[ $(ps -o stat= -p "${TARGET_PID[1]}") == T* ]]; }
fault_end_tstop() { controller_thaw 1; }

fault_begin_tkill() { controller_kill 1; }
fault_proof_tkill() {
	not process_runs "${TARGET_PID[1]}"
	[[ $(portal_answer 1) == refused ]]
}
fault_end_tkill() { controller_start 1; }

# TEST UNIT READY is answered with NOT READY, becoming ready (02/04/01); tgt still does reads and writes.
fault_online() {
	local lun
	for lun in 1 2 3 4 5; do tgt_lun_online 1 "$lun" "$1"; done
}
fault_begin_notready() { fault_online 0; }
# fault_answer STATUS: whether TEST UNIT READY over portal 1 ends with that status of sg_turs on every LUN (2: not ready, 5: illegal
# request).
fault_answer() {
	local lun status
	for lun in 1 2 3 4 5; do
		status=0
		timeout 20 sg_turs "/dev/$(portal_disk 1 "$lun")" > /dev/null 2>&1 || status=$?
		[[ $status == "$1" ]] || return 1
	done
}
# A path of the group that carries nothing (B of the two policies that use A alone) is tested, and down.
fault_proof_notready() {
	fault_wait 20 fault_answer 2
	[[ $FAULT_SETTING != iscsi ]] || fault_wait 60 fault_idle_down
}
fault_idle_down() {
	truth_look
	[[ ${TRUTH_SEEN[1.up]} != *B* && ${TRUTH_SEEN[4.up]} != *B* ]]
}
fault_end_notready() { fault_online 1; }

# The last MiB of every LUN has no medium any more, over whatever path: MEDIUM ERROR (03/11/00).
fault_begin_medium() {
	local lun
	for lun in 1 2 3 4 5; do truncate -s 63M "$(target_backing "$lun")"; done
}
# The application that reads there must be told, once, and nobody else.
fault_proof_medium() {
	local lun
	for lun in 1 2 3 4 5; do
		! timeout 20 dd "if=/dev/mapper/${TRUTH_MAPS[lun]}" of=/dev/null bs=4k count=1 skip=$((63 * 256 + 8)) iflag=direct 2> /dev/null ||
			fault_wrong_lun "$lun" "a block without medium could be read"
		timeout 20 dd "if=/dev/mapper/${TRUTH_MAPS[lun]}" of=/dev/null bs=4k count=1 skip=$((62 * 256)) iflag=direct 2> /dev/null ||
			fault_wrong_lun "$lun" "a good block could not be read"
	done
	[[ $(fault_dmesg) == *[Mm]edium\ [Ee]rror* ]]
	(($(fault_failings) == 0)) || fault_wrong "$(fault_failings) paths were failed for an error of the medium"
}
fault_end_medium() {
	local lun
	for lun in 1 2 3 4 5; do truncate -s 64M "$(target_backing "$lun")"; done
}

# The target does not listen at portal 1 any more, and its session ends.
fault_begin_portaldel() {
	tgt_admin 1 --lld iscsi --op delete --mode portal --param portal=10.0.1.2:3260
	fault_drop 1
}
fault_proof_portaldel() { [[ $(portal_answer 1) == refused ]]; }
fault_end_portaldel() { tgt_admin 1 --lld iscsi --op new --mode portal --param portal=10.0.1.2:3260; }

# A fifth portal, and a session to it.
fault_begin_portaladd() {
	ip -n target addr add 10.0.1.3/24 dev p1
	tgt_admin 1 --lld iscsi --op new --mode portal --param portal=10.0.1.3:3260
	{
		iscsiadm -m node -T "$TARGET_IQN" -p 10.0.1.3:3260 -I p1 -o new
		iscsiadm -m node -T "$TARGET_IQN" -p 10.0.1.3:3260 -I p1 -l
	} >> "$(log iscsiadm)" 2>&1
	fault_wait 60 fault_five_paths || fault_wrong "no fifth path"
}
fault_five_paths() {
	local lun
	for lun in 1 2 3 4 5; do
		[[ $(map_paths "$lun" | grep -c 'A$') == 5 ]] || return 1
	done
}
fault_proof_portaladd() { fault_five_paths; }
fault_end_portaladd() {
	{
		iscsiadm -m node -T "$TARGET_IQN" -p 10.0.1.3:3260 -I p1 -u
		iscsiadm -m node -T "$TARGET_IQN" -p 10.0.1.3:3260 -I p1 -o delete
	} >> "$(log iscsiadm)" 2>&1
	tgt_admin 1 --lld iscsi --op delete --mode portal --param portal=10.0.1.3:3260
	ip -n target addr delete 10.0.1.3/24 dev p1
}

# fault_drop N…: the sessions of these portals end by a reset, and may begin anew.
fault_drop() {
	local n
	for n in "$@"; do portal_refuse "$n"; done
	for n in "$@"; do wait_for 30 not session_is "$n" LOGGED_IN || fault_wrong "session $n does not end"; done
	portal_heal "$@"
}
