# For ../reboot, which boots it twice on one disk. first: policies are set on a host whose sessions come up at boot; it goes down.
# second: they are in force before the first I/O of a unit that waits for its disk as a file system of the network does.
# target: the array, which that second boot finds running.
# lab: init=systemd timeout=240
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

UNITS=/etc/systemd/system
MAPS="one two"

units_make() {
	local map
	# A busy host boots an emulated guest slowly; 90 s are what systemd would wait.
	for map in $MAPS; do
		mkdir -p "$UNITS/dev-mapper-$map.device.d"
		printf '[Unit]\nJobRunningTimeoutSec=280s\n' > "$UNITS/dev-mapper-$map.device.d/lab.conf"
	done
	cat > $UNITS/lab-target.service <<-U
		[Unit]
		Description=Lab: the array
		DefaultDependencies=no
		After=systemd-udevd.service
		Before=network-online.target iscsid.service open-iscsi.service

		[Service]
		Type=oneshot
		RemainAfterExit=yes
		Environment=PATH=$PATH LAB_INIT=systemd
		ExecStart=/bin/bash /lab/scenarios/reboot-guest.sh target

		[Install]
		WantedBy=sysinit.target
	U
	cat > $UNITS/lab-watch.service <<-U
		[Unit]
		Description=Lab: what device-mapper says of the maps from the beginning on
		DefaultDependencies=no
		Before=multipathd.service

		[Service]
		ExecStartPre=/sbin/modprobe dm_mod
		ExecStartPre=/bin/mkdir -p $LAB_VAR
		ExecStart=/lab/tools/pathwatch --state $LAB_VAR/watch.state --log $LAB_VAR/watch.log $MAPS

		[Install]
		WantedBy=sysinit.target
	U
	# Which disks there are is not known before they are there: the counters of all.
	cat > $UNITS/lab-io@.service <<-U
		[Unit]
		Description=Lab: the first I/O of a map
		DefaultDependencies=no
		Requires=dev-mapper-%i.device
		After=dev-mapper-%i.device remote-fs-pre.target
		Before=remote-fs.target

		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh -c 'cat /proc/uptime > $LAB_VAR/io.%i.at; exec /lab/tools/pathcount --device /dev/mapper/%i --count 300 --depth 4 sda sdb sdc sdd > $LAB_VAR/io.%i'

		[Install]
		WantedBy=remote-fs.target
	U
}

conf() {
	local lun=0 map
	printf 'defaults {\n\tfind_multipaths yes\n}\nmultipaths {\n'
	for map in $MAPS; do
		lun=$((lun + 1))
		printf '\tmultipath {\n\t\twwid %s\n\t\talias %s\n\t}\n' "$(lun_wwid $lun)" "$map"
	done
	printf '}\n'
}

first() {
	target_start tgt 2 luns=2
	login 2
	iscsiadm -m node -o update -n node.startup -v automatic >> "$(log iscsiadm)" 2>&1
	daemon_start
	conf > "$LAB_VAR/multipath.conf"
	multipathd_start "$LAB_VAR/multipath.conf"
	ours_enable
	# The other order than without a policy, and another selector.
	policy_set 1 failover-only --active portal=10.0.2.2
	policy_set 2 round-robin
	assert_wait 20 "LUN 1" groups_are "2 1" 1
	assert_wait 20 "LUN 2" groups_are "1,2" 2
	units_make
	systemctl --quiet enable mpathiscsid multipathd iscsid open-iscsi lab-target lab-watch lab-io@one lab-io@two
	# tgtd takes no SIGTERM while it has sessions: at the end the array is killed soon.
	mkdir -p /etc/systemd/system.conf.d
	printf '[Manager]\nDefaultTimeoutStopSec=15s\n' > /etc/systemd/system.conf.d/lab.conf
	systemctl daemon-reexec
	say "set up"
	echo "the host goes down"
	sync
	systemctl reboot
	pause 90
	fail "it did not go down"
}

target() {
	target_start tgt 2 luns=2
	trap - EXIT
	exit 0
}

# share MAP: the writes of the first I/O on each portal's disk of that map, "PORTAL:WRITES …", and its errors.
share() {
	local lun=$1 map=$2 n i text=''
	local -a word
	read -r -a word < "$LAB_VAR/io.$map"
	for n in 1 2; do
		for ((i = 10; i < ${#word[@]}; i += 2)); do
			[[ ${word[i]} != "$(portal_disk $n "$lun")" || ${word[i + 1]} == 0 ]] || text+="$n:${word[i + 1]} "
		done
	done
	echo "${text}errors:$((word[3] + word[5]))"
}
active_since() { systemctl show -P ActiveEnterTimestampMonotonic "$1"; }
io_done() { [[ $(systemctl is-active lab-io@one lab-io@two | sort -u) == active ]]; }

# tables MAP: the path groups the map had, each once, from the first look on: "AT GROUPS" with portals for disks.
tables() {
	local lun=$1 map=$2 known='' n
	for n in 1 2; do
		known+="$(< "/sys/block/$(portal_disk $n "$lun")/dev") $n "
	done
	awk -v map="$map" -v known="$known" 'BEGIN { count = split(known, w, " "); for (i = 1; i <= count; i += 2) portal[w[i]] = w[i + 1] }
		$2 == map && $3 != "absent" {
			text = ""
			for (i = 4; i <= NF; i++) {
				paths = split(substr($i, 3), path, ","); group = ""
				for (p = 1; p <= paths; p++) { split(path[p], part, "="); group = group (p > 1 ? "," : "") portal[part[1]] }
				text = text (text == "" ? "" : " ") group
			}
			if (text != last) print $1, text
			last = text
		}' "$LAB_VAR/watch.log"
}

# evened SHARES: two shares that differ by no more than a twentieth are alike (round-robin under several writers).
evened() {
	if [[ $1 =~ ^1:([0-9]+)\ 2:([0-9]+)\ (.*)$ ]] && ((BASH_REMATCH[1] - BASH_REMATCH[2] <= 15 && BASH_REMATCH[2] - BASH_REMATCH[1] <= 15)); then
		echo "1:150 2:150 ${BASH_REMATCH[3]}"
	else
		echo "$1"
	fi
}

# first_io_right LUN MAP WANTED FOUND: a map is there as soon as one of its paths is, and multipathd adds the other one when it
# has seen it: I/O that began before that has no choice.
first_io_right() {
	local both at
	at=$(cut -d' ' -f1 "$LAB_VAR/io.$2.at")
	both=$(tables "$1" "$2" | awk 'NF == 3 || $2 ~ /,/ { print $1; exit }')
	if awk -v a="$at" -v b="$both" 'BEGIN { exit !(a >= b) }'; then
		assert_eq "the first I/O of LUN $1, by portal" "$3 errors:0" "$(evened "$4")"
	else
		note "the first I/O of LUN $1 began at $at s, its second path came at $both s"
		assert_match "errors of the first I/O of LUN $1" ' errors:0$' "$4"
	fi
}

second() {
	local shares1 shares2 wrong
	TARGET_KIND=tgt TARGET_LUNS=2 TARGET_CONTROLLERS=1 NET_PORTALS=2
	assert_eq "units whose start was dropped for the sake of an order" "" "$(journalctl -q -b --no-pager -o cat | grep 'break ordering cycle' || true)"
	assert_wait 90 "the first I/O is done" io_done
	assert_wait 60 "all sessions and paths are up" all_up
	cp "$LAB_VAR"/watch.log "$LAB_VAR"/io.* "$LAB_OUT"
	systemd-analyze --no-pager critical-chain remote-fs.target > "$LAB_OUT/critical-chain" 2>&1 || true
	assert_eq "units that failed" "" "$(systemctl --failed --plain --no-legend)"
	assert "every path has checker iscsi" checker_everywhere iscsi
	say "mpathiscsid ready $(($(active_since mpathiscsid) / 1000)) ms after the kernel, multipathd $(($(active_since multipathd) / 1000)) ms," \
		"sessions $(($(active_since open-iscsi) / 1000)) ms; first I/O $(cut -d' ' -f1 "$LAB_VAR/io.one.at") and" \
		"$(cut -d' ' -f1 "$LAB_VAR/io.two.at") s"
	assert "the daemon was ready before multipathd" test "$(active_since mpathiscsid)" -le "$(active_since multipathd)"
	assert "multipathd was ready before the sessions" test "$(active_since multipathd)" -le "$(active_since open-iscsi)"
	note "tables of LUN 1 (seconds, groups of portals): $(tables 1 one | paste -sd ';')"
	note "tables of LUN 2: $(tables 2 two | paste -sd ';')"
	wrong=$(tables 1 one | awk '$2 == 1 && NF == 3 || $2 ~ /,/ { n++ } END { print n + 0 }')
	shares1=$(share 1 one)
	shares2=$(share 2 two)
	say "first I/O by portal: LUN 1 $shares1; LUN 2 $shares2"
	result reboot "first_io_lun1=${shares1// /,}" "first_io_lun2=${shares2// /,}" "tables_of_another_order=$wrong"
	first_io_right 1 one 2:300 "$shares1"
	first_io_right 2 two "1:150 2:150" "$shares2"
	assert "LUN 1" groups_are "2 1" 1
	assert "LUN 2" groups_are "1,2" 2
	mpathiscsi policy show
	assert_eq "tables with both paths that are not the policy's" 0 "$wrong"
}

"$1"
