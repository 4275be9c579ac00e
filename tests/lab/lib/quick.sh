# What our daemon does to be quick: its settings, and what `mpathiscsi status --json` says of it. Everything the
# scenarios know of that output's form is in this file.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

QUICK_CONF=/etc/mpathiscsi/mpathiscsid.conf

# quick_conf KEY=VALUE…: writes section [timing] of the daemon's configuration; a running daemon takes it over.
quick_conf() {
	{
		echo '[timing]'
		printf '%s\n' "$@" | sed 's/=/ = /'
	} > "$QUICK_CONF"
	! daemon_ready || assert "reload" mpathiscsi reload
}

# quick_present: whether this product can be quick at all.
quick_present() { [[ $(status_value '"quick" in s') == True ]]; }

# quick_count [true|false]: how many paths are (not) quick now.
quick_count() {
	local wanted=${1:-true}
	status_value "sum(p['quick'] is ${wanted^} for l in s['luns'] for p in l['paths'])"
}
quick_are() { [[ $(quick_count true) == "$1" ]]; }

# quick_why: a line per path: LUN PORTAL DEVICE quick|REASON.
quick_why() {
	status_value "'\n'.join(' '.join([l['alias'] or l['wwid'], p['portal'], p['device'], 'quick' if p['quick'] else p['quick_reason']]) for l in s['luns'] for p in l['paths'])"
}

# quick_totals NAME…: counters of the daemon, in one line: releases (sessions given up on a verdict), lost (armed connections
# that the kernel ended), dropped, false_alarms, held (paths held out now), reinstated.
quick_totals() {
	local names
	names=$(printf "'%s'," "$@")
	status_value "' '.join(str(s['quick'][n]) for n in ($names))"
}
