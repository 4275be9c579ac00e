# What people see and do about quick paths: status with reasons, --timing, off and on, settings, forgive.
# lab: init=script timeout=420
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/shows.sh

# refused STATUS TEXT COMMAND…: the command must end with that status and say that (a regular expression).
refused() {
	local wanted=$1 text=$2 status=0
	shift 2
	"$@" > /run/out 2> /run/refused || status=$?
	assert_eq "status of $*: $(cat /run/refused)" "$wanted" "$status"
	assert_match "what $* says" "$text" "$(tr -s ' \n' ' ' < /run/refused)"
}

# retries: the max_retries of all disks, each value once.
retries() { cat /sys/class/scsi_disk/*/max_retries | sort -u | paste -sd ' '; }
retries_are() { [[ $(retries) == "$1" ]]; }
session_value() { status_value "' '.join(str(x['$1']) for x in s['timing']['sessions'])"; }
said() { grep -q -- "$1" <<< "$(mpathiscsi status | tr -s ' \n' ' ')"; }
flapped() { [[ $(status_value "max(p['flaps'] for p in s['luns'][0]['paths'])") -gt 0 ]]; }
flaps_are_over() { [[ $(status_value "max(p['flaps'] for p in s['luns'][0]['paths'])") == 0 ]]; }

target_start tgt 2
login 2
stock_retries=$(retries)
ours_start
map=$(map_name 1)

title "1. quick, and said so"
wait_for 40 quick_are 2 || fail "not quick: $(quick_why | paste -sd ";")"
assert "max_retries" retries_are 0
shows mpathiscsi status
assert_eq "marked so" 2 "$(mpathiscsi status | grep -c ' quick$')"
shows mpathiscsi explain "$map"
shows mpathiscsi status --timing
assert_eq "profile" default "$(status_value "s['timing']['profile']")"
for by in $(session_value by); do
	assert_match "what detects" '^(armed|release)$' "$by"
done
for ms in $(session_value detection_ms); do
	assert_le "detection (ms)" "$ms" 2000
done
for us in $(session_value rtt_us); do
	assert_ge "round trip (us)" "$us" 1
done
for help in "status --help" "off --help" "on --help" "forgive --help" "reload --help" --help; do
	# shellcheck disable=SC2086 # words
	shows mpathiscsi $help > "$(log help)"
done

title "2. off and on"
shows mpathiscsi off --reason='the array is moved'
assert_wait 10 "all is given back" retries_are "$stock_retries"
assert "no path is quick" quick_are 0
shows mpathiscsi status
assert_match "who and why" 'switched off by [^ ]+ \(uid 0\) at 2[-0-9]+ [0-9:]+ UTC: the array is moved:' \
	"$(mpathiscsi status | tr -s ' \n' ' ')"
daemon_stop
daemon_start
assert "still off after a restart" holds 3 quick_are 0
assert_eq "in JSON" "False file" "$(status_value "str(s['quick']['on']) + ' ' + s['quick']['off_by']")"
shows mpathiscsi on
assert_wait 40 "quick again" quick_are 2
assert_eq "the file is gone" no "$([[ -e /etc/mpathiscsi/off ]] && echo yes || echo no)"
# by hand
touch /etc/mpathiscsi/off
assert_wait 10 "off by a file made by hand" quick_are 0
rm /etc/mpathiscsi/off
assert_wait 40 "quick again" quick_are 2
# without a daemon
daemon_stop
assert_wait 10 "a daemon that ends gives all back" retries_are "$stock_retries"
assert_match "off without a daemon" 'written; mpathiscsid is not running' "$(mpathiscsi off)"
daemon_start
assert "it stays off" holds 3 quick_are 0
# by the kernel's command line: of a kernel that was booted with it
echo "$(< /proc/cmdline) mpathiscsi=off" > /run/cmdline
mount --bind /run/cmdline /proc/cmdline
refused 5 'it stays off, by mpathiscsi=off on the kernel' mpathiscsi on
assert "off by the kernel's command line" holds 3 quick_are 0
umount /proc/cmdline
assert "on" mpathiscsi on
assert_wait 40 "quick again" quick_are 2

title "3. settings"
echo -e '[timing]\nprofile = quick' > "$QUICK_CONF"
refused 4 'mpathiscsid.conf:2: profile = quick: allowed are safe, default, fast; the settings in force stay' \
	mpathiscsi reload
assert_eq "in force" default "$(status_value "s['timing']['profile']")"
assert "status warns" said 'warning: .*mpathiscsid.conf:2: profile = quick'
assert "still quick" quick_are 2
policy_set 1 failover-only --active portal=10.0.1.2 # is not refused because of it
quick_conf profile=fast
assert_eq "in force" fast "$(status_value "s['timing']['profile']")"
assert_eq "no warning" "" "$(status_value "s.get('warning', '')")"
quick_conf profile=default arm=off release=off
assert_wait 10 "neither arm nor release: not quick" retries_are "$stock_retries"
shows mpathiscsi status
shows mpathiscsi status --timing
assert_eq "whose timers" "kernel kernel" "$(session_value by)"
echo -e "[timing]\nprofile = default\n[target $TARGET_IQN]\narm = off\nfloor_ms = 3000" > "$QUICK_CONF"
assert_wait 40 "read by itself; release alone makes quick, too" quick_are 2
assert_eq "a target's own" "release release" "$(session_value by)"
assert_eq "not before the floor" "3000 3000" "$(session_value detection_ms)"
shows mpathiscsi status --timing
quick_conf profile=default
assert_wait 40 "quick" quick_are 2

title "4. no queueing, no haste; and the last path"
dmsetup message "$map" 0 fail_if_no_path
assert_wait 10 "not quick" quick_are 0
shows mpathiscsi status
assert "the reason, once for the LUN" said 'not quick: map does not queue'
dmsetup message "$map" 0 queue_if_no_path
assert_wait 40 "quick" quick_are 2
mpathiscsi fail "$map" portal=10.0.2.2
assert_wait 20 "the last one is not quick (the other, which is out, may be)" quick_are 1
shows mpathiscsi status
assert "the reason" said 'last healthy path'
mpathiscsi reinstate "$map" portal=10.0.2.2
assert_wait 40 "quick" quick_are 2

title "5. forgive"
assert "no flap yet" flaps_are_over
portal_refuse 1
assert_wait 30 "path 1 is down" path_is 1 F
portal_heal 1
assert_wait 60 "path 1 is back" path_is 1 A
assert_wait 10 "that counts" flapped
shows mpathiscsi forgive "$map" portal=10.0.1.2
assert "forgiven" flaps_are_over
shows mpathiscsi forgive all
refused 4 ISDSC_INVALID_PATH_ID mpathiscsi forgive "$map" portal=10.0.9.2
refused 4 ISDSC_INVALID_PARAMETER mpathiscsi forgive "$map" sda
refused 4 ISDSC_VOLUME_NOT_FOUND mpathiscsi forgive nobody
refused 2 'needs LUN' mpathiscsi forgive
say "done"
