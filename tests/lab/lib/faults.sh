# The fault matrix: five LUNs with one policy each under the same fault, so that a fault gives five cells. What a cell asks is in
# fault_cell; the faults are functions fault_begin_NAME, fault_proof_NAME, fault_during_NAME and fault_end_NAME in faults-FAMILY.sh,
# what is expected of them is in scenarios/faults.table. Sourced by the scenario "faults".
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # variables are for other files

FAULT_TABLE=$LAB/scenarios/faults.table
FAULT_POLICIES=(FOO RR RRWS WP LQD) # of LUN 1 to 5
FAULT_SETTLE_S=60                   # at most until the paths are as expected
FAULT_HOLD_S=6                      # a fault that must change nothing lasts so long
FAULT_HEAL_S=120                    # at most until all is as before
FAULT_LATE_MAX=2                    # late blocks of a LUN: each of the two threads had one write on its way
FAULT_IOS=40                        # that must be counted on every LUN meanwhile
FAULT_CELLS=0 FAULT_OK=0 FAULT_EXPLAINED=0 FAULT_ERRORS=0 FAULT_CORRUPT=0 FAULT_LATE=0
FAULT_SOFT='' # set: fail tells fault_wrong and returns
declare -a FAULT_WRONG=()

# What ends any other scenario is one wrong row here: the next fault is tried.
eval "fault_hard_$(declare -f fail)"
fail() {
	[[ -n $FAULT_SOFT ]] || fault_hard_fail "$@"
	fault_wrong "$*"
	return 1
}
# fault_wrong TEXT…: the fault's five cells are wrong. fault_wrong_lun LUN TEXT…: the cell of that LUN.
fault_wrong() { echo "0 $*" >> "$LAB_VAR/wrong"; }
fault_wrong_lun() { echo "$*" >> "$LAB_VAR/wrong"; }

# fault_step FUNCTION: every command of it that fails makes the fault's cells wrong, wherever in it it stands (but in a condition), and
# is gone on from. Only without errexit, and never behind || or in a condition itself: bash then looks at the last command alone.
fault_step() {
	FAULT_STEP=${1#fault_} FAULT_STEP_TOLD=''
	trap 'fault_step_failed $? "${BASH_SOURCE[0]}" $LINENO' ERR
	"$1"
	trap - ERR
}
# fault_step_failed STATUS FILE LINE
fault_step_failed() {
	[[ $BASHPID == "$$" ]] || return 0 # subshells: what they give back counts
	[[ ${FUNCNAME[1]} != fault_step || -z $FAULT_STEP_TOLD ]] || return 0
	FAULT_STEP_TOLD=1
	fault_wrong "$FAULT_STEP: status $1 of: $(sed -n "$3 { s/^[[:space:]]*//; p }" "$2")"
}

# fault_proof NAME: that the fault is really there; one of which nothing proves that is wrong.
fault_proof() {
	if declare -F "fault_proof_$1" > /dev/null; then
		fault_step "fault_proof_$1"
	else
		fault_wrong "nothing proves that the fault was there"
	fi
}

# fault_more NAME: sets MORE to what the table says behind NAME= , or nothing.
fault_more() {
	MORE=''
	[[ " $F_MORE " != *" $1="* ]] || { MORE=" $F_MORE"; MORE=${MORE##* "$1="}; MORE=${MORE%% *}; }
}
# fault_within: sets MORE to how many seconds an I/O may take: without a word of the table by the setting, the emulation included.
fault_within() {
	fault_more within
	[[ -n $MORE ]] || { if [[ $FAULT_SETTING == iscsi ]]; then MORE=15; else MORE=60; fi; }
}

# fault_row NAME SETTING: reads the fault's row of the table for a checker setting: F_FAMILY F_UP F_RESTARTS F_MORE F_WHY. Status 1:
# there is none.
fault_row() {
	local name settings
	while IFS='|' read -r name F_FAMILY settings F_UP F_RESTARTS F_MORE F_WHY; do
		[[ $name == "$1" && " $settings " == *" $2 "* ]] && return 0
	done < "$FAULT_TABLE"
	return 1
}

# fault_names FAMILY SETTING: the faults of the family that have a row for that setting, in the table's order.
fault_names() { awk -F'|' -v f="$1" -v s="$2" '$2 == f && (" " $3 " ") ~ (" " s " ") { print $1 }' "$FAULT_TABLE"; }

# fault_use LUN UP: the paths that the policy of the LUN uses when these are usable.
fault_use() {
	local up=$2
	[[ $up != - ]] || { echo -; return; }
	case $1 in
	1 | 4) echo "${up:0:1}" ;;
	2 | 5) echo "$up" ;;
	3)
		if [[ $up == *[AB]* ]]; then echo "${up//[CD]/}"; else echo "${up:0:1}"; fi
		;;
	esac
}

# fault_settled UP: whether dm has exactly these paths on every LUN, uses those of the policy, and nothing waits in a disk.
fault_settled() {
	local lun
	truth_look
	for lun in 1 2 3 4 5; do
		[[ ${TRUTH_SEEN[$lun.up]} == "$1" ]] || return 1
		[[ $1 == - || ${TRUTH_SEEN[$lun.used]} == "$(fault_use "$lun" "$1")" ]] || return 1
	done
	[[ $1 == - ]] || truth_none_waits
}

# fault_settled_any UP~UP…: one of them; FAULT_UP is which.
fault_settled_any() {
	local up
	for up in ${1//\~/ }; do
		FAULT_UP=$up
		! fault_settled "$up" || return 0
	done
	return 1
}

# fault_watch: waits until the fault has had its effect, then counts who carries the I/O. F_UP of the table: paths (A to D are the
# portals 1 to 4) that stay usable, alternatives with ~, "-" none, "any" not asked,
# "wait" I/O waits for the end; ABCD: no path may fail at all.
fault_watch() {
	local lun
	if [[ $F_UP == wait ]]; then
		FAULT_UP='wait'
		fault_wait $FAULT_SETTLE_S fault_waits && return 0
		for lun in 1 2 3 4 5; do fault_waits "$lun" || fault_wrong_lun "$lun" "no I/O waits"; done
		return 0
	fi
	if [[ $F_UP == any ]]; then
		pause $FAULT_HOLD_S
		fault_wait $FAULT_SETTLE_S loads_flow 1 2 3 4 5 || fault_wrong "I/O does not flow: $(fault_stuck)"
		FAULT_UP='any'
		return 0
	fi
	[[ $F_UP != *ABCD* ]] || pause $FAULT_HOLD_S
	if ! fault_wait $FAULT_SETTLE_S fault_settled_any "$F_UP"; then
		fault_wrong "paths: wanted $F_UP; dm has $(truth_seen up)and uses $(truth_seen used)"
		FAULT_UP=${F_UP%%\~*}
	fi
	if [[ $FAULT_UP == ABCD && $F_MORE != *fails* ]]; then
		(($(fault_failings) == 0)) || fault_wrong "$(fault_failings) paths were failed, none should be"
	fi
	if [[ $FAULT_UP == - ]]; then
		pause 3 # I/O waits, and is no error
		return 0
	fi
	fault_count
	for lun in 1 2 3 4 5; do
		[[ ${FAULT_USED[lun]} == "$(fault_use "$lun" "$FAULT_UP")" ]] ||
			fault_wrong_lun "$lun" "I/O went over ${FAULT_USED[lun]}, not $(fault_use "$lun" "$FAULT_UP"): ${FAULT_COUNTS[lun]}"
	done
}

# fault_cell NAME SETTING: the fault from a sound host to a sound host; prints its row. FAULT_OVER is set when no other can follow.
# Only without errexit, and never in a condition: see fault_step.
fault_cell() {
	local name=$1 begin broke healed
	FAULT_OVER=1
	fault_row "$name" "$2" || return
	FAULT_UP='' FAULT_USED=() FAULT_BY_HAND=''
	: > "$LAB_VAR/wrong"
	title "$name ($2)"
	fault_learn
	fault_loads_start
	dmesg > "$LAB_VAR/dmesg.before"
	say "load flows"
	now; begin=$NOW_MS
	fault_step "fault_begin_$name"
	fault_watch
	fault_proof "$name"
	if declare -F "fault_during_$name" > /dev/null; then fault_step "fault_during_$name"; fi
	since "$begin"; broke=$SINCE_MS
	say "the fault ends"
	fault_step "fault_end_$name"
	fault_more heal
	fault_wait "${MORE:-$FAULT_HEAL_S}" fault_recovered || fault_wrong "not as before: $FAULT_LACKS"
	since "$begin"; healed=$((SINCE_MS - broke))
	say "all as before"
	fault_loads_stop
	fault_leak_begin
	FAULT_LACKED=nothing
	if ! fault_wait 120 fault_no_leak; then
		fault_wrong "left behind: $FAULT_LEAK"
		fault_descriptors > "$LAB_OUT/descriptors.$name.txt"
		diff "$LAB_OUT/descriptors.txt" "$LAB_OUT/descriptors.$name.txt" | grep '^[<>]' | head -n 40 || true
	fi
	say "looked for what is left behind; more than before was last: $FAULT_LACKED"
	fault_usage "$name"
	fault_alive
	[[ -z $FAULT_BY_HAND || -n $F_WHY ]] || fault_wrong "put right by hand: $FAULT_BY_HAND"
	fault_report "$name" "$2" "$broke" "$healed"
	[[ $FAULT_VERDICT != wrong ]] || fault_rebuild || return
	mpathiscsi forgive all > /dev/null 2>&1 # for the next fault: no path is held out for this one
	FAULT_OVER=''
}

# fault_report NAME SETTING BROKE HEALED (ms): verdicts, counts and the row.
fault_report() {
	local lun line marks=() verdict state errors corrupt late
	fault_within
	FAULT_VERDICT=ok
	[[ -z $F_WHY ]] || FAULT_VERDICT=explained
	verdict=$FAULT_VERDICT
	for lun in 1 2 3 4 5; do
		errors=${FAULT_LOAD_ERRORS[lun]:-0} corrupt=${FAULT_LOAD_CORRUPT[lun]:-0} late=0
		if [[ $F_MORE == *latewrites* ]]; then
			late=${FAULT_LOAD_LATE[lun]:-0} corrupt=$((corrupt - ${FAULT_LOAD_LATE[lun]:-0}))
			((late <= FAULT_LATE_MAX)) || fault_wrong_lun "$lun" "$late late writes, at most $FAULT_LATE_MAX were on their way"
		fi
		[[ $MORE == - || -z ${FAULT_LONGEST[lun]:-} || ${FAULT_LONGEST[lun]%.*} -le $((MORE * 1000)) ]] ||
			fault_wrong_lun "$lun" "an I/O took ${FAULT_LONGEST[lun]} ms, more than $MORE s"
		((errors + corrupt == 0)) || fault_wrong_lun "$lun" "$errors I/O errors, $corrupt corrupt blocks"
		FAULT_ERRORS=$((FAULT_ERRORS + errors)) FAULT_CORRUPT=$((FAULT_CORRUPT + corrupt)) FAULT_LATE=$((FAULT_LATE + late))
		FAULT_CELLS=$((FAULT_CELLS + 1))
		state=$FAULT_VERDICT
		if grep -q "^[0$lun] " "$LAB_VAR/wrong"; then
			verdict=wrong state=wrong
			marks+=("${FAULT_USED[lun]:-.}!")
		else
			marks+=("${FAULT_USED[lun]:-.}")
			if [[ -n $F_WHY ]]; then FAULT_EXPLAINED=$((FAULT_EXPLAINED + 1)); else FAULT_OK=$((FAULT_OK + 1)); fi
		fi
		echo "CELL $1 $2 ${FAULT_POLICIES[lun - 1]} $state" \
			"used=${FAULT_USED[lun]:-.} errors=$errors corrupt=$corrupt late=$late longest_ms=${FAULT_LONGEST[lun]:-.}" "within_s=$MORE"
	done
	FAULT_VERDICT=$verdict
	line=$(printf '%-10s %-6s %-5s %-5s %-5s %-5s %-5s %-5s %-9s %3d+%-3d' "$1" "$2" "$FAULT_UP" "${marks[@]}" "$verdict" \
		$(($3 / 1000)) $(($4 / 1000)))
	echo "ROW $line"
	sed 's/^0 //; s/^\([1-5]\) /LUN \1: /; s/^/            /' "$LAB_VAR/wrong"
}

# fault_end_default: what most faults of portal 1 need.
fault_heal_all() { portal_heal 1 2 3 4; }

# fault_result
fault_result() {
	result faults "cells=$FAULT_CELLS" "ok=$FAULT_OK" "explained=$FAULT_EXPLAINED" "io_errors=$FAULT_ERRORS" "corrupt=$FAULT_CORRUPT" \
		"late_writes=$FAULT_LATE"
	assert_eq "cells that are right" "$FAULT_CELLS" "$((FAULT_OK + FAULT_EXPLAINED))"
	assert_eq "I/O errors, corrupt blocks" "0 0" "$FAULT_ERRORS $FAULT_CORRUPT"
}
