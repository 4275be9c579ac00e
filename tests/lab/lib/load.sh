# Verified load on a map: ioload in the background, watched through its status file.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

LOAD_STATUS=$LAB_VAR/load.status LOAD_JSON=''

# load_start DEVICE [OPTIONS…]: starts ioload (4 threads at 200 I/Os a second, 24 scouts; OPTIONS are
# ioload's and win) and waits until I/O flows.
load_start() {
	local device=$1
	shift
	LOAD_JSON=$LAB_VAR/load.json
	rm -f "$LOAD_STATUS" "$LOAD_JSON"
	assert_wait 20 "$device is there" test -b "$device"
	ioload --device "$device" --scouts 24 --output "$LOAD_JSON" --status "$LOAD_STATUS" "$@" \
		>> "$(log ioload)" 2>&1 &
	LOAD_PID=$!
	assert_wait 20 "load starts" load_started
}

load_started() { load_look && ((LOAD_IOS >= 20)); }

# load_look: reads the status: LOAD_IOS, LOAD_STUCK (threads), LOAD_OLDEST_MS, LOAD_LONGEST_MS, LOAD_ERRORS,
# LOAD_CORRUPT.
load_look() {
	local w
	read -r -a w 2> /dev/null < "$LOAD_STATUS" || return 1
	[[ ${#w[@]} == 14 ]] || return 1
	LOAD_IOS=${w[1]} LOAD_STUCK=${w[3]} LOAD_OLDEST_MS=${w[5]} LOAD_LONGEST_MS=${w[7]}
	LOAD_ERRORS=${w[9]} LOAD_CORRUPT=${w[11]}
}

# load_stalled: whether an I/O is stuck now. load_unstuck: none is.
load_stalled() { load_look && ((LOAD_STUCK > 0)); }
load_unstuck() { load_look && ((LOAD_STUCK == 0)); }

# load_flowing: whether no I/O was stuck for a second and I/Os were done meanwhile.
load_flowing() {
	local before
	load_look || return 1
	before=$LOAD_IOS
	holds 1 load_unstuck && ((LOAD_IOS > before))
}

# load_stop: ends the load, which then verifies every block; sets LOAD_STALL_MS (the longest I/O),
# LOAD_DIVERSION_MS (from its begin until I/O issued later was good; -1: not known), LOAD_GAP_MS (nothing
# completed at all), LOAD_ERRORS, LOAD_CORRUPT, LOAD_IOS. The JSON stays in $LOAD_JSON until the next start.
load_stop() {
	local status=0
	kill -TERM "$LOAD_PID"
	wait "$LOAD_PID" || status=$?
	if ((status > 1)) || [[ ! -s $LOAD_JSON ]]; then
		fail "ioload ended with status $status"
	fi
	LOAD_STALL_MS=$(load_value longest_stall_ms)
	LOAD_DIVERSION_MS=$(load_value diversion_ms)
	LOAD_GAP_MS=$(load_value longest_gap_ms)
	LOAD_ERRORS=$(load_value errors)
	LOAD_CORRUPT=$(load_value corrupt)
	LOAD_IOS=$(load_value ios)
	LOAD_VERIFIED=$(load_value verified)
	[[ $(load_value stuck) == 0 ]] || fail "load: $(load_value stuck) threads never came back from an I/O"
}

# load_value KEY: a number of the finished load's JSON.
load_value() { grep -m 1 -o "\"$1\": [-0-9.]*" "$LOAD_JSON" | cut -d' ' -f2; }

# load_stalls: a line per stall: BEGIN END MS OP (seconds of CLOCK_MONOTONIC, as $NOW_MS / 1000).
load_stalls() {
	sed -n 's/.*"begin": \([0-9.]*\), "end": \([0-9.]*\), "ms": \([0-9.]*\), "thread": [0-9]*, "op": "\([a-z]*\)".*/\1 \2 \3 \4/p' \
		"$LOAD_JSON"
}
