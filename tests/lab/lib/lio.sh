# The LIO target, set up through configfs: each controller is a target portal group with an ALUA group of
# its own. Every LUN is a device-mapper device, which can be suspended (a LUN that hangs). With LIO_SPLIT=1 each
# controller has its own device over the same data, with the same identity, so that a LUN can hang on one of them only.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

LIO=/sys/kernel/config/target
LIO_SPLIT=${LIO_SPLIT:-}

# lio_store LUN CONTROLLER: the name of the backstore, and of its dm device.
lio_store() { echo "lun$1${LIO_SPLIT:+.$2}"; }

# lio_start: the modules, configfs, and the LUNs' backstores.
lio_start() {
	local lun loop c
	modprobe -a configfs target_core_mod target_core_iblock iscsi_target_mod loop
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	mkdir -p /etc/target/pr /var/target/pr # persistent reservations with APTPL want them
	mkdir -p $LIO/core/iblock_0
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		loop=$(losetup -f --show "$(target_backing "$lun")")
		for ((c = 1; c <= (${LIO_SPLIT:-0} ? TARGET_CONTROLLERS : 1); c++)); do
			lio_store_start "$lun" "$(lio_store "$lun" "$c")" "$loop"
		done
	done
	mkdir -p "$LIO/iscsi/$TARGET_IQN"
}

lio_store_start() {
	local dev=$LIO/core/iblock_0/$2
	dmsetup create "$2" --table "0 $(blockdev --getsz "$3") linear $3 0"
	mkdir "$dev"
	echo "udev_path=/dev/mapper/$2" > "$dev/control"
	# Hexadecimal and of one length, or two LUNs get the same identity: the NAA name is made
	# of the serial's first 25 hexadecimal digits.
	printf '1ab%05x' "$1" > "$dev/wwn/vpd_unit_serial"
	echo 1 > "$dev/enable"
}

# lio_controller_start CONTROLLER PORTAL…: a portal group with these portals and all LUNs.
lio_controller_start() {
	local controller=$1 tpg lun n
	tpg=$LIO/iscsi/$TARGET_IQN/tpgt_$1
	shift
	mkdir "$tpg"
	echo 0 > "$tpg/attrib/authentication"
	echo 1 > "$tpg/attrib/generate_node_acls"
	echo 1 > "$tpg/attrib/cache_dynamic_acls"
	echo 0 > "$tpg/attrib/demo_mode_write_protect"
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		lio_alua_group "$controller" "$lun"
		lio_lun_export "$controller" "$lun"
	done
	for n in "$@"; do
		in_target mkdir "$tpg/np/$(portal_address "$n"):3260"
		in_target mkdir "$tpg/np/[$(portal_address "$n" 6)]:3260"
	done
	echo 1 > "$tpg/enable"
}

# lio_lun_export CONTROLLER LUN, lio_lun_withdraw CONTROLLER LUN: puts a LUN into the portal group of a controller, where its ALUA
# group is there already; takes it out.
lio_lun_export() {
	local dir=$LIO/iscsi/$TARGET_IQN/tpgt_$1/lun/lun_$2
	mkdir "$dir" && ln -s "$LIO/core/iblock_0/$(lio_store "$2" "$1")" "$dir/store" && echo "controller$1" > "$dir/alua_tg_pt_gp"
}
lio_lun_withdraw() {
	local dir=$LIO/iscsi/$TARGET_IQN/tpgt_$1/lun/lun_$2
	rm "$dir/store" && rmdir "$dir"
}

# lio_alua_group CONTROLLER LUN: the ALUA group of a controller for a LUN. Implicit only, or dm-multipath's
# handler sets every state back to optimized.
lio_alua_group() {
	local group
	group=$LIO/core/iblock_0/$(lio_store "$2" "$1")/alua/controller$1
	mkdir "$group"
	echo "$1" > "$group/tg_pt_gp_id"
	echo 1 > "$group/alua_access_type"
	echo 0 > "$group/alua_access_state"
}

# alua_set CONTROLLER STATE [LUN]: optimized, nonoptimized, standby, unavailable; of one LUN or all.
alua_set() {
	local lun state
	case $2 in
	optimized) state=0 ;;
	nonoptimized) state=1 ;;
	standby) state=2 ;;
	unavailable) state=3 ;;
	*) fail "alua_set: state \"$2\" is none of optimized, nonoptimized, standby, unavailable" ;;
	esac
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		[[ -z ${3:-} || $3 == "$lun" ]] || continue
		echo "$state" > "$LIO/core/iblock_0/$(lio_store "$lun" "$1")/alua/controller$1/alua_access_state"
	done
}

# lio_lun_hang LUN [CONTROLLER], lio_lun_resume LUN [CONTROLLER]: I/O of the LUN stands still (with LIO_SPLIT only on that
# controller, else on all), NOP and TUR answer.
lio_lun_hang() { dmsetup suspend --noflush --nolockfs "$(lio_store "$1" "${2:-1}")"; }
lio_lun_resume() { dmsetup resume "$(lio_store "$1" "${2:-1}")"; }

# lio_lun_forget LUN [CONTROLLER]: ends a hang as a controller that is restarted does: what was stuck fails and is not carried out.
lio_lun_forget() {
	local dev table
	dev=$(lio_store "$1" "${2:-1}")
	table=$(dmsetup table "$dev")
	dmsetup load "$dev" --table "0 $(blockdev --getsz "/dev/mapper/$dev") error"
	dmsetup resume "$dev"
	dmsetup suspend "$dev"
	dmsetup load "$dev" --table "$table"
	lio_lun_resume "$@"
}

# lio_controller_enable CONTROLLER 0|1: off: sessions are dropped and logins refused, the listener stays.
lio_controller_enable() { echo "$2" > "$LIO/iscsi/$TARGET_IQN/tpgt_$1/enable"; }
