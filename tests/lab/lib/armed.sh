# What makes a session quick, as the kernel has it: max_retries of its disks, recovery_tmo, the user time-out of its socket.
# Sourced by the scenarios that look at it.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# retries_of N [LUN], recovery N: the two levers in sysfs, of a disk and of the session of portal N.
retries_of() { cat "/sys/block/$(portal_disk "$1" "${2:-1}")/device/scsi_disk/"*/max_retries; }
recovery() { cat "/sys/class/iscsi_session/$(portal_session "$1")/recovery_tmo"; }

# socket_line N: ss's line of the session's socket; status 1 when iscsid holds none.
socket_line() { ss -Htnpe state established dst "$(portal_address "$1")" dport = :3260 | grep -F '(("iscsid",'; }

# user_timeout N: the socket's option, through iscsid's descriptor as ss names it; "none" when iscsid holds none.
user_timeout() {
	local line pid
	line=$(socket_line "$1") || { echo none; return; }
	pid=${line#*pid=} pid=${pid%%,*}
	line=${line#*fd=}
	usertimeout "$pid" "${line%%)*}"
}

# quick, armed, stock: both sessions of a host with two portals.
quick() { [[ $(retries_of 1) == 0 && $(retries_of 2) == 0 ]]; }
armed() { quick && [[ $(user_timeout 1) -ge 100 && $(user_timeout 2) -ge 100 ]]; }
stock() { [[ $(retries_of 1) == 5 && $(retries_of 2) == 5 ]]; }
