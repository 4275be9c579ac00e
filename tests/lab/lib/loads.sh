# Several verified loads at once, each with a name; the functions of load.sh act on the one chosen by loads_use.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

declare -A LOADS_PID=()

# loads_start NAME DEVICE [OPTIONS…]: starts ioload and waits until I/O flows; series and result in $LAB_VAR.
loads_start() {
	local name=$1 device=$2
	shift 2
	assert_wait 20 "$device is there" test -b "$device"
	rm -f "$LAB_VAR/load.$name".*
	ioload --device "$device" --output "$LAB_VAR/load.$name.json" --status "$LAB_VAR/load.$name.status" \
		--series "$LAB_VAR/load.$name.series" "$@" >> "$(log ioload)" 2>&1 &
	LOADS_PID[$name]=$!
	loads_use "$name"
	assert_wait 20 "load $name starts" load_started
}

# loads_use NAME: load_look, load_stop, load_stalls … mean this one from now on.
loads_use() {
	LOAD_STATUS=$LAB_VAR/load.$1.status LOAD_JSON=$LAB_VAR/load.$1.json LOAD_PID=${LOADS_PID[$1]}
}

# loads_flow NAME…: whether no I/O of any of them was stuck for a second and each did some.
loads_flow() {
	local name
	local -A before=()
	for name in "$@"; do
		loads_use "$name"
		load_look || return 1
		before[$name]=$LOAD_IOS
	done
	holds 1 loads_unstuck "$@" || return 1
	for name in "$@"; do
		loads_use "$name"
		load_look && ((LOAD_IOS > before[$name])) || return 1
	done
}

loads_unstuck() {
	local name
	for name in "$@"; do
		loads_use "$name"
		load_unstuck || return 1
	done
}

# load_gaps: as load_stalls, a line per time in which no I/O of any thread was good: BEGIN END MS.
load_gaps() {
	sed -n '/"gaps":/,$ s/.*"begin": \([0-9.]*\), "end": \([0-9.]*\), "ms": \([0-9.]*\)}.*/\1 \2 \3/p' "$LOAD_JSON"
}
