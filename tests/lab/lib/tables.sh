# How often a table of a map was put in force. The kernel tells each resume after a load with the cookie of who asked; what
# happens to paths has DM_ACTION instead. Sourced by the scenarios that count.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# tables_start: records from now on.
tables_start() {
	udevadm monitor --kernel --property --subsystem-match=block > "$LAB_VAR/tables.uevents" 2>&1 &
	TABLES_PID=$!
	assert_wait 10 "uevents are recorded" grep -qi kernel "$LAB_VAR/tables.uevents"
}

tables_stop() {
	kill "$TABLES_PID"
	wait "$TABLES_PID" || true
}

# tables_times [LUN…]: when, in seconds of CLOCK_MONOTONIC, a line each time, of the maps of these LUNs; without any, of all maps.
tables_times() {
	local lun nodes=''
	for lun in "$@"; do nodes+="$(realpath "$(map_device "$lun")") "; done
	awk -v nodes="$nodes" 'BEGIN { count = split(nodes, word, " "); for (i = 1; i <= count; i++) known["DEVNAME=" word[i]] }
		function flush() { if (mine && cookie && !action) print at; mine = cookie = action = 0 }
		/^KERNEL\[/ { flush(); split($0, part, /[][]/); at = part[2] }
		/^$/ { flush() }
		$0 in known || (!count && /^DEVNAME=\/dev\/dm-/) { mine = 1 }
		/^DM_COOKIE=/ { cookie = 1 }
		/^DM_ACTION=/ { action = 1 }
		END { flush() }' "$LAB_VAR/tables.uevents"
}

# tables_count [LUN…]: how many so far.
tables_count() { tables_times "$@" | wc -l; }
