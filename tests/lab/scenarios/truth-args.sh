# The truth table of the five policies without our daemon: prio_args and path_selector in multipath.conf alone.
# lab: init=script timeout=2400
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/truth.sh
. /lab/lib/by-conf.sh

# conf WEIGHTS…: the whole file, with these weights of LUN 4's paths.
conf() {
	cat <<-C
		defaults {
			find_multipaths yes
			polling_interval 1
			max_polling_interval 1
			fast_io_fail_tmo 1
		}
		devices {
			device {
				vendor "LAB"
				product "TGT"
				path_checker iscsi
				detect_checker no
				detect_prio no
			}
		}
		multipaths {
		$(by_conf "$@")
		}
	C
}

target_start tgt 4 luns=5
login 4
conf 1 2 3 4 > /run/lab/multipath.conf
multipathd_start /run/lab/multipath.conf
assert "no daemon of ours runs" not pgrep -x mpathiscsid
assert_wait 40 "every path has checker iscsi" checker_everywhere iscsi
groups_in_order() {
	groups_are "1 2 3 4" 1 && groups_are "1,2,3,4" 2 && groups_are "1,2 3 4" 3 && groups_are "1 2 3 4" 4 && groups_are "1,2,3,4" 5
}
assert_wait 60 "path groups as the policies say" groups_in_order
truth_learn
assert_eq "path selector of round-robin" round-robin "$(truth_selector 2)"
assert_eq "path selector of least-queue-depth" queue-length "$(truth_selector 5)"
truth_load_start
say "a verified load flows on each of the five maps"

title "paths that carried the writes, by policy"
truth_run

conf 0 0 0 0 > /etc/multipath.conf
multipathd reconfigure > /dev/null
multipathd_idle() { [[ $(timeout 5 multipathd show daemon) == *idle* ]]; }
assert_wait 30 "multipathd has taken the new weights" multipathd_idle
truth_row 17 "weights all 0" ABCD . . . A .
note "row 16 is not asked: without the daemon a path of weight never has the lowest place, and is used last"

truth_load_stop
truth_end truth_args
