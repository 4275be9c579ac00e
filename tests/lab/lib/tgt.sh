# The tgt target: each controller of the array is a tgtd process with its own control port; all of them
# serve the same backing files with the same identity.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

# tgt_admin CONTROLLER ARGS…: tgtadm on that controller.
tgt_admin() {
	local controller=$1
	shift
	tgtadm -C "$controller" "$@"
}

# tgt_controller_start CONTROLLER PORTAL…: starts tgtd for these portals and gives it the LUNs.
tgt_controller_start() {
	local controller=$1 portals='' n
	shift
	for n in "$@"; do
		portals+="${portals:+,}portal=$(portal_address "$n"):3260,portal=[$(portal_address "$n" 6)]:3260"
	done
	# One --iscsi only: of several, tgtd takes the last.
	# Not through in_target: $! must be tgtd's own process.
	nsenter --net=/run/netns/target tgtd -f -C "$controller" --iscsi "$portals" >> "$(log "tgtd$controller")" 2>&1 &
	TARGET_PID[controller]=$!
	tgt_luns "$controller"
}

# tgt_luns CONTROLLER: waits for the controller's tgtd and gives it the target and the LUNs.
tgt_luns() {
	local controller=$1 lun
	assert_wait 10 "tgtd $controller answers" tgt_ready "$controller"
	tgt_admin "$controller" --lld iscsi --op new --mode target --tid 1 -T "$TARGET_IQN"
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		tgt_admin "$controller" --lld iscsi --op new --mode logicalunit --tid 1 --lun "$lun" \
			-b "$(target_backing "$lun")"
		tgt_admin "$controller" --lld iscsi --op update --mode logicalunit --tid 1 --lun "$lun" \
			--params "$(printf 'scsi_id=lab%05d,scsi_sn=lab%05d,vendor_id=LAB,product_id=TGT' "$lun" "$lun")"
	done
	tgt_admin "$controller" --lld iscsi --op bind --mode target --tid 1 -I ALL
}

# tgt_ready CONTROLLER: whether tgtd takes commands.
tgt_ready() { tgt_admin "$1" --lld iscsi --op show --mode sys > /dev/null 2>&1; }

# tgt_lun_online CONTROLLER LUN 0|1: sets the LUN on- or offline: TUR fails, reads and writes still work.
tgt_lun_online() {
	tgt_admin "$1" --lld iscsi --op update --mode logicalunit --tid 1 --lun "$2" --params "online=$3"
}
