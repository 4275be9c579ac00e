# The initiator's sessions: one iface per network, bound to its device, one session per portal.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# iscsid_start: the initiator's daemon (systemd starts it by its socket).
iscsid_start() {
	if [[ $LAB_INIT == systemd ]]; then
		systemctl start iscsid.socket
	elif ! pgrep -x iscsid > /dev/null; then
		modprobe iscsi_tcp
		iscsid >> "$(log iscsid)" 2>&1
	fi
}

# record_new N ADDRESS: a record by the settings in iscsid.conf. iscsiadm asks iscsid where these are; one that was only just started
# may not answer within a second, and then it takes its own (no CHAP, other timers) and says so to nobody but who debugs.
record_new() {
	local said
	said=$(iscsiadm -d 8 -m node -T "$TARGET_IQN" -p "$2:3260" -I "p$1" -o new 2>&1) && [[ $said != *"Could not get config file"* ]]
}

# login_record N [FAMILY]: a node record of portal N, bound to device pN. FAMILY 4 or 6.
login_record() {
	local n=$1 address
	address=$(portal_address "$n" "${2:-4}")
	[[ ${2:-4} == 4 ]] || address="[$address]"
	if ! iscsiadm -m iface -I "p$n" &> /dev/null; then # Debian 13 keeps them elsewhere than Debian 12
		iscsiadm -m iface -I "p$n" -o new
		iscsiadm -m iface -I "p$n" -o update -n iface.net_ifacename -v "p$n"
	fi >> "$(log iscsiadm)" 2>&1
	assert_wait 60 "a record of portal $n by iscsid's settings" record_new "$n" "$address"
}

# login N [FAMILY]: logs in on portals 1..N of the target, one session each, and waits for the disks.
login() {
	local n
	for ((n = 1; n <= $1; n++)); do
		login_portal "$n" "${2:-4}"
	done
	say "$1 sessions up, one per network"
}

# login_at_once N: as login, but all sessions are begun together, which is quicker.
login_at_once() {
	local n
	iscsid_start
	for ((n = 1; n <= $1; n++)); do login_record "$n"; done
	iscsiadm -m node -l >> "$(log iscsiadm)" 2>&1
	udevadm settle --timeout=120
	for ((n = 1; n <= $1; n++)); do assert_wait 30 "disks of portal $n" portal_complete "$n"; done
	say "$1 sessions up, one per network"
}

# login_portal N [FAMILY]: logs in on one portal and waits for its disks.
login_portal() {
	local address
	iscsid_start
	login_record "$1" "${2:-4}"
	address=$(portal_address "$1" "${2:-4}")
	[[ ${2:-4} == 4 ]] || address="[$address]"
	iscsiadm -m node -T "$TARGET_IQN" -p "$address:3260" -I "p$1" -l >> "$(log iscsiadm)" 2>&1
	assert_wait 30 "disks of portal $1 appear" portal_complete "$1"
}

# logout_portal N: ends the session of a portal; its record goes too.
logout_portal() {
	iscsiadm -m node -T "$TARGET_IQN" -I "p$1" -u >> "$(log iscsiadm)" 2>&1
	iscsiadm -m node -T "$TARGET_IQN" -I "p$1" -o delete >> "$(log iscsiadm)" 2>&1
}

# logout: ends all sessions.
logout() {
	iscsiadm -m node -u >> "$(log iscsiadm)" 2>&1
	iscsiadm -m node -o delete >> "$(log iscsiadm)" 2>&1
}

# portal_session N: prints the session (sessionS) of portal N; status 1 when there is none.
portal_session() {
	local dir address
	for dir in /sys/class/iscsi_connection/connection*; do
		read -r address 2> /dev/null < "$dir/persistent_address" || continue
		case $address in
		"10.0.$1.2" | fd00:*:"$1"::2 | fd00:*:"$1":0000:0000:0000:0002 | fd00:*:000"$1":*:0002)
			dir=${dir##*/connection}
			echo "session${dir%%:*}"
			return
			;;
		esac
	done
	return 1
}

# session_port N: our end of the kernel session's own connection to portal N.
session_port() {
	local session
	session=$(portal_session "$1") && cat "/sys/class/iscsi_connection/connection${session#session}:0/local_port"
}

# session_state N: LOGGED_IN, FAILED, FREE or none: of the session of portal N.
session_state() {
	local session
	session=$(portal_session "$1") && cat "/sys/class/iscsi_session/$session/state" || echo none
}

# session_is N STATE: whether the session of portal N is in that state.
session_is() { [[ $(session_state "$1") == "$2" ]]; }

# portal_disk N [LUN]: prints the disk (sdX) of a LUN over portal N.
portal_disk() {
	local session dir
	session=$(portal_session "$1") || return 1
	for dir in /sys/class/iscsi_session/"$session"/device/target*/*:*:*:"${2:-1}"/block/sd*; do
		[[ -d $dir ]] && echo "${dir##*/}" && return
	done
	return 1
}

# portal_complete N: whether all LUNs of portal N have a disk whose udev rules have run.
portal_complete() {
	local lun disk
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		disk=$(portal_disk "$1" "$lun") || return 1
		grep -qs '^E:ID_SERIAL=' "/run/udev/data/b$(< "/sys/block/$disk/dev")" || return 1
	done
}

# disk_portal DISK: prints the number of the portal a disk (sdX) is reached through.
disk_portal() {
	local n
	for ((n = 1; n <= NET_PORTALS; n++)); do
		[[ $(realpath "/sys/block/$1/device") == */"$(portal_session "$n")"/* ]] && echo "$n" && return
	done
	return 1
}

# sessions_show: a line per session.
sessions_show() {
	local dir session disks
	for dir in /sys/class/iscsi_connection/connection*; do
		[[ -d $dir ]] || continue
		session=${dir##*/connection}
		session=session${session%%:*}
		disks=$(cd "/sys/class/iscsi_session/$session/device" && echo target*/*/block/sd* | sed 's|[^ ]*/||g')
		echo "$session $(< "$dir/persistent_address") $(< "/sys/class/iscsi_session/$session/state")" \
			"recovery_tmo $(< "/sys/class/iscsi_session/$session/recovery_tmo")" \
			"$disks"
	done
}
