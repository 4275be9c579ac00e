# The fault matrix: LUNs and portal groups, with LIO: a portal group a controller, portals 1 and 2 in the first, and a device of
# its own for each LUN of a controller.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

fault_each_lun() {
	local lun
	for lun in 1 2 3 4 5; do "$1" "$lun"; done
}

# Every command but a few is answered with NOT READY, target port in unavailable state (02/04/0C).
fault_begin_lunoff() { alua_set 1 unavailable; }
fault_proof_lunoff() { fault_wait 20 fault_answer 2; }
fault_end_lunoff() { alua_set 1 optimized; }

# Reads and writes do not end on controller 1, TEST UNIT READY and NOP are answered. What is stuck then is not carried out
# at the end, as of a controller that was restarted: see "A LUN that hangs" in the README.
fault_hang() { lio_lun_hang "$1" 1; }
fault_hang_end() {
	if [[ $FAULT_SETTING != alone ]]; then lio_lun_forget "$1" 1; else lio_lun_resume "$1" 1; fi
}
fault_begin_hang() { fault_each_lun fault_hang; }
fault_proof_hang() { fault_each_lun fault_hangs; }
fault_hangs() { [[ $(dmsetup info -C --noheadings -o suspended "$(lio_store "$1" 1)") == Suspended ]]; }
fault_end_hang() { fault_each_lun fault_hang_end; }

# The LUNs are taken out of portal group 1: LOGICAL UNIT NOT SUPPORTED (05/25/00).
fault_remove() { lio_lun_withdraw 1 "$1"; }
fault_put_back() { lio_lun_export 1 "$1"; }
fault_begin_lundel() { fault_each_lun fault_remove; }
fault_proof_lundel() { fault_wait 20 fault_answer 5; }
fault_end_lundel() { fault_each_lun fault_put_back; }

# fault_size LUN MIB: on both controllers.
fault_size() {
	local c dev loop
	truncate -s "$2M" "$(target_backing "$1")"
	loop=$(losetup -j "$(target_backing "$1")" | cut -d: -f1)
	losetup -c "$loop"
	for c in 1 2; do
		dev=$(lio_store "$1" $c)
		dmsetup load "$dev" --table "0 $(($2 * 2048)) linear $loop 0" && dmsetup resume "$dev"
	done
}
fault_grow() { fault_size "$1" 96; }
fault_map_size() {
	local lun
	for lun in 1 2 3 4 5; do
		[[ $(blockdev --getsize64 "/dev/mapper/${TRUTH_MAPS[lun]}") == $(($1 << 20)) ]] || return 1
	done
}
# The administrator's commands after an array has grown a LUN.
fault_resize_maps() {
	local lun
	iscsiadm -m session --rescan >> "$(log iscsiadm)" 2>&1
	for lun in 1 2 3 4 5; do
		timeout 20 multipathd resize map "${TRUTH_MAPS[lun]}" >> "$(log multipathd-resize)" 2>&1
	done
	fault_map_size "$1"
}
fault_begin_resize() {
	fault_each_lun fault_grow
	fault_wait 40 fault_resize_maps 96 || fault_wrong "maps have not grown"
}
fault_proof_resize() { fault_map_size 96; }
fault_end_resize() { :; } # it stays so

fault_begin_tpg() { lio_controller_enable 1 0; }
fault_proof_tpg() {
	[[ $(< "$LIO/iscsi/$TARGET_IQN/tpgt_1/enable") == 0 ]]
	not session_is 1 LOGGED_IN
	not session_is 2 LOGGED_IN
}
fault_end_tpg() { lio_controller_enable 1 1; }

# Portal 1 is taken out of its group, and its session ends.
fault_begin_npdel() {
	in_target rmdir "$LIO/iscsi/$TARGET_IQN/tpgt_1/np/10.0.1.2:3260"
	fault_drop 1
}
fault_proof_npdel() { [[ $(portal_answer 1) == refused ]]; }
fault_end_npdel() { in_target mkdir "$LIO/iscsi/$TARGET_IQN/tpgt_1/np/10.0.1.2:3260"; }
