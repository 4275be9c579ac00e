# The lab's other way to boot: Debian's own units start multipathd and iscsid.
# lab: init=systemd timeout=240
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

title "a booted system"
assert_eq "process 1" systemd "$(< /proc/1/comm)"
assert_eq "units that failed" "" "$(systemctl --failed --plain --no-legend)"
target_start tgt 2
login 2
multipathd_start
assert_eq "multipathd.service" active "$(systemctl is-active multipathd)"
assert_eq "iscsid.service" active "$(systemctl is-active iscsid)"
load_start "$(map_device)"
assert_wait 20 "load flows" load_flowing
load_stop
assert_eq "errors, corrupt blocks" "0 0" "$LOAD_ERRORS $LOAD_CORRUPT"
result systemd "ios=$LOAD_IOS" "boot=$(systemd-analyze time 2> /dev/null | sed -n 's/^Startup.*= //p')"
