# The truth table of the five policies, set by the command, under the same faults; dm, the disks' counters and the target's as witnesses.
# lab: init=script timeout=2400
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/truth.sh
. /lab/lib/tables.sh

weights() { policy_set 4 weighted-path -w "portal=10.0.1.2:$1" -w "portal=10.0.2.2:$2" -w "portal=10.0.3.2:$3" -w "portal=10.0.4.2:$4"; }

target_start tgt 4 luns=5
login 4
daemon_start
multipathd_start - < <(multipath_conf "polling_interval 1" "max_polling_interval 1" "fast_io_fail_tmo 1" "no_path_retry queue")
ours_enable
policy_set 1 failover-only --active portal=10.0.1.2
policy_set 2 round-robin
policy_set 3 round-robin-with-subset -a portal=10.0.1.2 -a portal=10.0.2.2 -s portal=10.0.3.2 -s portal=10.0.4.2
weights 1 2 3 4
policy_set 5 least-queue-depth
truth_learn
assert_eq "path selector of round-robin" round-robin "$(truth_selector 2)"
assert_eq "path selector of round-robin-with-subset" round-robin "$(truth_selector 3)"
assert_eq "path selector of least-queue-depth" queue-length "$(truth_selector 5)"
truth_load_start
say "a verified load flows on each of the five maps"

title "paths that carried the writes, by policy"
tables_start
truth_run
tables_stop
tables=$(tables_count) reloads=$(truth_reloads)
say "tables of the five maps put in force during these failures and returns: $tables, asked for by the daemon: $reloads"
assert_eq "tables that a failure or a return made the daemon ask for" 0 "$reloads"

weights 0 0 0 0 >> "$(log weights)"
truth_row 17 "weights all 0" ABCD . . . A .
weights 1 2 3 never >> "$(log weights)"
assert_wait 30 "LUN 4: D is not usable" truth_up_is ABC 4
truth_row 16 "only D is left" D D D D - D
truth_make ABCD
assert_wait 60 "LUN 4: A, B and C are back" truth_up_is ABC 4
weights 1 2 3 4 >> "$(log weights)"
truth_row 1 "all as first" ABCD A ABCD AB A ABCD

truth_load_stop
truth_end truth "tables=$tables" "tables_of_ours=$reloads"
