# Our daemon and command in the guest. The product tree was unpacked over / before the scenario began.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# product_present: whether a product tree came along.
product_present() { command -v mpathiscsid > /dev/null; }

# product_require: fails the scenario without it.
product_require() { product_present || fail "no product in the guest: make lab-product first"; }

# daemon_start [ARGS…]: starts mpathiscsid (ARGS only with init=script) and waits until it answers.
daemon_start() {
	product_require
	if [[ $LAB_INIT == systemd ]]; then
		systemd-sysusers
		systemctl start mpathiscsid
	else
		[[ ! -f /usr/lib/sysusers.d/mpathiscsi.conf ]] || systemd-sysusers mpathiscsi.conf
		mpathiscsid "$@" >> "$(log mpathiscsid)" 2>&1 &
		DAEMON_PID=$!
	fi
	assert_wait 15 "mpathiscsid answers" daemon_ready
	say "mpathiscsid up"
}

daemon_ready() { timeout 5 mpathiscsi status > /dev/null 2>&1; }

# daemon_pid: the process id of mpathiscsid.
daemon_pid() {
	if [[ $LAB_INIT == systemd ]]; then
		systemctl show -P MainPID mpathiscsid
	else
		echo "$DAEMON_PID"
	fi
}

# daemon_replaced PID: whether another mpathiscsid than that answers (systemd has started it).
daemon_replaced() {
	local pid
	pid=$(daemon_pid)
	[[ $pid != "$1" && $pid != 0 ]] && daemon_ready
}

# daemon_watchdog off|on (init=systemd): whether systemd's watchdog ends a daemon that stands still, from its next start on.
daemon_watchdog() {
	local dir=/run/systemd/system/mpathiscsid.service.d
	rm -rf "$dir"
	if [[ $1 == off ]]; then
		mkdir -p "$dir"
		printf '[Service]\nWatchdogSec=0\n' > "$dir/lab.conf"
	fi
	systemctl daemon-reload
}

# daemon_stop [SIGNAL]: ends mpathiscsid: TERM (default) the proper way, KILL at once.
daemon_stop() {
	local pid
	pid=$(daemon_pid)
	if [[ $LAB_INIT == systemd && ${1:-TERM} == TERM ]]; then
		systemctl stop mpathiscsid
		return
	fi
	kill "-${1:-TERM}" "$pid"
	assert_wait 15 "mpathiscsid ends" not process_runs "$pid"
	wait "$pid" 2> /dev/null || true
}

# process_runs PID: whether the process is there and no zombie.
process_runs() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2> /dev/null) || return 1
	[[ -n $state && $state != Z* ]]
}
