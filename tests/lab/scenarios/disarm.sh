# Quick sessions go back to stock timers when the daemon is stopped, killed, or stands still: by systemd's units.
# lab: init=systemd timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/armed.sh
RECORD=/run/mpathiscsi/quick

picture() {
	local n
	for n in 1 2; do
		echo "$n: $(user_timeout "$n") $(retries_of "$n") $(recovery "$n")"
	done
}
as_before() { [[ $(picture) == "$before" ]]; }

assert "systemd-analyze verify" systemd-analyze verify --man=no mpathiscsid.service mpathiscsi-disarm.service \
	mpathiscsi-disarm.timer
target_start tgt 2
login 2
multipathd_start - < <(multipath_conf "no_path_retry queue")
before=$(picture)
say "before:" "${before//$'\n'/, }"
# The watchdog would be as quick as the timer: without it first.
daemon_watchdog off
daemon_start
mpathiscsi enable > "$(log enable)"
assert_wait 90 "both sessions are armed" armed
say "armed:" "$(picture | tr "\n" " ")"
assert_eq "the timer runs" active "$(systemctl is-active mpathiscsi-disarm.timer)"

title "a daemon that lives is left alone"
triggered() { systemctl show -P LastTriggerUSecMonotonic mpathiscsi-disarm.timer; }
assert_wait 20 "the timer has fired" test "$(triggered)" != 0
first=$(triggered)
fired_again() { [[ $(triggered) != "$first" ]]; }
assert_wait 20 "the timer fires again" fired_again
assert "still quick" holds 6 quick

title "SIGSTOP: the timer puts everything back; SIGCONT: it arms again"
old=$(daemon_pid)
now; begin=$NOW_MS
kill -STOP "$old"
assert_wait 30 "everything as before" as_before
since "$begin"
stopped_ms=$SINCE_MS
assert_match "the daemon still stands still" "^State:.T" "$(grep State: "/proc/$old/status")"
assert "the record is gone" not test -e "$RECORD"
say "back to stock timers after $stopped_ms ms"
kill -CONT "$old"
assert_wait 90 "armed again" armed
assert_eq "by the same daemon" "$old" "$(daemon_pid)"
result disarm-stopped "stock_after_ms=$stopped_ms"

title "SIGSTOP with the watchdog: a new daemon"
daemon_watchdog on
systemctl restart mpathiscsid
assert_wait 90 "armed again" armed
old=$(daemon_pid)
now; begin=$NOW_MS
kill -STOP "$old"
assert_wait 60 "a new daemon answers" daemon_replaced "$old"
since "$begin"
assert_wait 90 "armed again" armed
result disarm-watchdog "new_daemon_after_ms=$SINCE_MS"

title "SIGKILL: ExecStopPost"
old=$(daemon_pid)
kill -KILL "$old"
assert_wait 10 "stock retries" stock
assert_wait 40 "a new daemon answers" daemon_replaced "$old"
assert_wait 90 "armed again" armed

title "systemctl stop"
systemctl stop mpathiscsid
assert "everything as before" as_before
assert "the record is gone" not test -e "$RECORD"

# An iscsid that starts drops the connections of the sessions it finds and logs in anew: until then there is none.
title "no iscsid while armed: the socket's option stays on record until there is a new socket"
systemctl start mpathiscsid
assert_wait 90 "armed again" armed
systemctl stop iscsid.socket iscsid.service
assert_wait 20 "iscsid is gone" not pgrep -x iscsid
systemctl stop mpathiscsid
assert_eq "stock retries" "5 5" "$(retries_of 1) $(retries_of 2)"
assert "the record keeps the sockets" grep -q "^socket " "$RECORD"
assert "and nothing else" not grep -qv "^socket " "$RECORD"
systemctl start iscsid.socket iscsid.service
held() { [[ $(user_timeout 1) != none && $(user_timeout 2) != none ]] && session_is 1 LOGGED_IN && session_is 2 LOGGED_IN; }
assert_wait 60 "iscsid has logged in anew" held
record_gone() { [[ ! -e $RECORD ]]; }
assert_wait 30 "the timer finds that nothing is left" record_gone
assert_wait 10 "everything as before" as_before
assert "the helper has not failed" not systemctl is-failed --quiet mpathiscsi-disarm.service
lines=$(journalctl -q --no-pager -u mpathiscsi-disarm.service | wc -l)
assert_le "lines of the helper in the journal" "$lines" 10
result disarm ok=true "journal_lines=$lines"
