# The policies file through power cuts: while 50 `policy set` run, the disk it lives on is copied as it is at random
# moments, with nothing that the kernel had not yet written to it. Each copy is mounted and must hold a whole file: the one
# of the last `set` that had returned, or of one that was running.
# lab: init=script timeout=240
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

SETS=50 CUTS=12
# A disk of our own: what reaches the file below is what the disk has.
modprobe -a loop ext4
truncate -s 12M "$LAB_VAR/disk.img"
loop=$(losetup -f --show "$LAB_VAR/disk.img")
dmsetup create cut --table "0 $(blockdev --getsz "$loop") linear $loop 0"
mkfs.ext4 -q /dev/mapper/cut
cp -a /etc/mpathiscsi "$LAB_VAR/etc"
mount /dev/mapper/cut /etc/mpathiscsi
cp -a "$LAB_VAR/etc/." /etc/mpathiscsi/
sync -f /etc/mpathiscsi

target_start tgt 2
login 2
daemon_start
multipathd_start
lun=$(map_name 1)

# set_number N: the weight of portal 1 tells one file from the next.
set_number() {
	mpathiscsi policy set --no-wait "$lun" weighted-path -w "portal=10.0.1.2:$1" -w portal=10.0.2.2:1000 >> "$(log set)" 2>&1
}
# file_number FILE: which of them it is.
file_number() { sed -n 's/.*portal=10\.0\.1\.2:\([0-9]*\)$/\1/p' "$1"; }

set_number 100 || fail "policy set: $(tail -n 3 "$(log set)")"
assert_eq "the file holds what was set" 100 "$(file_number /etc/mpathiscsi/policies.conf)"
echo 100 > "$LAB_VAR/begun"
echo 100 > "$LAB_VAR/done"
many_sets() {
	local i
	for ((i = 101; i <= 100 + SETS; i++)); do
		echo "$i" >> "$LAB_VAR/begun"
		set_number "$i" || { echo "set $i" >> "$LAB_VAR/set.failed"; return; }
		echo "$i" >> "$LAB_VAR/done"
	done
}
last() { tail -n 1 "$LAB_VAR/$1"; }
now; begin=$NOW_MS
many_sets &
sets=$!

title "$CUTS cuts while $SETS policies are set"
declare -a done_before=() begun_after=()
cut_due() { (($(last 'done') >= 100 + SETS * ($1 - 1) / CUTS)); }
for ((cut = 1; cut <= CUTS; cut++)); do
	assert_wait 60 "time for cut $cut" cut_due "$cut"
	pause "0.$(printf '%03d' $((RANDOM % 300)))" # a moment of its own in the work of a set
	done_before[cut]=$(last 'done')
	dmsetup suspend --nolockfs cut # no file system sync: as it stands
	cp --sparse=always "$LAB_VAR/disk.img" "$LAB_VAR/cut$cut.img"
	begun_after[cut]=$(last begun)
	dmsetup resume cut
done
wait "$sets"
since "$begin"
[[ ! -e $LAB_VAR/set.failed ]] || fail "a policy set failed: $(< "$LAB_VAR/set.failed")"
say "$SETS sets took $SINCE_MS ms"

title "after each cut"
mkdir -p /run/after
good=0 old=0 new=0 during=0
for ((cut = 1; cut <= CUTS; cut++)); do
	copy=$(losetup -f --show "$LAB_VAR/cut$cut.img")
	mount -t ext4 "$copy" /run/after # the journal is replayed
	file=/run/after/policies.conf
	assert "cut $cut: there is a file" test -s "$file"
	assert "cut $cut: policy check" mpathiscsi policy check "$file" > "$LAB_VAR/check"
	number=$(file_number "$file")
	assert_match "cut $cut: one whole policy" '^[0-9]+$' "$number"
	note "cut $cut: policy $number; ${done_before[cut]} had returned, ${begun_after[cut]} had begun; beside it: $(cd /run/after && echo policies.conf.*)"
	assert_ge "cut $cut: what had returned is kept" "$number" "${done_before[cut]}"
	assert_le "cut $cut: nothing from the future" "$number" "${begun_after[cut]}"
	# Only the number may differ from the file as it is now.
	sed "s/\(portal=10\.0\.1\.2\):[0-9]*$/\1:N/" "$file" > "$LAB_VAR/was"
	sed "s/\(portal=10\.0\.1\.2\):[0-9]*$/\1:N/" /etc/mpathiscsi/policies.conf | cmp -s - "$LAB_VAR/was" ||
		fail "cut $cut: the file is neither the old nor the new one: $(cat "$file")"
	((done_before[cut] == begun_after[cut])) || during=$((during + 1))
	if ((number == done_before[cut])); then old=$((old + 1)); else new=$((new + 1)); fi
	good=$((good + 1))
	umount /run/after
	losetup -d "$copy"
done
result power_cut "sets=$SETS" "cuts=$CUTS" "during_a_set=$during" "good=$good" "old=$old" "new=$new"
assert_ge "cuts that met a set at work" "$during" $((CUTS / 2))
