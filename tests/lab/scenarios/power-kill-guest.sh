# For ../power-kill, which kills this guest: reports what the policies file on the disk holds, then sets policies without end. Each line
# that it sends ends in "." and has reached the host before the next step is taken.
# lab: init=script timeout=300 mem=1024
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

first=$1 disk=/dev/vdd
STORE=/etc/mpathiscsi/policies.conf
modprobe ext4

# set_number N: a policy for all LUNs there may be; the weight tells one file from the next.
set_number() {
	mpathiscsi policy set --no-wait --default weighted-path -w "portal=10.0.1.2:$1" -w portal=10.0.2.2:never >> "$(log set)" 2>&1
}

if ((first == 1)); then
	cp -a /etc/mpathiscsi "$LAB_VAR/etc"
	mkfs.ext4 -q "$disk"
	mount -t ext4 "$disk" /etc/mpathiscsi
	cp -a "$LAB_VAR/etc/." /etc/mpathiscsi/
	sync -f /etc/mpathiscsi
else
	mount -t ext4 "$disk" /etc/mpathiscsi # the journal is replayed
	# As it was written, but for the number; and of one piece.
	number=$(sed -n 's/^weight *= *portal=10\.0\.1\.2:\([0-9]*\)$/\1/p' "$STORE")
	sed "s/10\.0\.1\.2:$number\$/10.0.1.2:N/" "$STORE" > "$LAB_VAR/found"
	cp "$STORE" "$LAB_VAR/policies.conf"
	mpathiscsi policy check "$STORE" > "$LAB_VAR/check" 2>&1 || { echo "wrong: $(< "$LAB_VAR/check")"; cat "$STORE"; exit 1; }
	cmp -s "$LAB_VAR/found" /etc/mpathiscsi/model || { echo "wrong: neither the old nor the new file"; cat "$STORE"; exit 1; }
	echo "beside it: $(cd /etc/mpathiscsi && echo policies.conf.*)"
	echo "found $number ."
fi
daemon_start
echo "begun $first ."
set_number "$first" || { echo "wrong: $(tail -n 3 "$(log set)")"; exit 1; }
if ((first == 1)); then
	sed 's/10\.0\.1\.2:1$/10.0.1.2:N/' "$STORE" > /etc/mpathiscsi/model
	sync -f /etc/mpathiscsi
fi
echo "done $first ."
for ((i = first + 1;; i++)); do
	echo "begun $i ."
	set_number "$i" || { echo "wrong: set $i: $(tail -n 3 "$(log set)")"; exit 1; }
	echo "done $i ."
done
