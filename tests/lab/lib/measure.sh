# The measurement the product stands on: what a silent portal costs the application.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

# measure_cut NAME PORTAL [LUN] [HEAL-SECONDS]: verified load on the LUN's map, PORTAL cut silently, waits until
# dm has given the path up and I/O flows, heals, waits until everything is up and the map uses the groups
# it used before, stops the load. Prints "RESULT NAME …" and records it; sets MEASURED_STALL_MS,
# MEASURED_DIVERSION_MS, MEASURED_ERRORS, MEASURED_CORRUPT, MEASURED_HEAL_MS. A function measure_look, if
# the scenario has one, is called while the portal is still silent and I/O flows elsewhere.
measure_cut() {
	local name=$1 portal=$2 lun=${3:-1} heal_limit=${4:-90} active cut_at down_ms healed_at
	active=$(active_portals "$lun")
	load_start "$(map_device "$lun")"
	assert_wait 20 "load flows" load_flowing
	say "verified load flows; active: portal $active; cutting portal $portal"
	now; cut_at=$NOW_MS
	portal_cut "$portal"
	assert_wait 120 "dm gives the path up" path_is "$portal" F "$lun"
	since "$cut_at"; down_ms=$SINCE_MS
	assert_wait 120 "I/O flows again" load_flowing
	say "I/O flows again, on portal $(active_portals "$lun"); longest stall ${LOAD_LONGEST_MS} ms"
	! declare -F measure_look > /dev/null || measure_look
	now; healed_at=$NOW_MS
	portal_heal "$portal"
	say "portal $portal heals"
	assert_wait "$heal_limit" "all sessions and paths are up again" all_up
	since "$healed_at"; MEASURED_HEAL_MS=$SINCE_MS
	say "all paths up again"
	assert_wait "$heal_limit" "failback to portal $active" active_is "$active" "$lun"
	say "I/O is back on portal $active"
	assert_wait 20 "I/O flows after failback" load_flowing
	load_stop
	MEASURED_STALL_MS=$LOAD_STALL_MS MEASURED_DIVERSION_MS=$LOAD_DIVERSION_MS
	MEASURED_ERRORS=$LOAD_ERRORS MEASURED_CORRUPT=$LOAD_CORRUPT
	say "load ends: $LOAD_IOS I/Os, $LOAD_ERRORS errors, $LOAD_CORRUPT corrupt blocks"
	result "$name" "longest_stall_ms=$LOAD_STALL_MS" "diversion_ms=$LOAD_DIVERSION_MS" \
		"longest_gap_ms=$LOAD_GAP_MS" "path_down_ms=$down_ms" "heal_ms=$MEASURED_HEAL_MS" \
		"ios=$LOAD_IOS" "errors=$LOAD_ERRORS" "corrupt=$LOAD_CORRUPT" "verified=$LOAD_VERIFIED"
	cp "$LOAD_JSON" "$LAB_OUT/$name.load.json"
}
