# multipathd and its maps. A map is named by its LUN number here: map_name 1 is the map of LUN 1.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# multipath_conf [LINE…]: a configuration for multipathd_start -: Debian's defaults and these lines among the defaults. The one line
# that is there in any case is needed for maps to come up at all (Debian only makes maps it was told of); it changes nothing about
# how they fail over.
# shellcheck disable=SC2120 # scenarios give some
multipath_conf() {
	printf '%s\n' 'defaults {' 'find_multipaths yes' "$@" '}'
}

# multipathd_start [FILE]: starts multipathd with that configuration (- for standard input; without:
# Debian's defaults) and waits until all logged-in LUNs have a map with all their paths.
multipathd_start() {
	if [[ $# == 0 ]]; then
		multipath_conf > /etc/multipath.conf
	else
		cat "$1" > /etc/multipath.conf
	fi
	modprobe -a dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_dh_alua
	if [[ $LAB_INIT == systemd ]]; then
		systemctl restart multipathd
	else
		multipathd -d >> "$(log multipathd)" 2>&1 &
		MULTIPATHD_PID=$!
	fi
	assert_wait "${MULTIPATHD_READY_S:-20}" "multipathd answers" multipathd_ready
	assert_wait "${MULTIPATHD_MAPS_S:-60}" "every LUN has a map with all paths" maps_complete
	say "multipathd up, $(maps_line)"
}

multipathd_ready() { timeout 5 multipathd show status > /dev/null 2>&1; }

# multipathd_stop: ends multipathd; maps stay.
multipathd_stop() {
	if [[ $LAB_INIT == systemd ]]; then
		systemctl stop multipathd.socket multipathd.service
	else
		kill "$MULTIPATHD_PID"
		wait "$MULTIPATHD_PID" || true
	fi
}

# maps_flush: removes all maps that nobody uses; with multipathd stopped, the next start begins afresh.
# A map that udev has open just now is tried again.
maps_flush() {
	assert_wait 15 "maps can be removed" maps_flushed
}

maps_flushed() { multipath -F >> "$(log multipath)" 2>&1; }

# lun_wwid LUN: the WWID of a LUN, from udev's data of any of its disks.
lun_wwid() {
	local n disk
	for ((n = 1; n <= NET_PORTALS; n++)); do
		disk=$(portal_disk "$n" "$1") || continue
		sed -n 's/^E:ID_SERIAL=//p' "/run/udev/data/b$(< "/sys/block/$disk/dev")"
		return
	done
	return 1
}

# map_name [LUN]: the name of the LUN's device-mapper map; status 1 when there is none.
map_name() {
	local dir wwid uuid name
	wwid=$(lun_wwid "${1:-1}") || return 1
	for dir in /sys/block/dm-*; do
		read -r uuid 2> /dev/null < "$dir/dm/uuid" || continue
		[[ $uuid == "mpath-$wwid" ]] && read -r name < "$dir/dm/name" && echo "$name" && return
	done
	return 1
}

# map_device [LUN]: the map's device file.
map_device() { echo "/dev/mapper/$(map_name "${1:-1}")"; }

# map_paths [LUN]: a line per path of the live map: GROUP A|E|D M:m DISK PORTAL A|F.
# (group state active, enabled, disabled; path state active, failed)
map_paths() {
	local name n disk dev known=''
	name=$(map_name "${1:-1}") || return 1
	for ((n = 1; n <= NET_PORTALS; n++)); do
		disk=$(portal_disk "$n" "${1:-1}") || continue
		read -r dev < "/sys/block/$disk/dev" && known+="$dev $disk $n "
	done
	dmsetup status "$name" | awk -v known="$known" '{
		count = split(known, word, " ")
		for (k = 1; k <= count; k += 3) label[word[k]] = word[k + 1] " " word[k + 2]
		i = 4; i += $i + 1; i += $i + 1; groups = $i; i += 2
		for (g = 1; g <= groups; g++) {
			state = $i; i++; i += $i + 1
			paths = $i; args = $(i + 1); i += 2
			for (p = 1; p <= paths; p++) {
				print g, state, $i, ($i in label ? label[$i] : "- -"), $(i + 1)
				i += 3 + args
			}
		}
	}'
}

# path_state N [LUN]: A or F: the dm state of the path over portal N; none when the map lacks it.
path_state() {
	local line
	line=$(map_paths "${2:-1}" | grep " $1 [AF]\$") || true
	line=${line:-none}
	echo "${line##* }"
}

# path_is N A|F|none [LUN]: whether dm has the path over portal N in that state.
path_is() { [[ $(path_state "$1" "${3:-1}") == "$2" ]]; }

# paths_up N [LUN]: whether at least N paths of the map are active in dm.
paths_up() { [[ $(map_paths "${2:-1}" | grep -c ' A$') -ge $1 ]]; }

# active_portals [LUN]: the portals of the group dm uses now, in table order; of a map that had no I/O yet
# (no group is marked active), those of the first group, which it will use.
active_portals() {
	map_paths "${1:-1}" | awk '
		$2 == "A" { used = used " " $5 }
		$1 == 1 { first = first " " $5 }
		END { print substr(used != "" ? used : first, 2) }'
}

# active_is "N…" [LUN]: whether these portals are all that are in the active group; their order there is multipathd's own.
active_is() { [[ $(ascending "$(active_portals "${2:-1}")") == "$(ascending "$1")" ]]; }
ascending() { tr ' ' '\n' <<< "$1" | sort -n | paste -sd ' '; }

# maps_complete: whether each LUN's map has a path over each session, and its device file is there.
maps_complete() {
	local lun sessions
	sessions=$(find /sys/class/iscsi_session -mindepth 1 | wc -l)
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		[[ $(map_paths "$lun" 2> /dev/null | wc -l) == "$sessions" ]] || return 1
		[[ -b $(map_device "$lun") ]] || return 1
	done
}

# all_up: every session logged in, every path of every LUN active in dm.
all_up() {
	local lun dir
	for dir in /sys/class/iscsi_session/session*; do
		[[ $(< "$dir/state") == LOGGED_IN ]] || return 1
	done
	maps_complete || return 1
	for ((lun = 1; lun <= TARGET_LUNS; lun++)); do
		[[ $(map_paths "$lun") != *' F'* ]] || return 1
	done
}

# maps_line: one line of text on the first map.
maps_line() {
	local paths
	paths=$(map_paths 1)
	echo "$TARGET_LUNS map(s); LUN 1: $(wc -l <<< "$paths") paths in" \
		"$(cut -d' ' -f1 <<< "$paths" | sort -u | wc -l) group(s), active: portal $(active_portals 1)"
}

# checker_state N [LUN]: what multipathd's checker says of the path over portal N (ready, faulty, ghost …).
checker_state() {
	timeout 5 multipathd show paths format '%d %T' |
		awk -v d="$(portal_disk "$1" "${2:-1}")" '$1 == d { print $2 }'
}

# checker_is N STATE [LUN]: whether the checker says that.
checker_is() { [[ $(checker_state "$1" "${3:-1}") == "$2" ]]; }

# path_priority N [LUN]: the priority multipathd has for the path over portal N.
path_priority() {
	timeout 5 multipathd show paths format '%d %p' |
		awk -v d="$(portal_disk "$1" "${2:-1}")" '$1 == d { print $2 }'
}

# path_priority_is N PRIO [LUN]: whether it is that.
path_priority_is() { [[ $(path_priority "$1" "${3:-1}") == "$2" ]]; }

# weighted_args N…: a prio_args value for the weightedpath prioritizer that prefers these portals in this
# order: the first gets the highest priority. Needs the sessions.
weighted_args() {
	local n args=hbtl host weight=$(($# * 10))
	for n in "$@"; do
		host=$(realpath "/sys/class/iscsi_session/$(portal_session "$n")")
		host=${host##*/host}
		args+=" ${host%%/*}:.:.:. $weight"
		weight=$((weight - 10))
	done
	echo "$args"
}
