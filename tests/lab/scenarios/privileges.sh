# The daemon, its helper and its probe in their sandboxes, under Debian's systemd: all they have to do still works, with CHAP,
# nothing is refused that they need, and the CHAP secret is nowhere to be read. At the end: what happens when nobody may ptrace.
# lab: init=systemd timeout=600
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/armed.sh
SECRET=Kq7secretXv93tumble

probe_pid() { pgrep -x mpathiscsi-prob; }
# proc_status PID KEY: a value of /proc/PID/status.
proc_status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
# armed_said: how `mpathiscsi status` says the sessions are armed, each wording once.
armed_said() { status_value "' '.join(sorted({p['armed'] for l in s['luns'] for p in l['paths']}))"; }
probes_up() { [[ $(status_value "' '.join(sorted({p['probe']['state'] for l in s['luns'] for p in l['paths']}))") == up ]]; }

# chap_demand: the target takes nobody without the secret; the initiator has it.
chap_demand() {
	local tpg
	for tpg in "$LIO/iscsi/$TARGET_IQN"/tpgt_*; do
		echo 1 > "$tpg/attrib/authentication"
		# Without a newline: the kernel takes what is written as it is.
		printf alice > "$tpg/auth/userid"
		printf %s "$SECRET" > "$tpg/auth/password"
	done
	printf 'node.session.auth.%s\n' 'authmethod = CHAP' 'username = alice' "password = $SECRET" >> /etc/iscsi/iscsid.conf
}

# exposure UNIT: what systemd-analyze says of it.
exposure() {
	systemd-analyze security --no-pager "$1" > "$LAB_OUT/security.$1.txt"
	sed -n 's/^.*Overall exposure level.*: \([0-9.]*\) .*/\1/p' "$LAB_OUT/security.$1.txt"
}

# refused_lines: what a sandbox that is too small would leave in the journals.
refused_lines() {
	journalctl -q --no-pager -u mpathiscsid -u mpathiscsi-disarm | grep -E 'EPERM|EACCES|ot permitted|ermission denied|SIGSYS|signal 31' || true
	dmesg | grep -E 'type=1326|seccomp' || true
}

title "LIO with CHAP, two portals on two controllers"
LIO_SPLIT=1
target_start lio 2 luns=2 controllers=2
chap_demand
login 2
assert_eq "the kernel's session has the secret" "$SECRET" "$(cat "/sys/class/iscsi_session/$(portal_session 1)/password")"
multipathd_start - < <(multipath_conf "polling_interval 2" "max_polling_interval 5" "no_path_retry queue" \
	"path_grouping_policy multibus" 'path_selector "round-robin 0"')
# The timer of the helper is to be seen at work, not the watchdog.
daemon_watchdog off
daemon_start
assert "systemd-analyze verify" systemd-analyze verify --man=no mpathiscsid.service mpathiscsi-disarm.service
exposed=$(exposure mpathiscsid.service)
exposed_disarm=$(exposure mpathiscsi-disarm.service)
say "exposure: mpathiscsid $exposed, mpathiscsi-disarm $exposed_disarm"
assert_le "exposure of mpathiscsid" "$exposed" 4.0
assert_le "exposure of mpathiscsi-disarm" "$exposed_disarm" 4.0

assert_wait 40 "the probes are up, by CHAP" probes_up

title "what the processes have"
assert_wait 30 "the probe runs" probe_pid
daemon=$(daemon_pid) probe=$(probe_pid)
for key in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do
	note "$key: daemon $(proc_status "$daemon" $key), probe $(proc_status "$probe" $key)"
done
# KILL 5, SETGID 6, SETUID 7, NET_ADMIN 12, SYS_PTRACE 19, SYS_ADMIN 21
for key in CapPrm CapEff CapBnd; do
	assert_eq "the daemon's $key" 00000000002810e0 "$(proc_status "$daemon" $key)"
done
for key in CapInh CapPrm CapEff CapAmb; do
	assert_eq "the probe's $key" 0000000000000000 "$(proc_status "$probe" $key)"
done
assert_eq "no new privileges" "1 1" "$(proc_status "$daemon" NoNewPrivs) $(proc_status "$probe" NoNewPrivs)"
assert_eq "filters of system calls" "2 2" "$(proc_status "$daemon" Seccomp) $(proc_status "$probe" Seccomp)"
assert_eq "the probe's user" "$(id -u _mpathiscsi)" "$(proc_status "$probe" Uid | xargs -n1 | sort -u)"
assert_eq "the board" "640 root" "$(stat -c '%a %U' /run/mpathiscsi/board)"
assert_eq "its folder" "755 root" "$(stat -c '%a %U' /run/mpathiscsi)"

title "quick, armed, a policy, settings"
ours_enable
wait_for 90 quick_are 4 || fail "not every path is quick: $(quick_why)"
assert_wait 30 "both sessions are armed" armed
say "quick: $(quick_count) paths; armed: $(armed_said)"
policy_set 1 weighted-path -w portal=10.0.2.2:1 -w portal=10.0.1.2:2
assert_wait 30 "groups by weight" groups_are "2 1"
quick_conf tune_routes=yes
tuned() { [[ $(ip route show proto 213 | grep -c rto_min) == 2 ]]; }
assert_wait 20 "routes to the portals" tuned
quick_conf tune_routes=no
untuned() { [[ -z $(ip route show proto 213) ]]; }
assert_wait 20 "no route of ours" untuned
wait_for 90 quick_are 4 || fail "not every path is quick: $(quick_why)"

title "the helper, in its own sandbox: the daemon stands still"
kill -STOP "$daemon"
assert_wait 30 "stock retries" stock
assert_eq "the sockets are not armed" "0 0" "$(user_timeout 1) $(user_timeout 2)"
kill -CONT "$daemon"
assert_wait 90 "armed again" armed

title "the portal goes silent"
measure_cut cut 2
stall_armed=$MEASURED_STALL_MS
assert_eq "I/O errors" 0 "$MEASURED_ERRORS"
assert_eq "corrupt blocks" 0 "$MEASURED_CORRUPT"
wait_for 90 quick_are 4 || fail "not every path is quick: $(quick_why)"

title "a LUN hangs: fail_path, SOCK_DESTROY"
loads_start 1 "/dev/mapper/$(map_name 1)" --threads 4 --rate 5 --blocks 64 --threshold 300 --drain 120
assert_wait 60 "load flows" loads_flow 1
lio_lun_hang 1 2
released() { [[ $(status_value "s['quick']['hang_releases']") -ge 1 ]]; }
assert_wait 60 "the session is given up" released
assert_wait 60 "I/O flows" loads_flow 1
lio_lun_forget 1 2
assert_wait 150 "all sessions and paths are up again" all_up
loads_use 1
load_stop
assert_eq "I/O errors" 0 "$LOAD_ERRORS"
assert_eq "corrupt blocks" 0 "$LOAD_CORRUPT"
wait_for 90 quick_are 4 || fail "not every path is quick: $(quick_why)"

title "a file system on a disk without a map, where the sandbox has nothing mounted"
# One path only: multipathd makes no map of it.
truncate -s 64M "$(target_backing 3)"
loop=$(losetup -f --show "$(target_backing 3)")
lio_store_start 3 "$(lio_store 3 1)" "$loop"
lio_alua_group 1 3
lio_lun_export 1 3
iscsiadm -m session -r "$(portal_session 1 | tr -dc 0-9)" --rescan >> "$(log iscsiadm)" 2>&1
alone_is_there() { alone=$(portal_disk 1 3) && [[ -b /dev/$alone ]]; }
assert_wait 30 "its disk" alone_is_there
mkfs.ext4 -q "/dev/$alone"
mkdir -p /home/data
mount "/dev/$alone" /home/data
why_alone() { status_value "' '.join(sorted({p.get('quick_reason') or 'quick' for l in s['luns'] for p in l['paths'] if p['portal'].startswith('$(portal_address 1)')}))"; }
used_alone() { [[ $(why_alone) == *"a disk of the session is used without multipath"* ]]; }
assert_wait 30 "its session is not quick" used_alone
systemctl restart mpathiscsid
assert_wait 20 "daemon answers" daemon_ready
assert_wait 60 "nor with a daemon that was started after the mount" used_alone
assert_eq "stock retries" 5 "$(retries_of 1)"
umount /home/data
not_any_more() { [[ $(why_alone) == *"a disk in no map has done I/O"* ]]; }
assert_wait 60 "unmounted: its I/O is not forgotten yet" not_any_more
echo 1 > "/sys/block/$alone/device/delete"
wait_for 90 quick_are 4 || fail "not every path is quick: $(quick_why)"
daemon=$(daemon_pid) probe=$(probe_pid)

title "a watcher: looks, changes nothing; anybody else: neither"
groupadd watchers
useradd -M -G watchers wanda
useradd -M oscar
as() { runuser -u "$1" -- "${@:2}" > "$LAB_VAR/as.out" 2>&1; }
assert "no group yet: wanda may not look" not as wanda mpathiscsi status
printf '[control]\ngroup = watchers\n' > "$QUICK_CONF"
assert "reload" mpathiscsi reload
assert_eq "socket and board" "660 root watchers 640 root watchers" \
	"$(stat -c '%a %U %G' /run/mpathiscsi/control /run/mpathiscsi/board | xargs)"
assert "wanda looks" as wanda mpathiscsi status
assert "wanda reads the board" as wanda head -c 1 /run/mpathiscsi/board
assert "wanda does not write it" not as wanda bash -c 'echo >> /run/mpathiscsi/board'
assert "wanda changes nothing" not as wanda mpathiscsi reload
assert_match "and is told why" "NOT_PERMITTED|not permitted" "$(cat "$LAB_VAR/as.out")"
assert "oscar does not look" not as oscar mpathiscsi status
assert "oscar does not read the board" not as oscar head -c 1 /run/mpathiscsi/board
rm "$QUICK_CONF"
assert "reload" mpathiscsi reload
assert "wanda may not look any more" not as wanda mpathiscsi status

title "nothing that is needed is refused"
assert_eq "refusals" "" "$(refused_lines)"
journalctl -q --no-pager -o short-monotonic -u mpathiscsid > "$LAB_OUT/journal.txt"
# Why the probe is another one, if it is.
probe_ends=$(grep -F "the process that probes has ended" "$LAB_OUT/journal.txt" || true)
say "ends of the probe: ${probe_ends:-none}"
assert_eq "the same daemon" "$daemon" "$(daemon_pid)"
assert_eq "the same probe; the daemon says: $probe_ends" "$probe" "$(probe_pid)"

title "the CHAP secret"
{
	mpathiscsi status
	mpathiscsi status --json
	mpathiscsi status --timing
	mpathiscsi explain "$(map_name 1)"
	mpathiscsi explain --json "$(map_name 1)"
	mpathiscsi policy show
	journalctl -q --no-pager -u mpathiscsid -u mpathiscsi-disarm
	cat /proc/"$daemon"/{cmdline,environ,comm} /proc/"$probe"/{cmdline,environ,comm}
	cat /run/mpathiscsi/* /etc/mpathiscsi/* /etc/multipath/conf.d/* 2> /dev/null || true
	cat "$LAB_OUT"/*.log
} > "$LAB_VAR/said" 2>&1
assert_ge "bytes looked through" "$(stat -c %s "$LAB_VAR/said")" 5000
assert_eq "places where it stands" 0 "$(grep -ac "$SECRET" "$LAB_VAR/said" || true)"
# Whoever wants dumps would have to change this, too.
echo "$LAB_VAR/core.%e.%p" > /proc/sys/kernel/core_pattern
kill -ABRT "$probe"
replaced() { [[ -n $(probe_pid) && $(probe_pid) != "$probe" ]]; }
assert_wait 30 "a new probe" replaced
kill -SEGV "$daemon"
assert_wait 30 "a new daemon answers" daemon_replaced "$daemon"
assert_eq "core dumps" "" "$(find "$LAB_VAR" -name 'core.*')"
assert_wait 90 "armed again" armed

title "ptrace forbidden to everybody"
systemctl stop mpathiscsid
assert "stock retries" stock
assert_eq "the sockets are not armed" "0 0" "$(user_timeout 1) $(user_timeout 2)"
echo 3 > /proc/sys/kernel/yama/ptrace_scope
systemctl start mpathiscsid
assert_wait 20 "daemon answers" daemon_ready
wait_for 90 quick_are 4 || fail "not every path is quick: $(quick_why)"
assert_match "status says why" "not permitted .ptrace_scope" "$(armed_said)"
measure_cut cut-unarmed 2
assert_eq "I/O errors" 0 "$MEASURED_ERRORS"
assert_eq "corrupt blocks" 0 "$MEASURED_CORRUPT"
assert_le "longest stall (ms), by the daemon's own release" "$MEASURED_STALL_MS" 6000
assert_ge "sessions released" "$(quick_totals releases)" 1
result privileges "exposure=$exposed" "exposure_disarm=$exposed_disarm" capabilities=6 refused=0 secret_found=0 core_dumps=0 \
	"stall_armed_ms=$stall_armed" "stall_ptrace_forbidden_ms=$MEASURED_STALL_MS"
