# A host as its administrator sets it up: our daemon, multipathd, `mpathiscsi enable`, a policy.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# status_value FILTER…: a value of `mpathiscsi status --json`, by a Python expression on "s".
status_value() {
	mpathiscsi status --json | python3 -c "import json, sys; s = json.load(sys.stdin); print($1)"
}

# ours_start: daemon and multipathd as in Debian, then enabled; waits for the checker to be ours.
ours_start() {
	daemon_start
	multipathd_start
	ours_enable
	say "enabled: multipathd uses checker and prioritizer \"iscsi\""
}

# ours_enable: `mpathiscsi enable` on a host where both run; waits until all checkers are ours and no path is missing.
ours_enable() {
	assert "mpathiscsi enable" mpathiscsi enable >> "$(log enable)"
	assert_wait 90 "every path has checker iscsi" checker_everywhere iscsi
	assert_wait 60 "every LUN has a map with all paths" maps_complete
}

# checker_everywhere NAME: whether multipathd names that checker for every iSCSI path.
checker_everywhere() {
	local names
	names=$(timeout 5 multipathd show paths format '%c %P' | awk '$2 ~ /iscsi/ { print $1 }' | sort -u)
	[[ $names == "$1" ]]
}

# policy_set LUN ARGS…: sets a LUN's policy by the command and waits until it is in force.
policy_set() {
	local lun=$1
	shift
	assert "mpathiscsi policy set" mpathiscsi policy set --timeout 60s "$(map_name "$lun")" "$@"
	say "policy of LUN $lun: $*"
}

# groups_are TEXT [LUN]: the map's groups in table order, as portals: "1 2" is one portal a group, "1,2 3".
groups_are() {
	local groups
	groups=$(map_paths "${2:-1}" | sort -n -k1,1 -k5,5 | awk '$1 != g { printf "%s%s", (g ? " " : ""), $5; g = $1; next }
		{ printf ",%s", $5 }')
	[[ $groups == "$1" ]]
}
