# The array: tgt or LIO, with N portals spread over controllers.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

TARGET_IQN=iqn.2026-01.org.example:array
TARGET_KIND='' TARGET_LUNS=0 TARGET_CONTROLLERS=0
declare -a TARGET_PID=() # of tgtd, by controller

# target_backing LUN: the file behind a LUN.
target_backing() { echo "$LAB_VAR/lun$1.img"; }

# target_start tgt|lio PORTALS [luns=1] [controllers=1] [size=64]: networks, LUNs 1..luns of size MiB, and
# the target with its portals 1..PORTALS in equal parts over the controllers (2 controllers and 4 portals:
# controller 1 has portals 1 and 2).
target_start() {
	local kind=$1 portals=$2 luns=1 controllers=1 size=64 word lun c
	shift 2
	for word in "$@"; do
		[[ $word =~ ^(luns|controllers|size)=([1-9][0-9]*)$ ]] || fail "target_start: bad argument \"$word\""
		printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
	done
	((portals % controllers == 0)) || fail "target_start: $portals portals on $controllers controllers"
	TARGET_KIND=$kind TARGET_LUNS=$luns TARGET_CONTROLLERS=$controllers
	net_start "$portals"
	for ((lun = 1; lun <= luns; lun++)); do
		truncate -s "${size}M" "$(target_backing "$lun")"
	done
	[[ $kind == tgt ]] || lio_start
	for ((c = 1; c <= controllers; c++)); do
		controller_start "$c"
	done
	say "target up: $kind, $portals portals, $controllers controller(s), $luns LUN(s)"
}

# controller_portals CONTROLLER: the numbers of its portals.
controller_portals() {
	local each=$((NET_PORTALS / TARGET_CONTROLLERS))
	seq $((($1 - 1) * each + 1)) $(($1 * each))
}

# controller_start CONTROLLER: starts it, also again after controller_kill.
controller_start() {
	local -a portals
	mapfile -t portals < <(controller_portals "$1")
	"${TARGET_KIND}_controller_start" "$1" "${portals[@]}"
}

# controller_freeze CONTROLLER, controller_thaw CONTROLLER: tgt only: the process stops, its kernel still
# acknowledges TCP segments; and goes on.
controller_freeze() { kill -STOP "${TARGET_PID[$1]}"; }
controller_thaw() { kill -CONT "${TARGET_PID[$1]}"; }

# controller_kill CONTROLLER: tgt: SIGKILL, connections are reset; controller_start brings it back.
controller_kill() {
	kill -KILL "${TARGET_PID[$1]}"
	wait "${TARGET_PID[$1]}" 2> /dev/null || true
	rm -f "/run/tgtd/socket.$1" "/run/tgtd/socket.$1.lock"
}

# target_stop: takes a tgt target and its networks away (log out first). LIO ends with the guest.
target_stop() {
	local c
	[[ $TARGET_KIND == tgt ]] || fail "target_stop: only for tgt"
	for ((c = 1; c <= TARGET_CONTROLLERS; c++)); do
		controller_kill "$c"
	done
	net_stop
}
