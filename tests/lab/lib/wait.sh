# Waiting and asserting: always for a condition, always with a deadline.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# tick: 50 ms without starting a process.
tick() {
	[[ -v LAB_TICK ]] || exec {LAB_TICK}<> <(:)
	read -rt 0.05 -u "$LAB_TICK" || true
}

# wait_for SECONDS COMMAND…: until COMMAND succeeds; status 1 when it did not within SECONDS.
wait_for() {
	local limit=$(($1 * 1000)) begin
	shift
	now; begin=$NOW_MS
	until "$@"; do
		since "$begin"
		((SINCE_MS < limit)) || return 1
		tick
	done
}

# assert_wait SECONDS TEXT COMMAND…: as wait_for, but not getting there fails the scenario.
assert_wait() {
	local seconds=$1 text=$2
	shift 2
	wait_for "$seconds" "$@" || fail "not within $seconds s: $text ($*)"
}

# holds SECONDS COMMAND…: whether COMMAND succeeds all the time for SECONDS.
holds() {
	local limit=$(($1 * 1000)) begin
	shift
	now; begin=$NOW_MS
	while "$@"; do
		since "$begin"
		((SINCE_MS < limit)) || return 0
		tick
	done
	return 1
}

# not COMMAND…: succeeds when COMMAND does not.
not() { if "$@"; then return 1; fi; }

# pause SECONDS: lets time pass on purpose (a fault that must last); never to wait for something.
pause() { sleep "$1"; }

# assert TEXT COMMAND…: COMMAND must succeed.
assert() {
	local text=$1
	shift
	"$@" || fail "$text ($*)"
}

# assert_eq TEXT EXPECTED ACTUAL: the strings must be equal.
assert_eq() { [[ $2 == "$3" ]] || fail "$1: expected \"$2\", got \"$3\""; }

# assert_le TEXT ACTUAL LIMIT, assert_ge TEXT ACTUAL LIMIT: numbers (decimals allowed).
assert_le() { awk -v a="$2" -v b="$3" 'BEGIN { exit !(a <= b) }' || fail "$1: $2 is above $3"; }
assert_ge() { awk -v a="$2" -v b="$3" 'BEGIN { exit !(a >= b) }' || fail "$1: $2 is below $3"; }

# assert_match TEXT REGEX ACTUAL: the string must match (bash extended regular expression).
assert_match() { [[ $3 =~ $2 ]] || fail "$1: \"$3\" does not match $2"; }
