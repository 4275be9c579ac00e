# The fault matrix: every fault of a family, or those named, on five LUNs with one policy each; `make check-faults` runs it all.
# Arguments: checker=iscsi|alone|tur (iscsi), family=NAME, faults="NAME…" (default: two quick ones), seconds=N (no fault is begun
# later than that after the first). The table is scenarios/faults.table, the runner lib/faults.sh.
# lab: init=script timeout=2700
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash source=/dev/null

# /run is filled by one of the faults: what the lab keeps must not share it.
mkdir -p /run/lab/out
cp /run/lab/out/boot.dmesg /boot.dmesg 2> /dev/null || true
mount -t tmpfs lab /run/lab
mkdir -p /run/lab/out
[[ ! -f /boot.dmesg ]] || mv /boot.dmesg /run/lab/out/boot.dmesg

. /lab/lib/lab.sh
. /lab/lib/truth.sh
. /lab/lib/by-conf.sh
for lab_part in faults faults-watch faults-setup faults-net faults-target faults-access faults-lun faults-daemons faults-host; do
	. "$LAB/lib/$lab_part.sh"
done

checker=iscsi family='' faults='' seconds=0
for word in "$@"; do
	[[ $word =~ ^(checker|family|faults|seconds)=(.+)$ ]] || fail "bad argument \"$word\""
	printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
done
[[ -n $family$faults ]] || faults="tkill medium"
if [[ -z $family ]]; then
	# The faults named must be of one family, or of families with the same target.
	fault_row "${faults%% *}" "$checker" || fail "no fault \"${faults%% *}\" for checker $checker"
	family=$F_FAMILY
fi
[[ -n $faults ]] || faults=$(fault_names "$family" "$checker")
faults=${faults//$'\n'/ }

fault_target "$family"
fault_host "$checker"
FAULT_SOFT=1
trap - ERR # what fails from here on is told and gone on from
set +e
fault_wait 90 fault_quick_all || note "not all paths are quick: $(quick_why | grep -v 'quick$' | head -n 3)"
fault_base
say "faults: $faults"
now; faults_begin=$NOW_MS
for fault_name in $faults; do
	since "$faults_begin"
	if ((seconds > 0 && SINCE_MS > seconds * 1000)); then
		say "no time is left for $fault_name and what comes after it"
		break
	fi
	fault_cell "$fault_name" "$checker" # not in a condition
	if [[ -n $FAULT_OVER ]]; then
		say "the run ends here, at $fault_name"
		FAULT_CELLS=$((FAULT_CELLS + 1))
		break
	fi
done
FAULT_SOFT=''
set -e
fault_result
