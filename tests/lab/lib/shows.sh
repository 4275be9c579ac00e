# What a person sees. Sourced by the scenarios that look at it.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# shows COMMAND…: prints what a person sees, and checks that it fits 80 columns.
shows() {
	local out
	echo "\$ $*"
	out=$("$@") || fail "status $?: $*"
	echo "$out"
	# Plain words: awk's length counts bytes or characters by locale, our text is ASCII.
	awk 'length($0) > 80 { print "too wide: " $0; bad = 1 } END { exit bad }' <<< "$out" || fail "wider than 80: $*"
}
