# Trouble that is no outage must not cost a session or a path: loss, delay, saturation, stopped and starved processes.
# Arguments: s=SECONDS of each case, profiles="safe default fast off" (off: neither arming nor releasing), cases="…".
# Without: a short run with profile default.
# lab: init=script timeout=14400
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null
. /lab/lib/lab.sh
. /lab/lib/failover.sh
. /lab/lib/falsealarm.sh

s=8 profiles=default cases=$FALSEALARM_CASES
for word in "$@"; do
	[[ $word =~ ^(s|profiles|cases)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done

failover_target silent
# Small receive buffers: a target that does not keep up closes its window soon.
in_target sysctl -qw net.ipv4.tcp_rmem="4096 65536 131072"
wrong=''
for profile in $profiles; do
	FO_SETTING=$profile
	failover_up "$profile"
	watch_start "$LAB_OUT/$profile.paths.log" "${FO_MAP[1]}" "${FO_MAP[2]}"
	for case in $cases; do
		say "$profile: $case"
		falsealarm_case "$case" "$profile" "$s"
		((FA_ERRORS == 0 && FA_CORRUPT == 0)) || wrong+="$profile, $case: $FA_ERRORS I/O errors, $FA_CORRUPT corrupt; "
		# The fast one may err once, after which it is more patient.
		allowed=0
		[[ $profile != fast ]] || allowed=1
		[[ $profile == off || $profile == stock ]] || ((FA_DROPPED <= allowed && FA_FAILED <= allowed * 2 && FA_RELEASED <= allowed)) ||
			wrong+="$profile, $case: $FA_DROPPED sessions dropped, $FA_FAILED paths failed, $FA_RELEASED sessions released; "
	done
	watch_stop
	failover_down "$profile"
done
[[ -z $wrong ]] || fail "$wrong"
