# device-mapper's view of maps, followed by tools/pathwatch: cheap to ask, and a log with times for later.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

WATCH_STATE=$LAB_VAR/watch.state
declare -A WATCH=() WATCH_SINCE=()

# watch_start LOG MAP…: follows these maps (by name; they need not be there yet) from now on; LOG gets a line a change.
watch_start() {
	rm -f "$WATCH_STATE"
	pathwatch --state "$WATCH_STATE" --log "$@" &
	WATCH_PID=$!
	assert_wait 10 "pathwatch looks" test -s "$WATCH_STATE"
}

watch_stop() {
	kill "$WATCH_PID"
	wait "$WATCH_PID" || true
}

# watch_look: reads what was seen last: WATCH[MAP] is "queue A:8:0=A E:8:16=A", WATCH_SINCE[MAP] (ms, as $NOW_MS)
# when it last changed. No process is started.
watch_look() {
	local time map rest
	WATCH=() WATCH_SINCE=()
	while read -r time map rest; do
		WATCH[$map]=$rest
		WATCH_SINCE[$map]=$((10#${time/./}))
	done < "$WATCH_STATE"
}

# watch_up PATHS MAP…: whether each map has that many paths, all of them usable.
watch_up() {
	local paths=$1 map usable
	shift
	watch_look
	for map in "$@"; do
		[[ ${WATCH[$map]} != *=F* ]] || return 1
		usable=${WATCH[$map]//[!=]/}
		[[ ${#usable} == "$paths" ]] || return 1
	done
}

# watch_path MAP DEV: sets WATCH_PATH to A (usable), F (failed) or none: the path over the disk M:m.
watch_path() {
	watch_look
	WATCH_PATH=none
	[[ ${WATCH[$1]} =~ [:,]"$2"=([AF]) ]] && WATCH_PATH=${BASH_REMATCH[1]}
	return 0
}
watch_path_is() { watch_path "$1" "$2" && [[ $WATCH_PATH == "$3" ]]; }

# watch_active MAP DEV…: whether the group in use has exactly these disks (in this order), all of them usable.
watch_active() {
	local map=$1 group
	shift
	watch_look
	printf -v group '%s=A,' "$@"
	[[ " ${WATCH[$map]} " == *" A:${group%,} "* ]]
}
