# Under load, the LUN ends in the plan's state whatever happens, except what an operator failed; a change waits for health.
# lab: init=script timeout=560
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/tables.sh

STORE=/etc/mpathiscsi/policies.conf

in_force() { [[ $(status_value 's["luns"][0]["in_force"]') == True ]]; }
path_value() { status_value "[p for p in s['luns'][0]['paths'] if p['portal'].startswith('10.0.$1.2:')][0]['$2']"; }
path_value_is() { [[ $(path_value "$1" "$2") == "$3" ]]; }
reason_has() { [[ $(path_value "$1" reason) == *"$2"* ]]; }
set_quiet() { mpathiscsi policy set --timeout 60s "$(map_name 1)" "$@" > /dev/null; }
multipathd_again() {
	multipathd_stop
	multipathd -d >> "$(log multipathd)" 2>&1 &
	MULTIPATHD_PID=$!
	assert_wait 20 "multipathd answers" multipathd_ready
	assert_wait 60 "every LUN has a map with all paths" maps_complete
}
daemon_again() { daemon_stop "${1:-TERM}"; daemon_start --verbose; }

# ends_as GROUPS ACTIVE FAILED WHAT: waits for the plan's state: groups, the one in use, exactly these paths failed.
# While a path is failed multipathd puts its group last whenever it makes a table, so GROUPS may be - then.
groups_match() { [[ $1 == - ]] || groups_are "$1"; }
failed_paths() { map_paths 1 | awk '$6 == "F" { print $5 }' | sort -n | tr '\n' ' ' | sed 's/ $//'; }
failed_are() { [[ $(failed_paths) == "$1" ]]; }
ends_as() {
	assert_wait 60 "$4: groups $1" groups_match "$1"
	assert_wait 40 "$4: in force" in_force
	assert_wait 40 "$4: failed: ${3:-none}" failed_are "$3"
	assert_wait 40 "$4: portal $2 carries the I/O" active_is "$2"
	assert_wait 20 "$4: I/O flows" load_flowing
	load_look
	assert_eq "$4: I/O errors" 0 "$LOAD_ERRORS"
	say "$4: groups $1, portal $2 in use, failed: ${3:-none}"
}
writes_of() { awk '{ print $1 + $5 }' "/sys/block/$(portal_disk "$1")/stat"; }

target_start tgt 3
login 3
daemon_start --verbose
multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 1")
ours_enable
policy_set 1 failover-only --active portal=10.0.1.2
load_start "$(map_device 1)"
ends_as "1 2 3" 1 "" "at the start"

title "1. failover-only, the active path changed six times: one table each"
tables_start
for active in 2 1 2 1 2 1; do
	before=$(tables_count 1)
	set_quiet failover-only --active "portal=10.0.$active.2"
	assert_wait 20 "portal $active carries the I/O" active_is "$active"
	holds 3 active_is "$active"
	assert_eq "tables loaded for this change" 1 $(($(tables_count 1) - before))
done
ends_as "1 2 3" 1 "" "after six changes"

title "2. restarts and multipathd commands"
multipathd_again
ends_as "1 2 3" 1 "" "multipathd restarted"
daemon_again
ends_as "1 2 3" 1 "" "daemon restarted"
daemon_stop KILL
multipathd_again
daemon_start --verbose
ends_as "1 2 3" 1 "" "both restarted"
multipathd reconfigure > /dev/null
assert_wait 40 "multipathd answers" multipathd_ready
ends_as "1 2 3" 1 "" "multipathd reconfigure"
multipathd switch multipath "$(map_name 1)" group 3 > /dev/null
ends_as "1 2 3" 1 "" "multipathd switch group 3"
logout_portal 1
assert_wait 30 "portal 2 carries the I/O" active_is 2
login_portal 1
assert_wait 60 "every LUN has a map with all paths" maps_complete
ends_as "1 2 3" 1 "" "session logged out and in"
# Two disks are given names in the other order.
before="$(portal_disk 1) $(portal_disk 3)"
logout_portal 1
logout_portal 3
assert_wait 40 "portal 2 alone is left" groups_are 2
login_portal 3
login_portal 1
assert_wait 60 "every LUN has a map with all paths" maps_complete
[[ $(portal_disk 1) != "${before% *}" ]] || fail "the session got its old disk's name: $before, then $(portal_disk 1) $(portal_disk 3)"
ends_as "1 2 3" 1 "" "session logged out and in under another sdX ($before, then $(portal_disk 1) $(portal_disk 3))"

title "3. mpathiscsi fail: stays until reinstated"
name=$(map_name 1)
mpathiscsi fail "$name" portal=10.0.1.2
ends_as - 2 "1" "mpathiscsi fail"
assert_eq "its state" failed "$(path_value 1 state)"
assert_eq "its reason" "failed by operator (mpathiscsi fail)" "$(path_value 1 reason)"
status=0
mpathiscsi fail "$name" portal=10.0.0.0/16 2> "$(log refused)" || status=$?
assert_eq "failing all that is left is refused" 4 "$status"
multipathd_again
ends_as - 2 "1" "multipathd restarted"
daemon_again KILL
ends_as - 2 "1" "daemon killed and started"
multipathd reconfigure > /dev/null
ends_as - 2 "1" "multipathd reconfigure"
logout_portal 1
login_portal 1
assert_wait 60 "every LUN has a map with all paths" maps_complete
ends_as - 2 "1" "session logged out and in"
mpathiscsi reinstate "$name" portal=10.0.1.2
ends_as "1 2 3" 1 "" "mpathiscsi reinstate"

title "4. multipathd fail path: known, and kept over our reconfigure (another path selector)"
multipathd fail path "$(portal_disk 2)" > /dev/null
assert_wait 40 "status tells who failed it" reason_has 2 "failed by operator (multipathd)"
set_quiet round-robin-with-subset -a portal=10.0.1.2 -a portal=10.0.3.2 -s portal=10.0.2.2
assert_eq "path selector" round-robin "$(status_value 's["luns"][0]["selector"]')"
assert_wait 20 "both active paths carry I/O" active_is "1 3"
assert "path 2 stays failed" holds 8 failed_are 2
multipathd reinstate path "$(portal_disk 2)" > /dev/null
ends_as "1,3 2" "1 3" "" "multipathd reinstate path"
portal_cut 2
path_in_trouble() { ! path_value_is "$1" state up; }
assert_wait 20 "the daemon finds portal 2 silent" path_in_trouble 2
status=0
mpathiscsi policy set "$name" least-queue-depth 2> "$(log refused)" || status=$?
assert_eq "another selector while a portal is silent is refused" 4 "$status"
assert "and the refusal says why" grep -q '10.0.2.2' "$(log refused)"
portal_heal 2
assert_wait 60 "all sessions and paths are up again" all_up
set_quiet failover-only --active portal=10.0.1.2
ends_as "1 2 3" 1 "" "failover-only again"

title "5. an excluded path is never used, also as the last one"
set_quiet failover-only --active portal=10.0.1.2 --exclude portal=10.0.3.2
assert_wait 20 "path 3 is failed" failed_are 3
assert_eq "its state" excluded "$(path_value 3 state)"
multipathd reinstate path "$(portal_disk 3)" > /dev/null
assert_wait 20 "path 3 is failed again" failed_are 3
multipathd_again
assert_wait 40 "path 3 is failed after a restart of multipathd" failed_are 3
before=$(writes_of 3)
mpathiscsi fail --force "$name" portal=10.0.1.2
mpathiscsi fail --force "$name" portal=10.0.2.2
assert_wait 20 "no path is left" failed_are "1 2 3"
assert_wait 20 "I/O waits" load_stalled
assert "path 3 stays unused for 5 s" holds 5 failed_are "1 2 3"
assert_eq "I/Os on the excluded path" "$before" "$(writes_of 3)"
mpathiscsi reinstate "$name" portal=10.0.0.0/16
assert_wait 20 "I/O flows on portal 1" active_is 1
assert_wait 20 "path 3 is still failed" failed_are 3
assert_eq "I/Os on the excluded path" "$before" "$(writes_of 3)"
status=0
mpathiscsi policy set "$name" failover-only --exclude portal=10.0.0.0/16 2> "$(log refused)" || status=$?
assert_eq "excluding every path is refused" 4 "$status"
set_quiet failover-only --active portal=10.0.1.2
ends_as "1 2 3" 1 "" "exclusion taken back"

title "6. a change while a portal is silent waits, and is carried out when it answers"
# Without quick paths: the kernel keeps the I/O of a silent path for its 15 s, and so long a change has to wait.
assert "off" mpathiscsi off
assert_wait 20 "no path is quick" quick_are 0
portal_cut 3
assert_wait 20 "the daemon finds portal 3 silent" path_value_is 3 state suspect
before=$(tables_count 1)
status=0
mpathiscsi policy set --timeout 3s "$name" failover-only --active portal=10.0.2.2 2> "$(log pending)" || status=$?
cat "$(log pending)"
mpathiscsi status
assert_eq "exit code" 5 "$status"
assert "it says for what it waits" grep -q 'waits for portal 10.0.3.2:3260' "$(log pending)"
assert_eq "portal 1 still carries the I/O" 1 "$(active_portals 1)"
assert_eq "tables loaded meanwhile" "$before" "$(tables_count 1)"
portal_heal 3
assert_wait 60 "in force after all" in_force
assert_wait 40 "all sessions and paths are up again" all_up
ends_as "2 1 3" 2 "" "carried out"
assert "on" mpathiscsi on

title "7. the policies file, edited by hand"
cp "$STORE" "$LAB_OUT/policies.conf"
sed -i 's/10\.0\.2\.2/10.0.1.2/' "$STORE"
ends_as "1 2 3" 1 "" "edited with sed -i"
sed 's/failover-only/failover-onyl/' "$STORE" > "$STORE.new"
mv "$STORE.new" "$STORE"
warned() { [[ $(status_value 's.get("warning", "")') == *failover-onyl* ]]; }
assert_wait 10 "status warns of the broken file" warned
mpathiscsi status | head -2
assert "the policy in force stays" holds 3 groups_are "1 2 3"
# In place, as some editors do: opened, cut to nothing, written.
sed 's/failover-onyl/failover-only/; s/10\.0\.1\.2/10.0.3.2/' "$STORE" > "$LAB_VAR/mended"
cat "$LAB_VAR/mended" > "$STORE"
ends_as "3 1 2" 3 "" "mended in place"
assert "no warning any more" not warned

title "8. another path selector by an edited file: pending until reload, which is not done with a path in trouble"
selector() { dmsetup table "$(map_name 1)" | grep -o 'queue-length\|round-robin\|service-time' | sort -u; }
selector_is() { [[ $(selector) == "$1" ]]; }
printf '[lun %s]\npolicy = least-queue-depth\n' "$(map_name 1)" > "$STORE"
waits_for_reload() { [[ $(status_value 's["luns"][0]["waits_for"]') == *"mpathiscsi reload"* ]]; }
assert_wait 40 "the order is in force, the selector waits for reload" waits_for_reload
portal_cut 2
assert_wait 20 "portal 2 is in trouble" failed_are 2
status=0; text=$(mpathiscsi reload 2>&1) || status=$?
assert_eq "exit code of reload with a portal in trouble" 5 "$status"
assert_match "reload" "reconfigure.*10.0.2.2" "$text"
note "$text"
assert "the selector is as before" selector_is round-robin
portal_heal 2
assert_wait 40 "all sessions and paths are up again" all_up
assert_wait 40 "nothing is failed" failed_are ""
reloads() { mpathiscsi reload 2> /dev/null; }
assert_wait 30 "reload" reloads
assert_wait 20 "the selector is queue-length" selector_is queue-length
ends_as "1,2,3" "1 2 3" "" "least-queue-depth by reload"
: > "$STORE"
assert "reload of a file without the section" mpathiscsi reload
without_policy() { [[ $(status_value 's["luns"][0]["policy"]') == "" ]] && ! selector_is queue-length; }
assert_wait 20 "no policy, and the selector that multipathd takes by itself" without_policy

tables_stop
cp "$LAB_VAR/tables.uevents" "$LAB_OUT/uevents"
load_stop
assert_eq "I/O errors" 0 "$LOAD_ERRORS"
assert_eq "corrupt blocks" 0 "$LOAD_CORRUPT"
result apply "ios=$LOAD_IOS" "errors=$LOAD_ERRORS" "corrupt=$LOAD_CORRUPT" "longest_stall_ms=$LOAD_STALL_MS"
