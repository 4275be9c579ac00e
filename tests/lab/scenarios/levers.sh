# What makes a session quick, by hand: armed, cut, put back; iscsid restarted; ptrace forbidden.
# lab: init=script timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/armed.sh
product_require
DISARM=/usr/libexec/mpathiscsi/mpathiscsi-disarm
RECORD=/run/mpathiscsi/quick

# picture: every lever of every portal.
picture() {
	local n
	for n in 1 2; do
		echo "portal $n: user time-out $(user_timeout "$n"), max_retries $(retries_of "$n" 1) $(retries_of "$n" 2)," \
			"recovery_tmo $(recovery "$n")"
	done
}
key() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<< "$2"; }
arm() { levers set "$(portal_disk "$1")" "$2" "$3"; }
armed_answers() { assert_match "$1" "quick=1 timeout=$3 error=0 socket=armed" "$2"; }

target_start tgt 2 luns=2
login 2
multipathd_start - <<C
defaults {
	find_multipaths yes
	polling_interval 1
	max_polling_interval 1
}
overrides {
	path_grouping_policy failover
	prio weightedpath
	prio_args "$(weighted_args 1 2)"
	failback immediate
	no_path_retry queue
}
C
assert_wait 20 "portal 1 is the active one" active_is 1
before=$(picture)
say "$before"

title "the connection as sock_diag shows it, bound to its device"
for n in 1 2; do
	shown=$(levers look "$(portal_disk "$n")")
	assert_match "inode as ss has it" "ino:$(key inode "$shown") " "$(socket_line "$n")"
	assert_eq "state: established" 1 "$(key state "$shown")"
	assert_ge "RTO (us)" "$(key rto_us "$shown")" 200000
	say "portal $n: $shown"
done

title "armed: the record says what was before"
active=1 other=2
other_before=$(sed -n "s/^portal $other: //p" <<< "$before")
answer=$(arm "$active" 500 15)
say "$answer"
armed_answers "armed" "$answer" 500
assert_eq "user time-out" 500 "$(user_timeout "$active")"
assert_eq "max_retries" "0 0" "$(retries_of "$active" 1) $(retries_of "$active" 2)"
assert_eq "recovery_tmo" 15 "$(recovery "$active")"
assert_eq "the other session" "$other_before" "$(picture | sed -n "s/^portal $other: //p")"
cat "$RECORD"
assert_eq "lines of the record" 4 "$(wc -l < "$RECORD")"

title "the armed portal goes silent under load"
measure_cut armed-500 "$active"
assert_eq "I/O errors" 0 "$MEASURED_ERRORS"
assert_eq "corrupt blocks" 0 "$MEASURED_CORRUPT"
assert_le "longest stall (ms)" "$MEASURED_STALL_MS" 2500
assert_eq "the new socket has no option" 0 "$(user_timeout "$active")"
say "after the login: max_retries $(retries_of "$active" 1) $(retries_of "$active" 2), recovery_tmo $(recovery "$active")"
assert_eq "max_retries outlives a login" "0 0" "$(retries_of "$active" 1) $(retries_of "$active" 2)"

title "armed anew at 250 ms, given back by the program"
armed_answers "armed" "$(arm "$active" 250 15)" 250
armed_answers "armed" "$(arm "$other" 250 15)" 250
assert_eq "user time-out" 250 "$(user_timeout "$active")"
measure_cut armed-250 "$active"
armed_answers "armed" "$(arm "$active" 250 15)" 250
now; begin=$NOW_MS
assert "mpathiscsi-disarm" "$DISARM"
since "$begin"
assert_eq "everything as before" "$before" "$(picture)"
assert "the record is gone" not test -e "$RECORD"
assert "nothing to do is no failure" "$DISARM" --quiet
result disarm "ms=$SINCE_MS" ok=true

title "routes with a lower rto_min, taken back by the program"
answer=$(levers routes 50 "$(portal_address 1)" "$(portal_address 2)")
assert_eq "both portals" 2 "$(grep -c "=tuned$" <<< "$answer")"
ip route show proto 213
assert_eq "our routes" 2 "$(ip route show proto 213 | grep -c "rto_min lock 50ms")"
quick_rto() { [[ $(key rto_us "$(levers look "$(portal_disk "$active")")") -lt 190000 ]]; }
load_start "$(map_device 1)"
assert_wait 20 "the connection in use has a lower RTO" quick_rto
load_stop
say "RTO $(key rto_us "$(levers look "$(portal_disk "$active")")") us"
armed_answers "armed" "$(arm "$active" 150 15)" 150
measure_cut armed-150-routes "$active"
assert_eq "I/O errors" 0 "$MEASURED_ERRORS"
assert_eq "corrupt blocks" 0 "$MEASURED_CORRUPT"
assert_le "longest stall (ms)" "$MEASURED_STALL_MS" 2500
assert "mpathiscsi-disarm" "$DISARM"
assert_eq "no route of ours" "" "$(ip route show proto 213)"
assert "no record of routes" not test -e /run/mpathiscsi/routes
assert_eq "everything as before" "$before" "$(picture)"

title "multipathd rewrites recovery_tmo at a reload: that is what comes back"
armed_answers "armed" "$(arm 1 500 15)" 500
echo 8 > "/sys/class/iscsi_session/$(portal_session 1)/recovery_tmo"
armed_answers "armed" "$(arm 1 500 15)" 500
assert_eq "ours again" 15 "$(recovery 1)"
assert "mpathiscsi-disarm" "$DISARM"
assert_eq "theirs" 8 "$(recovery 1)"
echo 5 > "/sys/class/iscsi_session/$(portal_session 1)/recovery_tmo"
assert_eq "everything as before" "$before" "$(picture)"

title "fail_path and reinstate_path"
map=$(map_name 1)
kill -STOP "$MULTIPATHD_PID" # it would reinstate the path at its next check
levers fail "$map" "$(portal_disk "$other")"
assert_eq "failed" F "$(path_state "$other")"
levers reinstate "$map" "$(portal_disk "$other")"
assert_eq "reinstated" A "$(path_state "$other")"
kill -CONT "$MULTIPATHD_PID"
answer=$(levers fail nosuchmap "$(portal_disk 1)" || true)
assert_match "no such map" "error=ENXIO" "$answer"

title "SOCK_DESTROY under load, max_retries 0"
armed_answers "armed" "$(arm "$active" 10000 15)" 10000
load_start "$(map_device 1)"
assert_wait 20 "load flows" load_flowing
inode=$(key inode "$(levers look "$(portal_disk "$active")")")
levers destroy "$(portal_disk "$active")"
replaced() {
	local i
	i=$(key inode "$(levers look "$(portal_disk "$active")")") && [[ -n $i && $i != "$inode" ]]
}
assert_wait 60 "iscsid logs in again" replaced
assert_wait 60 "all is up" all_up
assert_wait 20 "load flows" load_flowing
load_stop
assert_eq "I/O errors" 0 "$LOAD_ERRORS"
assert_eq "corrupt blocks" 0 "$LOAD_CORRUPT"
result destroyed "longest_stall_ms=$LOAD_STALL_MS" "errors=$LOAD_ERRORS" "corrupt=$LOAD_CORRUPT"
assert_le "longest stall (ms)" "$LOAD_STALL_MS" 2500
assert "mpathiscsi-disarm" "$DISARM"
assert_eq "everything as before" "$before" "$(picture)"

title "iscsid gone while armed"
armed_answers "armed" "$(arm 1 500 15)" 500
pkill -KILL -x iscsid
assert_wait 10 "iscsid is gone" not pgrep -x iscsid
status=0
said=$("$DISARM" 2>&1) || status=$?
say "$said"
assert_eq "exit status" 1 "$status"
assert_match "it says so" "iscsid does not hold the socket" "$said"
assert_eq "max_retries is back" "5 5" "$(retries_of 1 1) $(retries_of 1 2)"
assert_eq "recovery_tmo is back" 5 "$(recovery 1)"
assert_match "the record keeps the socket, and only that" "^socket " "$(cat "$RECORD")"
assert_eq "lines of the record" 1 "$(wc -l < "$RECORD")"
answer=$(arm 1 500 15)
assert_match "quick, but not armed" "quick=1 timeout=0 error=ESRCH socket=iscsid does not hold" "$answer"

# An iscsid that starts drops the connections of the sessions it finds and logs in anew.
title "a new iscsid: new sockets, nothing is left"
iscsid_start
logged_in_anew() { socket_line 1 > /dev/null && socket_line 2 > /dev/null && session_is 1 LOGGED_IN && session_is 2 LOGGED_IN; }
assert_wait 60 "it logs in again, with new sockets" logged_in_anew
assert "now nothing is left" "$DISARM"
assert "the record is gone" not test -e "$RECORD"
assert_eq "everything as before" "$before" "$(picture)"
result iscsid-restarted said=true put_back=true

title "ptrace forbidden to everybody"
echo 3 > /proc/sys/kernel/yama/ptrace_scope
answer=$(arm 1 500 15)
say "$answer"
assert_match "quick, not armed, and why" "quick=1 timeout=0 error=EPERM socket=not permitted" "$answer"
assert_eq "max_retries" "0 0" "$(retries_of 1 1) $(retries_of 1 2)"
assert "put back" "$DISARM"
assert_eq "max_retries" "5 5" "$(retries_of 1 1) $(retries_of 1 2)"
assert_eq "recovery_tmo" 5 "$(recovery 1)"
result ptrace-forbidden said=true put_back=true
