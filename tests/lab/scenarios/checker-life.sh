# The plugins' life inside multipathd and multipath. Reconfigured again and again under load, from checker tur to iscsi and back, while
# sessions, disks and paths come and go; multipathd ended while TEST UNIT READYs hang; many `multipath -ll` at once; tur beside it.
# multipathd gives the context of every path back when it reconfigures, but closes a plugin only when it ends, and ours stays
# mapped even then, for a thread that is still in the kernel: loads and unloads are of contexts, and /proc/PID/maps must show the
# same single copy all the time. Each multipathd and each `multipath -ll` is one more load from the disk and unload.
# Arguments: n=N (12) reconfigurations, ll=N (24) commands, parallel=N (12) of them at a time.
# lab: init=script timeout=10800
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/usage.sh

n=12 ll=24 parallel=12
for word in "$@"; do
	[[ $word =~ ^(n|ll|parallel)=([1-9][0-9]*)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
luns=3 paths=12 mark=10000 loads=0 unloads=0
warm=$((n / 3 < 50 ? n / 3 : 50))
warm=$((warm - warm % 6)) # nothing is amiss then

# conf CHECKER PRIO: one file for all of it. uxsock_timeout is the mark by which a configuration is known once it is in force.
conf() {
	cat <<-E
		defaults {
			find_multipaths yes
			polling_interval 1
			max_polling_interval 1
			no_path_retry queue
			uxsock_timeout $mark
		}
		devices {
			device {
				vendor "LAB"
				product "TGT"
				path_checker $1
				detect_checker no
				detect_prio no
				prio $2
				$([[ $2 != iscsi ]] || echo 'prio_args "failover-only active portal=10.0.1.2"')
				path_grouping_policy group_by_prio
				failback immediate
			}
		}
	E
}

# reconfigure CHECKER PRIO: begins it. Each tenth loads all tables anew.
reconfigure() {
	mark=$((mark + 1))
	conf "$1" "$2" > /etc/multipath.conf
	if ((mark % 10)); then multipathd reconfigure; else multipathd reconfigure all; fi > /dev/null
}

# in_force CHECKER: the configuration of the last reconfigure, and no path has another checker than that.
in_force() {
	timeout 10 multipathd show config local | grep -q "uxsock_timeout $mark" && checkers_are "$1"
}

# checkers_are CHECKER: of all paths that have one; at most a session's and another disk are away at a time.
checkers_are() {
	timeout 10 multipathd show paths format '%c %P' | awk -v name="$1" -v least=$((paths - luns - 1)) '
		$2 !~ /iscsi/ { next }
		$1 == name { good++ }
		$1 != name && ($1 == "tur" || $1 == "iscsi") { bad++ }
		END { exit !(good >= least && !bad) }'
}

# trouble STEP: one kind after the other, the second of a pair takes the first back.
trouble() {
	local disk
	case $(($1 % 6)) in
	0) iscsiadm -m node -T "$TARGET_IQN" -I p4 -u ;;
	1) iscsiadm -m node -T "$TARGET_IQN" -I p4 -l ;;
	2) disk=$(portal_disk 3 2) && echo offline > "/sys/block/$disk/device/state" ;;
	3) disk=$(portal_disk 3 2) && echo running > "/sys/block/$disk/device/state" ;;
	4) disk=$(portal_disk 2 3) && echo 1 > "/sys/block/$disk/device/delete" ;;
	5) iscsiadm -m session -r "$(portal_session 2 | tr -dc 0-9)" --rescan ;;
	esac >> "$(log iscsiadm)" 2>&1
}

# round STEP: of three, two reconfigurations leave checker iscsi, one takes it away.
round() {
	local checker=iscsi prio=iscsi
	(($1 % 3)) || { checker=tur prio=const; }
	reconfigure $checker $prio
	trouble "$1"
	assert_wait 60 "reconfiguration $1: in force, every path has checker $checker" in_force $checker
	assert "multipathd is the same" same_process "$MULTIPATHD_PID" "$born"
	assert_eq "copies of the checker in multipathd" "$copies" "$(mapped "$MULTIPATHD_PID" libcheckiscsi)"
	if [[ $checker == tur ]]; then unloads=$((unloads + 1)); elif (($1 % 3 == 1)); then loads=$((loads + 1)); fi
}

# whole CHECKER: everything is as at the beginning, after the last trouble.
whole() {
	assert_wait 90 "all sessions and paths are up" all_up
	assert_wait 30 "$paths paths have checker $1" checker_everywhere "$1"
	assert_wait 30 "load flows" loads_flow 1 2 3
}

# commands_hang: on every disk of controller 2 a command is out; nobody but a checker sends any there.
commands_hang() {
	local portal lun busy
	for portal in 3 4; do
		for ((lun = 1; lun <= luns; lun++)); do
			read -r busy < "/sys/block/$(portal_disk $portal $lun)/device/device_busy"
			((busy > 0)) || return 1
		done
	done
}
gone() { [[ ! -e /proc/$MULTIPATHD_PID ]]; }

# hung_stop CHECKER HOW: multipathd is ended by a signal or by its own command while TEST UNIT READYs hang on half of the paths, which they
# do for 12 s more. HUNG_MAIN_MS until its first thread has ended, HUNG_STOP_MS until there is nothing of it. A new one takes over.
hung_stop() {
	local begin status=0 thaw ports
	title "multipathd is ended by $2 while TEST UNIT READYs of checker $1 hang"
	mark=$((mark + 1))
	conf "$1" iscsi > "$LAB_VAR/multipath.conf"
	multipathd_start "$LAB_VAR/multipath.conf"
	whole "$1"
	ports="$(session_port 3) $(session_port 4)"
	controller_freeze 2
	assert_wait 30 "a command hangs on every path of controller 2" commands_hang
	now; begin=$NOW_MS
	(pause 12 && controller_thaw 2) &
	thaw=$!
	# The command may lose its connection before it has its answer: what counts is that multipathd ends.
	if [[ $2 == shutdown ]]; then multipathd shutdown > /dev/null || true; else kill "-$2" "$MULTIPATHD_PID"; fi
	assert_wait 60 "multipathd ends" not process_runs "$MULTIPATHD_PID"
	since "$begin"; HUNG_MAIN_MS=$SINCE_MS
	assert_wait 60 "nothing of it is left" gone
	since "$begin"; HUNG_STOP_MS=$SINCE_MS
	wait "$MULTIPATHD_PID" || status=$?
	assert_eq "its exit status" 0 "$status"
	wait "$thaw"
	assert_eq "connections of the frozen controller" "$ports" "$(session_port 3) $(session_port 4)"
	assert "load has not stood still" loads_flow 1 2 3
	say "checker $1, $2: ended after $HUNG_MAIN_MS ms, nothing left after $HUNG_STOP_MS ms"
	multipathd_start "$LAB_VAR/multipath.conf"
	whole "$1"
	multipathd_stop
}

# ll_run CHECKER: many at once; LL_MS for all, LL_OK that ended with status 0 and told what the first of all told.
ll_run() {
	local begin i dir=$LAB_VAR/ll.$1
	title "$ll times multipath -ll with checker $1, $parallel at a time"
	reconfigure "$1" iscsi
	assert_wait 60 "in force" in_force "$1"
	whole "$1"
	mkdir "$dir"
	now; begin=$NOW_MS
	# shellcheck disable=SC2016 # for the inner shell
	seq "$ll" | xargs -P "$parallel" -I '{}' \
		sh -c 'timeout 300 multipath -ll > "$1/out.$2" 2> "$1/err.$2"; echo $? > "$1/status.$2"' sh "$dir" '{}'
	since "$begin"; LL_MS=$SINCE_MS LL_OK=0
	[[ -e $LAB_OUT/ll.txt ]] || cp "$dir/out.1" "$LAB_OUT/ll.txt"
	for ((i = 1; i <= ll; i++)); do
		if [[ $(< "$dir/status.$i") == 0 ]] && cmp -s "$dir/out.$i" "$LAB_OUT/ll.txt"; then
			LL_OK=$((LL_OK + 1))
		else
			cp "$dir/out.$i" "$dir/err.$i" "$LAB_OUT/"
		fi
	done
	say "checker $1: $LL_OK of $ll are good, $LL_MS ms"
	assert_eq "multipath -ll with checker $1 that ended well and told the same" "$ll" "$LL_OK"
}

# The kernel's own NOPs would give a frozen controller up after 10 s, and nothing would hang.
# (Both, or iscsid takes the one that is 0 for a mistake.)
sed -i '/noop_out_interval\|noop_out_timeout/d' /etc/iscsi/iscsid.conf
printf 'node.conn[0].timeo.noop_out_%s = 0\n' interval timeout >> /etc/iscsi/iscsid.conf
target_start tgt 4 luns=$luns controllers=2
login_at_once 4
# Quick paths are no matter here, and a busy host would lose some.
touch /etc/mpathiscsi/off
assert_eq "NOPs of the kernel's own" 0 "$(cat /sys/class/iscsi_connection/connection*/ping_tmo | sort -u)"
daemon_start
conf tur const > "$LAB_VAR/multipath.conf"
multipathd_start "$LAB_VAR/multipath.conf"
born=$(process_born "$MULTIPATHD_PID")
assert "every path has checker tur" checker_everywhere tur
assert_eq "our plugins, before anybody wants them" "0 0" \
	"$(mapped "$MULTIPATHD_PID" libcheckiscsi) $(mapped "$MULTIPATHD_PID" libprioiscsi)"
for ((lun = 1; lun <= luns; lun++)); do
	loads_start "$lun" "$(map_device "$lun")" --threads 2 --rate 10 --blocks 64 --threshold 500 --drain 120
done
zombies=$(zombies_count)

title "$n reconfigurations"
reconfigure iscsi iscsi
assert_wait 60 "in force" in_force iscsi
copies=1
assert_eq "copies of our plugins" "1 1" "$(mapped "$MULTIPATHD_PID" libcheckiscsi) $(mapped "$MULTIPATHD_PID" libprioiscsi)"
now; begin=$NOW_MS
for ((step = 0; step < n; step++)); do
	if ((step == warm)); then
		whole iscsi
		usage_least "$MULTIPATHD_PID"
		rss_before=$USAGE_RSS fds_before=$USAGE_FDS threads_before=$USAGE_THREADS
		say "after $step: RSS $USAGE_RSS KiB, $USAGE_FDS descriptors, $USAGE_THREADS threads"
	fi
	round $step
	if (((step + 1) % 20 == 0)); then
		usage_least "$MULTIPATHD_PID"
		say "after $((step + 1)): RSS $USAGE_RSS KiB, $USAGE_FDS descriptors, $USAGE_THREADS threads"
	fi
done
since "$begin"
say "$n reconfigurations in $SINCE_MS ms, checker iscsi taken away $unloads times, brought back $loads times"
# Whatever trouble was the last: its other half.
while ((step % 6)); do trouble $step; step=$((step + 1)); done
reconfigure iscsi iscsi
assert_wait 60 "in force" in_force iscsi
whole iscsi
usage_least "$MULTIPATHD_PID"
rss_after=$USAGE_RSS fds_after=$USAGE_FDS threads_after=$USAGE_THREADS
say "at the end: RSS $USAGE_RSS KiB, $USAGE_FDS descriptors, $USAGE_THREADS threads"
assert "multipathd is the same" same_process "$MULTIPATHD_PID" "$born"
assert_eq "zombies" "$zombies" "$(zombies_count)"

ll_run tur
tur_ll_ms=$LL_MS tur_ll_ok=$LL_OK
ll_run iscsi

multipathd_stop
daemon_stop # or it would give the silent sessions up
hung_stop tur TERM
tur_main_ms=$HUNG_MAIN_MS tur_stop_ms=$HUNG_STOP_MS
hung_stop iscsi TERM
main_ms=$HUNG_MAIN_MS stop_ms=$HUNG_STOP_MS
hung_stop iscsi shutdown
main_command_ms=$HUNG_MAIN_MS stop_command_ms=$HUNG_STOP_MS

errors=0 corrupt=0 ios=0
for ((lun = 1; lun <= luns; lun++)); do
	loads_use "$lun"
	load_stop
	errors=$((errors + LOAD_ERRORS)) corrupt=$((corrupt + LOAD_CORRUPT)) ios=$((ios + LOAD_IOS))
done
crashes=$(dmesg | grep -cE 'multipathd?\[[0-9]+\]: segfault|traps: multipath' || true)
result checker_life "reconfigures=$n" "loads=$loads" "unloads=$unloads" "rss_kib_before=$rss_before" "rss_kib_after=$rss_after" \
	"fds_before=$fds_before" "fds_after=$fds_after" "threads_before=$threads_before" "threads_after=$threads_after" \
	"ll=$ll" "ll_ok=$LL_OK" "ll_ms=$LL_MS" "ll_tur_ok=$tur_ll_ok" "ll_tur_ms=$tur_ll_ms" \
	"hung_main_ms=$main_ms" "hung_main_command_ms=$main_command_ms" "hung_main_tur_ms=$tur_main_ms" \
	"hung_stop_ms=$stop_ms" "hung_stop_command_ms=$stop_command_ms" "hung_stop_tur_ms=$tur_stop_ms" \
	"crashes=$crashes" "ios=$ios" "io_errors=$errors" "corrupt=$corrupt"
assert_eq "I/O errors, corrupt blocks" "0 0" "$errors $corrupt"
assert_eq "crashes" 0 "$crashes"
assert_le "descriptors" "$fds_after" "$fds_before"
assert_le "threads" "$threads_after" "$threads_before"
assert_le "RSS (KiB)" "$rss_after" $((rss_before + rss_before / 20))
for ms in "$stop_ms" "$stop_command_ms"; do
	assert_le "multipathd ends while TEST UNIT READYs hang (ms)" "$ms" $((tur_stop_ms + 2000))
done
