# The unit under a real systemd: Type=notify, restart, reload, and an enabled product after a reboot's order.
# lab: init=systemd timeout=240
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh

assert "systemd-analyze verify" systemd-analyze verify --man=no mpathiscsid.service
target_start tgt 2
login 2
daemon_start
assert_eq "the unit is active" active "$(systemctl is-active mpathiscsid)"
assert_eq "the probe's user" _mpathiscsi "$(ps -o user= -p "$(pgrep -x mpathiscsi-prob)" | cut -c1-11)"
multipathd_start
mpathiscsi enable
assert_wait 40 "every path has checker iscsi" checker_everywhere iscsi
policy_set 1 weighted-path -w portal=10.0.2.2:1 -w portal=10.0.1.2:2
assert_wait 20 "groups by weight" groups_are "2 1"

title "killed: systemd starts it again"
old=$(daemon_pid)
kill -KILL "$old"
assert_wait 30 "a new daemon answers" daemon_replaced "$old"
assert "groups as before" groups_are "2 1"

title "a broken policies file is refused whole"
cp /etc/mpathiscsi/policies.conf /run/good.conf
echo 'standby = portal=10.0.1.2' >> /etc/mpathiscsi/policies.conf
assert "reload refuses" not mpathiscsi reload
assert "check refuses" not mpathiscsi policy check /etc/mpathiscsi/policies.conf
assert "groups as before" groups_are "2 1"
cp /run/good.conf /etc/mpathiscsi/policies.conf
assert "reload" mpathiscsi reload
systemctl reload mpathiscsid
assert_wait 10 "daemon answers" daemon_ready

title "multipathd restarts"
systemctl restart multipathd
assert_wait 30 "multipathd answers" multipathd_ready
assert_wait 30 "groups as before" groups_are "2 1"
title "both stop and start"
systemctl stop mpathiscsid
assert "no probe is left" not pgrep -x mpathiscsi-prob
systemctl start mpathiscsid
assert_wait 20 "daemon answers" daemon_ready
systemd-analyze security --no-pager mpathiscsid.service | tail -n 1
result unit ok=true
