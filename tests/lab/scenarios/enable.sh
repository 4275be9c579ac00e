# Turning it on touches our LUNs only, and turning it off leaves no trace.
# lab: init=script timeout=240
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

FRAGMENT=/etc/multipath/conf.d/mpathiscsi.conf
# A disk that is not on iSCSI: an ALUA disk of scsi_debug with two paths.
modprobe scsi_debug dev_size_mb=16 vpd_use_hostno=0 num_tgts=1 add_host=2 max_luns=1
udevadm settle

target_start tgt 2
login 2
daemon_start
multipathd_start - < <(multipath_conf "user_friendly_names yes")
other_wwid() {
	local dir
	for dir in /sys/block/sd*; do
		[[ $(< "$dir/device/model") == scsi_debug* ]] || continue
		sed -n 's/^E:ID_SERIAL=//p' "/run/udev/data/b$(< "$dir/dev")"
		return
	done
	return 1
}
other_map() { multipathd show maps format '%w %n' | grep -q "^$(other_wwid)"; }
assert_wait 30 "the other disk has a map" other_map
# multipath-tools 0.11 first sees the disk before its ALUA handler is attached.
multipathd_idle() { [[ $(multipathd show daemon) == *idle* ]]; }
multipathd reconfigure > /dev/null
assert_wait 30 "multipathd is idle" multipathd_idle
assert_wait 30 "every LUN has a map with all paths" maps_complete
# What multipath makes of the other disk, and all configuration that is not our arrays'.
other_topology() { multipath -ll "$(other_wwid)" | sed 's/ status=[a-z]*//'; multipathd show paths format '%d %w %c %p %t %T' | grep "$(other_wwid)"; }
config_without_ours() {
	multipath -t | python3 -c '
import re, sys
text = sys.stdin.read()
# drop device and multipath stanzas that name our array or our LUN
text = re.sub(r"\t(device|multipath) \{\n(?:(?!\t\}\n).*\n)*?(?:.*(\"\^?LAB|'"$(lun_wwid 1)"').*\n)(?:(?!\t\}\n).*\n)*?\t\}\n", "", text)
# a section that exists only because of ours is printed as an empty one before
text = re.sub(r"multipaths \{\n\}\n", "", text)
print(re.sub(r"\n+", "\n", text))'
}
# Which group has seen I/O last (active, enabled) is no setting: left out.
stock_all() { multipath -t; multipath -ll | sed 's/ status=[a-z]*//'; multipathd show paths format '%d %w %c %p'; }
before_topology=$(other_topology) before_config=$(config_without_ours) before_all=$(stock_all)

title "a dry run changes nothing"
mpathiscsi enable --dry-run
assert "dry run wrote nothing" test ! -e $FRAGMENT
assert_eq "everything after the dry run" "$before_all" "$(stock_all)"

title "enabled"
mpathiscsi enable
assert "the fragment exists" test -f $FRAGMENT
cat $FRAGMENT
ours_checked() { [[ $(multipathd show paths format '%w %c' | awk -v w="$(lun_wwid 1)" '$1 == w { print $2 }' | sort -u) == iscsi ]]; }
assert_wait 40 "the LUN's paths have checker iscsi" ours_checked
assert_eq "the other disk's topology" "$before_topology" "$(other_topology)"
assert_eq "the configuration of everything else" "$before_config" "$(config_without_ours)"
assert "no overrides or defaults of ours" not grep -Eq '^(overrides|defaults)' $FRAGMENT

title "enabled again: nothing to do"
sum=$(md5sum $FRAGMENT)
mpathiscsi enable
assert_eq "the fragment" "$sum" "$(md5sum $FRAGMENT)"

title "disabled"
mpathiscsi disable
assert "the fragment is gone" test ! -e $FRAGMENT
stock_again() { [[ $(stock_all) == "$before_all" ]]; }
assert_wait 40 "everything is as before" stock_again

title "a file of somebody else is not ours to remove"
echo '# mine' > $FRAGMENT
assert "disable refuses" not mpathiscsi disable
assert "the file is still there" test -f $FRAGMENT
result enable ok=true
