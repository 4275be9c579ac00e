# Nothing that happens to the daemon or its board changes a path's state or costs I/O.
# lab: init=script timeout=400
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

BOARD=/run/mpathiscsi/board
# Everything that must stay as it is: states, priorities, groups, and the number of table loads.
picture() {
	timeout 5 multipathd show paths format '%d %c %t %T %p'
	map_paths 1
}
events() { dmsetup info -c --noheadings -o events "$(map_name 1)"; }

# steady TEXT COMMAND…: does something to us under load, waits through several rounds of checks, compares.
steady() {
	local text=$1 before_events checks
	shift
	before_events=$(events)
	checks=$(checks_done)
	"$@"
	assert_wait 60 "multipathd checks the paths again, six times" checks_since "$checks"
	assert_eq "$text: paths, priorities and groups" "$before" "$(picture)"
	assert_eq "$text: map events" "$before_events" "$(events)"
	assert_wait 30 "$text: load flows" load_flowing
	load_look
	assert_eq "$text: I/O errors" 0 "$LOAD_ERRORS"
	say "$text: no path changed, no map event, longest I/O so far $LOAD_LONGEST_MS ms"
}

# checks_done: how often the checker has tested the standby path, over portal 1: the SCSI commands sent to its disk less its
# reads, writes, discards and flushes, which leaves the TEST UNIT READYs, one for each check of a path without I/O.
checks_done() {
	local disk
	local -a stat
	disk=$(portal_disk 1)
	read -r -a stat < "/sys/block/$disk/stat"
	echo $(($(< "/sys/block/$disk/device/iorequest_cnt") - stat[0] - stat[4] - stat[11] - stat[15]))
}
# checks_since N: whether it was tested six times since checks_done said N. multipathd checks its paths in rounds, a second
# apart here, and a board is stale after two: at least two rounds have seen what was done to it.
checks_since() { (($(checks_done) >= $1 + 6)); }

garbage() { dd if=/dev/urandom of="$BOARD" bs=4096 count=8 conv=notrunc status=none; }
kill_daemon() { daemon_stop KILL; }
stop_daemon() { kill -STOP "$(daemon_pid)"; }
probe_pid() { pgrep -x mpathiscsi-prob; }
kill_probe() { kill -KILL "$(probe_pid)"; }
restart_daemon() { daemon_start --verbose; }

target_start tgt 2
login 2
daemon_start --verbose
multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 1")
mpathiscsi enable
assert_wait 40 "every path has checker iscsi" checker_everywhere iscsi
policy_set 1 failover-only --active portal=10.0.2.2
assert_wait 20 "plan in force" groups_are "2 1"
assert_wait 20 "portal 2 is the active one" active_is 2
assert_wait 20 "priorities are the plan's" path_priority_is 2 1000
before=$(picture)
load_start "$(map_device 1)"
assert_wait 20 "load flows" load_flowing

title "the probe process is killed"
old=$(probe_pid)
steady "probe killed" kill_probe
new_probe() { [[ -n $(probe_pid) && $(probe_pid) != "$old" ]]; }
assert_wait 20 "a new probe process runs" new_probe
probes_up() { [[ $(status_value 'sum(p["probe"]["state"] == "up" for p in s["luns"][0]["paths"])') == 2 ]]; }
assert_wait 20 "both probes are up again" probes_up

title "garbage over the board while the daemon runs"
steady "garbage" garbage
title "the board cut to nothing, removed, replaced by a folder"
steady "truncated" truncate -s 0 "$BOARD"
steady "removed" rm -f "$BOARD"
# The daemon puts its file back within 250 ms, perhaps between these two.
folder() { rm -f "$BOARD" && mkdir "$BOARD" 2> /dev/null; }
replace() { assert_wait 10 "a folder in the board's place" folder; }
steady "a folder in its place" replace
rmdir "$BOARD" 2> /dev/null || true

title "the daemon is killed with SIGKILL"
steady "daemon killed" kill_daemon
title "garbage over the board without a daemon"
steady "garbage, no daemon" garbage
title "no board at all"
steady "no board" rm -rf "$BOARD"
title "the daemon comes back"
steady "daemon back" restart_daemon
assert_wait 20 "both probes are up again" probes_up
title "the daemon is stopped by SIGSTOP"
steady "daemon stopped" stop_daemon
kill -CONT "$(daemon_pid)"
assert_wait 20 "daemon answers again" daemon_ready

title "multipathd starts anew without the daemon"
daemon_stop KILL
multipathd_stop
multipathd -d >> "$(log multipathd)" 2>&1 &
MULTIPATHD_PID=$!
assert_wait 20 "multipathd answers" multipathd_ready
assert_wait 20 "priorities are the last plan's" path_priority_is 2 1000
assert_eq "paths, priorities and groups" "$before" "$(picture)"

load_stop
assert_eq "I/O errors" 0 "$LOAD_ERRORS"
assert_eq "corrupt blocks" 0 "$LOAD_CORRUPT"
# Far below what any failed path costs; how near to nothing is the machine's affair.
assert_le "longest stall (ms)" "$LOAD_STALL_MS" 8000
result trust "ios=$LOAD_IOS" "errors=$LOAD_ERRORS" "corrupt=$LOAD_CORRUPT" "longest_stall_ms=$LOAD_STALL_MS"
