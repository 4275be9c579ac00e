# multipath.conf alone, no daemon: the checker judges by session and TUR, prio_args carry the policy.
# lab: init=script timeout=240
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

target_start tgt 3
login 3
multipathd_start - <<E2
defaults {
	find_multipaths yes
	polling_interval 1
	max_polling_interval 2
}
devices {
	device {
		vendor "LAB"
		product "TGT"
		path_checker iscsi
		detect_checker no
		detect_prio no
		prio iscsi
		prio_args "weighted-path portal=10.0.1.2:30 portal=10.0.3.2:10 portal=10.0.2.2:20"
		path_grouping_policy group_by_prio
		failback immediate
		no_path_retry 60
	}
}
E2
assert "every checker is ours" checker_everywhere iscsi
assert_wait 20 "groups by weight" groups_are "3 2 1"
assert_wait 20 "the lowest weight is active" active_is 3
multipath -ll
multipathd show paths format '%d %c %p %T %i'

title "the checker in the multipath command, which calls it synchronously"
for round in 1 2 3; do
	assert_eq "ready paths in multipath -ll, round $round" 3 "$(multipath -ll | grep -c 'active ready')"
done

title "the target says not ready, and ready again"
tgt_lun_online 1 1 0
assert_wait 20 "TUR fails: the checker says faulty" checker_is 3 faulty
say "$(grep -h 'not ready\|NOT-READY\|portal' "$(log multipathd)" | tail -n 1)"
tgt_lun_online 1 1 1
assert_wait 20 "ready again" checker_is 3 ready
assert_wait 20 "all up" all_up
assert_wait 20 "failback to the lowest weight" active_is 3

title "a portal goes silent without load: paths down by the checker, no daemon"
load_start "$(map_device 1)"
portal_cut 3
assert_wait 60 "dm gives the path up" path_is 3 F
assert_wait 60 "I/O flows on the next weight" active_is 2
portal_heal 3
assert_wait 90 "all up again" all_up
assert_wait 30 "failback to the lowest weight" active_is 3
load_stop
assert_eq "I/O errors" 0 "$LOAD_ERRORS"
assert_eq "corrupt blocks" 0 "$LOAD_CORRUPT"

title "bad prio_args fall back and say so"
sed -i 's/weighted-path portal=10.0.1.2:30/weighted-path portal=10.0.1.300:30/' /etc/multipath.conf
multipathd reconfigure
said() { grep -q '10.0.1.300' "$(log multipathd)"; }
assert_wait 20 "the log names the bad word" said
say "$(grep -h '10.0.1.300' "$(log multipathd)" | grep -i prio | tail -n 1)"
assert_wait 30 "all paths equal: one group" paths_up 3
result conf_alone "ios=$LOAD_IOS" "errors=$LOAD_ERRORS" "corrupt=$LOAD_CORRUPT"
