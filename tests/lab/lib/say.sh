# Time and text: a monotonic clock without a process per look, the timeline, and how a scenario fails.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

# clock_start: makes now the scenario's time 0. Only clock_shift sets the guest's wall clock, so it runs
# alongside CLOCK_MONOTONIC, whose value the kernel shows in /proc/timer_list.
clock_start() {
	clock_learn
	now
	CLOCK_BEGIN_MS=$NOW_MS
}

clock_learn() {
	local word value='' line
	while read -r line; do
		[[ $line =~ ^now\ at\ ([0-9]+)\ nsecs ]] && value=${BASH_REMATCH[1]} && break
	done < /proc/timer_list
	word=${EPOCHREALTIME/./}
	CLOCK_OFFSET_US=$((word - value / 1000))
}

# clock_shift SECONDS: sets the wall clock forward, or back.
clock_shift() {
	date -s "@$((EPOCHSECONDS + $1))" > /dev/null
	clock_learn
}

# now: sets NOW_MS to CLOCK_MONOTONIC in milliseconds (what ioload records, too).
now() { NOW_MS=$(((${EPOCHREALTIME/./} - CLOCK_OFFSET_US) / 1000)); }

# since MS: sets SINCE_MS to the milliseconds passed since a NOW_MS noted earlier.
since() { now; SINCE_MS=$((NOW_MS - $1)); }

# say TEXT…: a line of the timeline, with the seconds since the scenario began.
say() {
	now
	local t=$((NOW_MS - CLOCK_BEGIN_MS))
	printf '%4d.%03d s  %s\n' $((t / 1000)) $((t % 1000)) "$*"
}

# title TEXT…: a heading in the timeline.
title() { printf '\n== %s ==\n' "$*"; }

# note TEXT…: an indented remark without time.
note() { printf '            %s\n' "$*"; }

# log FILE: prints the path of a log file of the scenario; it is kept in build/results/SCENARIO.d.
log() { echo "$LAB_OUT/$1.log"; }

# context: what a person needs to see when something went wrong; nothing in here can hang for long.
context() {
	set +e
	trap - ERR
	echo '--- context ---'
	echo '* multipathd:'; timeout 5 multipathd show paths format '%d %c %t %o %T %i' 2>&1 | head -n 40
	timeout 5 multipathd show topology 2>&1 | head -n 60
	echo '* dm:'; timeout 5 dmsetup status 2>&1 | head -n 40
	echo '* sessions:'; sessions_show | head -n 40
	local file
	for file in "$LAB_OUT"/*.log; do
		[[ -s $file ]] && echo "* end of ${file##*/}:" && tail -n 15 "$file"
	done
	[[ $LAB_INIT != systemd ]] ||
		timeout 10 journalctl -q -n 40 --no-pager -u multipathd -u mpathiscsid -u iscsid
	echo '* kernel:'; dmesg | tail -n 20
	echo '--- end of context ---'
}

# fail TEXT…: ends the scenario with status 1, telling why, from any function or subshell; it cannot be caught.
fail() {
	trap - ERR
	if [[ ! -e $LAB_VAR/failure ]]; then
		echo "$*" > "$LAB_VAR/failure"
		{
			say "FAILED: $*"
			context
		} >&"$LAB_STDOUT" 2>&1
	fi
	[[ $BASHPID == "$$" ]] || kill -TERM "$$"
	exit 1
}
